// Which of weft's targets this CPU runs. After Highway.
#ifndef WEFT_INSTANTIATE_CPU_H_
#define WEFT_INSTANTIATE_CPU_H_

#include <stdint.h>

#include "hwy/highway.h"
#include "hwy/targets.h"

namespace weft::units {

// AVX2 with the dots of AVX-VNNI, for which Highway has no target: the code of its AVX2, with other tables. As a bit
// mask it is none of Highway's bits; as a number it lies between AVX2 and the better ones.
inline constexpr int64_t kAvx2Vnni = HWY_AVX2 - 1;

inline bool CpuHasAvxVnni() {
#if HWY_ARCH_X86 && (HWY_COMPILER_GCC_ACTUAL || HWY_COMPILER_CLANG)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avxvnni");
#else
  return false;
#endif
}

// Of Highway's targets.
inline int64_t SupportedTargets() {
  int64_t bits = hwy::SupportedTargets() | HWY_STATIC_TARGET | HWY_EMU128;
#if HWY_ARCH_X86
  // Highway reserves AVX3_ZEN4 for AMD because of an instruction that weft does not use. What it needs, AVX3_DL and
  // BF16, is part of AVX3_SPR, which weft does not compile separately.
  if (bits & HWY_AVX3_SPR) bits |= HWY_AVX3_ZEN4;
#endif
  return bits;
}

inline bool IsSupported(int64_t target) {
  const int64_t bits = SupportedTargets();
  return target == kAvx2Vnni ? (bits & HWY_AVX2) != 0 && CpuHasAvxVnni() : (bits & target) != 0;
}

// What weft calls a target: Highway's NEON without AES, which runs everywhere, is "NEON".
inline const char* NameOf(int64_t target) {
  if (target == kAvx2Vnni) return "AVX2_VNNI";
  return target == HWY_NEON_WITHOUT_AES ? "NEON" : hwy::TargetName(target);
}

}  // namespace weft::units

#endif  // WEFT_INSTANTIATE_CPU_H_
