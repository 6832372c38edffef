// Long inputs in pieces.
#ifndef WEFT_REFERENCE_MODEL_PROMPT_H_
#define WEFT_REFERENCE_MODEL_PROMPT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "reference/base/result.h"
#include "reference/model/transformer.h"

namespace weft::engine {

// Feeds any number of tokens to a sequence in batches of transformer.max_batch() and returns the logits of the last
// one. `progress`, if given, is told after every batch how many tokens are done; when it returns false, the rest is
// left out and the result is empty. Errors: those of Forward; a full context is noticed before anything is fed.
Result<std::span<const float>> FeedPrompt(Transformer& transformer, Sequence& sequence,
                                          std::span<const uint32_t> tokens,
                                          const std::function<bool(size_t done)>& progress = {});

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_PROMPT_H_
