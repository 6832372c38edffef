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

}  // namespace weft::engine
