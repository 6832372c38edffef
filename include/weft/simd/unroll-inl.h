// WEFT_UNROLL(n) before a loop of at most n rounds: unrolls it, so that what its counter indexes can stay in registers.
// Not where vectors are emulated or every access is checked: there it would only take minutes to compile.

#if defined(WEFT_SIMD_UNROLL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_SIMD_UNROLL_INL_H_
#undef WEFT_SIMD_UNROLL_INL_H_
#else
#define WEFT_SIMD_UNROLL_INL_H_
#endif

#include "hwy/highway.h"
#include "weft/core/strict_math.h"

#undef WEFT_UNROLL
#if HWY_TARGET == HWY_EMU128 || HWY_IS_ASAN
#define WEFT_UNROLL(n)
#else
#define WEFT_UNROLL(n) HWY_UNROLL(n)
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {

// To the compiler, v is needed here and may have changed, and so may memory; no instruction. In long unrolled code it
// keeps clang from loading everything first and spilling the sums.
template <class V>
HWY_INLINE void KeepOrder([[maybe_unused]] V& v) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128 && (HWY_COMPILER_GCC_ACTUAL || HWY_COMPILER_CLANG)
  asm volatile("" : "+v"(v.raw) : : "memory");
#endif
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
