// One target, the one of the compiler's flags (here -march=native), and nothing to link.
#include <weft/static-inl.h>

#include <weft/context.h>

#include <stdio.h>

#include <vector>

#include "../problem.h"

using Library = weft::Static<weft::Q8_0>;

int main() {
  const Problem problem;
  const size_t rows = Problem::kRows, cols = Problem::kCols, block = 32;

  std::vector<weft::BlockQ8_0> blocks(rows * cols / block);
  std::vector<float> decoded(rows * cols), y(rows);
  for (size_t i = 0; i < blocks.size(); ++i) weft::Q8_0::Encode(&problem.weights[i * block], blocks[i]);

  weft::Context<Library> context;
  weft::Activations x(context, problem.x.data(), 1, cols);
  const weft::WeightView w = weft::MakeWeights(blocks.data(), weft::DType::kQ8_0, rows, cols);
  if (!context.MatMul(x, {.w = w, .y = y.data()}).ok()) return 1;

  // Every call takes the library as its template argument.
  if (!weft::Dequantize<Library>(weft::DType::kQ8_0, blocks.data(), decoded.data(), decoded.size()).ok()) return 1;
  return problem.Check("static Q8_0", decoded, 32, y) ? 0 : 1;
}
