// Arithmetic on sizes that come from outside: the result, or the fact that it does not fit in 64 bits.
#ifndef WEFT_CORE_CHECKED_H_
#define WEFT_CORE_CHECKED_H_

#include <stdint.h>

#include "weft/core/config.h"

namespace weft {

// A 64-bit unsigned value that remembers whether any step leading to it overflowed.
//   Checked bytes = Checked(rows) * row_bytes + header;  if (!bytes.ok()) ...
class Checked {
 public:
  constexpr Checked(uint64_t value) : value_(value) {}  // NOLINT: implicit on purpose, sizes mix freely

  constexpr bool ok() const { return ok_; }
  // Meaningful only when ok().
  constexpr uint64_t value() const { return value_; }
  // The value, or the largest there is where it does not fit: for sizes, which nothing then satisfies.
  constexpr uint64_t OrMost() const { return ok_ ? value_ : UINT64_MAX; }
  // ok() and value() <= limit.
  constexpr bool AtMost(uint64_t limit) const { return ok_ && value_ <= limit; }

  friend constexpr Checked operator+(Checked a, Checked b) {
    Checked r(0);
    r.ok_ = !__builtin_add_overflow(a.value_, b.value_, &r.value_) && a.ok_ && b.ok_;
    return r;
  }
  friend constexpr Checked operator*(Checked a, Checked b) {
    Checked r(0);
    r.ok_ = !__builtin_mul_overflow(a.value_, b.value_, &r.value_) && a.ok_ && b.ok_;
    return r;
  }
  // Rounded down; divisor > 0.
  friend constexpr Checked operator/(Checked a, uint64_t divisor) {
    a.value_ /= divisor;
    return a;
  }
  // The next multiple of `alignment` (> 0, need not be a power of two).
  constexpr Checked AlignedUp(uint64_t alignment) const {
    const uint64_t rest = value_ % alignment;
    Checked r = rest == 0 ? *this : *this + Checked(alignment - rest);
    r.ok_ = r.ok_ && ok_;
    return r;
  }

 private:
  uint64_t value_;
  bool ok_ = true;
};

}  // namespace weft

#endif  // WEFT_CORE_CHECKED_H_
