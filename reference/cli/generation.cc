#include "reference/cli/generation.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "reference/cli/files.h"
#include "reference/cli/interrupt.h"
#include "reference/model/prompt.h"

namespace weft::engine::cli {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

Generation::Generation(const Tokenizer& tokenizer, Transformer& transformer, Sequence& sequence, Sampler& sampler,
                       const std::vector<std::string>& stops, bool starts_text)
    : tokenizer_(tokenizer),
      transformer_(transformer),
      sequence_(sequence),
      sampler_(sampler),
      stop_(stops),
      starts_text_(starts_text) {}

Result<void> Generation::Run(const std::vector<TokenId>& prompt, std::string_view prompt_text, size_t count) {
  auto start = Clock::now();
  const auto logits = Feed(prompt);
  statistics_.prompt_seconds = SecondsSince(start);
  if (!logits.ok()) return logits.error();
  statistics_.prompt_tokens = sequence_.length();
  for (const TokenId token : prompt) sampler_.Accept(token);

  if (auto printed = Print(prompt_text); !printed.ok()) return printed;
  start = Clock::now();
  if (!Interrupted()) {
    if (auto continued = Continue(*logits, count); !continued.ok()) return continued;
  }
  statistics_.generation_seconds = SecondsSince(start);
  return Print(utf8_.Push(stop_.Flush()) + utf8_.Flush() + "\n");
}

// The logits of the prompt's last token; empty after Ctrl-C.
Result<std::span<const float>> Generation::Feed(const std::vector<TokenId>& prompt) {
  const bool shows = isatty(STDERR_FILENO) && prompt.size() > transformer_.max_batch();
  auto logits = FeedPrompt(transformer_, sequence_, prompt, [&](size_t done) {
    if (shows) std::fprintf(stderr, "\rprompt: %zu %%", 100 * done / prompt.size());
    return !Interrupted();
  });
  if (shows) std::fprintf(stderr, "\r%14s\r", "");
  return logits;
}

Result<void> Generation::Continue(std::span<const float> logits, size_t count) {
  while (statistics_.generated < count && !stop_.stopped() && !Interrupted()) {
    const TokenId token = sampler_.Sample(logits);
    if (EndsText(token)) break;
    ++statistics_.generated;
    const std::string text = Text(token);
    if (auto printed = Print(utf8_.Push(stop_.Push(text))); !printed.ok()) return printed;
    if (statistics_.generated == count || stop_.stopped()) break;
    if (sequence_.length() == sequence_.context()) {
      statistics_.context_full = true;
      break;
    }
    const BatchItem item{.sequence = &sequence_, .tokens = {&token, 1}};
    const auto next = transformer_.Forward({&item, 1});
    if (!next.ok()) return next.error();
    ++statistics_.generation_passes;
    logits = *next;
  }
  return {};
}

// Models trained on texts one after another mark the end of one by the beginning of the next.
bool Generation::EndsText(TokenId token) const { return tokenizer_.IsEndOfText(token) || token == tokenizer_.bos(); }

std::string Generation::Text(TokenId token) {
  const bool is_text = !tokenizer_.Piece(token, /*first=*/false).empty();
  std::string piece = tokenizer_.Piece(token, starts_text_);
  if (is_text) starts_text_ = false;
  return piece;
}

}  // namespace weft::engine::cli
