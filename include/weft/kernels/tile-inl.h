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

// part = sum over the groups of a span of  scale[g] * sum_i (code - zero) * a  -  offset[g] * sum_i a  (float offsets)
template <PanelClass kClass, Products kProducts, size_t kTokens>
HWY_INLINE void SumByFloatScales(const uint8_t* panel, const uint32_t* tokens,
                                 TileArray<hn::Vec<RowFloatTag>, kTokens>& part) {
  using Panel = PanelLayout<kClass>;
  const RowFloatTag df;
  const hn::RebindToSigned<RowDwordTag> d32;
  const uint32_t* sums = tokens + TokenLayout<kClass>::kSums * kTokens;
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
      if constexpr (kClass.offsets == Offsets::kFloat) {
        const auto offset = hn::Load(df, factors + kPanelRows + v * kLanes32);
        WEFT_UNROLL(16)
        for (size_t t = 0; t < kTokens; ++t) {
          part[t][v] = hn::NegMulAdd(offset, BroadcastFloat(sums + g * kTokens + t), part[t][v]);
        }
      }
    }
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
      even[t] = InterleaveHalves<Panel::kDropped>(d32, sum[t][0].total(), sum[t][1].total());
      KeepOrder(even[t]);
    }
    SumGroup<kClass, kTokens>(panel, tokens, 2 * pair + 1, sum);
    const auto* scales = reinterpret_cast<const int16_t*>(panel + Panel::kScales + pair * Panel::kPairBytes);
    const auto scale0 = hn::Load(d16, scales), scale1 = hn::Load(d16, scales + 2 * kLanes32);
    WEFT_UNROLL(16)
    for (size_t t = 0; t < kTokens; ++t) {
      const auto odd0 = hn::ShiftLeft<16 - Panel::kDropped>(sum[t][0].total());
      const auto odd1 = hn::ShiftLeft<16 - Panel::kDropped>(sum[t][1].total());
      const auto pair0 = hn::OddEven(hn::BitCast(d16, odd0), hn::BitCast(d16, even[t]));
      const auto pair1 = hn::OddEven(hn::BitCast(d16, odd1), hn::BitCast(d16, hn::ShiftRight<16>(even[t])));
      auto by0 = scale0, by1 = scale1;
      if constexpr (Tokens::kScalePairs) {
        const auto a = hn::BitCast(d16, BroadcastDword(tokens + (Tokens::kScales + pair) * kTokens + t));
        by0 = hn::MulFixedPoint15(scale0, a);
        by1 = hn::MulFixedPoint15(scale1, a);
      }
      total.Set(t, 0, PairDot<kProducts>(d32, pair0, by0, total.Get(t, 0)));
      total.Set(t, 1, PairDot<kProducts>(d32, pair1, by1, total.Get(t, 1)));
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

// sums -= sum over groups of  offset[g] * sum_i a  (float offsets, tokens' sums with their scales)
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
    if constexpr (kClass.offsets == Offsets::kInteger) {
      SubtractIntegerOffsets<kClass, kProducts, kTokens>(panel, tokens, part);
    }
    if constexpr (kRestInMemory) LoadTile<kTokens>(task, total);
    if constexpr (kIntegerScales && kClass.offsets == Offsets::kFloat) {
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
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
