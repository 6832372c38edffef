// F32: single precision; exact.
#ifndef WEFT_FORMATS_F32_H_
#define WEFT_FORMATS_F32_H_

#include <string.h>

#include "weft/formats/format.h"

namespace weft {

// IEEE 754 binary32, as bytes.
struct BlockF32 {
  uint8_t bytes[4];
};

struct F32 {
  using Block = BlockF32;
  static constexpr DType kType = DType::kF32;
  static constexpr size_t kGroup = 1;

  static float Decode(Block b) {
    float x;
    memcpy(&x, b.bytes, sizeof(x));
    return x;
  }
  static Block Encode(float x) {
    Block b;
    memcpy(b.bytes, &x, sizeof(x));
    return b;
  }
};
static_assert(IsValidFormat<F32>());

template <>
struct FormatOf<DType::kF32> {
  using type = F32;
};
namespace formats {
using f32 = F32;
}

}  // namespace weft

#endif  // WEFT_FORMATS_F32_H_
