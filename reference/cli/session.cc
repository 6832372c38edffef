#include "reference/cli/session.h"

#include <utility>

namespace weft::engine::cli {

Result<ModelFile> ModelFile::Open(const std::string& path) {
  auto mapped = MappedFile::Open(path);
  if (!mapped.ok()) return mapped.error();
  auto gguf = Gguf::Parse(mapped->bytes(), path);
  if (!gguf.ok()) return gguf.error();
  return ModelFile{*std::move(mapped), *std::move(gguf)};
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
