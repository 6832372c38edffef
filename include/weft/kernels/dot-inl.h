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

#include <utility>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/formats/unpack-inl.h"
#include "weft/kernels/decode-inl.h"
#include "weft/simd/convert-inl.h"
#include "weft/simd/int8_dot-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A token's quantised activations.
struct QuantizedRow {
  const int8_t* code;
  const float* scale;
  const int16_t* sum;
};
HWY_INLINE QuantizedRow RowOf(const ActivationView& x, size_t row) {
  return {static_cast<const int8_t*>(x.values) + row * x.value_stride, x.scales + row * x.scale_stride,
          x.sums + row * x.sum_stride};
}

// The sum of codes of group g of a block that starts at element `start`.
template <class Format>
HWY_INLINE float GroupSum(const int16_t* sum, size_t start, size_t g) {
  int32_t total = 0;
  for (size_t i = 0; i < Format::kGroup / kSumGroup; ++i) {
    total += sum[(start + g * Format::kGroup) / kSumGroup + i];
  }
  return static_cast<float>(total);
}

// Per block: sum over groups of  scale[g] * sum_i (code - zero) * a  -  offset[g] * sum_i a,  times the activation's
// scale; the inner sum is exact in integers. Lane l of `total` gathers the elements whose index is l modulo the lanes,
// so that the sum across lanes is taken once per row.
template <class Format, size_t kRows, size_t kTokens>
HWY_INLINE void DotQuantized(const typename Format::Block* const (&w)[kRows], const QuantizedRow (&x)[kTokens],
                             size_t cols, float* HWY_RESTRICT out, size_t row_step, size_t token_step) {
  const CodeTag<Format> d8;
  const hn::RebindToSigned<decltype(d8)> di8;
  const hn::Repartition<int32_t, decltype(d8)> d32;
  const hn::Repartition<float, decltype(d8)> df;
  using VF = hn::Vec<decltype(df)>;
  constexpr size_t kBlock = kBlockElements<Format>;
  constexpr size_t kGroups = kBlockGroups<Format>;
  constexpr size_t kScaleGroup = GroupOf(Format::kForm);  // elements per activation scale
  constexpr size_t kSpan = kScaleGroup < kBlock ? kScaleGroup : kBlock;
  constexpr bool kWide = Format::kMaxCode > 127;

  VF total[kRows][kTokens];
  float minus[kRows][kTokens] = {};  // what the offsets take off
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t t = 0; t < kTokens; ++t) total[r][t] = hn::Zero(df);
  }
  for (size_t start = 0; start < cols; start += kBlock) {
    const size_t b = start / kBlock;
    float scale[kRows][kGroups], offset[kRows][kGroups];
    for (size_t r = 0; r < kRows; ++r) Unpack<Format>::Scales(w[r][b], scale[r], offset[r]);
    // Within a span all elements share the activation scale.
    for (size_t span = 0; span < kBlock; span += kSpan) {
      VF part[kRows][kTokens];
      for (size_t r = 0; r < kRows; ++r) {
        for (size_t t = 0; t < kTokens; ++t) part[r][t] = hn::Zero(df);
      }
      for (size_t g = span / Format::kGroup; g < (span + kSpan) / Format::kGroup; ++g) {
        hn::Vec<decltype(d32)> sum[kRows][kTokens];
        for (size_t i = 0; i < Format::kGroup; i += hn::Lanes(d8)) {
          const size_t e = g * Format::kGroup + i;
          hn::Vec<decltype(d8)> operand[kRows];
          for (size_t r = 0; r < kRows; ++r) {
            operand[r] = Operand<Format::kZero>(d8, Unpack<Format>::Codes(d8, w[r][b], e));
          }
          for (size_t t = 0; t < kTokens; ++t) {
            const auto a = hn::LoadU(di8, x[t].code + start + e);
            const auto correction = ZeroCorrection<Format::kZero>(d32, a);
            for (size_t r = 0; r < kRows; ++r) {
              const auto from = i == 0 ? correction : hn::Add(sum[r][t], correction);
              sum[r][t] = QuadDot<kWide>(d32, operand[r], a, from);
            }
          }
        }
        for (size_t t = 0; t < kTokens; ++t) {
          for (size_t r = 0; r < kRows; ++r) {
            part[r][t] = hn::MulAdd(hn::ConvertTo(df, sum[r][t]), hn::Set(df, scale[r][g]), part[r][t]);
          }
        }
      }
      for (size_t t = 0; t < kTokens; ++t) {
        const float a_scale = x[t].scale[(start + span) / kScaleGroup];
        for (size_t r = 0; r < kRows; ++r) {
          total[r][t] = hn::MulAdd(part[r][t], hn::Set(df, a_scale), total[r][t]);
          if constexpr (Format::kHasOffset) {
            float offsets = 0.0f;
            for (size_t g = span / Format::kGroup; g < (span + kSpan) / Format::kGroup; ++g) {
              offsets += offset[r][g] * GroupSum<Format>(x[t].sum, start, g);
            }
            minus[r][t] += a_scale * offsets;
          }
        }
      }
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t t = 0; t < kTokens; ++t) {
      out[r * row_step + t * token_step] = hn::ReduceSum(df, total[r][t]) - minus[r][t];
    }
  }
}

// Float weights with float activations, or bf16 with bf16 (pair products, accumulated in float).
template <class Format, size_t kRows, size_t kTokens>
HWY_INLINE void DotFloat(const typename Format::Block* const (&w)[kRows], const void* const (&x)[kTokens], size_t cols,
                         float* HWY_RESTRICT out, size_t row_step, size_t token_step) {
  const hn::ScalableTag<float> df;
  using VF = hn::Vec<decltype(df)>;
  VF total[kRows][kTokens], other[kRows][kTokens];
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t t = 0; t < kTokens; ++t) total[r][t] = other[r][t] = hn::Zero(df);
  }
  if constexpr (Format::kForm == ActivationForm::kBF16) {
    const hn::Repartition<hwy::bfloat16_t, decltype(df)> d16;
    const size_t lanes = hn::Lanes(d16);
    for (size_t i = 0; i < cols; i += lanes) {
      const size_t left = cols - i;
      for (size_t r = 0; r < kRows; ++r) {
        const auto a = left >= lanes ? LoadBytes(d16, w[r] + i) : LoadBytesN(d16, w[r] + i, left);
        for (size_t t = 0; t < kTokens; ++t) {  // activations are zero-padded beyond any vector
          const auto b = LoadBytes(d16, static_cast<const bf16*>(x[t]) + i);
          total[r][t] = hn::ReorderWidenMulAccumulate(df, a, b, total[r][t], other[r][t]);
        }
      }
    }
  } else {
    const size_t lanes = hn::Lanes(df);
    for (size_t i = 0; i < cols; i += lanes) {
      const size_t left = cols - i;
      VF a[kTokens];
      for (size_t t = 0; t < kTokens; ++t) {
        const float* from = static_cast<const float*>(x[t]) + i;
        a[t] = left >= lanes ? hn::LoadU(df, from) : hn::LoadN(df, from, left);
      }
      for (size_t r = 0; r < kRows; ++r) {
        const auto b = left >= lanes ? LoadFloat(df, w[r] + i) : LoadFloatN(df, w[r] + i, left);
        for (size_t t = 0; t < kTokens; ++t) total[r][t] = hn::MulAdd(b, a[t], total[r][t]);
      }
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t t = 0; t < kTokens; ++t) {
      out[r * row_step + t * token_step] = hn::ReduceSum(df, hn::Add(total[r][t], other[r][t]));
    }
  }
}

// kRows rows from `row` on (a row of the task) with kTokens tokens from `token` on.
template <class Format, size_t kRows, size_t kTokens>
HWY_NOINLINE void DotTile(const DotTask& task, size_t row, size_t token) {
  using Block = typename Format::Block;
  const Block* w[kRows];
  for (size_t r = 0; r < kRows; ++r) {
    w[r] = reinterpret_cast<const Block*>(static_cast<const uint8_t*>(task.w.data) +
                                          (task.first_row + row + r) * task.w.row_bytes);
  }
  float* out = task.raw + token * task.raw_stride + row;
  if constexpr (kIsFloat<Format>) {
    const void* x[kTokens];
    for (size_t t = 0; t < kTokens; ++t) {
      const size_t bytes = Format::kForm == ActivationForm::kBF16 ? sizeof(bf16) : sizeof(float);
      x[t] = static_cast<const uint8_t*>(task.tokens.x.values) +
             task.tokens.Row(token + t) * task.tokens.x.value_stride * bytes;
    }
    DotFloat<Format>(w, x, task.w.cols, out, 1, task.raw_stride);
  } else {
    QuantizedRow x[kTokens];
    for (size_t t = 0; t < kTokens; ++t) x[t] = RowOf(task.tokens.x, task.tokens.Row(token + t));
    DotQuantized<Format>(w, x, task.w.cols, out, 1, task.raw_stride);
  }
}

template <class Format, size_t kRows, size_t kTokens>
HWY_INLINE void DotTokens(const DotTask& task, size_t token) {
  size_t row = 0;
  for (; row + kRows <= task.rows; row += kRows) DotTile<Format, kRows, kTokens>(task, row, token);
  if constexpr (kRows > 1) {
    for (; row < task.rows; ++row) DotTile<Format, 1, kTokens>(task, row, token);
  }
}

// raw[i * raw_stride + r] = dot(token i, weight row first_row + r) for the task's tokens and rows. A token's results
// do not depend on the tokens beside it: every (row, token) pair adds in the same order whatever the tile.
template <class Format>
HWY_NOINLINE void DotRows(const DotTask& task) {
  size_t token = 0;
  for (; token + 4 <= task.tokens.count; token += 4) DotTokens<Format, 1, 4>(task, token);
  switch (task.tokens.count - token) {
    case 3: DotTokens<Format, 1, 3>(task, token); break;
    case 2: DotTokens<Format, 2, 2>(task, token); break;
    case 1: DotTokens<Format, 4, 1>(task, token); break;
    default: break;
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
