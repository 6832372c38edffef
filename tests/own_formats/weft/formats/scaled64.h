// Of the tests: integer scales in a block of 64.   w = (d * scale[g]) * (code - 8)
#ifndef WEFT_FORMATS_SCALED64_H_
#define WEFT_FORMATS_SCALED64_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/formats/format.h"

namespace weft {

struct BlockScaled64 {
  f16 d;
  int8_t scale[2];
  uint8_t q[32];  // element 2 i in the low nibble of q[i], 2 i + 1 in the high one
};

struct Scaled64 {
  using Block = BlockScaled64;
  static constexpr DType kType = DType::kNVFP4;
  static constexpr size_t kGroup = 32;
  static constexpr int kZero = 8;
  static constexpr int kMaxCode = 15;
  static constexpr bool kHasOffset = false;
  static constexpr bool kIntegerFactors = true;

  static uint8_t CodeAt(const Block& block, size_t i) {
    return static_cast<uint8_t>(i % 2 == 0 ? block.q[i / 2] & 15 : block.q[i / 2] >> 4);
  }
  static void Decode(const Block& block, Decoded<Scaled64>& out) {
    for (size_t g = 0; g < 2; ++g) {
      out.scale[g] = ToFloat(block.d) * static_cast<float>(block.scale[g]);
      out.offset[g] = 0.0f;
    }
    for (size_t i = 0; i < 64; ++i) out.code[i] = CodeAt(block, i);
  }
};
static_assert(IsValidFormat<Scaled64>());

template <>
struct FormatOf<Scaled64::kType> {
  using type = Scaled64;
};
namespace formats {
using scaled64 = Scaled64;
}

}  // namespace weft

#endif  // WEFT_FORMATS_SCALED64_H_
