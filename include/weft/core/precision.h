// How finely activations are rounded before they meet quantised weights.
#ifndef WEFT_CORE_PRECISION_H_
#define WEFT_CORE_PRECISION_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/config.h"

namespace weft {

// What a product with blocks of 256 elements (the K-quants) rounds its activations to: a scale per 256 of them, as
// other engines do, or one per 32, which is half as far from the exact product. Other quantised weights have a scale
// per 32 either way. BF16 weights meet activations in bf16 where the target has a dot of bf16 pairs and the precision
// is kFast, else in float.
enum class Precision : uint8_t { kFast, kFine };
inline constexpr size_t kPrecisions = 2;

}  // namespace weft

#endif  // WEFT_CORE_PRECISION_H_
