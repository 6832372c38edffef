// A file mapped into memory, read-only.
#ifndef WEFT_REFERENCE_GGUF_MAPPED_FILE_H_
#define WEFT_REFERENCE_GGUF_MAPPED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "reference/base/result.h"

namespace weft::engine {

// Owns the mapping; move-only. The file must not shrink while it is mapped.
class MappedFile {
 public:
  static Result<MappedFile> Open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const uint8_t> bytes() const { return {data_, size_}; }

 private:
  MappedFile() = default;
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_GGUF_MAPPED_FILE_H_
