// BF16: the upper half of a float. Multiplied with activations rounded to bf16, accumulated in float.
#ifndef WEFT_FORMATS_BF16_H_
#define WEFT_FORMATS_BF16_H_

#include "weft/formats/format.h"

namespace weft {

struct BF16 {
  using Block = bf16;
  static constexpr DType kType = DType::kBF16;
  static constexpr size_t kGroup = 1;

  static float Decode(Block b) { return ToFloat(b); }
  static Block Encode(float x) { return ToBF16(x); }
};
static_assert(IsValidFormat<BF16>());

template <>
struct FormatOf<DType::kBF16> {
  using type = BF16;
};
namespace formats {
using bf16 = BF16;
}

}  // namespace weft

#endif  // WEFT_FORMATS_BF16_H_
