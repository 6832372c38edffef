// Products of a few tokens with rows of weights, straight from the blocks of the file: each weight is unpacked in
// registers once and used for every token. For decoding (one token) and small batches; panels serve larger ones.

#if defined(WEFT_KERNELS_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_DOT_INL_H_
#undef WEFT_KERNELS_DOT_INL_H_
#else
#define WEFT_KERNELS_DOT_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/core/prefetch.h"
#include "weft/formats/panel_class-inl.h"
#include "weft/formats/row_codes-inl.h"
#include "weft/kernels/block_dot-inl.h"
#include "weft/kernels/pack_tokens-inl.h"
#include "weft/simd/convert-inl.h"
#include "weft/simd/int8_dot-inl.h"
#include "weft/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The factors of a vector of blocks in registers. A group of the format is kRepeat groups of the product.
template <PanelClass kClass, size_t kRepeat>
struct LaneFactors {
  static constexpr bool kIntegerScales = false;
  static constexpr bool kIntegerOffsets = kClass.offsets == GroupNumbers::kInteger;
  hn::Vec<RowFloatTag>* scale;   // [groups]
  hn::Vec<RowFloatTag>* offset;  // [groups], or the factor of the integer offsets
  hn::Vec<RowDwordTag>* pairs;   // [groups / 2]

  HWY_INLINE void Scale(size_t group, hn::Vec<RowFloatTag> v) const {
    WEFT_UNROLL(8)
    for (size_t i = 0; i < kRepeat; ++i) scale[group * kRepeat + i] = v;
  }
  HWY_INLINE void Offset(size_t group, hn::Vec<RowFloatTag> v) const {
    static_assert(kClass.offsets == GroupNumbers::kFloat,
                  "offsets are floats here: integer ones are given as such, with their factor (ByteOffsets)");
    WEFT_UNROLL(8)
    for (size_t i = 0; i < kRepeat; ++i) offset[group * kRepeat + i] = v;
  }
  HWY_INLINE void IntegerOffsets(size_t pair, hn::Vec<RowDwordTag> v) const { pairs[pair] = v; }
  HWY_INLINE void OffsetFactor(hn::Vec<RowFloatTag> v) const { offset[0] = v; }
};

// One block per lane, token t's lanes at x + t * x_stride; requests as many bytes at `ahead`.
// part[t] = sum over spans of
//   scale_a * sum over groups (scale[g] * sum_i (code - zero) * a  -  offset[g] * sum_i a)
template <class Format, PanelClass kClass, Products kProducts, size_t kTokens>
HWY_INLINE void DotBlocks(const BlockRows& rows, const uint8_t* ahead, const uint32_t* HWY_RESTRICT x, size_t x_stride,
                          hn::Vec<RowFloatTag> (&part)[kTokens]) {
  using Layout = LaneLayout<Format, kClass>;
  using Span = typename Layout::Span;
  const RowFloatTag df;
  const RowDwordTag du;
  const hn::RebindToSigned<RowDwordTag> d32;
  const hn::Repartition<int16_t, RowDwordTag> d16;
  const hn::Repartition<uint8_t, RowDwordTag> d8;
  const hn::Repartition<int8_t, RowDwordTag> di8;
  constexpr size_t kGroup = kClass.group, kGroups = kBlockElements<Format> / kGroup;
  constexpr size_t kBytes = sizeof(typename Format::Block) * kLanes32, kQuads = kBlockElements<Format> / 4;

  // Runs of 16 bytes, though those of 32 are faster: with fewer, larger ones memory is read less evenly.
  alignas(64) uint8_t staged[StagedBytes<Format>()];
  const auto codes = CodesOf<Format, 16, kBytes>(rows, staged, ahead);
  hn::Vec<RowFloatTag> scale[kGroups], offset[kGroups];
  hn::Vec<RowDwordTag> pairs[kGroups / 2 + 1];
  RowFactors<Format>(rows, LaneFactors<kClass, Format::kGroup / kGroup>{scale, offset, pairs});

  WEFT_UNROLL(4)
  for (size_t s = 0; s < Layout::kSpans; ++s) {
    const uint32_t* span = x + s * Span::kSteps * kLanes32;
    const uint32_t* starts = span + Span::kCodes * kLanes32;
    const uint32_t* sums = span + Span::kSums * kLanes32;
    hn::Vec<RowFloatTag> total[kTokens];
    WEFT_UNROLL(16)
    for (size_t g = 0; g < Span::kGroups; ++g) {
      const size_t group = s * Span::kGroups + g;
      QuadSum<kClass, kProducts, decltype(d32)> sum[kTokens];
      WEFT_UNROLL(8)
      for (size_t t = 0; t < kTokens; ++t) {
        sum[t].Start(Span::kStarts ? hn::BitCast(d32, hn::LoadU(du, starts + t * x_stride + g * kLanes32))
                                   : hn::Zero(d32));
      }
      WEFT_UNROLL(8)
      for (size_t quad = 0; quad < kGroup / 4; ++quad) {
        const size_t first = group * kGroup + 4 * quad;
        if constexpr (!kIsStaged<Format>) PrefetchPart<kBytes, kQuads>(ahead, first / 4);
        const auto w = Operand<Format::kZero>(d8, codes.Codes(d8, first));
        WEFT_UNROLL(8)
        for (size_t t = 0; t < kTokens; ++t) {
          const uint32_t* a = span + t * x_stride + (g * (kGroup / 4) + quad) * kLanes32;
          sum[t].Add(quad, w, hn::BitCast(di8, hn::LoadU(du, a)));
        }
      }
      WEFT_UNROLL(8)
      for (size_t t = 0; t < kTokens; ++t) {
        const auto v = hn::ConvertTo(df, sum[t].total());
        total[t] = g == 0 ? hn::Mul(v, scale[group]) : hn::MulAdd(v, scale[group], total[t]);
        if constexpr (kClass.offsets == GroupNumbers::kFloat) {
          const auto code_sum = hn::BitCast(df, hn::LoadU(du, sums + t * x_stride + g * kLanes32));
          total[t] = hn::NegMulAdd(offset[group], code_sum, total[t]);
        }
      }
    }
    WEFT_UNROLL(8)
    for (size_t t = 0; t < kTokens; ++t) {
      if constexpr (kClass.offsets == GroupNumbers::kInteger) {
        auto sum = hn::Zero(d32);
        WEFT_UNROLL(8)
        for (size_t i = 0; i < Span::kGroups / 2; ++i) {
          const auto a = hn::BitCast(d16, hn::LoadU(du, sums + t * x_stride + i * kLanes32));
          sum = PairDot<kProducts>(d32, hn::BitCast(d16, pairs[i]), a, sum);
        }
        total[t] = hn::NegMulAdd(hn::ConvertTo(df, sum), offset[0], total[t]);
      }
      const auto a_scale = hn::BitCast(df, hn::LoadU(du, span + t * x_stride + Span::kScale * kLanes32));
      part[t] = s == 0 ? hn::Mul(total[t], a_scale) : hn::MulAdd(total[t], a_scale, part[t]);
    }
  }
}

// Rows of weights with kTokens tokens, in the order in which they lie in memory.
template <class Format, PanelClass kClass, Products kProducts, size_t kTokens>
HWY_NOINLINE void DotQuantized(const DotTask& task, size_t token) {
  using Layout = LaneLayout<Format, kClass>;
  const RowFloatTag df;
  constexpr size_t kBlockBytes = sizeof(typename Format::Block);
  constexpr size_t kStepBytes = kBlockBytes * kLanes32;
  // Whether whole vectors of blocks have code of their own: 1 to 2 % faster with AVX2 and AVX-512. On vectors of four
  // lanes a block takes so many instructions that a mask more is nothing, and a second copy seconds to compile.
  constexpr bool kWholeApart = kLanes32 >= 8;
  const size_t blocks = task.w.cols / kBlockElements<Format>;
  const size_t lane_bytes = LaneBytes<Format, kClass>(task.w.cols);
  const auto* x = reinterpret_cast<const uint32_t*>(static_cast<const uint8_t*>(task.packed) + token * lane_bytes);
  const size_t x_stride = lane_bytes / sizeof(uint32_t);
  const auto* data = static_cast<const uint8_t*>(task.w.data);
  const bool dense = task.w.row_bytes == blocks * kBlockBytes;
  const uint8_t* end = data + task.w.rows * blocks * kBlockBytes;  // of the matrix, if it has no gaps

  const size_t together = RowsInLanes(blocks);
  for (size_t row = 0; row < task.rows;) {
    // Several short rows at once, where they fill the lanes.
    const size_t rows = dense && row + together <= task.rows ? together : 1;
    const uint8_t* from = data + (task.first_row + row) * task.w.row_bytes;
    hn::Vec<RowFloatTag> total[kTokens];
    WEFT_UNROLL(8)
    for (size_t t = 0; t < kTokens; ++t) total[t] = hn::Zero(df);
    const size_t all = blocks * rows;
    for (size_t b = 0; b < all; b += kLanes32, from += kStepBytes) {
      const size_t left = all - b;
      const uint32_t* lanes = x + b / kLanes32 * Layout::kSteps * kLanes32;
      hn::Vec<RowFloatTag> part[kTokens];
      if (kWholeApart && left >= kLanes32) {
        DotBlocks<Format, kClass, kProducts>({from, kBlockBytes}, Ahead(from, kPrefetchAhead), lanes, x_stride, part);
        WEFT_UNROLL(8)
        for (size_t t = 0; t < kTokens; ++t) total[t] = hn::Add(total[t], part[t]);
      } else {
        // Lanes without a block of this row see the next one's, or zeros where there is none or a gap before it.
        alignas(64) uint8_t last[kStepBytes];
        const uint8_t* bytes = from;
        if (left < kLanes32 && (!dense || static_cast<size_t>(end - from) < kStepBytes)) {
          memcpy(last, from, left * kBlockBytes);
          memset(last + left * kBlockBytes, 0, kStepBytes - left * kBlockBytes);
          bytes = last;
        }
        DotBlocks<Format, kClass, kProducts>({bytes, kBlockBytes}, Ahead(from, kPrefetchAhead), lanes, x_stride, part);
        const auto valid = hn::FirstN(df, HWY_MIN(left, kLanes32));
        WEFT_UNROLL(8)
        for (size_t t = 0; t < kTokens; ++t) total[t] = hn::Add(total[t], hn::IfThenElseZero(valid, part[t]));
      }
    }
    WEFT_UNROLL(8)
    for (size_t t = 0; t < kTokens; ++t) {
      float* out = task.raw + (token + t) * task.raw_stride + row;
      if (together == 1) {
        out[0] = hn::ReduceSum(df, total[t]);
      } else {
        HWY_ALIGN float lanes[kLanes32];
        hn::Store(total[t], df, lanes);
        for (size_t r = 0; r < rows; ++r) {
          float sum = lanes[r * blocks];
          for (size_t b = 1; b < blocks; ++b) sum += lanes[r * blocks + b];
          out[r] = sum;
        }
      }
    }
    row += rows;
  }
}

// How far ahead of a stream of floats to request it; less than kPrefetchAhead, because the activations take more of the
// first-level cache than those of blocks do.
inline constexpr size_t kFloatsAhead = 4096;
// Tokens at a time: with 16 registers two, with two rows.
inline constexpr size_t kFloatDotTokens = kVectorRegisters == 16 ? 2 : 4;
// Rows whose products with all tokens are done before the next ones are read.
inline constexpr size_t kFloatDotRows = 8;

// Some rows of float weights with float activations, or of bf16 with bf16 (pair products, accumulated in float); row
// r's at w + r * row_bytes. Several sums per token hide the latency of the additions. A row's sums have the same order
// whatever the rows and tokens beside it.
template <class Format, ActivationForm kForm, size_t kRows, bool kAhead, size_t kTokens>
HWY_INLINE void DotFloat(const uint8_t* HWY_RESTRICT w, size_t row_bytes, const void* const (&x)[kTokens], size_t cols,
                         float* HWY_RESTRICT out, size_t token_step) {
  using Block = typename Format::Block;
  constexpr bool kPairs = kForm == ActivationForm::kBF16;
  constexpr size_t kSums = 3;
  const hn::ScalableTag<float> df;
  const hn::Repartition<hwy::bfloat16_t, decltype(df)> d16;
  using VF = hn::Vec<decltype(df)>;
  const size_t lanes = hn::Lanes(df) * (kPairs ? 2 : 1), step = lanes * kSums;
  const auto at = [&](size_t row, size_t i)
                      HWY_ATTR { return reinterpret_cast<const Block*>(w + row * row_bytes) + i; };
  // Whether a step's s-th vector lies in another line than the one before, if the step begins one: enough requests for
  // every line, and few more than lines.
  const auto next_line = [=](size_t s) HWY_ATTR {
    const size_t bytes = lanes * sizeof(Block);
    return s == 0 || s * bytes / kLineBytes != (s - 1) * bytes / kLineBytes;
  };
  VF total[kRows][kTokens][kSums];
  VF other[kRows][kTokens];  // for targets without pair products; elsewhere it vanishes
  WEFT_UNROLL(4)
  for (size_t r = 0; r < kRows; ++r) {
    WEFT_UNROLL(8)
    for (size_t t = 0; t < kTokens; ++t) {
      other[r][t] = hn::Zero(df);
      WEFT_UNROLL(4)
      for (size_t s = 0; s < kSums; ++s) total[r][t][s] = hn::Zero(df);
    }
  }
  size_t i = 0;
  for (; i + step <= cols; i += step) {
    WEFT_UNROLL(4)
    for (size_t s = 0; s < kSums; ++s) {
      const size_t j = i + s * lanes;
      WEFT_UNROLL(4)
      for (size_t r = 0; r < kRows; ++r) {
        if (kAhead && next_line(s)) Prefetch(Ahead(at(r, j), kFloatsAhead));
        if constexpr (kPairs) {
          const auto a = LoadBytes(d16, at(r, j));
          WEFT_UNROLL(8)
          for (size_t t = 0; t < kTokens; ++t) {
            const auto b = LoadBytes(d16, static_cast<const bf16*>(x[t]) + j);
            total[r][t][s] = hn::ReorderWidenMulAccumulate(df, a, b, total[r][t][s], other[r][t]);
          }
        } else {
          const auto a = LoadFloat(df, at(r, j));
          WEFT_UNROLL(8)
          for (size_t t = 0; t < kTokens; ++t) {
            total[r][t][s] = hn::MulAdd(a, hn::LoadU(df, static_cast<const float*>(x[t]) + j), total[r][t][s]);
          }
        }
      }
    }
  }
  for (; i < cols; i += lanes) {
    const size_t left = cols - i;
    WEFT_UNROLL(4)
    for (size_t r = 0; r < kRows; ++r) {
      WEFT_UNROLL(8)
      for (size_t t = 0; t < kTokens; ++t) {
        if constexpr (kPairs) {  // activations are zero-padded beyond any vector
          const auto a = left >= lanes ? LoadBytes(d16, at(r, i)) : LoadBytesN(d16, at(r, i), left);
          const auto b = LoadBytes(d16, static_cast<const bf16*>(x[t]) + i);
          total[r][t][0] = hn::ReorderWidenMulAccumulate(df, a, b, total[r][t][0], other[r][t]);
        } else {
          const float* from = static_cast<const float*>(x[t]) + i;
          const auto a = left >= lanes ? LoadFloat(df, at(r, i)) : LoadFloatN(df, at(r, i), left);
          const auto b = left >= lanes ? hn::LoadU(df, from) : hn::LoadN(df, from, left);
          total[r][t][0] = hn::MulAdd(a, b, total[r][t][0]);
        }
      }
    }
  }
  WEFT_UNROLL(4)
  for (size_t r = 0; r < kRows; ++r) {
    WEFT_UNROLL(8)
    for (size_t t = 0; t < kTokens; ++t) {
      WEFT_UNROLL(4)
      for (size_t s = 1; s < kSums; ++s) total[r][t][0] = hn::Add(total[r][t][0], total[r][t][s]);
      out[t * token_step + r] = hn::ReduceSum(df, hn::Add(total[r][t][0], other[r][t]));
    }
  }
}

template <class Format, ActivationForm kForm, size_t kTokens>
HWY_NOINLINE void DotFloats(const DotTask& task, size_t token) {
  constexpr size_t kBytes = kForm == ActivationForm::kBF16 ? sizeof(bf16) : sizeof(float);
  const void* x[kTokens];
  for (size_t t = 0; t < kTokens; ++t) {
    x[t] = static_cast<const uint8_t*>(task.tokens.x.values) +
           task.tokens.Row(token + t) * task.tokens.x.value_stride * kBytes;
  }
  const auto* w = static_cast<const uint8_t*>(task.w.data) + task.first_row * task.w.row_bytes;
  float* raw = task.raw + token * task.raw_stride;
  size_t row = 0;
  const auto rows = [&]<size_t kRows, bool kAhead>() HWY_ATTR {
    for (; row + kRows <= task.rows; row += kRows) {
      DotFloat<Format, kForm, kRows, kAhead>(w + row * task.w.row_bytes, task.w.row_bytes, x, task.w.cols, raw + row,
                                             task.raw_stride);
    }
  };
  // Short rows several at once, which share the loop, as far as registers go; long ones are read in one stream, or in
  // two where that halves what is read of several tokens.
  constexpr size_t kShort = 256, kTogether = 4 / kTokens;
  if (kTogether > 1 && task.w.cols <= kShort) rows.template operator()<kTogether, false>();
  if constexpr (kTokens == kFloatDotTokens && kTogether == 2) rows.template operator()<2, true>();
  rows.template operator()<1, true>();
}

template <class Format, PanelClass kClass, Products kProducts, size_t kTokens>
HWY_INLINE void DotTokens(const DotTask& task, size_t token) {
  if constexpr (kIsFloat<Format>) {
    DotFloats<Format, kClass.form, kTokens>(task, token);
  } else if constexpr (kDotsInNaturalOrder<Format>) {
    DotInBlocks<Format, kClass, kProducts, kTokens>(task, token);
  } else {
    DotQuantized<Format, kClass, kProducts, kTokens>(task, token);
  }
}

// Tokens from `token` on, kMost of them at a time, the rest by fewer.
template <class Format, PanelClass kClass, Products kProducts, size_t kMost>
HWY_INLINE void DotAllTokens(const DotTask& task, size_t token = 0) {
  for (; token + kMost <= task.tokens.count; token += kMost) DotTokens<Format, kClass, kProducts, kMost>(task, token);
  if constexpr (kMost > 1) DotAllTokens<Format, kClass, kProducts, kMost == 8 ? 4 : kMost - 1>(task, token);
}

// raw[i * raw_stride + r] = dot(token i, weight row first_row + r) for the task's tokens and rows. A token's results
// do not depend on the tokens beside it.
template <class Format, PanelClass kClass = kUsualClass<Format>, Products kProducts = Products::kTarget>
HWY_NOINLINE void DotRows(const DotTask& task) {
  if constexpr (kIsFloat<Format>) {
    for (size_t row = 0; row < task.rows; row += kFloatDotRows) {
      DotTask part = task;
      part.first_row += row;
      part.rows = HWY_MIN(task.rows - row, kFloatDotRows);
      part.raw += row;
      DotAllTokens<Format, kClass, kProducts, kFloatDotTokens>(part);
    }
  } else {
    DotAllTokens<Format, kClass, kProducts, kDotsInNaturalOrder<Format> ? 8 : 4>(task);
  }
}

// How DotRows wants the tokens of quantised forms: see PackLanes and PackBlockTokens.
template <class Format, PanelClass kClass = kUsualClass<Format>, Products kProducts = Products::kTarget>
size_t DotTokenBytes(size_t cols) {
  if constexpr (kDotsInNaturalOrder<Format>) return BlockTokenBytes<Format, kClass, kProducts>(cols);
  return LaneBytes<Format, kClass>(cols);
}
template <class Format, PanelClass kClass = kUsualClass<Format>, Products kProducts = Products::kTarget>
HWY_INLINE void PackDotTokens(const PackTokensTask& task) {
  if constexpr (kDotsInNaturalOrder<Format>) {
    PackBlockTokens<Format, kClass, kProducts>(task);
  } else {
    PackLanes<Format, kClass>(task);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
