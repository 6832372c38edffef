// The online-softmax state of one query head: what attention over any part of the keys leaves behind, so that parts
// can be processed in any tiling and merged (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018;
// Dao et al., FlashAttention, 2022).
//
//   max = max s[j]     sum = sum exp(s[j] - max)     acc = sum exp(s[j] - max) * v[j]          over the keys so far

#if defined(WEFT_KERNELS_SOFTMAX_STATE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_SOFTMAX_STATE_INL_H_
#undef WEFT_KERNELS_SOFTMAX_STATE_INL_H_
#else
#define WEFT_KERNELS_SOFTMAX_STATE_INL_H_
#endif

#include <math.h>
#include <stddef.h>

#include "hwy/highway.h"
#include "weft/simd/convert-inl.h"
#include "weft/simd/math-inl.h"
#include "weft/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct SoftmaxState {
  float max = -INFINITY;
  float sum = 0.0f;
  float* acc = nullptr;  // `size` floats of the caller's
  size_t size = 0;
};

// e^x for x <= 0, the same bits as the vector code.
HWY_INLINE float ExpScalar(float x) {
  const hn::CappedTag<float, 4> df;
  return hn::GetLane(Exp(df, hn::Set(df, x)));
}

// y[0, n) *= factor
HWY_INLINE void ScaleInPlace(float* y, size_t n, float factor) {
  const hn::ScalableTag<float> df;
  const auto f = hn::Set(df, factor);
  ForVectors(df, n,
             [&](size_t i, auto vector) HWY_ATTR { vector.Store(df, hn::Mul(vector.Load(df, y + i), f), y + i); });
}

// acc[0, size) += sum over j < n of weights[j] * values[j][0, size)
template <class T>
HWY_INLINE void Accumulate(float* HWY_RESTRICT acc, const float* HWY_RESTRICT weights, const T* const* values, size_t n,
                           size_t size) {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    auto a = hn::LoadU(df, acc + i);
    for (size_t j = 0; j < n; ++j) a = hn::MulAdd(hn::Set(df, weights[j]), LoadFloat(df, values[j] + i), a);
    hn::StoreU(a, df, acc + i);
  }
  if (i < size) {
    const size_t count = size - i;
    auto a = hn::LoadN(df, acc + i, count);
    for (size_t j = 0; j < n; ++j) a = hn::MulAdd(hn::Set(df, weights[j]), LoadFloatN(df, values[j] + i, count), a);
    hn::StoreN(a, df, acc + i, count);
  }
}

HWY_INLINE void Reset(SoftmaxState& state) {
  state.max = -INFINITY;
  state.sum = 0.0f;
  for (size_t i = 0; i < state.size; ++i) state.acc[i] = 0.0f;
}

// Takes in `n` more keys: their scores (overwritten by their weights) and values. Scores of -infinity weigh nothing.
template <class T>
HWY_INLINE void Update(SoftmaxState& state, float* HWY_RESTRICT scores, const T* const* values, size_t n) {
  const hn::ScalableTag<float> df;
  const auto lowest = hn::Set(df, -INFINITY);
  auto peak = lowest;
  ForVectors(df, n, [&](size_t i, auto vector) HWY_ATTR {
    peak = hn::Max(peak, vector.Or(df, vector.Load(df, scores + i), lowest));
  });
  const float max = fmaxf(state.max, hn::ReduceMax(df, peak));
  if (max == -INFINITY) return;
  if (max > state.max) {
    const float factor = ExpScalar(state.max - max);  // 0 the first time
    state.sum *= factor;
    ScaleInPlace(state.acc, state.size, factor);
    state.max = max;
  }
  auto total = hn::Zero(df);
  const auto vmax = hn::Set(df, max);
  ForVectors(df, n, [&](size_t i, auto vector) HWY_ATTR {
    const auto e = Exp(df, hn::Sub(vector.Load(df, scores + i), vmax));
    total = hn::Add(total, vector.Or(df, e, hn::Zero(df)));
    vector.Store(df, e, scores + i);
  });
  state.sum += hn::ReduceSum(df, total);
  Accumulate(state.acc, scores, values, n, state.size);
}

// into = the state over both sets of keys. Merging empty states gives an empty state.
HWY_INLINE void Merge(SoftmaxState& into, const SoftmaxState& from) {
  if (from.max == -INFINITY) return;
  const float max = fmaxf(into.max, from.max);
  const float a = ExpScalar(into.max - max), b = ExpScalar(from.max - max);
  into.sum = into.sum * a + from.sum * b;
  for (size_t i = 0; i < into.size; ++i) into.acc[i] = into.acc[i] * a + from.acc[i] * b;
  into.max = max;
}

// out[0, size) = acc / (sum + exp(sink - max)); zeros if no key was seen. `sink` may be null.
HWY_INLINE void Finish(const SoftmaxState& state, const float* sink, float* out) {
  const hn::ScalableTag<float> df;
  float factor = 0.0f;
  if (state.max != -INFINITY) {
    const float max = sink != nullptr ? fmaxf(state.max, *sink) : state.max;
    const float rescale = ExpScalar(state.max - max);
    const float extra = sink != nullptr ? ExpScalar(*sink - max) : 0.0f;
    factor = rescale / (state.sum * rescale + extra);
  }
  const auto f = hn::Set(df, factor);
  ForVectors(df, state.size, [&](size_t i, auto vector) HWY_ATTR {
    vector.Store(df, hn::Mul(vector.Load(df, state.acc + i), f), out + i);
  });
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
