#include "reference/cli/session.h"

#include <utility>

#include "reference/models/built_in.h"

namespace weft::engine::cli {

Result<ModelFile> ModelFile::Open(const std::string& path) {
  std::optional<MappedFile> mapped;
  if (!path.empty()) {
    auto opened = MappedFile::Open(path);
    if (!opened.ok()) return opened.error();
    mapped = *std::move(opened);
  }
  const std::span<const uint8_t> bytes = mapped ? mapped->bytes() : BuiltInModel();
  auto gguf = Gguf::Parse(bytes, mapped ? path : "built-in model");
  if (!gguf.ok()) return gguf.error();
  return ModelFile{std::move(mapped), bytes, *std::move(gguf)};
}

Result<std::unique_ptr<Tokenizer>> RequireTokenizer(const Gguf& file) {
  auto tokenizer = Tokenizer::Load(file);
  if (tokenizer.ok() && *tokenizer == nullptr) {
    return file.ErrorAt("the file has no tokenizer ('weft logits' runs such models on token ids)");
  }
  return tokenizer;
}

Result<std::unique_ptr<Session>> Session::Open(const std::string& path, size_t threads) {
  auto file = ModelFile::Open(path);
  if (!file.ok()) return file.error();
  auto model = LoadModel(file->gguf);
  if (!model.ok()) return model.error();
  return std::unique_ptr<Session>(new Session{*std::move(file), *std::move(model), ThreadPool(threads)});
}

}  // namespace weft::engine::cli
