// The shape of a register tile on this target, all derived from its registers, on one page.

#if defined(WEFT_SIMD_TILING_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_SIMD_TILING_INL_H_
#undef WEFT_SIMD_TILING_INL_H_
#else
#define WEFT_SIMD_TILING_INL_H_
#endif

#include <stddef.h>

#include "hwy/highway.h"

namespace weft {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET_IS_NEON || (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3)
inline constexpr size_t kVectorRegisters = 32;
#else
inline constexpr size_t kVectorRegisters = 16;
#endif

// A panel is kPanelVectors vectors of weight rows wide, one row per 32-bit lane. A tile holds two accumulators
// (integer and float) per token and panel vector, plus the panel vectors and one broadcast activation:
//   32 registers: 2 * 4 * 2 + 2 + 1 = 19, leaving room for scales;  16 registers: 2 * 4 * 1 + 1 + 1 = 10.
inline constexpr size_t kPanelVectors = kVectorRegisters == 32 ? 2 : 1;
inline constexpr size_t kTileTokens = 4;

inline constexpr size_t kLanes32 = HWY_MAX_BYTES / 4;  // all targets that weft compiles have vectors of fixed size
inline constexpr size_t kPanelRows = kPanelVectors * kLanes32;

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft

#endif  // toggle
