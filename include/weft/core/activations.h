// Activations: the x of y = x * W^T, in the forms that weight formats multiply with.
#ifndef WEFT_CORE_ACTIVATIONS_H_
#define WEFT_CORE_ACTIVATIONS_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/executor.h"

namespace weft {

// Every weight format names the form it multiplies with; one form built once serves all weights that read the input.
enum class ActivationForm : uint8_t {
  kF32,   // as given
  kBF16,  // rounded to nearest even
  kA16,   // int8 codes in [-127, 127] with an f32 scale per 16 elements
  kA32,   // int8 codes in [-127, 127] with an f32 scale per 32 elements
  kA256,  // int8 codes in [-127, 127] with an f32 scale per 256 elements
};
inline constexpr size_t kActivationForms = 5;

// Elements that share a scale, and the multiple to which rows are zero-padded.
constexpr size_t GroupOf(ActivationForm form) {
  return form == ActivationForm::kA256  ? 256
         : form == ActivationForm::kA32 ? 32
         : form == ActivationForm::kA16 ? 16
                                        : 1;
}
constexpr bool IsQuantized(ActivationForm form) { return GroupOf(form) > 1; }
// Sums of codes are kept per this many elements (at most 16 * 127, so int16 holds them).
inline constexpr size_t kSumGroup = 16;

// A group whose largest magnitude is below this counts as all zero: its scale's inverse, 127 / max, would overflow.
inline constexpr float kSmallestActivation = 0x1p-119f;

// One form of `rows` tokens of `cols` elements. Token t, element k (PaddedCols(cols) of them, the rest zero):
//   kF32: ((const float*)values)[t * value_stride + k]        not padded, read in place
//   kBF16: ((const bf16*)values)[t * value_stride + k]        padded to 64 elements
//   kA16, kA32, kA256: x ~ scale * code, code = ((const int8_t*)values)[t * value_stride + k],
//     scale = scales[t * scale_stride + k / GroupOf(form)] = max / 127, 0 for an all-zero group; max: of |x| in the
//     group; code = x * (127 / max) in float, rounded to nearest, ties to even. A group with an infinity or a NaN gets
//     the scale NaN (and unspecified codes), so that products with it are NaN; sums[t * sum_stride + k / 16] = the sum
//     of 16 codes, written for all-zero groups too.
struct ActivationView {
  const void* values = nullptr;
  size_t value_stride = 0;  // elements
  const float* scales = nullptr;
  size_t scale_stride = 0;
  const int16_t* sums = nullptr;
  size_t sum_stride = 0;
  size_t rows = 0, cols = 0;
  ActivationForm form = ActivationForm::kF32;
};

// The multiple of columns that rows of a form are padded to.
constexpr size_t ColumnMultiple(ActivationForm form) {
  return form == ActivationForm::kA256 ? 256 : form == ActivationForm::kF32 ? 1 : 64;
}
constexpr size_t PaddedCols(ActivationForm form, size_t cols) {
  return static_cast<size_t>(Checked(cols).AlignedUp(ColumnMultiple(form)).OrMost());
}

// Workspace bytes that one form of rows x cols activations takes; SIZE_MAX where they do not fit in a size_t.
constexpr size_t FormBytes(ActivationForm form, size_t rows, size_t cols) {
  if (form == ActivationForm::kF32) return 0;
  const Checked padded = Checked(rows) * Checked(cols).AlignedUp(ColumnMultiple(form));
  if (form == ActivationForm::kBF16) return static_cast<size_t>(Carver::Bytes<uint16_t>(padded).OrMost());
  const Checked bytes = Carver::Bytes<int8_t>(padded) + Carver::Bytes<float>(padded / GroupOf(form)) +
                        Carver::Bytes<int16_t>(padded / kSumGroup);
  return static_cast<size_t>(bytes.OrMost());
}

// Workspace bytes for all forms, whatever the weights that will read the set; SIZE_MAX as above.
constexpr size_t ActivationBytes(size_t rows, size_t cols) {
  Checked bytes = 0;
  for (size_t form = 0; form < kActivationForms; ++form) {
    bytes = bytes + FormBytes(static_cast<ActivationForm>(form), rows, cols);
  }
  return static_cast<size_t>(bytes.OrMost());
}

// What a form was built from.
struct ActivationSource {
  const float* x = nullptr;
  size_t rows = 0, cols = 0, stride = 0;
  uint64_t digest = 0;  // of the elements, where WEFT_CHECKS asks for it
};

// The input of one or more matrix products and those of its forms that have been needed so far. Forms are built by
// the product that first needs them, in `memory`, which must outlive the set. The set refers to `x` (rows of `stride`
// floats, `cols` used), which must not change while the set is in use: other elements in the same place give products
// of the old ones (kernels compiled with WEFT_CHECKS defined as 1 find that, at the cost of reading x once more per
// product), another x, shape or stride is an error. Not for use from two threads at once.
struct ActivationSet {
  const float* x = nullptr;
  size_t rows = 0, cols = 0, stride = 0;
  Workspace memory = {};                            // what is left of it
  ActivationView built[kActivationForms] = {};      // values == null: not built yet
  ActivationSource sources[kActivationForms] = {};  // of those that are built
};

inline ActivationSet MakeActivations(const float* x, size_t rows, size_t cols, size_t stride, Workspace memory) {
  ActivationSet set;
  set.x = x;
  set.rows = rows;
  set.cols = cols;
  set.stride = stride;
  set.memory = memory;
  return set;
}

}  // namespace weft

#endif  // WEFT_CORE_ACTIVATIONS_H_
