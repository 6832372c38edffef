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
namespace weft {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The sum over x[0, n) of f(vector), lanes beyond n excluded. f must map 0 - which fills them - to whatever it likes.
template <class F>
HWY_INLINE float SumOf(const float* HWY_RESTRICT x, size_t n, const F& f) {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  auto sum0 = hn::Zero(df), sum1 = hn::Zero(df);
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    sum0 = hn::Add(sum0, f(hn::LoadU(df, x + i)));
    sum1 = hn::Add(sum1, f(hn::LoadU(df, x + i + lanes)));
  }
  for (; i < n; i += lanes) {
    const size_t count = n - i < lanes ? n - i : lanes;
    const auto mask = hn::FirstN(df, count);
    sum0 = hn::Add(sum0, hn::IfThenElseZero(mask, f(hn::LoadN(df, x + i, count))));
  }
  return hn::ReduceSum(df, hn::Add(sum0, sum1));
}

// y = (x - mean) * factor * weight + bias
HWY_INLINE void ScaleRow(const float* x, float* y, size_t n, float mean, float factor, const float* weight,
                         const float* bias) {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  const auto vmean = hn::Set(df, mean), vfactor = hn::Set(df, factor);
  for (size_t i = 0; i < n; i += lanes) {
    const size_t count = n - i < lanes ? n - i : lanes;
    const auto load = [&](const float* from) HWY_ATTR {
      return count == lanes ? hn::LoadU(df, from + i) : hn::LoadN(df, from + i, count);
    };
    auto v = hn::Mul(hn::Sub(load(x), vmean), vfactor);
    if (weight != nullptr) v = hn::Mul(v, load(weight));
    if (bias != nullptr) v = hn::Add(v, load(bias));
    hn::StoreN(v, df, y + i, count);
  }
}

// Rows [first, first + count) of NormArgs.
inline void NormRows(const NormArgs& args, size_t first, size_t count) {
  const hn::ScalableTag<float> df;
  using VF = hn::Vec<decltype(df)>;
  for (size_t row = first; row < first + count; ++row) {
    const size_t token = row / args.heads, head = row % args.heads;
    const float* x = args.x + token * args.stride + head * args.head_stride;
    float* y = args.y + token * args.y_stride + head * args.y_head_stride;
    const float n = static_cast<float>(args.cols);
    float mean = 0.0f;
    if (args.kind == NormKind::kLayer) mean = SumOf(x, args.cols, [](VF v) HWY_ATTR { return v; }) / n;
    const auto vmean = hn::Set(df, mean);
    const float squares = SumOf(x, args.cols, [&vmean](VF v) HWY_ATTR {
      const auto d = hn::Sub(v, vmean);
      return hn::Mul(d, d);
    });
    const float factor = 1.0f / sqrtf(squares / n + args.epsilon);
    ScaleRow(x, y, args.cols, mean, factor, args.weight, args.bias);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
