// The micro-kernels of the matrix product: a panel of kPanelRows weight rows times a few tokens, accumulators in
// registers. One kernel per panel class, not per format. Panels: pack-inl.h. Packed tokens: pack_tokens-inl.h.
//
// Every output is summed in the same order whatever the number of tokens in the tile.

#if defined(WEFT_KERNELS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_TILE_INL_H_
#undef WEFT_KERNELS_TILE_INL_H_
#else
#define WEFT_KERNELS_TILE_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>

#include <utility>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/kernels/pack-inl.h"
#include "weft/kernels/pack_tokens-inl.h"
#include "weft/kernels/quantized_tile-inl.h"
#include "weft/kernels/tile_array-inl.h"
#include "weft/simd/convert-inl.h"
#include "weft/simd/int8_dot-inl.h"
#include "weft/simd/tiling-inl.h"
#include "weft/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <PanelClass kClass, size_t kTokens>
HWY_INLINE void FloatTile(TileTask task) {
  const RowFloatTag df;
  using VF = hn::Vec<RowFloatTag>;
  TileArray<VF, kTokens> total;
  ZeroTile<kTokens>(total);
  const auto* tokens = static_cast<const uint32_t*>(task.tokens);
  const auto* panel = static_cast<const float*>(task.panel);
  if constexpr (kClass.form == ActivationForm::kBF16) {
    const hn::Repartition<hwy::bfloat16_t, RowFloatTag> d16;
    TileArray<VF, kTokens> other;  // for targets that have no such instruction; elsewhere it vanishes
    ZeroTile<kTokens>(other);
    for (size_t k = 0; k < task.cols; k += 2, panel += kPanelRows, tokens += kTokens) {
      hn::Vec<decltype(d16)> w[kPanelVectors];
      WEFT_UNROLL(4)
      for (size_t v = 0; v < kPanelVectors; ++v) w[v] = hn::BitCast(d16, hn::Load(df, panel + v * kLanes32));
      WEFT_UNROLL(16)
      for (size_t t = 0; t < kTokens; ++t) {
        const auto a = hn::BitCast(d16, BroadcastDword(tokens + t));
        WEFT_UNROLL(4)
        for (size_t v = 0; v < kPanelVectors; ++v)
          total[t][v] = hn::ReorderWidenMulAccumulate(df, w[v], a, total[t][v], other[t][v]);
      }
    }
    WEFT_UNROLL(16)
    for (size_t t = 0; t < kTokens; ++t) {
      WEFT_UNROLL(4)
      for (size_t v = 0; v < kPanelVectors; ++v) total[t][v] = hn::RearrangeToOddPlusEven(total[t][v], other[t][v]);
    }
  } else {
    for (size_t k = 0; k < task.cols; ++k, panel += kPanelRows, tokens += kTokens) {
      VF w[kPanelVectors];
      WEFT_UNROLL(4)
      for (size_t v = 0; v < kPanelVectors; ++v) w[v] = hn::Load(df, panel + v * kLanes32);
      WEFT_UNROLL(16)
      for (size_t t = 0; t < kTokens; ++t) {
        const auto a = BroadcastFloat(tokens + t);
        WEFT_UNROLL(4)
        for (size_t v = 0; v < kPanelVectors; ++v) total[t][v] = hn::MulAdd(w[v], a, total[t][v]);
      }
    }
  }
  AddTile<kTokens>(task, total);
}

template <PanelClass kClass, Products kProducts, size_t kTokens>
HWY_NOINLINE void TileOf(const TileTask& task) {
  if constexpr (kClass.group == 1) {
    FloatTile<kClass, kTokens>(task);
  } else {
    QuantizedTile<kClass, kProducts, kTokens>(task);
  }
}

template <PanelClass kClass, Products kProducts, size_t... i>
HWY_INLINE void ChooseTile(const TileTask& task, std::index_sequence<i...>) {
  constexpr size_t kStep = TileTokenStep(kClass.form), kMost = sizeof...(i);  // full tiles are asked for most
  (void)((task.token_count == (kMost - i) * kStep && (TileOf<kClass, kProducts, (kMost - i) * kStep>(task), true)) ||
         ...);
}

// See TileTask.
template <PanelClass kClass, Products kProducts = Products::kTarget>
void Tile(const TileTask& task) {
  ChooseTile<kClass, kProducts>(task, std::make_index_sequence<TileTokens(kClass.form) / TileTokenStep(kClass.form)>());
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
