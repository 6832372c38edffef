// Comparisons that do not forgive.
#ifndef WEFT_TESTS_KERNELS_SAME_BITS_H_
#define WEFT_TESTS_KERNELS_SAME_BITS_H_

#include <gtest/gtest.h>
#include <math.h>
#include <stddef.h>

#include "weft/core/half.h"

namespace weft::test {

inline bool SameBits(float a, float b) { return BitsOf(a) == BitsOf(b) || (isnan(a) && isnan(b)); }

// Whether a[0, n) and b[0, n) hold the same bits; NaN equals NaN.
inline testing::AssertionResult SameBits(const float* a, const float* b, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    if (!SameBits(a[i], b[i])) return testing::AssertionFailure() << "element " << i << ": " << a[i] << " != " << b[i];
  }
  return testing::AssertionSuccess();
}

}  // namespace weft::test

#endif  // WEFT_TESTS_KERNELS_SAME_BITS_H_
