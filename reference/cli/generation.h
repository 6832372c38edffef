// Text from a model, as it is made.
#ifndef WEFT_REFERENCE_CLI_GENERATION_H_
#define WEFT_REFERENCE_CLI_GENERATION_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reference/base/result.h"
#include "reference/generation/generator.h"
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

// A client of a Generator, which it has for itself: prints the text on standard output, flushed after every token.
class Generation {
 public:
  // The arguments must outlive the object. `starts_text`: no text comes before the first token.
  Generation(const Tokenizer& tokenizer, Generator& generator, const std::vector<std::string>& stops, bool starts_text);

  // Processes the prompt (its progress is shown on stderr if that is a terminal), prints `prompt_text`, then the
  // answer, which ends as the request says, at the end of the text, at a stop string, or on Ctrl-C.
  Result<void> Run(const GenerationRequest& request, std::string_view prompt_text);
  const GenerationStatistics& statistics() const { return statistics_; }

 private:
  // Steps until the first token, or until Ctrl-C; null then.
  const GeneratedToken* ReadPrompt(GenerationId id);
  const GeneratedToken* Step();
  // Prints the token and those that follow it.
  Result<void> Continue(const GeneratedToken* token);
  Result<void> PrintToken(TokenId token);
  bool EndsText(TokenId token) const;
  std::string Text(TokenId token);

  const Tokenizer& tokenizer_;
  Generator& generator_;
  StopFilter stop_;
  Utf8Stream utf8_;
  bool starts_text_;
  GenerationStatistics statistics_;
};

}  // namespace weft::engine::cli

#endif  // WEFT_REFERENCE_CLI_GENERATION_H_
