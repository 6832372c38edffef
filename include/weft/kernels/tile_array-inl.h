// The outputs of a register tile, and its way to memory.

#if defined(WEFT_KERNELS_TILE_ARRAY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_TILE_ARRAY_INL_H_
#undef WEFT_KERNELS_TILE_ARRAY_INL_H_
#else
#define WEFT_KERNELS_TILE_ARRAY_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/formats/unpack-inl.h"
#include "weft/simd/tiling-inl.h"
#include "weft/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A sum per output of a tile. Only indexed by constants of unrolled loops, so that it stays in registers (gcc 12 keeps
// arrays of vectors with other indices in memory).
template <class V, size_t kTokens>
using TileArray = V[kTokens][kPanelVectors];
HWY_INLINE hn::Vec<RowDwordTag> BroadcastDword(const uint32_t* from) { return hn::Set(RowDwordTag(), *from); }
HWY_INLINE hn::Vec<RowFloatTag> BroadcastFloat(const uint32_t* from) {
  return hn::Set(RowFloatTag(), *reinterpret_cast<const float*>(from));
}

template <size_t kTokens>
HWY_INLINE void ZeroTile(TileArray<hn::Vec<RowFloatTag>, kTokens>& sums) {
  WEFT_UNROLL(16)
  for (size_t t = 0; t < kTokens; ++t) {
    WEFT_UNROLL(4)
    for (size_t v = 0; v < kPanelVectors; ++v) sums[t][v] = hn::Zero(RowFloatTag());
  }
}

template <size_t kTokens>
HWY_INLINE void LoadTile(const TileTask& task, TileArray<hn::Vec<RowFloatTag>, kTokens>& sums) {
  WEFT_UNROLL(16)
  for (size_t t = 0; t < kTokens; ++t) {
    WEFT_UNROLL(4)
    for (size_t v = 0; v < kPanelVectors; ++v) {
      sums[t][v] = hn::Load(RowFloatTag(), task.raw + t * task.raw_stride + v * kLanes32);
    }
  }
}

template <size_t kTokens>
HWY_INLINE void StoreTile(const TileTask& task, const TileArray<hn::Vec<RowFloatTag>, kTokens>& sums) {
  WEFT_UNROLL(16)
  for (size_t t = 0; t < kTokens; ++t) {
    WEFT_UNROLL(4)
    for (size_t v = 0; v < kPanelVectors; ++v) {
      hn::Store(sums[t][v], RowFloatTag(), task.raw + t * task.raw_stride + v * kLanes32);
    }
  }
}

template <size_t kTokens>
HWY_INLINE void AddTile(const TileTask& task, TileArray<hn::Vec<RowFloatTag>, kTokens>& sums) {
  TileArray<hn::Vec<RowFloatTag>, kTokens> before;
  LoadTile<kTokens>(task, before);
  WEFT_UNROLL(16)
  for (size_t t = 0; t < kTokens; ++t) {
    WEFT_UNROLL(4)
    for (size_t v = 0; v < kPanelVectors; ++v) sums[t][v] = hn::Add(sums[t][v], before[t][v]);
  }
  StoreTile<kTokens>(task, sums);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
