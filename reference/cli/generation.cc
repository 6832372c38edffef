#include "reference/cli/generation.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "reference/cli/files.h"
#include "reference/cli/interrupt.h"

namespace weft::engine::cli {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

Generation::Generation(const Tokenizer& tokenizer, Generator& generator, const std::vector<std::string>& stops,
                       bool starts_text)
    : tokenizer_(tokenizer), generator_(generator), stop_(stops), starts_text_(starts_text) {}

Result<void> Generation::Run(const GenerationRequest& request, std::string_view prompt_text) {
  GenerationRequest text = request;
  text.ends_text = [this](TokenId token) { return EndsText(token); };
  auto start = Clock::now();
  const auto id = generator_.Add(text);
  if (!id.ok()) return id.error();
  const GeneratedToken* const first = ReadPrompt(*id);
  statistics_.prompt_seconds = SecondsSince(start);
  statistics_.prompt_tokens = std::min(generator_.Find(*id)->read, request.prompt.size());
  if (const auto& error = generator_.Find(*id)->error) return *error;

  if (auto printed = Print(prompt_text); !printed.ok()) return printed;
  start = Clock::now();
  if (auto continued = Continue(first); !continued.ok()) return continued;
  statistics_.generation_seconds = SecondsSince(start);
  return Print(utf8_.Push(stop_.Flush()) + utf8_.Flush() + "\n");
}

const GeneratedToken* Generation::ReadPrompt(GenerationId id) {
  const GenerationInfo info = *generator_.Find(id);
  bool shows = false;
  const GeneratedToken* first = nullptr;
  while (first == nullptr && !Interrupted()) {
    first = Step();
    const size_t done = generator_.Find(id)->read;
    shows = isatty(STDERR_FILENO) && (shows || done < info.prompt_tokens);
    if (shows) std::fprintf(stderr, "\rprompt: %zu %%", 100 * done / info.prompt_tokens);
  }
  if (shows) std::fprintf(stderr, "\r%14s\r", "");
  return first;
}

const GeneratedToken* Generation::Step() {
  const std::span<const GeneratedToken> tokens = generator_.Step();
  return tokens.empty() ? nullptr : &tokens.front();
}

Result<void> Generation::Continue(const GeneratedToken* token) {
  while (token != nullptr && !Interrupted()) {
    if (const auto& error = generator_.Find(token->id)->error) return *error;
    if (token->state == GenerationState::kEndOfText || !token->token) break;
    if (auto printed = PrintToken(*token->token); !printed.ok()) return printed;
    if (stop_.stopped()) break;
    statistics_.context_full = token->state == GenerationState::kContextFull;
    if (HasEnded(token->state)) break;
    token = Step();
    ++statistics_.generation_passes;
  }
  return {};
}

Result<void> Generation::PrintToken(TokenId token) {
  ++statistics_.generated;
  return Print(utf8_.Push(stop_.Push(Text(token))));
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
