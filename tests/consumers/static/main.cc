// One target, the one of the compiler's flags (here -march=native), and nothing to link.
#include <weft/static-inl.h>

#include <stdio.h>

#include <vector>

#include "../problem.h"

using Library = weft::Static<weft::Q8_0>;

int main() {
  const Problem problem;
  const size_t rows = Problem::kRows, cols = Problem::kCols, block = 32;

  std::vector<weft::BlockQ8_0> blocks(rows * cols / block);
  std::vector<float> decoded(rows * cols);
  for (size_t i = 0; i < blocks.size(); ++i) weft::Q8_0::Encode(&problem.weights[i * block], blocks[i]);
  if (!weft::Dequantize<Library>(weft::DType::kQ8_0, blocks.data(), decoded.data(), decoded.size()).ok()) return 1;

  std::vector<unsigned char> form(weft::ActivationBytes(1, cols));
  weft::ActivationSet x = weft::MakeActivations(problem.x.data(), 1, cols, cols, {form.data(), form.size()});
  std::vector<float> y(rows);
  weft::MatMulArgs args;
  args.x = &x;
  args.w = weft::MakeWeights(blocks.data(), weft::DType::kQ8_0, rows, cols);
  args.y = y.data();
  args.y_stride = rows;
  std::vector<unsigned char> scratch(weft::MatMulWorkspaceBytes<Library>(args, 1));
  if (!weft::MatMul<Library>(args, {}, {scratch.data(), scratch.size()}).ok()) return 1;
  return problem.Check("static Q8_0", decoded, 32, y) ? 0 : 1;
}
