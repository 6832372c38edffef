// Memory for tests that faults where a kernel reads or writes past the end of it.
#ifndef WEFT_TESTS_KERNELS_GUARDED_H_
#define WEFT_TESTS_KERNELS_GUARDED_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace weft::test {

// `count` elements that end `slack` bytes before a page that cannot be touched (0: right before it). An odd slack
// misaligns the elements, for types that may be. All bytes start as 0xFF: a NaN in every float format.
template <class T>
class Guarded {
 public:
  explicit Guarded(size_t count, size_t slack = 0) : count_(count) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t used = (count * sizeof(T) + slack + page - 1) / page * page;
    bytes_ = used + 2 * page;
    void* base = mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) abort();
    base_ = static_cast<uint8_t*>(base);
    if (used > 0 && mprotect(base_ + page, used, PROT_READ | PROT_WRITE) != 0) abort();
    memset(base_ + page, 0xFF, used);
    data_ = reinterpret_cast<T*>(base_ + page + used - slack - count * sizeof(T));
  }
  explicit Guarded(const std::vector<T>& values, size_t slack = 0) : Guarded(values.size(), slack) {
    if (!values.empty()) memcpy(static_cast<void*>(data_), values.data(), values.size() * sizeof(T));
  }
  ~Guarded() { munmap(base_, bytes_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return count_; }
  size_t bytes() const { return count_ * sizeof(T); }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + count_; }

 private:
  size_t count_, bytes_ = 0;
  uint8_t* base_ = nullptr;
  T* data_ = nullptr;
};

// Rows of bytes, each of which ends right before a page that cannot be touched: what is read past a row's end faults.
class GuardedRows {
 public:
  GuardedRows(const std::vector<uint8_t>& dense, size_t rows) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), row = dense.size() / rows;
    const size_t used = (row + page - 1) / page * page;
    stride_ = used + page;
    bytes_ = rows * stride_;
    void* base = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) abort();
    base_ = static_cast<uint8_t*>(base);
    memset(base_, 0xFF, bytes_);
    first_ = base_ + used - row;
    for (size_t r = 0; r < rows; ++r) {
      memcpy(first_ + r * stride_, dense.data() + r * row, row);
      if (mprotect(base_ + r * stride_ + used, page, PROT_NONE) != 0) abort();
    }
  }
  ~GuardedRows() { munmap(base_, bytes_); }
  GuardedRows(const GuardedRows&) = delete;
  GuardedRows& operator=(const GuardedRows&) = delete;

  const uint8_t* data() const { return first_; }
  size_t stride() const { return stride_; }

 private:
  size_t stride_ = 0, bytes_ = 0;
  uint8_t *base_ = nullptr, *first_ = nullptr;
};

// Whether a float still is what Guarded filled it with.
inline bool Untouched(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits == 0xFFFFFFFFu;
}

// rows x cols floats whose rows are `stride` apart in guarded memory (nothing behind the last row); the slack between
// rows is NaN.
class GuardedMatrix {
 public:
  GuardedMatrix(size_t rows, size_t cols, size_t stride)
      : rows_(rows), cols_(cols), stride_(stride), values_(rows == 0 ? 0 : (rows - 1) * stride + cols) {}
  // From dense values.
  GuardedMatrix(const std::vector<float>& dense, size_t rows, size_t cols, size_t stride)
      : GuardedMatrix(rows, cols, stride) {
    for (size_t r = 0; r < rows; ++r) std::copy_n(dense.begin() + static_cast<ptrdiff_t>(r * cols), cols, Row(r));
  }

  float* data() { return values_.data(); }
  float* Row(size_t r) { return values_.data() + r * stride_; }
  float At(size_t r, size_t c) { return Row(r)[c]; }
  size_t rows() const { return rows_; }
  size_t stride() const { return stride_; }

  // Whether nothing was written between the rows.
  bool SlackUntouched() {
    for (size_t i = 0; i < values_.size(); ++i) {
      if (i % stride_ >= cols_ && !Untouched(values_[i])) return false;
    }
    return true;
  }
  std::vector<float> Dense() {
    std::vector<float> dense;
    for (size_t r = 0; r < rows_; ++r) dense.insert(dense.end(), Row(r), Row(r) + cols_);
    return dense;
  }

 private:
  size_t rows_, cols_, stride_;
  Guarded<float> values_;
};

}  // namespace weft::test

#endif  // WEFT_TESTS_KERNELS_GUARDED_H_
