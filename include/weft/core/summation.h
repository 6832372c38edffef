// How sums may be ordered.
#ifndef WEFT_CORE_SUMMATION_H_
#define WEFT_CORE_SUMMATION_H_

#include <stdint.h>

#include "weft/core/config.h"

namespace weft {

// In which order the terms of a product, or of attention, are added. Results are the same bits for any number of
// threads; under kFastest they depend on the number of tokens through two classes only: up to 8 and more in a product,
// fewer than 8 of a sequence and more in attention.
enum class Summation : uint8_t {
  kFastest,
  kUniform,  // a token's result is the same bits whatever the number of tokens beside it; see Phase
};

// Which way kUniform takes for a product: by the caller's word, not by the number of tokens, so that a prompt has the
// same bits whether it comes in one batch or in pieces, and a token that is decoded has the same whatever is decoded
// beside it. kPrefill is meant for many tokens and is slow for a few, kDecode the reverse. The two differ in their last
// bits.
enum class Phase : uint8_t { kDecode, kPrefill };

}  // namespace weft

#endif  // WEFT_CORE_SUMMATION_H_
