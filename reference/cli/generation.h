// Text from a model, as it is made.
#ifndef WEFT_REFERENCE_CLI_GENERATION_H_
#define WEFT_REFERENCE_CLI_GENERATION_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reference/base/result.h"
#include "reference/cli/session.h"
#include "reference/model/transformer.h"
#include "reference/sampling/sampler.h"
#include "reference/text/stop_filter.h"
#include "reference/text/tokenizer.h"

namespace weft::engine::cli {

// What generation did and how long it took.
struct GenerationStatistics {
  size_t prompt_tokens = 0;
  double prompt_seconds = 0;
  size_t generated = 0;           // tokens
  size_t generation_passes = 0;   // forward passes; the first token comes from the prompt's
  double generation_seconds = 0;  // of these passes and everything between them
  bool context_full = false;
};

// Continues a sequence of tokens and prints the text on standard output, flushed after every token.
class Generation {
 public:
  // The arguments must outlive the object. `starts_text`: no text comes before the first token.
  Generation(const Tokenizer& tokenizer, Transformer& transformer, Sequence& sequence, Sampler& sampler,
             const std::vector<std::string>& stops, bool starts_text);

  // Processes the prompt (at least one token; its progress is shown on stderr if that is a terminal), prints
  // `prompt_text`, then generates up to `count` tokens. Ends early at the end of the text, at a stop string, when the
  // context is full, or on Ctrl-C.
  Result<void> Run(const std::vector<TokenId>& prompt, std::string_view prompt_text, size_t count);
  const GenerationStatistics& statistics() const { return statistics_; }

 private:
  Result<std::span<const float>> Feed(const std::vector<TokenId>& prompt);
  Result<void> Continue(std::span<const float> logits, size_t count);
  bool EndsText(TokenId token) const;
  std::string Text(TokenId token);

  const Tokenizer& tokenizer_;
  Transformer& transformer_;
  Sequence& sequence_;
  Sampler& sampler_;
  StopFilter stop_;
  Utf8Stream utf8_;
  bool starts_text_;
  GenerationStatistics statistics_;
};

}  // namespace weft::engine::cli

#endif  // WEFT_REFERENCE_CLI_GENERATION_H_
