// Activation functions, gates, epilogues and softmax.

#if defined(WEFT_KERNELS_ELEMENTWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_ELEMENTWISE_INL_H_
#undef WEFT_KERNELS_ELEMENTWISE_INL_H_
#else
#define WEFT_KERNELS_ELEMENTWISE_INL_H_
#endif

#include <math.h>
#include <stddef.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/core/prefetch.h"
#include "weft/simd/math-inl.h"
#include "weft/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <Activation kActivation, class DF>
HWY_INLINE hn::Vec<DF> Apply(DF df, hn::Vec<DF> v) {
  if constexpr (kActivation == Activation::kSilu) {
    return hn::Mul(v, Sigmoid(df, v));
  } else if constexpr (kActivation == Activation::kGeluTanh) {
    // (1 + tanh(u)) / 2 = sigmoid(2u), which needs no difference of near-equal numbers.
    const auto cubic = hn::MulAdd(hn::Mul(hn::Mul(v, v), v), hn::Set(df, 0.044715f), v);
    return hn::Mul(v, Sigmoid(df, hn::Mul(cubic, hn::Set(df, 1.5957691216057308f))));
  } else if constexpr (kActivation == Activation::kGeluTanhF16) {
    const auto gelu = RoundToHalf(df, Apply<Activation::kGeluTanh>(df, RoundToHalf(df, v)));
    const auto end = hn::Set(df, 10.0f);
    return hn::IfThenElse(hn::Ge(v, end), v, hn::IfThenZeroElse(hn::Le(v, hn::Neg(end)), gelu));
  } else if constexpr (kActivation == Activation::kRelu) {
    return hn::Max(v, hn::Zero(df));
  } else if constexpr (kActivation == Activation::kGeluErf) {
    return hn::Mul(v, NormalCdf(df, v));
  } else if constexpr (kActivation == Activation::kGeluQuick) {
    return hn::Mul(v, Sigmoid(df, hn::Mul(v, hn::Set(df, 1.702f))));
  } else if constexpr (kActivation == Activation::kSigmoid) {
    return Sigmoid(df, v);
  } else {
    return v;
  }
}

// Calls f.template operator()<kActivation>() for a run-time activation.
template <class F>
HWY_INLINE void WithActivation(Activation activation, const F& f) {
  switch (activation) {
    case Activation::kNone: f.template operator()<Activation::kNone>(); break;
    case Activation::kSilu: f.template operator()<Activation::kSilu>(); break;
    case Activation::kGeluTanh: f.template operator()<Activation::kGeluTanh>(); break;
    case Activation::kGeluTanhF16: f.template operator()<Activation::kGeluTanhF16>(); break;
    case Activation::kRelu: f.template operator()<Activation::kRelu>(); break;
    case Activation::kGeluErf: f.template operator()<Activation::kGeluErf>(); break;
    case Activation::kGeluQuick: f.template operator()<Activation::kGeluQuick>(); break;
    case Activation::kSigmoid: f.template operator()<Activation::kSigmoid>(); break;
  }
}

// How many tokens ahead of their being written outputs are requested.
inline constexpr size_t kEpilogueAhead = 8;

template <Activation kActivation>
HWY_NOINLINE void EpilogueTile(const EpilogueTask& task) {
  const hn::ScalableTag<float> df;
  const Epilogue& e = task.epilogue;
  const bool gated = task.gate_raw != nullptr;
  const auto scale = hn::Set(df, e.scale);
  const auto weight_scale = hn::Set(df, task.weight_scale), gate_scale = hn::Set(df, task.gate_weight_scale);
  for (size_t t = 0; t < task.tokens; ++t) {
    const size_t token = task.first_token + t;
    const float* raw = task.raw + t * task.raw_stride;
    const float* gate_raw = gated ? task.gate_raw + t * task.raw_stride : nullptr;
    float* y = task.y + token * task.y_stride + task.first_row;
    const float* residual = e.residual ? e.residual + token * e.residual_stride + task.first_row : nullptr;
    // Outputs of consecutive tokens lie far apart: hardware does not foresee them.
    const uint8_t* ahead = Ahead(y, kEpilogueAhead * task.y_stride * sizeof(float));
    for (size_t i = 0; i < task.rows; i += 16) PrefetchForWrite(Ahead(ahead, i * sizeof(float)));
    ForVectors(df, task.rows, [&](size_t i, auto vector) HWY_ATTR {
      auto v = hn::Mul(vector.Load(df, raw + i), weight_scale);
      if (e.bias != nullptr) v = hn::Add(v, vector.Load(df, e.bias + task.first_row + i));
      v = hn::Mul(v, scale);
      if (gated) {
        auto g = hn::Mul(vector.Load(df, gate_raw + i), gate_scale);
        if (e.gate_bias != nullptr) g = hn::Add(g, vector.Load(df, e.gate_bias + task.first_row + i));
        v = hn::Mul(Apply<kActivation>(df, hn::Mul(g, scale)), v);
      } else {
        v = Apply<kActivation>(df, v);
      }
      if (residual != nullptr) v = hn::Add(v, vector.Load(df, residual + i));
      vector.Store(df, v, y + i);
    });
  }
}

inline void RunEpilogue(const EpilogueTask& task) {
  WithActivation(task.epilogue.activation, [&]<Activation kActivation>() { EpilogueTile<kActivation>(task); });
}

// Rows [first, first + count) of ElementwiseArgs.
inline void ElementwiseRows(const ElementwiseArgs& args, size_t first, size_t count) {
  const auto rows = [&]<Activation kActivation>() HWY_ATTR {
    const hn::ScalableTag<float> df;
    for (size_t row = first; row < first + count; ++row) {
      const float* x = args.x + row * args.stride;
      float* y = args.y + row * args.y_stride;
      ForVectors(df, args.cols, [&](size_t i, auto vector) HWY_ATTR {
        vector.Store(df, Apply<kActivation>(df, vector.Load(df, x + i)), y + i);
      });
    }
  };
  WithActivation(args.activation, rows);
}

// Rows [first, first + count) of GatedArgs.
inline void GatedRows(const GatedArgs& args, size_t first, size_t count) {
  const auto rows = [&]<Activation kActivation>() HWY_ATTR {
    const hn::ScalableTag<float> df;
    for (size_t row = first; row < first + count; ++row) {
      const float* gate = args.gate + row * args.gate_stride;
      const float* up = args.up + row * args.up_stride;
      float* y = args.y + row * args.y_stride;
      ForVectors(df, args.cols, [&](size_t i, auto vector) HWY_ATTR {
        const auto g = vector.Load(df, gate + i), u = vector.Load(df, up + i);
        vector.Store(df, hn::Mul(Apply<kActivation>(df, g), u), y + i);
      });
    }
  };
  WithActivation(args.activation, rows);
}

// Rows [first, first + count) of SoftmaxArgs.
inline void SoftmaxRows(const SoftmaxArgs& args, size_t first, size_t count) {
  const hn::ScalableTag<float> df;
  const auto scale = hn::Set(df, args.scale);
  for (size_t row = first; row < first + count; ++row) {
    const float* x = args.x + row * args.stride;
    float* y = args.y + row * args.y_stride;
    const auto lowest = hn::Set(df, -INFINITY);
    auto peak = lowest;
    ForVectors(df, args.cols, [&](size_t i, auto vector) HWY_ATTR {
      peak = hn::Max(peak, vector.Or(df, hn::Mul(vector.Load(df, x + i), scale), lowest));
    });
    const float max = hn::ReduceMax(df, peak);
    if (max == -INFINITY) {  // nothing to choose from
      for (size_t i = 0; i < args.cols; ++i) y[i] = 0.0f;
      continue;
    }
    const auto vmax = hn::Set(df, max);
    auto total = hn::Zero(df);
    ForVectors(df, args.cols, [&](size_t i, auto vector) HWY_ATTR {
      const auto e = Exp(df, hn::Sub(hn::Mul(vector.Load(df, x + i), scale), vmax));
      total = hn::Add(total, vector.Or(df, e, hn::Zero(df)));
      vector.Store(df, e, y + i);
    });
    const auto inverse = hn::Set(df, 1.0f / hn::ReduceSum(df, total));
    ForVectors(df, args.cols, [&](size_t i, auto vector) HWY_ATTR {
      vector.Store(df, hn::Mul(vector.Load(df, y + i), inverse), y + i);
    });
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
