// WEFT_UNROLL(n) before a loop of at most n rounds: unrolls it, so that what its counter indexes can stay in registers.
// Not where vectors are emulated or every access is checked: there it would only take minutes to compile.

#if defined(WEFT_SIMD_UNROLL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_SIMD_UNROLL_INL_H_
#undef WEFT_SIMD_UNROLL_INL_H_
#else
#define WEFT_SIMD_UNROLL_INL_H_
#endif

#include "hwy/highway.h"

#undef WEFT_UNROLL
#if HWY_TARGET == HWY_EMU128 || HWY_IS_ASAN
#define WEFT_UNROLL(n)
#else
#define WEFT_UNROLL(n) HWY_UNROLL(n)
#endif

#endif  // toggle
