// Of the tests: a group of 128, wider than that of the activations.   w[i] = d * (code[i] - 1), code[i] = 2 * bit
#ifndef WEFT_FORMATS_BITS128_H_
#define WEFT_FORMATS_BITS128_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/formats/format.h"

namespace weft {

struct BlockBits128 {
  f16 d;
  uint8_t bits[16];
};

struct Bits128 {
  using Block = BlockBits128;
  static constexpr DType kType = DType::kQ1_0;
  static constexpr size_t kGroup = 128;
  static constexpr int kZero = 1;
  static constexpr int kMaxCode = 2;
  static constexpr bool kHasOffset = false;
  static constexpr bool kIntegerFactors = false;

  static void Decode(const Block& block, Decoded<Bits128>& out) {
    out.scale[0] = ToFloat(block.d);
    out.offset[0] = 0.0f;
    for (size_t i = 0; i < 128; ++i) out.code[i] = static_cast<uint8_t>((block.bits[i / 8] >> i % 8 & 1) * 2);
  }
};
static_assert(IsValidFormat<Bits128>());

template <>
struct FormatOf<Bits128::kType> {
  using type = Bits128;
};
namespace formats {
using bits128 = Bits128;
}

}  // namespace weft

#endif  // WEFT_FORMATS_BITS128_H_
