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
#include "weft/simd/unroll-inl.h"
#include "weft/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Query heads whose states are kept at once.
inline constexpr size_t kHeadsTogether = 8;

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

// Heads whose sums are added up together, so that a value is loaded once for all of them.
inline constexpr size_t kHeadsPerLoad = 4;

// Calls f.template operator()<count>(first) for heads [first, first + count), count at most kHeadsPerLoad, until all of
// them have had their turn.
template <class F>
HWY_INLINE void ForHeads(size_t heads, const F& f) {
  size_t h = 0;
  for (; h + kHeadsPerLoad <= heads; h += kHeadsPerLoad) f.template operator()<kHeadsPerLoad>(h);
  if (h + 2 <= heads) {
    f.template operator()<2>(h);
    h += 2;
  }
  if (h < heads) f.template operator()<1>(h);
}

// acc[h][i] += sum over j < n, in this order, of weights[h][j] * values[j][i], for kHeads heads and kVectors vectors
// from element i on; `vector` says how they are loaded.
template <size_t kHeads, size_t kVectors, class T, class Vector>
HWY_INLINE void AccumulateVectors(float* const* acc, const float* const* weights, const T* const* values, size_t n,
                                  size_t i, Vector vector) {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  hn::Vec<decltype(df)> sums[kHeads][kVectors];
  WEFT_UNROLL(4) for (size_t h = 0; h < kHeads; ++h) {
    WEFT_UNROLL(4) for (size_t v = 0; v < kVectors; ++v) sums[h][v] = vector.Load(df, acc[h] + i + v * lanes);
  }
  for (size_t j = 0; j < n; ++j) {
    hn::Vec<decltype(df)> value[kVectors];
    WEFT_UNROLL(4) for (size_t v = 0; v < kVectors; ++v) value[v] = vector.Load(df, values[j] + i + v * lanes);
    WEFT_UNROLL(4) for (size_t h = 0; h < kHeads; ++h) {
      const auto weight = hn::Set(df, weights[h][j]);
      WEFT_UNROLL(4) for (size_t v = 0; v < kVectors; ++v) sums[h][v] = hn::MulAdd(weight, value[v], sums[h][v]);
    }
  }
  WEFT_UNROLL(4) for (size_t h = 0; h < kHeads; ++h) {
    WEFT_UNROLL(4) for (size_t v = 0; v < kVectors; ++v) vector.Store(df, sums[h][v], acc[h] + i + v * lanes);
  }
}

// acc[h][0, size) += sum over j < n, in this order, of weights[h][j] * values[j][0, size)
template <size_t kHeads, class T>
HWY_INLINE void Accumulate(float* const* acc, const float* const* weights, const T* const* values, size_t n,
                           size_t size) {
  // Eight sums in flight are what multiply-adds of four cycles, two of which start in each, ask for; 16 registers hold
  // no more.
  constexpr size_t kVectors = kHeads > 2 ? 2 : 4;
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  size_t i = 0;
  for (; i + kVectors * lanes <= size; i += kVectors * lanes) {
    AccumulateVectors<kHeads, kVectors>(acc, weights, values, n, i, WholeVector());
  }
  ForVectors(df, i, size, [&](size_t at, auto vector) HWY_ATTR {
    AccumulateVectors<kHeads, 1>(acc, weights, values, n, at, vector);
  });
}

HWY_INLINE void Reset(SoftmaxState& state) {
  state.max = -INFINITY;
  state.sum = 0.0f;
  for (size_t i = 0; i < state.size; ++i) state.acc[i] = 0.0f;
}

// Takes in the scores of `n` more keys, but for their values: scores become weights. False if all scores so far are
// -infinity: then there are no weights.
HWY_INLINE bool Weigh(SoftmaxState& state, float* HWY_RESTRICT scores, size_t n) {
  const hn::ScalableTag<float> df;
  const auto lowest = hn::Set(df, -INFINITY);
  auto peak = lowest;
  ForVectors(df, n, [&](size_t i, auto vector) HWY_ATTR {
    peak = hn::Max(peak, vector.Or(df, vector.Load(df, scores + i), lowest));
  });
  const float max = fmaxf(state.max, hn::ReduceMax(df, peak));
  if (max == -INFINITY) return false;
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
  return true;
}

// Takes `n` more keys into the states of some heads, at most kHeadsTogether, of equal size: their scores, of head h at
// scores + h * stride (overwritten by their weights), and values. Scores of -infinity weigh nothing. The bits of a
// state do not depend on which others are there.
template <class T>
HWY_INLINE void Update(SoftmaxState* states, size_t heads, float* scores, size_t stride, const T* const* values,
                       size_t n) {
  float* acc[kHeadsTogether];
  const float* weights[kHeadsTogether];
  size_t weighed = 0;
  for (size_t h = 0; h < heads; ++h) {
    if (!Weigh(states[h], scores + h * stride, n)) continue;
    acc[weighed] = states[h].acc;
    weights[weighed++] = scores + h * stride;
  }
  ForHeads(weighed, [&]<size_t kHeads>(size_t first)
                        HWY_ATTR { Accumulate<kHeads>(acc + first, weights + first, values, n, states[0].size); });
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
