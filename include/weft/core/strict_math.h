// Included by whatever computes in floating point: kernels, formats, drivers, the scalar reference. Headers that only
// declare, or convert exactly in integers (weft.h, core/, dispatch/), do without: callers may compile as they like.
#ifndef WEFT_CORE_STRICT_MATH_H_
#define WEFT_CORE_STRICT_MATH_H_

#include "weft/core/config.h"

// clang tells of -ffast-math, -Ofast and -ffinite-math-only, gcc of the single liberties, too.
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
#error \
    "weft's kernels (NaN, infinities, exact rounding) do not survive -ffast-math, -Ofast or -ffinite-math-only: \
compile this file with -fno-fast-math; files that include only weft/weft.h may keep those flags"
#endif

#endif  // WEFT_CORE_STRICT_MATH_H_
