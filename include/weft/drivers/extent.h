// The memory that arguments cover, for checks.
#ifndef WEFT_DRIVERS_EXTENT_H_
#define WEFT_DRIVERS_EXTENT_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/checked.h"
#include "weft/core/status.h"
#include "weft/core/views.h"

namespace weft::driver {

// Bytes from the first to the last element of `rows` rows of `row_bytes`, `stride` bytes apart; 0 without rows.
inline Checked StridedBytes(size_t rows, Checked stride, Checked row_bytes) {
  return rows == 0 ? Checked(0) : Checked(rows - 1) * stride + row_bytes;
}

// [data, data + bytes), and what errors call it.
class Extent {
 public:
  Extent() = default;
  Extent(const char* name, const void* data, Checked bytes)
      : name_(name), begin_(reinterpret_cast<uintptr_t>(data)), end_(begin_) {
    const Checked end = bytes + begin_;
    fits_ = end.AtMost(UINTPTR_MAX) && bytes.AtMost(PTRDIFF_MAX);
    if (fits_) end_ = static_cast<uintptr_t>(end.value());
  }
  // Rows of `cols` floats, `stride` floats apart.
  static Extent Floats(const char* name, const float* data, size_t rows, Checked stride, Checked cols) {
    return {name, data, StridedBytes(rows, stride * sizeof(float), cols * sizeof(float))};
  }
  static Extent Weights(const char* name, const WeightView& w) {
    const DTypeLayout layout = LayoutOf(w.type);
    const Checked row = Checked(w.cols) / (layout.block_elements != 0 ? layout.block_elements : 1) * layout.block_bytes;
    return {name, w.data, StridedBytes(w.rows, w.row_bytes, row)};
  }

  const char* name() const { return name_; }
  // Whether it lies within the address space; if not, it counts as empty.
  bool fits() const { return fits_; }
  // Whether they share a byte.
  bool Overlaps(const Extent& other) const {
    return begin_ < end_ && other.begin_ < other.end_ && begin_ < other.end_ && other.begin_ < end_;
  }

 private:
  const char* name_ = "";
  uintptr_t begin_ = 0, end_ = 0;
  bool fits_ = true;
};

// The first of `extents` that does not fit, as an error.
template <class List>
Status ValidateAddresses(const List& extents) {
  for (const Extent& extent : extents) {
    if (!extent.fits()) return Error(Code::kAddress, extent.name());
  }
  return Ok();
}

// Whether one of `written` overlaps one of `read`, as an error.
template <class Written, class Read>
Status ValidateApart(const Written& written, const Read& read) {
  for (const Extent& to : written) {
    for (const Extent& from : read) {
      if (to.Overlaps(from)) return OverlapError(to.name(), from.name());
    }
  }
  return Ok();
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_EXTENT_H_
