// Kernels chosen at run time for this CPU: two formats, by the convenience layer and by the calls below it.
#include <weft/context.h>

#include <stdio.h>

#include <vector>

#include "../problem.h"

// With a context, which owns the working memory.
static weft::Status Multiply(const weft::WeightView& w, const float* x, float* y) {
  weft::Context context;
  weft::Activations tokens(context, x, 1, w.cols);
  return context.MatMul(tokens, {.w = w, .y = y});
}

// With memory of your own, which other calls may use before and after.
static weft::Status MultiplyInPlace(const weft::WeightView& w, const float* x, float* y) {
  std::vector<unsigned char> form(weft::ActivationBytes(w.type, 1, w.cols));
  std::vector<unsigned char> scratch(
      weft::MatMulWorkspaceBytes({.type = w.type, .rows = w.rows, .cols = w.cols, .tokens = 1}, 1));
  weft::ActivationSet tokens = weft::MakeActivations(x, 1, w.cols, w.cols, {form.data(), form.size()});
  return weft::MatMul({.x = &tokens, .w = w, .y = y, .y_stride = w.rows}, {}, {scratch.data(), scratch.size()});
}

static bool Check(const Problem& problem, weft::DType type, size_t group) {
  const size_t rows = Problem::kRows, cols = Problem::kCols;

  // Weights: usually they lie in a GGUF file; here they are encoded first.
  std::vector<unsigned char> blocks(rows * weft::RowBytes(type, cols));
  std::vector<float> decoded(rows * cols), y(rows), same(rows);
  weft::Status status = weft::Quantize(type, problem.weights.data(), blocks.data(), rows * cols);
  if (status.ok()) status = weft::Dequantize(type, blocks.data(), decoded.data(), decoded.size());

  const weft::WeightView w = weft::MakeWeights(blocks.data(), type, rows, cols);
  if (status.ok()) status = Multiply(w, problem.x.data(), y.data());
  if (status.ok()) status = MultiplyInPlace(w, problem.x.data(), same.data());
  if (!status.ok()) {
    char text[256];
    printf("%s: %s\n", weft::Name(type), weft::ToText(status, text, sizeof(text)));
    return false;
  }
  return y == same && problem.Check(weft::Name(type), decoded, group, y);
}

int main() {
  printf("target: %s\n", weft::ActiveTarget());
  const Problem problem;
  const bool q8_0 = Check(problem, weft::DType::kQ8_0, 32);
  const bool q4_k = Check(problem, weft::DType::kQ4_K, 256);
  const bool left_out = weft::HasFormat(weft::DType::kQ6_K);
  return q8_0 && q4_k && !left_out ? 0 : 1;
}
