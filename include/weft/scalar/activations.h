// The normative reference, part 2: the forms of activations, bit for bit.
#ifndef WEFT_SCALAR_ACTIVATIONS_H_
#define WEFT_SCALAR_ACTIVATIONS_H_

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "weft/core/activations.h"
#include "weft/core/half.h"
#include "weft/core/strict_math.h"

namespace weft::scalar {

// One form of a matrix of activations and the memory that holds it. Movable only by rebuilding: `view` points inside.
struct OwnedActivations {
  std::vector<int8_t> codes;
  std::vector<bf16> halves;
  std::vector<float> scales;
  std::vector<int16_t> sums;
  ActivationView view;

  OwnedActivations() = default;
  OwnedActivations(const OwnedActivations&) = delete;
  OwnedActivations& operator=(const OwnedActivations&) = delete;
};

// Quantises one group of n elements, missing ones counting as zero:
//   max     = the largest |x| of the group
//   inverse = 127 / max, scale = max / 127                                 each rounded to float
//   code    = x * inverse rounded to float, then to the nearest integer (ties to even), clamped to [-127, 127]
// Where max < kSmallestActivation all codes and the scale are 0; where an element is infinite or NaN the codes are 0
// and the scale is NaN. Returns the scale.
inline float QuantizeGroup(const float* x, size_t n, int8_t* codes) {
  float max = 0.0f;
  bool finite = true;
  for (size_t i = 0; i < n; ++i) {
    max = fmaxf(max, fabsf(x[i]));
    finite = finite && isfinite(x[i]);
  }
  if (!finite || max < kSmallestActivation) {
    for (size_t i = 0; i < n; ++i) codes[i] = 0;
    return finite ? 0.0f : NAN;
  }
  const float inverse = 127.0f / max;
  for (size_t i = 0; i < n; ++i) {
    const float product = x[i] * inverse;
    codes[i] = static_cast<int8_t>(fminf(fmaxf(nearbyintf(product), -127.0f), 127.0f));
  }
  return max / 127.0f;
}

// Builds `form` of rows x cols activations at x (rows `stride` floats apart), laid out as ActivationView says and
// zero-padded to PaddedCols. kF32 refers to x itself.
inline void BuildForm(ActivationForm form, const float* x, size_t rows, size_t cols, size_t stride,
                      OwnedActivations& out) {
  const size_t padded = PaddedCols(form, cols), group = GroupOf(form);
  out.view = {};
  out.view.rows = rows;
  out.view.cols = cols;
  out.view.form = form;
  if (form == ActivationForm::kF32) {
    out.view.values = x;
    out.view.value_stride = stride;
    return;
  }
  out.view.value_stride = padded;
  if (form == ActivationForm::kBF16) {
    out.halves.assign(rows * padded, bf16{});
    for (size_t r = 0; r < rows; ++r) {
      for (size_t k = 0; k < cols; ++k) out.halves[r * padded + k] = ToBF16(x[r * stride + k]);
    }
    out.view.values = out.halves.data();
    return;
  }
  out.codes.assign(rows * padded, 0);
  out.scales.assign(rows * (padded / group), 0.0f);
  out.sums.assign(rows * (padded / kSumGroup), 0);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t k = 0; k < cols; k += group) {
      const size_t n = cols - k < group ? cols - k : group;
      out.scales[(r * padded + k) / group] = QuantizeGroup(x + r * stride + k, n, &out.codes[r * padded + k]);
    }
  }
  for (size_t i = 0; i < out.codes.size(); ++i) {
    out.sums[i / kSumGroup] = static_cast<int16_t>(out.sums[i / kSumGroup] + out.codes[i]);
  }
  out.view.values = out.codes.data();
  out.view.scales = out.scales.data();
  out.view.scale_stride = padded / group;
  out.view.sums = out.sums.data();
  out.view.sum_stride = padded / kSumGroup;
}

// Element k of token t as a number.
inline double ActivationAt(const ActivationView& x, size_t t, size_t k) {
  const size_t i = t * x.value_stride + k;
  if (x.form == ActivationForm::kF32) return static_cast<const float*>(x.values)[i];
  if (x.form == ActivationForm::kBF16) return ToFloat(static_cast<const bf16*>(x.values)[i]);
  return static_cast<double>(x.scales[t * x.scale_stride + k / GroupOf(x.form)]) *
         static_cast<const int8_t*>(x.values)[i];
}

}  // namespace weft::scalar

#endif  // WEFT_SCALAR_ACTIVATIONS_H_
