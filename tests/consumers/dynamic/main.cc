// Kernels chosen at run time for this CPU: two formats through the public calls.
#include <weft/weft.h>

#include <stdio.h>

#include <vector>

#include "../problem.h"

static bool Multiply(const Problem& problem, weft::DType type, size_t group) {
  const size_t rows = Problem::kRows, cols = Problem::kCols;

  // Weights: usually they lie in a GGUF file; here they are encoded first.
  std::vector<unsigned char> blocks(rows * weft::RowBytes(type, cols));
  weft::Status status = weft::Quantize(type, problem.weights.data(), blocks.data(), rows * cols);

  // One token of activations, and memory for the form that the kernels multiply with.
  std::vector<unsigned char> form(weft::ActivationBytes(1, cols));
  weft::ActivationSet x = weft::MakeActivations(problem.x.data(), 1, cols, cols, {form.data(), form.size()});

  std::vector<float> y(rows);
  weft::MatMulArgs args;
  args.x = &x;
  args.w = weft::MakeWeights(blocks.data(), type, rows, cols);
  args.y = y.data();
  args.y_stride = rows;
  std::vector<unsigned char> scratch(weft::MatMulWorkspaceBytes(args, 1));
  if (status.ok()) status = weft::MatMul(args, {}, {scratch.data(), scratch.size()});

  std::vector<float> decoded(rows * cols);
  if (status.ok()) status = weft::Dequantize(type, blocks.data(), decoded.data(), decoded.size());
  if (!status.ok()) {
    char text[256];
    printf("%s: %s\n", weft::Name(type), weft::ToText(status, text, sizeof(text)));
    return false;
  }
  return problem.Check(weft::Name(type), decoded, group, y);
}

int main() {
  printf("target: %s\n", weft::ActiveTarget());
  const Problem problem;
  const bool q8_0 = Multiply(problem, weft::DType::kQ8_0, 32);
  const bool q4_k = Multiply(problem, weft::DType::kQ4_K, 256);
  const bool left_out = weft::HasFormat(weft::DType::kQ6_K);
  return q8_0 && q4_k && !left_out ? 0 : 1;
}
