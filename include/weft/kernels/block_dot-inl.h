// Products of a few tokens with rows of weights, block by block in natural order: codes meet the activations as both
// lie in memory, so that nothing is transposed but the factors, of which a vector of blocks has few. For large blocks
// and narrow vectors (kNaturalDotElements); dot-inl.h has the other way, a block per lane.

#if defined(WEFT_KERNELS_BLOCK_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_BLOCK_DOT_INL_H_
#undef WEFT_KERNELS_BLOCK_DOT_INL_H_
#else
#define WEFT_KERNELS_BLOCK_DOT_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/core/prefetch.h"
#include "weft/formats/panel_class-inl.h"
#include "weft/formats/row_codes-inl.h"
#include "weft/kernels/pack_tokens-inl.h"
#include "weft/simd/int8_dot-inl.h"
#include "weft/simd/tiling-inl.h"
#include "weft/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class Format>
inline constexpr bool kDotsInNaturalOrder = kBlockElements<Format> >= kNaturalDotElements;

// How far ahead of a stream of blocks to request it.
inline constexpr size_t kBlocksAhead = 4096;

// What a token brings beside its codes, which are read where they are. Per kLanes32 blocks, a lane for each (zeros
// beyond the row's last; where several rows of weights fit the lanes, the token repeats), in steps of kLanes32 dwords:
//   per pair of groups: 2 i16, the sums of their codes     where integers are multiplied with them
//   per group: f32, the sum of its codes                   where floats are
//   per scale: f32
template <class Format, PanelClass kClass, Products kProducts>
struct BlockLayout {
  static constexpr size_t kGroups = kBlockElements<Format> / kClass.group;
  static constexpr size_t kPerScale = GroupOf(kClass.form) / kClass.group;  // groups
  static constexpr bool kIntegers = kClass.scales == GroupNumbers::kInteger;
  static constexpr bool kMovesSigns = MovesSigns<kProducts>(Format::kMaxCode, kIntegers);
  static constexpr bool kOwesZero = kClass.owes_zero && !kMovesSigns;
  static constexpr bool kPairs = kClass.offsets == GroupNumbers::kInteger || (kOwesZero && kIntegers);
  static constexpr bool kFloats = kClass.offsets == GroupNumbers::kFloat || (kOwesZero && !kIntegers);
  static constexpr size_t kSums = kPairs ? kGroups / 2 : 0;
  static constexpr size_t kScales = kSums + (kFloats ? kGroups : 0);
  static constexpr size_t kSteps = kScales + kBlockElements<Format> / GroupOf(kClass.form);
};

template <class Format, PanelClass kClass, Products kProducts>
size_t BlockTokenBytes(size_t cols) {
  const size_t blocks = cols / kBlockElements<Format>;
  return (blocks + kLanes32 - 1) / kLanes32 * BlockLayout<Format, kClass, kProducts>::kSteps * kLanes32 *
         sizeof(uint32_t);
}

// Tokens [begin, begin + count) of the list back to back, BlockTokenBytes(cols) each, 4-byte aligned; `cols` of them,
// from the first one on.
template <class Format, PanelClass kClass, Products kProducts>
HWY_NOINLINE void PackBlockTokens(const PackTokensTask& task) {
  using Layout = BlockLayout<Format, kClass, kProducts>;
  const ActivationView& x = task.tokens.x;
  const size_t blocks = task.cols / kBlockElements<Format>, repeats = RowsInLanes(blocks);
  const size_t bytes = BlockTokenBytes<Format, kClass, kProducts>(task.cols);
  constexpr size_t kBlockScales = kBlockElements<Format> / GroupOf(kClass.form);
  for (size_t t = 0; t < task.tokens.count; ++t) {
    auto* out = reinterpret_cast<uint32_t*>(static_cast<uint8_t*>(task.out) + t * bytes);
    if (blocks % kLanes32 != 0) memset(out, 0, bytes);
    const size_t row = task.tokens.Row(t);
    for (size_t i = 0; i < blocks * repeats; ++i) {
      const size_t block = i % blocks;
      uint32_t* lane = out + i / kLanes32 * Layout::kSteps * kLanes32 + i % kLanes32;
      const int16_t* sums = x.sums + row * x.sum_stride + block * (kBlockElements<Format> / kSumGroup);
      int32_t even_sum = 0;
      for (size_t g = 0; (Layout::kPairs || Layout::kFloats) && g < Layout::kGroups; ++g) {
        int32_t sum = 0;
        for (size_t k = 0; k < kClass.group / kSumGroup; ++k) sum += *sums++;
        if constexpr (Layout::kPairs) {
          if (g % 2 == 1) {
            lane[g / 2 * kLanes32] = static_cast<uint16_t>(even_sum) | static_cast<uint32_t>(sum) << 16;
          }
          even_sum = sum;
        }
        if constexpr (Layout::kFloats) {
          const float value = static_cast<float>(sum);
          memcpy(lane + (Layout::kSums + g) * kLanes32, &value, sizeof(value));
        }
      }
      const float* scales = x.scales + row * x.scale_stride + block * kBlockScales;
      for (size_t k = 0; k < kBlockScales; ++k) {
        memcpy(lane + (Layout::kScales + k) * kLanes32, scales + k, sizeof(float));
      }
    }
  }
}

// Vectors as arrays in memory, a lane per block.
using LaneFloats = float[kLanes32];
using LaneDwords = uint32_t[kLanes32];

// Takes the factors of a vector of blocks.
template <PanelClass kClass>
struct BlockFactors {
  static constexpr bool kIntegerScales = kClass.scales == GroupNumbers::kInteger;
  static constexpr bool kIntegerOffsets = kClass.offsets == GroupNumbers::kInteger;
  LaneFloats* scale;    // [groups], or the factor of the integers
  LaneFloats* offset;   // the same
  LaneDwords* scales;   // [groups], twice the same 16 bits
  LaneDwords* pairs;    // [groups / 2], of the scales
  LaneDwords* offsets;  // [groups / 2]

  HWY_INLINE void Scale(size_t group, hn::Vec<RowFloatTag> v) const { hn::Store(v, RowFloatTag(), scale[group]); }
  HWY_INLINE void Offset(size_t group, hn::Vec<RowFloatTag> v) const { hn::Store(v, RowFloatTag(), offset[group]); }
  HWY_INLINE void IntegerScales(size_t pair, hn::Vec<RowDwordTag> v) const {
    const RowDwordTag d;
    const hn::Repartition<uint16_t, RowDwordTag> d16;
    const auto low = hn::BitCast(d16, hn::ShiftLeft<16>(v)), high = hn::BitCast(d16, hn::ShiftRight<16>(v));
    hn::Store(v, d, pairs[pair]);
    hn::Store(hn::BitCast(d, hn::OddEven(low, hn::BitCast(d16, v))), d, scales[2 * pair]);
    hn::Store(hn::BitCast(d, hn::OddEven(hn::BitCast(d16, v), high)), d, scales[2 * pair + 1]);
  }
  HWY_INLINE void ScaleFactor(hn::Vec<RowFloatTag> v) const { Scale(0, v); }
  HWY_INLINE void IntegerOffsets(size_t pair, hn::Vec<RowDwordTag> v) const {
    hn::Store(v, RowDwordTag(), offsets[pair]);
  }
  HWY_INLINE void OffsetFactor(hn::Vec<RowFloatTag> v) const { Offset(0, v); }
};

// kLanes32 blocks in a row with kTokens tokens.
template <class Format, PanelClass kClass, Products kProducts, size_t kTokens>
class BlockProducts {
  using Layout = BlockLayout<Format, kClass, kProducts>;
  using VF = hn::Vec<RowFloatTag>;
  using D32 = hn::RebindToSigned<RowDwordTag>;
  using D16 = hn::Repartition<int16_t, RowDwordTag>;
  using D8 = hn::Repartition<uint8_t, RowDwordTag>;
  static constexpr size_t kElements = kBlockElements<Format>, kLanes8 = 4 * kLanes32;
  static constexpr size_t kGroups = Layout::kGroups, kRepeat = Format::kGroup / kClass.group;
  static constexpr size_t kFactors = Layout::kIntegers ? 1 : kGroups;

 public:
  // Reads the factors of the blocks at `rows`; x[t] is what the token brings for them.
  HWY_INLINE void SetFactors(const BlockRows& rows, const uint32_t* const (&x)[kTokens], size_t blocks) {
    const RowFloatTag df;
    const RowDwordTag du;
    const D32 d32;
    const D16 d16;
    alignas(64) LaneFloats scale[kBlockGroups<Format>], offset[kBlockGroups<Format>];
    alignas(64) LaneDwords pairs[kGroups / 2 + 1], offsets[kGroups / 2 + 1];
    RowFactors<Format>(rows, BlockFactors<kClass>{scale, offset, scales_, pairs, offsets});
    const auto zero = hn::Set(df, static_cast<float>(Format::kZero));
    const auto dot = [&](const LaneDwords* numbers, const uint32_t* sums) HWY_ATTR {
      auto sum = hn::Zero(d32);
      for (size_t i = 0; i < kGroups / 2; ++i) {
        sum = PairDot<kProducts>(d32, hn::BitCast(d16, hn::Load(du, numbers[i])),
                                 hn::BitCast(d16, hn::LoadU(du, sums + i * kLanes32)), sum);
      }
      return hn::ConvertTo(df, sum);
    };
    const auto at = [&](size_t t, size_t step)
                        HWY_ATTR { return hn::BitCast(df, hn::LoadU(du, x[t] + step * kLanes32)); };
    for (size_t t = 0; t < kTokens; ++t) {
      auto owed = hn::Zero(df);
      for (size_t g = 0; g < kFactors; ++g) {
        const auto a_scale = at(t, Layout::kScales + g / Layout::kPerScale);
        const auto factor = hn::Mul(hn::Load(df, scale[g / kRepeat]), a_scale);
        hn::Store(factor, df, factor_[t][g]);
        if constexpr (Layout::kOwesZero && Layout::kIntegers) {
          owed = hn::Mul(hn::Mul(factor, zero), dot(pairs, x[t]));
        } else if constexpr (Layout::kOwesZero) {
          owed = hn::MulAdd(hn::Mul(factor, zero), at(t, Layout::kSums + g), owed);
        }
        if constexpr (kClass.offsets == GroupNumbers::kFloat) {
          owed = hn::MulAdd(hn::Mul(hn::Load(df, offset[g / kRepeat]), a_scale), at(t, Layout::kSums + g), owed);
        }
      }
      if constexpr (kClass.offsets == GroupNumbers::kInteger) {
        owed = hn::MulAdd(hn::Mul(hn::Load(df, offset[0]), at(t, Layout::kScales)), dot(offsets, x[t]), owed);
      }
      if (blocks < kLanes32) owed = hn::IfThenElseZero(hn::FirstN(df, blocks), owed);
      hn::Store(owed, df, owed_[t]);
    }
  }

  // What is to be subtracted, a lane per block: what zeros and offsets take.
  HWY_INLINE VF Owed(size_t t) const { return hn::Load(RowFloatTag(), owed_[t]); }
  HWY_INLINE float Owed(size_t t, size_t lane) const { return owed_[t][lane]; }

  // Adds the products of the block in lane `lane`, whose bytes are at `block`, with the tokens' codes from `first` on.
  HWY_INLINE void Add(const uint8_t* block, const uint8_t* ahead, size_t lane, const int8_t* const (&codes)[kTokens],
                      size_t first, VF (&total)[kTokens]) const {
    const RowFloatTag df;
    const D32 d32;
    const D8 d8;
    const hn::Repartition<int8_t, RowDwordTag> di8;
    hn::Vec<D32> sum[kTokens];
    VF part[kTokens];  // of this block alone: a chain of additions over all would be slower than memory
    WEFT_UNROLL(16)
    for (size_t i = 0; i < kElements; i += kLanes8) {
      if constexpr (sizeof(typename Format::Block) > kLineBytes) {
        PrefetchPart<sizeof(typename Format::Block), kElements / kLanes8>(ahead, i / kLanes8);
      }
      const size_t group = i / kClass.group;
      const CodeOperand<Layout::kMovesSigns, Format::kZero, D8> w(Unpack<Format>::Codes(d8, BlockBytes{block}, i));
      if constexpr (Layout::kIntegers) {
        const auto scales = Of(scales_, group, lane);
        WEFT_UNROLL(8)
        for (size_t t = 0; t < kTokens; ++t) {
          const auto product = w.Pairs(hn::LoadU(di8, codes[t] + first + i));
          sum[t] = PairDot<kProducts>(d32, product, hn::BitCast(D16(), scales), i == 0 ? hn::Zero(d32) : sum[t]);
          if constexpr (kTokens > 1) KeepOrder(sum[t]);
        }
      } else {
        WEFT_UNROLL(8)
        for (size_t t = 0; t < kTokens; ++t) {
          const auto start = i % kClass.group == 0 ? hn::Zero(d32) : sum[t];
          sum[t] = w.template Quads<kProducts>(hn::LoadU(di8, codes[t] + first + i), start);
          if ((i + kLanes8) % kClass.group == 0 || kClass.group < kLanes8) {
            const auto value = hn::ConvertTo(df, sum[t]), factor = hn::BitCast(df, Of(factor_[t], group, lane));
            part[t] = group == 0 ? hn::Mul(value, factor) : hn::MulAdd(value, factor, part[t]);
            if constexpr (kTokens > 1) KeepOrder(part[t]);
          }
        }
      }
    }
    WEFT_UNROLL(8)
    for (size_t t = 0; t < kTokens; ++t) {
      if constexpr (Layout::kIntegers) {
        total[t] = hn::MulAdd(hn::ConvertTo(df, sum[t]), hn::Set(df, factor_[t][0][lane]), total[t]);
      } else {
        total[t] = hn::Add(total[t], part[t]);
      }
    }
  }

 private:
  // The dword of a group in all lanes; of two groups in half of them each, where a vector of codes has two.
  template <class T>
  static HWY_INLINE hn::Vec<RowDwordTag> Of(const T (*numbers)[kLanes32], size_t group, size_t lane) {
    const RowDwordTag du;
    const hn::Rebind<T, RowDwordTag> d;
    const auto first = hn::BitCast(du, hn::Set(d, numbers[group][lane]));
    if constexpr (kClass.group >= kLanes8) return first;
    static_assert(kClass.group * 2 >= kLanes8);
    return hn::ConcatUpperLower(du, hn::BitCast(du, hn::Set(d, numbers[group + 1][lane])), first);
  }

  alignas(64) LaneDwords scales_[Layout::kIntegers ? kGroups : 1];
  alignas(64) LaneFloats factor_[kTokens][kFactors];
  alignas(64) LaneFloats owed_[kTokens];
};

// Rows of weights with kTokens tokens, in the order in which they lie in memory.
template <class Format, PanelClass kClass, Products kProducts, size_t kTokens>
HWY_NOINLINE void DotInBlocks(const DotTask& task, size_t token) {
  using Layout = BlockLayout<Format, kClass, kProducts>;
  const RowFloatTag df;
  constexpr size_t kBlockBytes = sizeof(typename Format::Block), kStepBytes = kBlockBytes * kLanes32;
  const size_t blocks = task.w.cols / kBlockElements<Format>;
  const size_t token_bytes = BlockTokenBytes<Format, kClass, kProducts>(task.w.cols);
  const auto* packed = static_cast<const uint8_t*>(task.packed) + token * token_bytes;
  const auto* data = static_cast<const uint8_t*>(task.w.data);
  const bool dense = task.w.row_bytes == blocks * kBlockBytes;
  const uint8_t* end = data + task.w.rows * blocks * kBlockBytes;  // of the matrix, if it has no gaps
  const ActivationView& x = task.tokens.x;
  const int8_t* codes[kTokens];
  for (size_t t = 0; t < kTokens; ++t) {
    codes[t] = static_cast<const int8_t*>(x.values) + task.tokens.Row(token + t) * x.value_stride;
  }

  BlockProducts<Format, kClass, kProducts, kTokens> products;
  const size_t together = RowsInLanes(blocks);
  for (size_t row = 0; row < task.rows;) {
    const size_t rows = dense && row + together <= task.rows ? together : 1;
    const uint8_t* from = data + (task.first_row + row) * task.w.row_bytes;
    hn::Vec<RowFloatTag> total[kTokens];
    WEFT_UNROLL(8)
    for (size_t t = 0; t < kTokens; ++t) total[t] = hn::Zero(df);
    const size_t all = blocks * rows;
    for (size_t b = 0; b < all; b += kLanes32, from += kStepBytes) {
      const size_t count = HWY_MIN(all - b, kLanes32);
      // Lanes without a block of this row see the next one's, or zeros where there is none or a gap before it.
      alignas(64) uint8_t last[kStepBytes];
      const uint8_t* bytes = from;
      if (count < kLanes32 && (!dense || static_cast<size_t>(end - from) < kStepBytes)) {
        memcpy(last, from, count * kBlockBytes);
        memset(last + count * kBlockBytes, 0, kStepBytes - count * kBlockBytes);
        bytes = last;
      }
      const uint32_t* lanes[kTokens];
      for (size_t t = 0; t < kTokens; ++t) {
        lanes[t] = reinterpret_cast<const uint32_t*>(packed + t * token_bytes) + b * Layout::kSteps;
      }
      const uint8_t* ahead = Ahead(from, kBlocksAhead);
      if constexpr (kBlockBytes <= kLineBytes) PrefetchLines(ahead, kStepBytes);
      products.SetFactors({bytes, kBlockBytes}, lanes, count);
      if (together == 1) {
        WEFT_UNROLL(8)
        for (size_t t = 0; t < kTokens; ++t) total[t] = hn::Sub(total[t], products.Owed(t));
        for (size_t i = 0; i < count; ++i) {
          products.Add(from + i * kBlockBytes, ahead + i * kBlockBytes, i, codes, (b + i) * kBlockElements<Format>,
                       total);
        }
      } else {
        for (size_t i = 0; i < count; ++i) {
          products.Add(from + i * kBlockBytes, ahead + i * kBlockBytes, i, codes, i % blocks * kBlockElements<Format>,
                       total);
          if (i % blocks != blocks - 1) continue;
          for (size_t t = 0; t < kTokens; ++t) {
            float sum = hn::ReduceSum(df, total[t]);
            for (size_t k = i - (blocks - 1); k <= i; ++k) sum -= products.Owed(t, k);
            task.raw[(token + t) * task.raw_stride + row + i / blocks] = sum;
            total[t] = hn::Zero(df);
          }
        }
      }
    }
    if (together == 1) {
      WEFT_UNROLL(8)
      for (size_t t = 0; t < kTokens; ++t) {
        task.raw[(token + t) * task.raw_stride + row] = hn::ReduceSum(df, total[t]);
      }
    }
    row += rows;
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
