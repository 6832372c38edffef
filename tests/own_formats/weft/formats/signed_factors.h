// Of the tests: integer scales and offsets with signs, for groups of 64, and a zero besides.
//   w = (d * scale[g]) * (code - 4) - dmin * offset[g]
#ifndef WEFT_FORMATS_SIGNED_FACTORS_H_
#define WEFT_FORMATS_SIGNED_FACTORS_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/formats/format.h"

namespace weft {

struct BlockSignedFactors {
  f16 d, dmin;
  int8_t scale[4], offset[4];
  uint8_t bits[96];  // three bits per code, end to end
  uint8_t unused[2];
};

struct SignedFactors {
  using Block = BlockSignedFactors;
  static constexpr DType kType = DType::kQ3_K;
  static constexpr size_t kGroup = 64;
  static constexpr int kZero = 4;
  static constexpr int kMaxCode = 7;
  static constexpr bool kHasOffset = true;
  static constexpr bool kIntegerFactors = true;

  static uint8_t CodeAt(const Block& block, size_t i) {
    const size_t bit = 3 * i, byte = bit / 8;
    const unsigned two = block.bits[byte] | (byte + 1 < 96 ? block.bits[byte + 1] : 0u) << 8;
    return static_cast<uint8_t>(two >> bit % 8 & 7);
  }
  static void Decode(const Block& block, Decoded<SignedFactors>& out) {
    for (size_t g = 0; g < 4; ++g) {
      out.scale[g] = ToFloat(block.d) * static_cast<float>(block.scale[g]);
      out.offset[g] = ToFloat(block.dmin) * static_cast<float>(block.offset[g]);
    }
    for (size_t i = 0; i < 256; ++i) out.code[i] = CodeAt(block, i);
  }
};
static_assert(IsValidFormat<SignedFactors>());

template <>
struct FormatOf<SignedFactors::kType> {
  using type = SignedFactors;
};
namespace formats {
using signed_factors = SignedFactors;
}

}  // namespace weft

#endif  // WEFT_FORMATS_SIGNED_FACTORS_H_
