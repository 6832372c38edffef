// Activations to the forms that weight formats multiply with. Layouts and rounding: core/activations.h.

#if defined(WEFT_KERNELS_ACTIVATE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_ACTIVATE_INL_H_
#undef WEFT_KERNELS_ACTIVATE_INL_H_
#else
#define WEFT_KERNELS_ACTIVATE_INL_H_
#endif

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/simd/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// sum[i] = the sum of code[16 i, 16 i + 16). Codes have just been stored: larger loads would have to wait for several
// stores to end.
template <size_t kGroup>
HWY_INLINE void SumCodes(const int8_t* HWY_RESTRICT code, int16_t* HWY_RESTRICT sum) {
  const hn::CappedTag<int8_t, kSumGroup> d8;
  const hn::Repartition<int64_t, decltype(d8)> d64;
  for (size_t i = 0; i < kGroup; i += kSumGroup) {
    auto eights = hn::Zero(d64);
    for (size_t j = 0; j < kSumGroup; j += hn::Lanes(d8)) {
      eights = hn::Add(eights, hn::SumsOf8(hn::LoadU(d8, code + i + j)));
    }
    sum[i / kSumGroup] = static_cast<int16_t>(hn::ReduceSum(d64, eights));
  }
}

// kGroup floats to codes and sums; returns the scale.
template <size_t kGroup>
HWY_INLINE float QuantizeGroup(const float* HWY_RESTRICT x, int8_t* HWY_RESTRICT code, int16_t* HWY_RESTRICT sum) {
  const hn::CappedTag<float, kSumGroup> df;
  const hn::RebindToUnsigned<decltype(df)> du;
  const hn::Rebind<int8_t, decltype(df)> d8;
  const size_t lanes = hn::Lanes(df);
  // Magnitudes compare as integers as they do as floats, and infinities and NaN, which floats would lose, are above.
  auto peak = hn::Zero(du);
  for (size_t i = 0; i < kGroup; i += lanes) {
    peak = hn::Max(peak, hn::BitCast(du, hn::Abs(hn::LoadU(df, x + i))));
  }
  const uint32_t bits = hn::ReduceMax(du, peak);
  float max;
  memcpy(&max, &bits, sizeof(max));
  if (!(max >= kSmallestActivation && max < HUGE_VALF)) {  // all zero, or not finite
    memset(code, 0, kGroup);
    memset(sum, 0, kGroup / kSumGroup * sizeof(int16_t));
    return max < kSmallestActivation ? 0.0f : NAN;
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
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
