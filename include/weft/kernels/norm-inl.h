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

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A run of floats: x, or x + residual.
struct Plain {
  const float* x;
  template <class DF>
  HWY_INLINE hn::Vec<DF> Load(DF df, size_t i) const {
    return hn::LoadU(df, x + i);
  }
  template <class DF>
  HWY_INLINE hn::Vec<DF> LoadN(DF df, size_t i, size_t count) const {
    return hn::LoadN(df, x + i, count);
  }
};
struct WithResidual {
  Plain x, residual;
  template <class DF>
  HWY_INLINE hn::Vec<DF> Load(DF df, size_t i) const {
    return hn::Add(x.Load(df, i), residual.Load(df, i));
  }
  template <class DF>
  HWY_INLINE hn::Vec<DF> LoadN(DF df, size_t i, size_t count) const {
    return hn::Add(x.LoadN(df, i, count), residual.LoadN(df, i, count));
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
    sum0 = hn::Add(sum0, f(v.Load(df, i)));
    sum1 = hn::Add(sum1, f(v.Load(df, i + lanes)));
  }
  for (; i < n; i += lanes) {
    const size_t count = n - i < lanes ? n - i : lanes;
    const auto mask = hn::FirstN(df, count);
    sum0 = hn::Add(sum0, hn::IfThenElseZero(mask, f(v.LoadN(df, i, count))));
  }
  return hn::ReduceSum(df, hn::Add(sum0, sum1));
}

// y = (v - mean) * factor * weight + bias
template <class Run>
HWY_INLINE void ScaleRow(const Run& run, float* y, size_t n, float mean, float factor, const float* weight,
                         const float* bias) {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  const auto vmean = hn::Set(df, mean), vfactor = hn::Set(df, factor);
  for (size_t i = 0; i < n; i += lanes) {
    const size_t count = n - i < lanes ? n - i : lanes;
    const auto load = [&](const auto& from)
                          HWY_ATTR { return count == lanes ? from.Load(df, i) : from.LoadN(df, i, count); };
    auto v = hn::Mul(hn::Sub(load(run), vmean), vfactor);
    if (weight != nullptr) v = hn::Mul(v, load(Plain{weight}));
    if (bias != nullptr) v = hn::Add(v, load(Plain{bias}));
    hn::StoreN(v, df, y + i, count);
  }
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
  const size_t lanes = hn::Lanes(df);
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
    size_t i = 0;
    for (; i + lanes <= args.cols; i += lanes) hn::StoreU(both.Load(df, i), df, sum + i);
    if (i < args.cols) hn::StoreN(both.LoadN(df, i, args.cols - i), df, sum + i, args.cols - i);
    NormRow(args, Plain{sum}, y);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
