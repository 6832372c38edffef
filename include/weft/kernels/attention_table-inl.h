// This target's attention as a plain table (core/kernel_set.h).

#if defined(WEFT_KERNELS_ATTENTION_TABLE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_ATTENTION_TABLE_INL_H_
#undef WEFT_KERNELS_ATTENTION_TABLE_INL_H_
#else
#define WEFT_KERNELS_ATTENTION_TABLE_INL_H_
#endif

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/kernels/attention-inl.h"
#include "weft/kernels/attention_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {

constexpr AttentionKernels MakeAttentionKernels() {
  return {AttentionScratch, Attend, AttentionTileQueries, AttentionTileScratch, AttendTile};
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
