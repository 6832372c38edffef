// The micro-kernels of the matrix product: a panel of kPanelRows weight rows times kTileTokens tokens, accumulators in
// registers. One kernel per panel class, not per format.

#if defined(WEFT_KERNELS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_TILE_INL_H_
#undef WEFT_KERNELS_TILE_INL_H_
#else
#define WEFT_KERNELS_TILE_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/kernels/pack-inl.h"
#include "weft/simd/convert-inl.h"
#include "weft/simd/int8_dot-inl.h"
#include "weft/simd/tiling-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using TileFloatTag = hn::CappedTag<float, kLanes32>;
using TileFloats = hn::Vec<TileFloatTag>;
// Accumulators of a tile. Only indexed by unrolled constants, so that they stay in registers.
using TileSums = TileFloats[kTileTokens][kPanelVectors];

HWY_INLINE void StoreTile(const TileTask& task, const TileSums& sums) {
  const TileFloatTag df;
  for (size_t t = 0; t < task.tokens.count; ++t) {
    float* to = task.raw + t * task.raw_stride;
    for (size_t v = 0; v < kPanelVectors; ++v, to += kLanes32) {
      hn::StoreU(task.accumulate ? hn::Add(hn::LoadU(df, to), sums[t][v]) : sums[t][v], df, to);
    }
  }
}

// The row of x that holds the t-th token of the tile; tokens beyond the last repeat it and are not stored.
HWY_INLINE size_t TileRow(const TileTask& task, size_t t) {
  return task.tokens.Row(t < task.tokens.count ? t : task.tokens.count - 1);
}

// Per span of columns that share an activation scale:
//   sum += scale_a * sum over groups (scale[g] * sum_i (code - zero) * a  -  offset[g] * sum_i a)
template <PanelClass kClass>
HWY_INLINE void QuantizedTile(const TileTask& task) {
  const TileFloatTag df;
  const hn::RebindToSigned<TileFloatTag> d32;
  const hn::Repartition<uint8_t, TileFloatTag> d8;
  const hn::Repartition<int8_t, TileFloatTag> di8;
  constexpr size_t kSpan = GroupOf(kClass.form);
  constexpr size_t kGroup = kClass.group;
  constexpr size_t kVectorBytes = kLanes32 * 4;

  const int8_t* code[kTileTokens];
  const float* a_scale[kTileTokens];
  const int16_t* a_sum[kTileTokens];
  for (size_t t = 0; t < kTileTokens; ++t) {
    const ActivationView& x = task.tokens.x;
    const size_t row = TileRow(task, t);
    code[t] = static_cast<const int8_t*>(x.values) + row * x.value_stride + task.first_col;
    a_scale[t] = x.scales + row * x.scale_stride + task.first_col / kSpan;
    a_sum[t] = x.sums + row * x.sum_stride + task.first_col / kSumGroup;
  }

  TileSums total;
  for (auto& row : total) {
    for (auto& sum : row) sum = hn::Zero(df);
  }
  const auto* panel = static_cast<const uint8_t*>(task.panel);
  for (size_t span = 0; span < task.cols; span += kSpan) {
    TileSums part;
    for (auto& row : part) {
      for (auto& sum : row) sum = hn::Zero(df);
    }
    for (size_t k = span; k < span + kSpan; k += kGroup) {
      hn::Vec<decltype(d32)> sum[kTileTokens][kPanelVectors];
      float group_sum[kTileTokens];
      for (size_t t = 0; t < kTileTokens; ++t) {
        int32_t s = 0;
        for (size_t i = 0; i < kGroup / kSumGroup; ++i) s += a_sum[t][k / kSumGroup + i];
        group_sum[t] = static_cast<float>(s);
        const int32_t from = kSignedCodes ? 0 : -task.zero * s;
        for (size_t v = 0; v < kPanelVectors; ++v) sum[t][v] = hn::Set(d32, from);
      }
      for (size_t q = 0; q < kGroup; q += 4) {
        hn::Vec<decltype(d8)> w[kPanelVectors];
        for (size_t v = 0; v < kPanelVectors; ++v, panel += kVectorBytes) w[v] = hn::Load(d8, panel);
        for (size_t t = 0; t < kTileTokens; ++t) {
          int32_t quad;
          memcpy(&quad, code[t] + k + q, sizeof(quad));
          const auto a = hn::BitCast(di8, hn::Set(d32, quad));
          for (size_t v = 0; v < kPanelVectors; ++v) {
            sum[t][v] = QuadDot<kClass.wide_codes>(d32, w[v], a, sum[t][v]);
          }
        }
      }
      const auto* factors = reinterpret_cast<const float*>(panel);
      for (size_t v = 0; v < kPanelVectors; ++v) {
        const auto scale = hn::Load(df, factors + v * kLanes32);
        for (size_t t = 0; t < kTileTokens; ++t) {
          part[t][v] = hn::MulAdd(hn::ConvertTo(df, sum[t][v]), scale, part[t][v]);
        }
      }
      panel += kPanelRows * sizeof(float);
      if constexpr (kClass.offset) {
        for (size_t v = 0; v < kPanelVectors; ++v) {
          const auto offset = hn::Load(df, factors + kPanelRows + v * kLanes32);
          for (size_t t = 0; t < kTileTokens; ++t) {
            part[t][v] = hn::NegMulAdd(offset, hn::Set(df, group_sum[t]), part[t][v]);
          }
        }
        panel += kPanelRows * sizeof(float);
      }
    }
    for (size_t t = 0; t < kTileTokens; ++t) {
      const auto scale = hn::Set(df, a_scale[t][span / kSpan]);
      for (size_t v = 0; v < kPanelVectors; ++v) total[t][v] = hn::MulAdd(part[t][v], scale, total[t][v]);
    }
  }
  StoreTile(task, total);
}

template <PanelClass kClass>
HWY_INLINE void FloatTile(const TileTask& task) {
  const TileFloatTag df;
  TileSums total;
  for (auto& row : total) {
    for (auto& sum : row) sum = hn::Zero(df);
  }
  const ActivationView& x = task.tokens.x;
  if constexpr (kClass.form == ActivationForm::kBF16) {
    const hn::Repartition<hwy::bfloat16_t, TileFloatTag> d16;
    const hn::RebindToSigned<TileFloatTag> d32;
    TileSums other;
    const bf16* a[kTileTokens];
    for (size_t t = 0; t < kTileTokens; ++t) {
      a[t] = static_cast<const bf16*>(x.values) + TileRow(task, t) * x.value_stride + task.first_col;
      for (size_t v = 0; v < kPanelVectors; ++v) other[t][v] = hn::Zero(df);
    }
    const auto* panel = static_cast<const bf16*>(task.panel);
    for (size_t k = 0; k < task.cols; k += 2) {
      hn::Vec<decltype(d16)> w[kPanelVectors];
      for (size_t v = 0; v < kPanelVectors; ++v, panel += 2 * kLanes32) w[v] = LoadBytes(d16, panel);
      for (size_t t = 0; t < kTileTokens; ++t) {
        int32_t pair;
        memcpy(&pair, a[t] + k, sizeof(pair));
        const auto b = hn::BitCast(d16, hn::Set(d32, pair));
        for (size_t v = 0; v < kPanelVectors; ++v) {
          total[t][v] = hn::ReorderWidenMulAccumulate(df, w[v], b, total[t][v], other[t][v]);
        }
      }
    }
    for (size_t t = 0; t < kTileTokens; ++t) {
      for (size_t v = 0; v < kPanelVectors; ++v) total[t][v] = hn::RearrangeToOddPlusEven(total[t][v], other[t][v]);
    }
  } else {
    const float* a[kTileTokens];
    for (size_t t = 0; t < kTileTokens; ++t) {
      a[t] = static_cast<const float*>(x.values) + TileRow(task, t) * x.value_stride + task.first_col;
    }
    const auto* panel = static_cast<const float*>(task.panel);
    for (size_t k = 0; k < task.cols; ++k) {
      TileFloats w[kPanelVectors];
      for (size_t v = 0; v < kPanelVectors; ++v, panel += kLanes32) w[v] = hn::Load(df, panel);
      for (size_t t = 0; t < kTileTokens; ++t) {
        const auto b = hn::Set(df, a[t][k]);
        for (size_t v = 0; v < kPanelVectors; ++v) total[t][v] = hn::MulAdd(w[v], b, total[t][v]);
      }
    }
  }
  StoreTile(task, total);
}

// See TileTask.
template <PanelClass kClass>
HWY_NOINLINE void Tile(const TileTask& task) {
  if constexpr (kClass.group == 1) {
    FloatTile<kClass>(task);
  } else {
    QuantizedTile<kClass>(task);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
