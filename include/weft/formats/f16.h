// F16: IEEE 754 half precision. Multiplied with float activations: never accumulated in half.
#ifndef WEFT_FORMATS_F16_H_
#define WEFT_FORMATS_F16_H_

#include "weft/formats/format.h"

namespace weft {

struct F16 {
  using Block = f16;
  static constexpr DType kType = DType::kF16;
  static constexpr size_t kGroup = 1;

  static float Decode(Block b) { return ToFloat(b); }
  static Block Encode(float x) { return ToF16(x); }
};
static_assert(IsValidFormat<F16>());

template <>
struct FormatOf<DType::kF16> {
  using type = F16;
};
namespace formats {
using f16 = F16;
}

}  // namespace weft

#endif  // WEFT_FORMATS_F16_H_
