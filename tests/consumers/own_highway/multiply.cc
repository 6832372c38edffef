#include "multiply.h"

#include <weft/context.h>

int multiply(const float* w, size_t rows, size_t cols, const float* x, float* y, char* problem, size_t size) {
  weft::Context context;
  const weft::Status status =
      context.MatMul({context, x, 1, cols}, {.w = weft::MakeWeights(w, weft::DType::kF32, rows, cols), .y = y});
  weft::ToText(status, problem, size);
  return status.ok();
}
