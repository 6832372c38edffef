#include "reference/cli/session.h"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "reference/cli/fatal_signals.h"
#include "reference/model/file_role.h"
#include "reference/models/built_in.h"

namespace weft::engine::cli {

Result<ModelFile> ModelFile::Open(const std::string& path) {
  std::optional<MappedFile> mapped;
  if (!path.empty()) {
    auto opened = MappedFile::Open(path);
    if (!opened.ok()) return opened.error();
    mapped = *std::move(opened);
    WatchMapping(mapped->bytes(), path);
  }
  const std::span<const uint8_t> bytes = mapped ? mapped->bytes() : BuiltInModel();
  auto gguf = Gguf::Parse(bytes, mapped ? path : "built-in model");
  if (!gguf.ok()) return gguf.error();
  return ModelFile{std::move(mapped), bytes, *std::move(gguf)};
}

Result<std::unique_ptr<Tokenizer>> RequireTokenizer(const Gguf& file) {
  auto tokenizer = Tokenizer::Load(file);
  if (tokenizer.ok() && *tokenizer == nullptr) {
    if (Result<void> model = CheckIsModel(file); !model.ok()) return model.error();
    return file.ErrorAt(ErrorKind::kBadFile, "the file has no tokenizer ('weft logits' runs such models on token ids)");
  }
  return tokenizer;
}

void NoteContext(size_t needed, const ModelConfig& config) {
  if (needed <= config.context) return;
  fmt::print(stderr, "weft: note: a context of {} is more than the {} tokens the model was trained for\n", needed,
             config.context);
}

void NoteThreads(size_t wanted, size_t running) {
  if (wanted > running) fmt::print(stderr, "weft: note: {} threads are too many, {} run\n", wanted, running);
}

Result<std::unique_ptr<Session>> Session::Open(const std::string& path, size_t threads) {
  auto file = ModelFile::Open(path);
  if (!file.ok()) return file.error();
  auto model = LoadModel(file->gguf);
  if (!model.ok()) return model.error();
  auto session = std::unique_ptr<Session>(new Session{*std::move(file), *std::move(model), ThreadPool(threads)});
  NoteThreads(threads, session->pool.threads());
  return session;
}

}  // namespace weft::engine::cli
