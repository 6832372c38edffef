#include "engine.h"

#include <weft/context.h>

weft::Status Multiply(const float* w, size_t rows, size_t cols, const float* x, float* y) {
  weft::Context context;
  return context.MatMul({context, x, 1, cols}, {.w = weft::MakeWeights(w, weft::DType::kF32, rows, cols), .y = y});
}
