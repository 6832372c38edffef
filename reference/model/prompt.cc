#include "reference/model/prompt.h"

#include <algorithm>
#include <string>

namespace weft::engine {

Result<std::span<const float>> FeedPrompt(Transformer& transformer, Sequence& sequence,
                                          std::span<const uint32_t> tokens,
                                          const std::function<bool(size_t done)>& progress) {
  if (tokens.empty()) return Error{ErrorKind::kBadArgument, "there are no tokens to feed"};
  const size_t room = sequence.context() - sequence.length();
  if (tokens.size() > room) {
    return Error{ErrorKind::kBadArgument, std::to_string(tokens.size()) +
                                              " tokens do not fit in the context, which has room for " +
                                              std::to_string(room) + " more"};
  }
  size_t done = 0;
  for (;;) {
    const size_t count = std::min(tokens.size() - done, transformer.max_batch());
    const BatchItem item{.sequence = &sequence, .tokens = tokens.subspan(done, count), .phase = Phase::kPrefill};
    Result<std::span<const float>> logits = transformer.Forward({&item, 1});
    if (!logits.ok()) return logits;
    done += count;
    if (progress && !progress(done)) return std::span<const float>();
    if (done == tokens.size()) return logits;
  }
}

}  // namespace weft::engine
