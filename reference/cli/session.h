// Loading, for all commands.
#ifndef WEFT_REFERENCE_CLI_SESSION_H_
#define WEFT_REFERENCE_CLI_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "reference/base/result.h"
#include "reference/base/thread_pool.h"
#include "reference/gguf/gguf.h"
#include "reference/gguf/mapped_file.h"
#include "reference/model/model.h"
#include "reference/text/tokenizer.h"

namespace weft::engine::cli {

// The tokens of a prompt that are fed at once.
inline constexpr size_t kPromptBatch = 512;

// What keys and values of generated text are kept in: half of F32's memory and reading, at no loss that could be
// measured (docs/numerics.md).
inline constexpr DType kUsualKvType = DType::kF16;

// A GGUF file where it is mapped, or the built-in one.
struct ModelFile {
  std::optional<MappedFile> mapped;
  std::span<const uint8_t> bytes;
  Gguf gguf;  // its name is the path, or "built-in model"

  // An empty path stands for the built-in model.
  static Result<ModelFile> Open(const std::string& path);
};

// The file's tokenizer; an error where it has none.
Result<std::unique_ptr<Tokenizer>> RequireTokenizer(const Gguf& file);

// Notes on stderr, where they apply: that `needed` positions are more than the model was trained for, and that a pool
// is smaller than the `wanted` threads (0: any).
void NoteContext(size_t needed, const ModelConfig& config);
void NoteThreads(size_t wanted, size_t running);

// A model that is ready to run, and the threads to run it on.
struct Session {
  ModelFile file;
  Model model;
  ThreadPool pool;

  // `threads`: 0: one per usable core.
  static Result<std::unique_ptr<Session>> Open(const std::string& path, size_t threads);
};

}  // namespace weft::engine::cli

#endif  // WEFT_REFERENCE_CLI_SESSION_H_
