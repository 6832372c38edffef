#include "engine.h"

#include <vector>

weft::Status Multiply(const float* w, size_t rows, size_t cols, const float* x, float* y) {
  weft::ActivationSet set = weft::MakeActivations(x, 1, cols, cols, {});
  weft::MatMulArgs args;
  args.x = &set;
  args.w = weft::MakeWeights(w, weft::DType::kF32, rows, cols);
  args.y = y;
  args.y_stride = rows;
  std::vector<unsigned char> scratch(weft::MatMulWorkspaceBytes(args, 1));
  return weft::MatMul(args, {}, {scratch.data(), scratch.size()});
}
