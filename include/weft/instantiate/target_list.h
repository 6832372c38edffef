// The targets that weft's kernels can be compiled for: the only list there is. Instantiation units, the registry, tests
// and CMake (cmake/WeftKernels.cmake, by regular expressions) read it. A row of it is
//   X(name, highway, products, supported)
//     name        what weft calls the target; WEFT_TARGET_name asks for it (weft/instantiate/targets.h)
//     highway     whose code it is: Highway's target HWY_highway, of the namespace N_highway
//     products    whose instructions make its integer products (weft/simd/products.h)
//     supported   whether this CPU runs it, in terms of weft/instantiate/cpu.inc
// Best first, and last what every CPU of the architecture has.
#ifndef WEFT_INSTANTIATE_TARGET_LIST_H_
#define WEFT_INSTANTIATE_TARGET_LIST_H_

#include "weft/core/strict_math.h"

// AVX3_ZEN4: Highway reserves its target for AMD because of an instruction that weft does not use. What weft's code
// needs, AVX3_DL and BF16, is part of AVX3_SPR, too. AVX2_VNNI: CPUs without AVX-512 that have its integer dots in an
// encoding of their own, for which Highway has no target.
#define WEFT_TARGETS_X86(X)                                                       \
  X(AVX3_ZEN4, AVX3_ZEN4, kTarget, CpuHas(HWY_AVX3_ZEN4) || CpuHas(HWY_AVX3_SPR)) \
  X(AVX3_DL, AVX3_DL, kTarget, CpuHas(HWY_AVX3_DL))                               \
  X(AVX2_VNNI, AVX2, kAvxVnni, CpuHas(HWY_AVX2) && CpuHasAvxVnni())               \
  X(AVX2, AVX2, kTarget, CpuHas(HWY_AVX2))                                        \
  X(SSE2, SSE2, kTarget, CpuHas(HWY_SSE2))

// NEON: Highway's NEON without AES, of which weft makes no use. NEON_DOTPROD: CPUs with integer dots and without BF16,
// for which Highway has no target (Neoverse N1, Cortex-A76, Apple M1).
#define WEFT_TARGETS_ARM64(X)                                                                \
  X(NEON_BF16, NEON_BF16, kTarget, CpuHas(HWY_NEON_BF16))                                    \
  X(NEON_DOTPROD, NEON_WITHOUT_AES, kArmDot, CpuHas(HWY_NEON_WITHOUT_AES) && CpuHasArmDot()) \
  X(NEON, NEON_WITHOUT_AES, kTarget, CpuHas(HWY_NEON_WITHOUT_AES))

// Portable C++ on 16-byte vectors, for tests: takes the place of the others.
#define WEFT_TARGETS_EMU128(X) X(EMU128, EMU128, kTarget, true)

#endif  // WEFT_INSTANTIATE_TARGET_LIST_H_
