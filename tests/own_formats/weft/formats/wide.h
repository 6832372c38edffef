// Of the tests: codes of all of a byte, a zero and an offset.   w[i] = d * (code[i] - 128) + m
#ifndef WEFT_FORMATS_WIDE_H_
#define WEFT_FORMATS_WIDE_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/formats/format.h"

namespace weft {

struct BlockWide {
  f16 d, m;
  uint8_t q[32];
};

struct Wide {
  using Block = BlockWide;
  static constexpr DType kType = DType::kQ8_1;
  static constexpr size_t kGroup = 32;
  static constexpr int kZero = 128;
  static constexpr int kMaxCode = 255;
  static constexpr bool kHasOffset = true;
  static constexpr bool kIntegerFactors = false;

  static void Decode(const Block& block, Decoded<Wide>& out) {
    out.scale[0] = ToFloat(block.d);
    out.offset[0] = -ToFloat(block.m);
    for (size_t i = 0; i < 32; ++i) out.code[i] = block.q[i];
  }
};
static_assert(IsValidFormat<Wide>());

template <>
struct FormatOf<Wide::kType> {
  using type = Wide;
};
namespace formats {
using wide = Wide;
}

}  // namespace weft

#endif  // WEFT_FORMATS_WIDE_H_
