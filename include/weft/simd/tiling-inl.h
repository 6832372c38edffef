// The shape of a register tile and the sizes of its inputs on this target, on one page.
//
// A panel is kPanelVectors vectors of weight rows wide, one row per 32-bit lane; a tile multiplies it with a few
// tokens. Each step of a tile loads the panel's vectors and one broadcast per token, and does tokens * vectors dots or
// multiply-adds, of which two can start per cycle, as can two loads: so tiles as square as the registers allow. A
// multiply-add takes four (Zen 3 and later, Intel since Skylake) or five cycles (Zen 2, Haswell), so that at least ten
// sums must be in flight.
//
//                registers   float tile                       quantised tile: a sum and a total per output
//   AVX-512             32   12 * 2 + 2 panel + 1 = 27        5 * (2 + 2) + 5 + 2 + 1 = 28 (5: sums of even groups)
//   Arm                 32   the same                         6 * (2 + 2) + 2 + 1 = 27
//   others              16    6 * 2 + 2 panel + 1 = 15        3 * (2 + 2) + 2 + 1 = 15; on x86 totals rest in memory
//
// A chunk of columns is as long as lets the panel, the tokens of this tile and those of the next stay in a first-level
// cache of 32 to 48 KiB: with 32 rows, 512 columns are 16 KiB of codes and at most 4 KiB of factors; 6 tokens 4 KiB.
// 256 columns of floats are 32 KiB.

#if defined(WEFT_SIMD_TILING_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_SIMD_TILING_INL_H_
#undef WEFT_SIMD_TILING_INL_H_
#else
#define WEFT_SIMD_TILING_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>

#include "hwy/highway.h"
#include "weft/core/activations.h"
#include "weft/core/strict_math.h"

#if HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR || (HWY_TARGET == HWY_EMU128 && !defined(HWY_COMPILE_ONLY_EMU128))
#error \
    "weft has no kernels for this instruction set: its vectors have no fixed size, or the compiler's flags allow none of \
Highway's targets. HWY_COMPILE_ONLY_EMU128 compiles portable C++, which is slow."
#endif

namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET_IS_NEON || (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3)
inline constexpr size_t kVectorRegisters = 32;
#else
inline constexpr size_t kVectorRegisters = 16;
#endif

// Whether quantised tiles multiply by scales in integers, with the sums of two groups at a time. On x86 dots and
// multiply-adds start on the same two ports, and a 16-bit pair dot takes the place of two multiply-adds.
#if HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128
inline constexpr bool kIntegerScales = true;
#else
inline constexpr bool kIntegerScales = false;
#endif

// Products of a few tokens go through blocks of at least so many elements in natural order (block_dot-inl.h), and
// through others a block per lane (dot-inl.h). A transposition in registers suits vectors of 16 lanes; of fewer, only
// blocks of one group, whose sums need no scales in between.
inline constexpr size_t kNaturalDotElements = HWY_MAX_BYTES < 64 ? 256 : SIZE_MAX;

// Whether there is a dot of bf16 pairs. Elsewhere they are widened to floats, which is exact, and so are multiplied as
// such.
inline constexpr bool kNativePairsOfBF16 = HWY_NATIVE_DOT_BF16 != 0;

inline constexpr size_t kPanelVectors = 2;
inline constexpr size_t kLanes32 = HWY_MAX_BYTES / 4;  // all targets that weft compiles have vectors of fixed size
inline constexpr size_t kPanelRows = kPanelVectors * kLanes32;

constexpr size_t TileTokens(ActivationForm form) {
  if (IsQuantized(form)) return kVectorRegisters == 16 ? 3 : kIntegerScales ? 5 : 6;
  return kVectorRegisters == 32 ? 12 : 6;
}
// Tiles of fewer tokens are compiled for the multiples of this. All float tiles of up to 6 tokens take a tenth of a
// second to compile and 2 KB; with a step of 2 or 3, the tiles of 9 and of 13 tokens would take 5 to 16 % longer.
constexpr size_t TileTokenStep(ActivationForm form) { return IsQuantized(form) || kVectorRegisters == 16 ? 1 : 4; }

constexpr size_t ChunkCols(ActivationForm form) { return form == ActivationForm::kF32 ? 256 : 512; }

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE

#endif  // toggle
