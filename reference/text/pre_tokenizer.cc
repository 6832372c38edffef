#define PCRE2_CODE_UNIT_WIDTH 8
#include "reference/text/pre_tokenizer.h"

#include <pcre2.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>

#include "reference/text/utf8.h"

namespace weft::engine {
namespace {

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|[\s]+(?![^\s])|[\s]+)";
// Every digit first becomes a word; the pattern of GPT-2 cuts what is between them, and for it the text ends there.
constexpr std::string_view kDigits =
    R"(\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|[\s]+(?![^\s\p{N}])|[\s]+)";
constexpr std::string_view kLlama3 =
    R"('(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|[\s]*[\r\n]+|[\s]+(?![^\s])|[\s]+)";
constexpr std::string_view kQwen2 =
    R"('(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|[\s]*[\r\n]+|[\s]+(?![^\s])|[\s]+)";

constexpr PreTokenizerKind kKinds[] = {
    {"gpt-2", kGpt2, false, false},    {"phi-2", kGpt2, false, false},
    {"olmo", kGpt2, false, false},     {"llama-bpe", kLlama3, true, true},
    {"llama3", kLlama3, true, true},   {"llama-v3", kLlama3, true, true},
    {"qwen2", kQwen2, false, false},   {"deepseek-r1-qwen", kQwen2, false, false},
    {"refact", kDigits, false, false}, {"starcoder", kDigits, false, false},
    {"smollm", kDigits, false, false},
};

// PCRE2's \s has one character more than Unicode's White_Space: U+180E, which stands inside Mongolian words.
std::string WithUnicodeSpaces(std::string_view pattern) {
  constexpr std::string_view kFrom = R"(\s)", kTo = R"(\p{Z}\t-\r\x{85})";
  std::string result(pattern);
  for (size_t at = 0; (at = result.find(kFrom, at)) != std::string::npos; at += kTo.size()) {
    result.replace(at, kFrom.size(), kTo);
  }
  return result;
}

}  // namespace

const PreTokenizerKind* FindPreTokenizer(std::string_view name) {
  const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& k) { return k.name == name; });
  return kind == std::end(kKinds) ? nullptr : kind;
}

std::string KnownPreTokenizers() {
  std::string names;
  for (const PreTokenizerKind& kind : kKinds) names += (names.empty() ? "" : ", ") + std::string(kind.name);
  return names;
}

void PreTokenizer::CodeDeleter::operator()(pcre2_code* code) const { pcre2_code_free(code); }
void PreTokenizer::ContextDeleter::operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
void PreTokenizer::Words::DataDeleter::operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }

Result<PreTokenizer> PreTokenizer::Compile(std::string_view pattern) {
  const std::string source = WithUnicodeSpaces(pattern);
  int code = 0;
  PCRE2_SIZE offset = 0;
  PreTokenizer result;
  result.code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(), PCRE2_UTF | PCRE2_UCP,
                                   &code, &offset, nullptr));
  if (result.code_ == nullptr) {
    PCRE2_UCHAR message[256] = {};
    pcre2_get_error_message(code, message, sizeof(message));
    return Error{ErrorKind::kUnsupported, "PCRE2 refuses the pattern " + source + " at " + std::to_string(offset) +
                                              ": " + reinterpret_cast<const char*>(message)};
  }
  pcre2_jit_compile(result.code_.get(), PCRE2_JIT_COMPLETE);  // where it is not available, matching is slower
  result.context_.reset(pcre2_match_context_create(nullptr));
  if (result.context_ == nullptr) throw std::bad_alloc();
  // The patterns need no protection: none of them backtracks more than once over a text.
  pcre2_set_match_limit(result.context_.get(), UINT32_MAX);
  return result;
}

PreTokenizer::Words::Words(const PreTokenizer& pre_tokenizer, std::string_view text)
    : pre_tokenizer_(pre_tokenizer), text_(text), data_(pcre2_match_data_create(1, nullptr)) {
  if (data_ == nullptr) throw std::bad_alloc();
}

bool PreTokenizer::Words::Next(std::string_view* word) {
  if (at_ == text_.size()) return false;
  const size_t begin = at_;
  if (at_ == run_end_) FindValidRun();
  if (at_ == run_end_) {
    while (at_ < text_.size() && ValidUtf8Length(text_.substr(at_, 4)) == 0) ++at_;
    run_end_ = at_;
  } else {
    if (at_ >= match_end_) Match();
    at_ = at_ < match_begin_ ? match_begin_ : match_end_;
  }
  *word = text_.substr(begin, at_ - begin);
  return true;
}

// PCRE2 could check this itself, but not in all versions without reading the rest of the text for every match.
void PreTokenizer::Words::FindValidRun() {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  for (;;) {
    uint64_t eight = kHighBits;
    if (text_.size() - run_end_ >= sizeof(eight)) std::memcpy(&eight, text_.data() + run_end_, sizeof(eight));
    const size_t length = (eight & kHighBits) == 0 ? sizeof(eight) : ValidUtf8Length(text_.substr(run_end_, 4));
    if (length == 0) return;
    run_end_ += length;
  }
}

void PreTokenizer::Words::Match() {
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text_.data() + at_);
  const auto match = [&](uint32_t options) {
    return pcre2_match(pre_tokenizer_.code_.get(), subject, run_end_ - at_, 0, PCRE2_NO_UTF_CHECK | options,
                       data_.get(), pre_tokenizer_.context_.get());
  };
  int status = match(0);
  if (status < 0 && status != PCRE2_ERROR_NOMATCH) status = match(PCRE2_NO_JIT);  // its stack was too small
  if (status < 0) {
    match_begin_ = match_end_ = run_end_;
    return;
  }
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data_.get());
  match_begin_ = at_ + ends[0];
  match_end_ = std::max(at_ + ends[1], at_ + 1);
}

}  // namespace weft::engine
