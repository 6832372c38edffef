// Which instruction sets the instantiation units of this program are compiled for. Every .inc includes this first, so
// that all units agree; nothing else may set Highway's target macros.
//
// The build system names the targets: WEFT_TARGET_SSE2, _AVX2, _AVX2_VNNI, _AVX3_DL, _AVX3_ZEN4, _NEON, _NEON_BF16,
// each defined to 1, or WEFT_TARGET_EMU128 alone (plain C++ on 16-byte vectors, for tests). With none, the defaults
// below apply. AVX2_VNNI is code of the target AVX2 for CPUs with AVX-VNNI, and needs that target compiled too. NEON is
// Highway's NEON_WITHOUT_AES: weft uses no AES instructions, so it is the one that runs everywhere.
#ifndef WEFT_INSTANTIATE_TARGETS_H_
#define WEFT_INSTANTIATE_TARGETS_H_

#include "weft/core/strict_math.h"

#if defined(HWY_HIGHWAY_INCLUDED) || defined(HWY_BASE_H_)
#error "A weft instantiation unit must be the first include of a .cc file of its own: Highway came earlier."
#endif

#if defined(WEFT_TARGET_EMU128)
#define HWY_COMPILE_ONLY_EMU128
#elif !defined(WEFT_TARGET_SSE2) && !defined(WEFT_TARGET_AVX2) && !defined(WEFT_TARGET_AVX2_VNNI) &&  \
    !defined(WEFT_TARGET_AVX3_DL) && !defined(WEFT_TARGET_AVX3_ZEN4) && !defined(WEFT_TARGET_NEON) && \
    !defined(WEFT_TARGET_NEON_BF16)
#define WEFT_TARGET_SSE2 1
#define WEFT_TARGET_AVX2 1
#define WEFT_TARGET_AVX2_VNNI 1
#define WEFT_TARGET_AVX3_DL 1
#define WEFT_TARGET_AVX3_ZEN4 1
#define WEFT_TARGET_NEON 1
#define WEFT_TARGET_NEON_BF16 1
#endif

// The others are 0: Highway also uses the mask in C++ expressions, where an unknown name would be an error.
#ifndef WEFT_TARGET_SSE2
#define WEFT_TARGET_SSE2 0
#endif
#ifndef WEFT_TARGET_AVX2
#define WEFT_TARGET_AVX2 0
#endif
#ifndef WEFT_TARGET_AVX2_VNNI
#define WEFT_TARGET_AVX2_VNNI 0
#endif
#ifndef WEFT_TARGET_AVX3_DL
#define WEFT_TARGET_AVX3_DL 0
#endif
#ifndef WEFT_TARGET_AVX3_ZEN4
#define WEFT_TARGET_AVX3_ZEN4 0
#endif
#ifndef WEFT_TARGET_NEON
#define WEFT_TARGET_NEON 0
#endif
#ifndef WEFT_TARGET_NEON_BF16
#define WEFT_TARGET_NEON_BF16 0
#endif

#if defined(__x86_64__) && defined(__GNUC__) && WEFT_TARGET_AVX2_VNNI
#if !WEFT_TARGET_AVX2
#error "The target AVX2_VNNI needs AVX2."
#endif
#define WEFT_VNNI_ENTRY_ {kAvx2Vnni, &N_AVX2::kVnniTable},
#else
#undef WEFT_TARGET_AVX2_VNNI
#define WEFT_TARGET_AVX2_VNNI 0
#define WEFT_VNNI_ENTRY_
#endif

// Highway's names become values only inside its own headers, where this mask is used.
#ifndef HWY_DISABLED_TARGETS
#if defined(__x86_64__) || defined(_M_X64)
#define WEFT_ENABLED_TARGETS_                                                                                        \
  ((WEFT_TARGET_SSE2 ? HWY_SSE2 : 0) | (WEFT_TARGET_AVX2 ? HWY_AVX2 : 0) | (WEFT_TARGET_AVX3_DL ? HWY_AVX3_DL : 0) | \
   (WEFT_TARGET_AVX3_ZEN4 ? HWY_AVX3_ZEN4 : 0))
#else
#define WEFT_ENABLED_TARGETS_ \
  ((WEFT_TARGET_NEON ? HWY_NEON_WITHOUT_AES : 0) | (WEFT_TARGET_NEON_BF16 ? HWY_NEON_BF16 : 0))
#endif
#define HWY_DISABLED_TARGETS (~(WEFT_ENABLED_TARGETS_ | HWY_EMU128))
#endif

// Highway distrusts the emulation with older gcc on 32-bit Arm only; weft's tests run it on all supported compilers.
#ifndef HWY_BROKEN_EMU128
#define HWY_BROKEN_EMU128 0
#endif

#endif  // WEFT_INSTANTIATE_TARGETS_H_
