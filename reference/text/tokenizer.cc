#include "reference/text/tokenizer.h"

#include <string>

#include "reference/gguf/printable.h"
#include "reference/text/bpe_tokenizer.h"
#include "reference/text/spm_tokenizer.h"

namespace weft::engine {
namespace {

struct Kind {
  std::string_view name;  // the value of `tokenizer.ggml.model`
  Result<std::unique_ptr<Tokenizer>> (*load)(const Gguf& file);
};

constexpr Kind kKinds[] = {
    {"llama", SpmTokenizer::Load},
    {"gpt2", BpeTokenizer::Load},
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> Tokenizer::Load(const Gguf& file) {
  const auto model = file.GetStringOr("tokenizer.ggml.model", "no_vocab");
  if (!model.ok()) return model.error();
  if (*model == "no_vocab") return std::unique_ptr<Tokenizer>();
  std::string known;
  for (const Kind& kind : kKinds) {
    if (kind.name == *model) return kind.load(file);
    known += (known.empty() ? "" : ", ") + std::string(kind.name);
  }
  return file.ErrorAt(ErrorKind::kUnsupported,
                      "tokenizer.ggml.model is '" + Printable(*model) + "'; known are: " + known);
}

std::vector<TokenId> Tokenizer::Encode(std::span<const TextSegment> segments) const {
  std::string joined;  // of more than one segment
  std::vector<TextRun> runs;
  size_t end = 0;
  for (const TextSegment& segment : segments) {
    if (segments.size() > 1) joined += segment.text;
    if (segment.text.empty()) continue;  // it separates nothing
    end += segment.text.size();
    if (runs.empty() || runs.back().parse_special != segment.parse_special) runs.push_back({0, segment.parse_special});
    runs.back().end = end;
  }
  const std::string_view text = segments.size() == 1 ? segments[0].text : joined;
  return EncodeFragments(matcher_.Split(text, runs), text.size());
}

}  // namespace weft::engine
