// RMSNorm and LayerNorm.

#if defined(WEFT_KERNELS_NORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_NORM_INL_H_
#undef WEFT_KERNELS_NORM_INL_H_
#else
#define WEFT_KERNELS_NORM_INL_H_
#endif

#include <math.h>
#include <stddef.h>

#include "hwy/highway.h"
#include "weft/core/op_args.h"
#include "weft/core/strict_math.h"
#include "weft/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A run of floats: x, or x + residual.
struct Plain {
  const float* x;
  template <class DF, class Vector>
  HWY_INLINE hn::Vec<DF> Load(DF df, Vector vector, size_t i) const {
    return vector.Load(df, x + i);
  }
};
struct WithResidual {
  Plain x, residual;
  template <class DF, class Vector>
  HWY_INLINE hn::Vec<DF> Load(DF df, Vector vector, size_t i) const {
    return hn::Add(x.Load(df, vector, i), residual.Load(df, vector, i));
  }
};

// The sum over v[0, n) of f(vector), lanes beyond n excluded. f must map 0 - which fills them - to whatever it likes.
template <class Run, class F>
HWY_INLINE float SumOf(const Run& v, size_t n, const F& f) {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  auto sum0 = hn::Zero(df), sum1 = hn::Zero(df);
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    sum0 = hn::Add(sum0, f(v.Load(df, WholeVector(), i)));
    sum1 = hn::Add(sum1, f(v.Load(df, WholeVector(), i + lanes)));
  }
  ForVectors(df, i, n, [&](size_t at, auto vector) HWY_ATTR {
    sum0 = hn::Add(sum0, vector.Or(df, f(v.Load(df, vector, at)), hn::Zero(df)));
  });
  return hn::ReduceSum(df, hn::Add(sum0, sum1));
}

// y = (v - mean) * factor * weight + bias
template <class Run>
HWY_INLINE void ScaleRow(const Run& run, float* y, size_t n, float mean, float factor, const float* weight,
                         const float* bias) {
  const hn::ScalableTag<float> df;
  const auto vmean = hn::Set(df, mean), vfactor = hn::Set(df, factor);
  ForVectors(df, n, [&](size_t i, auto vector) HWY_ATTR {
    auto v = hn::Mul(hn::Sub(run.Load(df, vector, i), vmean), vfactor);
    if (weight != nullptr) v = hn::Mul(v, vector.Load(df, weight + i));
    if (bias != nullptr) v = hn::Add(v, vector.Load(df, bias + i));
    vector.Store(df, v, y + i);
  });
}

template <class Run>
HWY_INLINE void NormRow(const NormArgs& args, const Run& run, float* y) {
  const hn::ScalableTag<float> df;
  using VF = hn::Vec<decltype(df)>;
  const float n = static_cast<float>(args.cols);
  float mean = 0.0f;
  if (args.kind == NormKind::kLayer) mean = SumOf(run, args.cols, [](VF v) HWY_ATTR { return v; }) / n;
  const auto vmean = hn::Set(df, mean);
  const float squares = SumOf(run, args.cols, [&vmean](VF v) HWY_ATTR {
    const auto d = hn::Sub(v, vmean);
    return hn::Mul(d, d);
  });
  const float factor = 1.0f / sqrtf(squares / n + args.epsilon);
  ScaleRow(run, y, args.cols, mean, factor, args.weight, args.bias);
}

// Rows [first, first + count) of NormArgs. A sum that is wanted is stored first, and read again from there.
inline void NormRows(const NormArgs& args, size_t first, size_t count) {
  const hn::ScalableTag<float> df;
  for (size_t row = first; row < first + count; ++row) {
    const size_t token = row / args.heads, head = row % args.heads;
    const Plain x{args.x + token * args.stride + head * args.head_stride};
    float* y = args.y + token * args.y_stride + head * args.y_head_stride;
    if (args.residual == nullptr) {
      NormRow(args, x, y);
      continue;
    }
    const WithResidual both{x, Plain{args.residual + token * args.residual_stride + head * args.residual_head_stride}};
    if (args.sum == nullptr) {
      NormRow(args, both, y);
      continue;
    }
    float* sum = args.sum + token * args.sum_stride + head * args.sum_head_stride;
    ForVectors(df, args.cols,
               [&](size_t i, auto vector) HWY_ATTR { vector.Store(df, both.Load(df, vector, i), sum + i); });
    NormRow(args, Plain{sum}, y);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
