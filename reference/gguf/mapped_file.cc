#include "reference/gguf/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <utility>

#include "reference/base/status_error.h"

namespace weft::engine {
namespace {

// Closes the descriptor on every way out; a mapping does not need it any more.
struct Descriptor {
  int id;
  ~Descriptor() {
    if (id >= 0) close(id);
  }
};

}  // namespace

Result<MappedFile> MappedFile::Open(const std::string& path) {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer.
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.id < 0) return SystemError(path, "cannot open", errno);
  struct stat info;
  if (fstat(file.id, &info) != 0) return SystemError(path, "cannot read its size", errno);
  if (S_ISDIR(info.st_mode)) return Error{ErrorKind::kBadFile, path + ": is a folder, not a file"};
  if (!S_ISREG(info.st_mode))
    return Error{ErrorKind::kBadFile, path + ": is not a regular file, so it cannot be mapped"};
  if (info.st_size == 0) return Error{ErrorKind::kBadFile, path + ": is empty"};
  if (static_cast<uint64_t>(info.st_size) > std::numeric_limits<size_t>::max()) {
    return Error{ErrorKind::kNoMemory, path + ": is larger than this machine can map"};
  }
  MappedFile mapped;
  const size_t size = static_cast<size_t>(info.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.id, 0);
  if (data == MAP_FAILED) return SystemError(path, "cannot map", errno);
  mapped.data_ = static_cast<const uint8_t*>(data);
  mapped.size_ = size;
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<uint8_t*>(data_), size_);
}

}  // namespace weft::engine
