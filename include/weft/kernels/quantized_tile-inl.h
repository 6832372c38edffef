// The tile of quantised panels and tokens. Layouts: pack-inl.h, pack_tokens-inl.h.

#if defined(WEFT_KERNELS_QUANTIZED_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_QUANTIZED_TILE_INL_H_
#undef WEFT_KERNELS_QUANTIZED_TILE_INL_H_
#else
#define WEFT_KERNELS_QUANTIZED_TILE_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/kernels/pack-inl.h"
#include "weft/kernels/pack_tokens-inl.h"
#include "weft/kernels/tile_array-inl.h"
#include "weft/simd/int8_dot-inl.h"
#include "weft/simd/tiling-inl.h"
#include "weft/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The integer sums of one group: codes of kGroup / 4 steps, times those of the tokens.
template <PanelClass kClass, size_t kTokens, class Sum>
HWY_INLINE void GroupSums(const uint8_t* panel, const uint32_t* codes, TileArray<Sum, kTokens>& sum) {
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
    sum[kTokens - 1][kPanelVectors - 1].KeepOrder();
  }
}

// The same from the start: from what unsigned codes owe, if they do, and from what rounds dropped bits.
template <PanelClass kClass, size_t kTokens, class Sum>
HWY_INLINE void SumGroup(const uint8_t* panel, const uint32_t* tokens, size_t group, TileArray<Sum, kTokens>& sum) {
  using Tokens = TokenLayout<kClass>;
  const hn::RebindToSigned<RowDwordTag> d32;
  const uint32_t* starts = tokens + (Tokens::kCodes + group) * kTokens;
  WEFT_UNROLL(16)
  for (size_t t = 0; t < kTokens; ++t) {
    const auto start = Tokens::kStarts ? hn::BitCast(d32, BroadcastDword(starts + t)) : hn::Zero(d32);
    WEFT_UNROLL(4)
    for (size_t v = 0; v < kPanelVectors; ++v) sum[t][v].Start(start);
  }
  GroupSums<kClass, kTokens>(panel + group * PanelLayout<kClass>::kGroupBytes,
                             tokens + group * (kClass.group / 4) * kTokens, sum);
}

// sums -= sum over groups of  offset[g] * sum_i a  (float offsets)
template <PanelClass kClass, size_t kTokens>
HWY_INLINE void SubtractFloatOffsets(const uint8_t* panel, const uint32_t* tokens, size_t groups,
                                     TileArray<hn::Vec<RowFloatTag>, kTokens>& sums) {
  using Panel = PanelLayout<kClass>;
  const uint32_t* code_sums = tokens + TokenLayout<kClass>::kSums * kTokens;
  for (size_t g = 0; g < groups; ++g) {
    const auto* offsets = reinterpret_cast<const float*>(panel + g * Panel::kGroupBytes + Panel::kOffset);
    WEFT_UNROLL(4)
    for (size_t v = 0; v < kPanelVectors; ++v) {
      const auto offset = hn::Load(RowFloatTag(), offsets + v * kLanes32);
      WEFT_UNROLL(16)
      for (size_t t = 0; t < kTokens; ++t) {
        sums[t][v] = hn::NegMulAdd(offset, BroadcastFloat(code_sums + g * kTokens + t), sums[t][v]);
      }
    }
  }
}

// part = sum over the groups of a span of  scale[g] * sum_i (code - zero) * a  -  offset[g] * sum_i a  (float offsets)
template <PanelClass kClass, Products kProducts, size_t kTokens>
HWY_INLINE void SumByFloatScales(const uint8_t* panel, const uint32_t* tokens,
                                 TileArray<hn::Vec<RowFloatTag>, kTokens>& part) {
  using Panel = PanelLayout<kClass>;
  const RowFloatTag df;
  const hn::RebindToSigned<RowDwordTag> d32;
  ZeroTile<kTokens>(part);
  for (size_t g = 0; g < Panel::kGroups; ++g) {
    TileArray<QuadSum<kClass, kProducts, decltype(d32)>, kTokens> sum;
    SumGroup<kClass, kTokens>(panel, tokens, g, sum);
    const auto* factors = reinterpret_cast<const float*>(panel + g * Panel::kGroupBytes + Panel::kCodes);
    WEFT_UNROLL(4)
    for (size_t v = 0; v < kPanelVectors; ++v) {
      const auto scale = hn::Load(df, factors + v * kLanes32);
      WEFT_UNROLL(16)
      for (size_t t = 0; t < kTokens; ++t)
        part[t][v] = hn::MulAdd(hn::ConvertTo(df, sum[t][v].total()), scale, part[t][v]);
    }
  }
  if constexpr (kClass.offsets == GroupNumbers::kFloat) {
    SubtractFloatOffsets<kClass, kTokens>(panel, tokens, Panel::kGroups, part);
  }
}

// The integer totals of a tile: in registers if there are enough for them beside the sums of a pair of groups.
template <size_t kTokens>
class TileTotals {
  static constexpr bool kInMemory = kVectorRegisters == 16;
  using D = hn::RebindToSigned<RowDwordTag>;

 public:
  HWY_INLINE TileTotals() {
    WEFT_UNROLL(16)
    for (size_t t = 0; t < kTokens; ++t) {
      WEFT_UNROLL(4)
      for (size_t v = 0; v < kPanelVectors; ++v) Set(t, v, hn::Zero(D()));
    }
  }
  HWY_INLINE hn::Vec<D> Get(size_t t, size_t v) const {
    return kInMemory ? hn::Load(D(), At(memory_, t, v)) : registers_[t][v];
  }
  HWY_INLINE void Set(size_t t, size_t v, hn::Vec<D> total) {
    if constexpr (kInMemory) {
      hn::Store(total, D(), At(memory_, t, v));
    } else {
      registers_[t][v] = total;
    }
  }

 private:
  template <class T>
  static HWY_INLINE T* At(T* memory, size_t t, size_t v) {
    return memory + t * kPanelRows + v * kLanes32;
  }
  TileArray<hn::Vec<D>, kInMemory ? 1 : kTokens> registers_;
  alignas(64) int32_t memory_[kInMemory ? kTokens * kPanelRows : 1];
};

// part = factor * sum over pairs of groups of  scale[g] * sum_i (code - zero) * a, in integers. A pair's sums, 16 bits
// of each, share a 32-bit lane, and so do its scales. What 16 bits cannot hold of the sums is rounded off.
template <PanelClass kClass, Products kProducts, size_t kTokens>
HWY_INLINE void SumByIntegerScales(const uint8_t* panel, const uint32_t* tokens, size_t pairs,
                                   TileArray<hn::Vec<RowFloatTag>, kTokens>& part) {
  using Panel = PanelLayout<kClass>;
  using Tokens = TokenLayout<kClass>;
  const RowFloatTag df;
  const hn::RebindToSigned<RowDwordTag> d32;
  const hn::Repartition<int16_t, RowDwordTag> d16;
  using VI = hn::Vec<decltype(d32)>;
  using Sum = QuadSum<kClass, kProducts, decltype(d32)>;
  static_assert(kPanelVectors == 2);

  TileTotals<kTokens> total;
  for (size_t pair = 0; pair < pairs; ++pair) {
    TileArray<Sum, kTokens> sum;
    SumGroup<kClass, kTokens>(panel, tokens, 2 * pair, sum);
    VI even[kTokens];  // of both vectors
    WEFT_UNROLL(16)
    for (size_t t = 0; t < kTokens; ++t) {
      even[t] = InterleaveHalves<kClass.dropped_bits, kClass.dropped_bits>(d32, sum[t][0].total(), sum[t][1].total());
      KeepOrder(even[t]);
    }
    SumGroup<kClass, kTokens>(panel, tokens, 2 * pair + 1, sum);
    const auto* scales = reinterpret_cast<const int16_t*>(panel + Panel::kScales + pair * Panel::kPairBytes);
    const auto scale0 = hn::Load(d16, scales), scale1 = hn::Load(d16, scales + 2 * kLanes32);
    WEFT_UNROLL(16)
    for (size_t t = 0; t < kTokens; ++t) {
      const auto pair0 = InterleaveHalves<0, kClass.dropped_bits>(d32, even[t], sum[t][0].total());
      const auto pair1 = InterleaveHalves<16, kClass.dropped_bits>(d32, even[t], sum[t][1].total());
      auto by0 = scale0, by1 = scale1;
      if constexpr (Tokens::kScalePairs) {
        const auto a = hn::BitCast(d16, BroadcastDword(tokens + (Tokens::kScales + pair) * kTokens + t));
        by0 = hn::MulFixedPoint15(scale0, a);
        by1 = hn::MulFixedPoint15(scale1, a);
      }
      total.Set(t, 0, PairDot<kProducts>(d32, hn::BitCast(d16, pair0), by0, total.Get(t, 0)));
      total.Set(t, 1, PairDot<kProducts>(d32, hn::BitCast(d16, pair1), by1, total.Get(t, 1)));
    }
  }
  const auto* factors = reinterpret_cast<const float*>(panel + Panel::kScales + Panel::kFactorAt);
  WEFT_UNROLL(4)
  for (size_t v = 0; v < kPanelVectors; ++v) {
    const auto factor = hn::Load(df, factors + v * kLanes32);
    WEFT_UNROLL(16)
    for (size_t t = 0; t < kTokens; ++t) part[t][v] = hn::Mul(hn::ConvertTo(df, total.Get(t, v)), factor);
  }
}

// part -= factor * sum over the groups of a span of  offset[g] * sum_i a
template <PanelClass kClass, Products kProducts, size_t kTokens>
HWY_INLINE void SubtractIntegerOffsets(const uint8_t* panel, const uint32_t* tokens,
                                       TileArray<hn::Vec<RowFloatTag>, kTokens>& part) {
  using Panel = PanelLayout<kClass>;
  const RowFloatTag df;
  const hn::RebindToSigned<RowDwordTag> d32;
  const hn::Repartition<int16_t, RowDwordTag> d16;
  const uint32_t* code_sums = tokens + TokenLayout<kClass>::kSums * kTokens;
  const auto* pairs = reinterpret_cast<const int16_t*>(panel + Panel::kOffsets);
  TileArray<hn::Vec<decltype(d32)>, kTokens> sum;
  WEFT_UNROLL(8)
  for (size_t i = 0; i < Panel::kGroups / 2; ++i, pairs += 2 * kPanelRows) {
    hn::Vec<decltype(d16)> offsets[kPanelVectors];
    WEFT_UNROLL(4)
    for (size_t v = 0; v < kPanelVectors; ++v) offsets[v] = hn::Load(d16, pairs + v * 2 * kLanes32);
    WEFT_UNROLL(16)
    for (size_t t = 0; t < kTokens; ++t) {
      const auto a = hn::BitCast(d16, BroadcastDword(code_sums + i * kTokens + t));
      WEFT_UNROLL(4)
      for (size_t v = 0; v < kPanelVectors; ++v)
        sum[t][v] = PairDot<kProducts>(d32, offsets[v], a, i == 0 ? hn::Zero(d32) : sum[t][v]);
    }
  }
  const auto* factors = reinterpret_cast<const float*>(panel + Panel::kOffsets + Panel::kFactorAt);
  WEFT_UNROLL(4)
  for (size_t v = 0; v < kPanelVectors; ++v) {
    const auto factor = hn::Load(df, factors + v * kLanes32);
    WEFT_UNROLL(16)
    for (size_t t = 0; t < kTokens; ++t) {
      part[t][v] = hn::NegMulAdd(hn::ConvertTo(df, sum[t][v]), factor, part[t][v]);
    }
  }
}

// Per span of columns:
//   raw += scale_a * (sum over groups  scale[g] * sum_i (code - zero) * a  -  offset[g] * sum_i a)
template <PanelClass kClass, Products kProducts, size_t kTokens>
HWY_INLINE void QuantizedTile(TileTask task) {
  using Panel = PanelLayout<kClass>;
  using Tokens = TokenLayout<kClass>;
  using VF = hn::Vec<RowFloatTag>;

  // Where spans are long and a span's sums take the registers, totals rest in memory between spans.
  constexpr bool kRestInMemory = Panel::kGroups > 2;
  TileArray<VF, kTokens> total;
  ZeroTile<kTokens>(total);
  const auto* panel = static_cast<const uint8_t*>(task.panel);
  const auto* tokens = static_cast<const uint32_t*>(task.tokens);
  for (size_t col = 0; col < task.cols; col += Panel::kSpan) {
    TileArray<VF, kTokens> part;
    size_t groups = Panel::kGroups;
    if constexpr (kIntegerScales) {
      constexpr size_t kPair = 2 * kClass.group;
      const size_t left = task.cols - col;
      if (left < Panel::kSpan) groups = (left + kPair - 1) / kPair * 2;
      SumByIntegerScales<kClass, kProducts, kTokens>(panel, tokens, groups / 2, part);
    } else {
      SumByFloatScales<kClass, kProducts, kTokens>(panel, tokens, part);
    }
    if constexpr (kClass.offsets == GroupNumbers::kInteger) {
      SubtractIntegerOffsets<kClass, kProducts, kTokens>(panel, tokens, part);
    }
    if constexpr (kRestInMemory) LoadTile<kTokens>(task, total);
    if constexpr (kIntegerScales && kClass.offsets == GroupNumbers::kFloat) {
      SubtractFloatOffsets<kClass, kTokens>(panel, tokens, groups, total);
    }
    WEFT_UNROLL(16)
    for (size_t t = 0; t < kTokens; ++t) {
      const auto scale = BroadcastFloat(tokens + Tokens::kScale * kTokens + t);
      WEFT_UNROLL(4)
      for (size_t v = 0; v < kPanelVectors; ++v) total[t][v] = hn::MulAdd(part[t][v], scale, total[t][v]);
    }
    if constexpr (kRestInMemory) StoreTile<kTokens>(task, total);
    panel += Panel::kSpanBytes;
    tokens += Tokens::kSteps * kTokens;
  }
  if constexpr (!kRestInMemory) AddTile<kTokens>(task, total);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
