#include "multiply.h"

#include <weft/weft.h>

#include <vector>

int multiply(const float* w, size_t rows, size_t cols, const float* x, float* y, char* problem, size_t size) {
  weft::ActivationSet set = weft::MakeActivations(x, 1, cols, cols, {});
  weft::MatMulArgs args;
  args.x = &set;
  args.w = weft::MakeWeights(w, weft::DType::kF32, rows, cols);
  args.y = y;
  args.y_stride = rows;
  std::vector<unsigned char> scratch(weft::MatMulWorkspaceBytes(args, 1));
  const weft::Status status = weft::MatMul(args, {}, {scratch.data(), scratch.size()});
  weft::ToText(status, problem, size);
  return status.ok();
}
