// Calls of the library with arguments that an input chose: what memory they describe, and memory of exactly that size.
#ifndef WEFT_TESTS_FUZZ_CALL_H_
#define WEFT_TESTS_FUZZ_CALL_H_

#include <sanitizer/asan_interface.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tests/fuzz/input.h"
#include "weft/weft.h"

namespace weft::fuzz {

// Bytes that arguments describe, computed without wrapping.
using Wide = unsigned __int128;

// From the first to the last byte of `rows` rows of `cols` elements.
inline Wide Span(Wide rows, Wide stride, Wide cols, Wide bytes = sizeof(float)) {
  return rows == 0 ? 0 : ((rows - 1) * stride + cols) * bytes;
}
// The same of `outer` groups of `inner` rows.
inline Wide Span(Wide outer, Wide outer_stride, Wide inner, Wide inner_stride, Wide cols, Wide bytes) {
  return outer == 0 || inner == 0 ? 0 : ((outer - 1) * outer_stride + (inner - 1) * inner_stride + cols) * bytes;
}

// The memory of one call. What is described and too large to be had is backed by a few bytes; the call may then be
// checked but not made. Whether it could be made on any machine decides what the checks must say.
class Memory {
 public:
  static constexpr Wide kMost = 1 << 20;            // bytes that are backed
  static constexpr Wide kPossible = Wide{1} << 63;  // no machine has as many

  explicit Memory(Input& input) : input_(input), noise_(input.Bits(2)) {}
  Memory(const Memory&) = delete;

  // `bytes` bytes that start `misaligned` bytes behind an aligned address and end where the memory ends.
  uint8_t* Bytes(Wide bytes, size_t misaligned = 0) {
    impossible_ = impossible_ || bytes >= kPossible;
    backed_ = backed_ && bytes <= kMost;
    const size_t size = (bytes <= kMost ? static_cast<size_t>(bytes) : 16) + misaligned;
    blocks_.push_back(std::make_unique<uint8_t[]>(size));
    return blocks_.back().get() + misaligned;
  }
  // Filled: mostly numbers of a usual size, now and then any.
  float* Floats(Wide bytes) {
    float* data = reinterpret_cast<float*>(Bytes(bytes));
    const size_t count = bytes <= kMost ? static_cast<size_t>(bytes / sizeof(float)) : 0;
    for (size_t i = 0; i < count; ++i) data[i] = noise_.Uniform();
    for (size_t left = count == 0 ? 0 : input_.Below(3); left > 0; --left) data[input_.Below(count)] = input_.Float();
    return data;
  }
  // For results: every float a NaN of known bits.
  float* Results(Wide bytes) {
    float* data = reinterpret_cast<float*>(Bytes(bytes));
    if (bytes <= kMost) std::memset(static_cast<void*>(data), 0xFF, static_cast<size_t>(bytes));
    return data;
  }
  // Any bytes, at any alignment.
  uint8_t* Blocks(Wide bytes) {
    uint8_t* data = Bytes(bytes, input_.Below(8));
    for (size_t i = 0; bytes <= kMost && i < static_cast<size_t>(bytes); ++i) {
      data[i] = static_cast<uint8_t>(noise_.Bits() >> 11);
    }
    return data;
  }

  // Rows of blocks, with memory between them that must not be read either.
  uint8_t* BlockRows(size_t rows, size_t row_bytes, size_t used) {
    const Wide bytes = Span(rows, row_bytes, used, 1);
    uint8_t* data = Blocks(bytes);
    for (size_t row = 0; bytes <= kMost && row + 1 < rows && used < row_bytes; ++row) {
      ASAN_POISON_MEMORY_REGION(data + row * row_bytes + used, row_bytes - used);
    }
    return data;
  }

  // What the pages of a block table take. Pages may lie anywhere, so that arguments alone do not say what is
  // impossible.
  static Wide Paged(Wide bytes) { return bytes < kPossible ? bytes : kPossible - 1; }

  bool backed() const { return backed_; }
  bool impossible() const { return impossible_; }

 private:
  Input& input_;
  Noise noise_;
  std::vector<std::unique_ptr<uint8_t[]>> blocks_;
  bool backed_ = true, impossible_ = false;
};

// Now and then a null pointer.
template <class T>
T* MaybeNull(Input& input, T* pointer, bool wild) {
  return wild && input.Rarely(32) ? nullptr : pointer;
}

// What a status says about arguments that the harness has looked at itself; whether the call can be made.
inline bool MayRun(const Status& status, const Memory& memory, const char* call) {
  char text[200];
  Expect(std::strlen(ToText(status, text, sizeof(text))) > 0, std::string(call) + ": a status without words");
  if (!status.ok()) {
    Expect(status.argument != nullptr && status.argument[0] != '\0', std::string(call) + ": an error without a name");
    return false;
  }
  Expect(!memory.impossible(), std::string(call) + ": accepts arguments that reach beyond the address space");
  return memory.backed();
}

inline void ExpectOk(const Status& status, const char* call) {
  char text[200];
  Expect(status.ok(), std::string(call) + " refuses what Validate accepts: " + ToText(status, text, sizeof(text)));
}

// An executor that runs its tasks on the calling thread, in another order and as different workers; now and then one
// without workers, or that breaks the contract.
class AnyExecutor {
 public:
  AnyExecutor(Input& input, bool wild) {
    constexpr uint32_t kWorkers[] = {1, 2, 3, 8, 0};
    executor_.workers = kWorkers[input.Below(wild ? 5 : 4)];
    workers_ = executor_.workers;
    if (wild && input.Rarely()) fault_ = 1 + input.Below(3);
    executor_.context = this;
    if (input.Rarely(4)) return;  // no `run`: the default for any number of workers
    executor_.run = [](void* context, size_t tasks, TaskFunction task, void* arg) {
      static_cast<AnyExecutor*>(context)->Run(tasks, task, arg);
    };
  }
  AnyExecutor(const AnyExecutor&) = delete;

  operator const Executor&() const { return executor_; }
  // Whether calls by it have to fail: it has no workers, or has broken the contract.
  bool bad() const { return workers_ == 0 || broken_; }

 private:
  void Run(size_t tasks, TaskFunction task, void* arg) {
    broken_ = broken_ || fault_ != 0;
    for (size_t i = fault_ == 1 ? 1 : 0; i < tasks; ++i) {  // 1: leaves one out
      const uint32_t worker = static_cast<uint32_t>(workers_ - 1 - i % workers_);
      task(arg, tasks - 1 - i, fault_ == 2 ? worker + workers_ : worker);
      if (fault_ == 3) task(arg, tasks - 1 - i, worker);
    }
  }

  Executor executor_;
  uint32_t workers_;
  size_t fault_ = 0;
  bool broken_ = false;
};

// What a call has to say that Validate has nothing against. Whether its results count.
inline bool Succeeded(const Status& status, const AnyExecutor& executor, const char* call) {
  char text[200];
  if (executor.bad()) {
    Expect(!status.ok(), std::string(call) + ": accepts an executor that is none");
    return false;
  }
  Expect(status.ok(), std::string(call) + " refuses what Validate accepts: " + ToText(status, text, sizeof(text)));
  return true;
}

// Whether data[0, count) still is what Memory::Results made it.
inline bool Untouched(const float* data, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (BitsOf(data[i]) != 0xFFFFFFFFu) return false;
  }
  return true;
}

// That nothing was written between the rows of a result.
inline void ExpectGapsUntouched(const float* data, size_t rows, size_t stride, size_t cols, const char* call) {
  for (size_t row = 0; row + 1 < rows; ++row) {
    Expect(Untouched(data + row * stride + cols, stride - cols), std::string(call) + " writes between rows");
  }
}

// Whether two results are the same bits; a NaN is any NaN.
inline bool SameBits(const float* a, const float* b, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (BitsOf(a[i]) != BitsOf(b[i]) && !(a[i] != a[i] && b[i] != b[i])) return false;
  }
  return true;
}

}  // namespace weft::fuzz

#endif  // WEFT_TESTS_FUZZ_CALL_H_
