// This target's tile kernels of a panel class as a plain table (core/kernel_set.h).

#if defined(WEFT_KERNELS_TILE_TABLE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_TILE_TABLE_INL_H_
#undef WEFT_KERNELS_TILE_TABLE_INL_H_
#else
#define WEFT_KERNELS_TILE_TABLE_INL_H_
#endif

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/kernels/pack-inl.h"
#include "weft/kernels/pack_tokens-inl.h"
#include "weft/kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {

template <PanelClass kClass, Products kProducts = kStaticProducts>
constexpr TileKernels MakeTileKernels() {
  TileKernels k;
  k.panel = kClass;
  k.tokens = TileTokens(kClass.form);
  k.token_step = TileTokenStep(kClass.form);
  k.rows = kPanelRows;
  k.chunk = ChunkCols(kClass.form);
  if constexpr (kClass.group > 1) {
    k.integer_scales = kIntegerScales;
    k.dropped_bits = kClass.dropped_bits;
    if constexpr (PanelLayout<kClass>::kFromFloats) k.scale_one = PanelLayout<kClass>::kScaleOne;
  }
  k.panel_bytes = PanelBytes<kClass>;
  k.token_bytes = TokenBytes<kClass>;
  k.pack_tokens = PackTokens<kClass>;
  k.tile = Tile<kClass, kProducts>;
  return k;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
