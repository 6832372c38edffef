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
#include "weft/simd/convert-inl.h"
#include "weft/simd/int8_dot-inl.h"
#include "weft/simd/tiling-inl.h"
#include "weft/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
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

template <size_t kTokens, class V>
HWY_INLINE void StoreTile(const TileTask& task, const TileArray<V, kTokens>& sums) {
  const RowFloatTag df;
  WEFT_UNROLL(16)
  for (size_t t = 0; t < kTokens; ++t) {
    float* to = task.raw + t * task.raw_stride;
    WEFT_UNROLL(4)
    for (size_t v = 0; v < kPanelVectors; ++v) {
      float* lanes = to + v * kLanes32;
      hn::Store(hn::Add(hn::Load(df, lanes), sums[t][v]), df, lanes);
    }
  }
}

// The integer sums of one group: codes of kGroup / 4 steps, times those of the tokens.
template <PanelClass kClass, size_t kTokens, class Sum>
HWY_INLINE void GroupSums(const uint8_t* HWY_RESTRICT panel, const uint32_t* HWY_RESTRICT codes,
                          TileArray<Sum, kTokens>& sum) {
  const hn::Repartition<uint8_t, RowDwordTag> d8;
  const hn::Repartition<int8_t, RowDwordTag> di8;
  constexpr size_t kVector = kLanes32 * sizeof(uint32_t);
  WEFT_UNROLL(8)
  for (size_t quad = 0; quad < kClass.group / 4; ++quad) {
    hn::Vec<decltype(d8)> w[kPanelVectors];
    WEFT_UNROLL(4)
    for (size_t v = 0; v < kPanelVectors; ++v) w[v] = hn::Load(d8, panel + (quad * kPanelVectors + v) * kVector);
    WEFT_UNROLL(16)
    for (size_t t = 0; t < kTokens; ++t) {
      const auto a = hn::BitCast(di8, BroadcastDword(codes + quad * kTokens + t));
      WEFT_UNROLL(4)
      for (size_t v = 0; v < kPanelVectors; ++v) sum[t][v].Add(quad, w[v], a);
    }
  }
}

// Per span of columns that share an activation scale:
//   sum += scale_a * sum over groups (scale[g] * sum_i (code - zero) * a  -  offset[g] * sum_i a)
template <PanelClass kClass, Products kProducts, size_t kTokens>
HWY_INLINE void QuantizedTile(const TileTask& task) {
  using Panel = PanelLayout<kClass>;
  using Tokens = TokenLayout<kClass>;
  const RowFloatTag df;
  const hn::RebindToSigned<RowDwordTag> d32;
  const hn::Repartition<int16_t, RowDwordTag> d16;
  using VF = hn::Vec<RowFloatTag>;
  using VI = hn::Vec<decltype(d32)>;

  // Where spans are long and a span's sums take the registers, totals rest in memory between spans.
  constexpr bool kRestInMemory = Panel::kGroups > 2;
  TileArray<VF, kTokens> total;
  ZeroTile<kTokens>(total);
  const auto* panel = static_cast<const uint8_t*>(task.panel);
  const auto* tokens = static_cast<const uint32_t*>(task.tokens);
  for (size_t col = 0; col < task.cols; col += Panel::kSpan) {
    TileArray<VF, kTokens> part;
    ZeroTile<kTokens>(part);
    const uint32_t* sums = tokens + Tokens::kCodes * kTokens;
    for (size_t g = 0; g < Panel::kGroups; ++g) {
      const uint8_t* group = panel + g * Panel::kGroupBytes;
      const auto* factors = reinterpret_cast<const float*>(group + Panel::kCodes);
      TileArray<QuadSum<kClass, kProducts, decltype(d32)>, kTokens> sum;
      WEFT_UNROLL(16)
      for (size_t t = 0; t < kTokens; ++t) {
        const auto start = Tokens::kStarts ? hn::BitCast(d32, BroadcastDword(sums + g * kTokens + t)) : hn::Zero(d32);
        WEFT_UNROLL(4)
        for (size_t v = 0; v < kPanelVectors; ++v) sum[t][v].Start(start);
      }
      GroupSums<kClass, kTokens>(group, tokens + g * (kClass.group / 4) * kTokens, sum);
      WEFT_UNROLL(4)
      for (size_t v = 0; v < kPanelVectors; ++v) {
        const auto scale = hn::Load(df, factors + v * kLanes32);
        WEFT_UNROLL(16)
        for (size_t t = 0; t < kTokens; ++t)
          part[t][v] = hn::MulAdd(hn::ConvertTo(df, sum[t][v].total()), scale, part[t][v]);
        if constexpr (kClass.offsets == Offsets::kFloat) {
          const auto offset = hn::Load(df, factors + kPanelRows + v * kLanes32);
          WEFT_UNROLL(16)
          for (size_t t = 0; t < kTokens; ++t) {
            part[t][v] = hn::NegMulAdd(offset, BroadcastFloat(sums + g * kTokens + t), part[t][v]);
          }
        }
      }
    }
    if constexpr (kClass.offsets == Offsets::kInteger) {
      const auto* pairs = reinterpret_cast<const int16_t*>(panel + Panel::kIntegers);
      TileArray<VI, kTokens> sum;
      WEFT_UNROLL(8)
      for (size_t i = 0; i < Panel::kGroups / 2; ++i, pairs += 2 * kPanelRows) {
        hn::Vec<decltype(d16)> offsets[kPanelVectors];
        WEFT_UNROLL(4)
        for (size_t v = 0; v < kPanelVectors; ++v) offsets[v] = hn::Load(d16, pairs + v * 2 * kLanes32);
        WEFT_UNROLL(16)
        for (size_t t = 0; t < kTokens; ++t) {
          const auto a = hn::BitCast(d16, BroadcastDword(sums + i * kTokens + t));
          WEFT_UNROLL(4)
          for (size_t v = 0; v < kPanelVectors; ++v)
            sum[t][v] = PairDot<kProducts>(d32, offsets[v], a, i == 0 ? hn::Zero(d32) : sum[t][v]);
        }
      }
      const float* factor = reinterpret_cast<const float*>(panel + Panel::kIntegerFactor);
      WEFT_UNROLL(4)
      for (size_t v = 0; v < kPanelVectors; ++v) {
        const auto f = hn::Load(df, factor + v * kLanes32);
        WEFT_UNROLL(16)
        for (size_t t = 0; t < kTokens; ++t) part[t][v] = hn::NegMulAdd(hn::ConvertTo(df, sum[t][v]), f, part[t][v]);
      }
    }
    WEFT_UNROLL(16)
    for (size_t t = 0; t < kTokens; ++t) {
      const auto scale = BroadcastFloat(tokens + Tokens::kScale * kTokens + t);
      WEFT_UNROLL(4)
      for (size_t v = 0; v < kPanelVectors; ++v) {
        if constexpr (kRestInMemory) {
          float* to = task.raw + t * task.raw_stride + v * kLanes32;
          hn::Store(hn::MulAdd(part[t][v], scale, hn::Load(df, to)), df, to);
        } else {
          total[t][v] = hn::MulAdd(part[t][v], scale, total[t][v]);
        }
      }
    }
    panel += Panel::kSpanBytes;
    tokens += Tokens::kSteps * kTokens;
  }
  if constexpr (!kRestInMemory) StoreTile<kTokens>(task, total);
}

template <PanelClass kClass, size_t kTokens>
HWY_INLINE void FloatTile(const TileTask& task) {
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
  StoreTile<kTokens>(task, total);
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
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
