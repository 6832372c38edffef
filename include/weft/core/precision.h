// How finely activations are rounded before they meet quantised weights.
#ifndef WEFT_CORE_PRECISION_H_
#define WEFT_CORE_PRECISION_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/config.h"

namespace weft {

// How many activations share a scale when they are rounded for quantised weights: as many as in other engines, or
// fewer, which is nearer to the exact product (docs/numerics.md has figures).
//                                      kFast   kFine
//   blocks of 256 elements (K-quants)     256      32
//   smaller blocks                         32      16
// BF16 weights meet activations in bf16 where the target has a dot of bf16 pairs and the precision is kFast, else in
// float.
enum class Precision : uint8_t { kFast, kFine };
inline constexpr size_t kPrecisions = 2;

}  // namespace weft

#endif  // WEFT_CORE_PRECISION_H_
