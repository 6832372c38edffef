// Memory that is allocated once and written in place.
#ifndef WEFT_REFERENCE_MODEL_BUFFER_H_
#define WEFT_REFERENCE_MODEL_BUFFER_H_

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

#include "weft/weft.h"

namespace weft::engine {

// `size` uninitialised elements, aligned to a cache line: pages that are never written cost nothing. Throws
// std::bad_alloc, which the factories of the classes that own buffers turn into an error.
template <class T>
class Buffer {
  static_assert(std::is_trivial_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(size_t size) : size_(size) {
    if (size > PTRDIFF_MAX / sizeof(T)) throw std::bad_alloc();
    data_.reset(static_cast<T*>(::operator new(size * sizeof(T), kAlign)));
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator[](size_t i) { return data_.get()[i]; }
  const T& operator[](size_t i) const { return data_.get()[i]; }
  size_t bytes() const { return size_ * sizeof(T); }
  Workspace workspace() { return {data_.get(), bytes()}; }

 private:
  static constexpr std::align_val_t kAlign{64};
  struct Free {
    void operator()(T* data) const { ::operator delete(data, kAlign); }
  };
  std::unique_ptr<T, Free> data_;
  size_t size_ = 0;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_BUFFER_H_
