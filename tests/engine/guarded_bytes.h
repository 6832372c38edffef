// Bytes that end at a page without access rights, so that reading past the end faults.
#ifndef WEFT_TESTS_ENGINE_GUARDED_BYTES_H_
#define WEFT_TESTS_ENGINE_GUARDED_BYTES_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

namespace weft::engine::test {

// A copy of the bytes. Its end is exact; its start has therefore the alignment that the size leaves it.
class GuardedBytes {
 public:
  explicit GuardedBytes(std::span<const uint8_t> bytes) : size_(bytes.size()) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t used = (size_ + page - 1) / page * page;
    mapped_ = used + page;
    void* data = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED || mprotect(static_cast<uint8_t*>(data) + used, page, PROT_NONE) != 0) {
      std::perror("guarded bytes");
      std::abort();
    }
    base_ = static_cast<uint8_t*>(data);
    data_ = base_ + used - size_;
    if (size_ > 0) std::memcpy(data_, bytes.data(), size_);
  }
  ~GuardedBytes() { munmap(base_, mapped_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  std::span<uint8_t> bytes() const { return {data_, size_}; }

 private:
  size_t size_ = 0, mapped_ = 0;
  uint8_t* base_ = nullptr;
  uint8_t* data_ = nullptr;
};

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_GUARDED_BYTES_H_
