// Both in one program: kernels chosen at run time here, kernels of one fixed target in static.cc.
#include <stdio.h>
#include <weft/weft.h>

#include <vector>

#include "../problem.h"
#include "static.h"

static weft::Status MultiplyDynamic(const weft::MatMulArgs& args) {
  std::vector<unsigned char> scratch(weft::MatMulWorkspaceBytes(args, 1));
  return weft::MatMul(args, {}, {scratch.data(), scratch.size()});
}

int main() {
  const Problem problem;
  const size_t rows = Problem::kRows, cols = Problem::kCols;
  const weft::DType type = weft::DType::kQ8_0;
  std::vector<unsigned char> blocks(rows * weft::RowBytes(type, cols));
  std::vector<float> decoded(rows * cols);
  if (!weft::Quantize(type, problem.weights.data(), blocks.data(), rows * cols).ok()) return 1;
  if (!weft::Dequantize(type, blocks.data(), decoded.data(), rows * cols).ok()) return 1;

  bool good = true;
  for (const bool dynamic : {true, false}) {
    std::vector<unsigned char> form(weft::ActivationBytes(type, 1, cols));
    weft::ActivationSet x = weft::MakeActivations(problem.x.data(), 1, cols, cols, {form.data(), form.size()});
    std::vector<float> y(rows);
    const weft::WeightView w = weft::MakeWeights(blocks.data(), type, rows, cols);
    const weft::MatMulArgs args{.x = &x, .w = w, .y = y.data(), .y_stride = rows};
    const weft::Status status = dynamic ? MultiplyDynamic(args) : MultiplyStatic(args);
    good = status.ok() && problem.Check(dynamic ? weft::ActiveTarget() : "static", decoded, 32, y) && good;
  }
  return good ? 0 : 1;
}
