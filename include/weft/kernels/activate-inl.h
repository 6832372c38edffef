// Activations to the forms that weight formats multiply with. Layouts and rounding: core/activations.h.

#if defined(WEFT_KERNELS_ACTIVATE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_ACTIVATE_INL_H_
#undef WEFT_KERNELS_ACTIVATE_INL_H_
#else
#define WEFT_KERNELS_ACTIVATE_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/simd/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// sum[i] = the sum of code[16 i, 16 i + 16).
template <size_t kGroup>
HWY_INLINE void SumCodes(const int8_t* HWY_RESTRICT code, int16_t* HWY_RESTRICT sum) {
  const hn::CappedTag<int8_t, kGroup> d8;
  const hn::Repartition<int64_t, decltype(d8)> d64;
  HWY_ALIGN int64_t eights[HWY_MAX_LANES_D(decltype(d64))];
  for (size_t i = 0; i < kGroup; i += hn::Lanes(d8)) {
    hn::Store(hn::SumsOf8(hn::LoadU(d8, code + i)), d64, eights);
    for (size_t j = 0; j < hn::Lanes(d64); j += 2) *sum++ = static_cast<int16_t>(eights[j] + eights[j + 1]);
  }
}

// kGroup floats to codes and sums; returns the scale.
template <size_t kGroup>
HWY_INLINE float QuantizeGroup(const float* HWY_RESTRICT x, int8_t* HWY_RESTRICT code, int16_t* HWY_RESTRICT sum) {
  const hn::CappedTag<float, kSumGroup> df;
  const hn::Rebind<int8_t, decltype(df)> d8;
  const size_t lanes = hn::Lanes(df);
  auto peak = hn::Zero(df), poison = hn::Zero(df);  // poison: 0, or NaN where x has an infinity or a NaN
  for (size_t i = 0; i < kGroup; i += lanes) {
    const auto v = hn::LoadU(df, x + i);
    peak = hn::Max(peak, hn::Abs(v));
    poison = hn::MulAdd(v, hn::Zero(df), poison);
  }
  const float max = hn::ReduceMax(df, peak) + hn::ReduceSum(df, poison);
  if (!(max >= kSmallestActivation)) {  // all zero, or NaN
    memset(code, 0, kGroup);
    memset(sum, 0, kGroup / kSumGroup * sizeof(int16_t));
    return max < kSmallestActivation ? 0.0f : max;
  }
  const auto inverse = hn::Set(df, 127.0f / max);
  for (size_t i = 0; i < kGroup; i += lanes) {
    const auto q = hn::NearestInt(hn::Mul(hn::LoadU(df, x + i), inverse));
    hn::StoreU(hn::DemoteTo(d8, q), d8, code + i);
  }
  SumCodes<kGroup>(code, sum);
  return max / 127.0f;
}

template <ActivationForm kForm>
HWY_NOINLINE void Activate(const ActivateTask& task) {
  const ActivationView& out = task.out;
  const size_t padded = PaddedCols(kForm, out.cols);
  for (size_t row = task.first_row; row < task.first_row + task.rows; ++row) {
    const float* x = task.x + row * task.stride;
    if constexpr (kForm == ActivationForm::kBF16) {
      const hn::ScalableTag<float> df;
      const size_t lanes = hn::Lanes(df);
      bf16* to = static_cast<bf16*>(const_cast<void*>(out.values)) + row * out.value_stride;
      size_t i = 0;
      for (; i + lanes <= out.cols; i += lanes) StoreFloat(df, hn::LoadU(df, x + i), to + i);
      if (i < out.cols) StoreFloatN(df, hn::LoadN(df, x + i, out.cols - i), to + i, out.cols - i);
      memset(static_cast<void*>(to + out.cols), 0, (padded - out.cols) * sizeof(bf16));
    } else {
      constexpr size_t kGroup = GroupOf(kForm);
      int8_t* code = static_cast<int8_t*>(const_cast<void*>(out.values)) + row * out.value_stride;
      float* scale = const_cast<float*>(out.scales) + row * out.scale_stride;
      int16_t* sum = const_cast<int16_t*>(out.sums) + row * out.sum_stride;
      size_t i = 0;
      for (; i + kGroup <= out.cols; i += kGroup) {
        scale[i / kGroup] = QuantizeGroup<kGroup>(x + i, code + i, sum + i / kSumGroup);
      }
      for (; i < padded; i += kGroup) {  // the last, partial group and the padding
        float last[kGroup] = {};
        if (i < out.cols) memcpy(last, x + i, (out.cols - i) * sizeof(float));
        scale[i / kGroup] = QuantizeGroup<kGroup>(last, code + i, sum + i / kSumGroup);
      }
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
