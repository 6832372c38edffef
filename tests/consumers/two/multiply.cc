// Compiled once for each library.
#include "multiply.h"

#include <weft/context.h>

#include <vector>

namespace LIBRARY {

bool Has(weft::DType type) { return weft::HasFormat(type); }

weft::Status Encode(weft::DType type, const float* x, void* blocks, float* decoded, size_t n) {
  const weft::Status status = weft::Quantize(type, x, blocks, n);
  return status.ok() ? weft::Dequantize(type, blocks, decoded, n) : status;
}

weft::Status Multiply(const weft::WeightView& w, const float* x, float* y) {
  weft::Context context;
  return context.MatMul({context, x, 1, w.cols}, {.w = w, .y = y});
}

// A mistake that only kernels with WEFT_CHECKS find: x changes under the form that was built of it.
weft::Status ChangeInPlace(const weft::WeightView& w, float* x, float* y) {
  weft::Context context;
  const weft::Activations tokens(context, x, 1, w.cols);
  const weft::Status status = context.MatMul(tokens, {.w = w, .y = y});
  x[0] += 1.0f;
  return status.ok() ? context.MatMul(tokens, {.w = w, .y = y}) : status;
}

}  // namespace LIBRARY
