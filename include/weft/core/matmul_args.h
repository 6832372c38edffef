// Arguments of the matrix product.
#ifndef WEFT_CORE_MATMUL_ARGS_H_
#define WEFT_CORE_MATMUL_ARGS_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/activations.h"
#include "weft/core/precision.h"
#include "weft/core/summation.h"
#include "weft/core/views.h"

namespace weft {

enum class Activation : uint8_t {
  kNone,
  kSilu,      // v / (1 + exp(-v))
  kGeluTanh,  // v / 2 * (1 + tanh(sqrt(2 / pi) * (v + 0.044715 v^3)))
  kRelu,      // max(v, 0)
  // GELU as ggml computes it, and so as quantised GGUF files are judged: kGeluTanh of v rounded to half precision, the
  // result rounded to half precision, too; but 0 for v <= -10 and v for v >= 10.
  kGeluTanhF16,
  kGeluErf,    // v / 2 * (1 + erf(v / sqrt(2))): GELU as it is defined; kGeluTanh approximates it
  kGeluQuick,  // v / (1 + exp(-1.702 v)), OpenAI's and CLIP's
  kSigmoid,    // 1 / (1 + exp(-v))
};
// One past the last of them.
inline constexpr size_t kActivations = 8;

// What happens to a product p while it is hot in cache (n indexes weight rows):
//   v = scale * (p + bias[n])
//   v = activation(v)                without a gate
//   v = activation(g) * v            with one: g = scale * (x * gate^T + gate_bias[n])
//   y = v + residual                 residual[m * residual_stride + n]; may be y itself
struct Epilogue {
  const float* bias = nullptr;
  const float* residual = nullptr;
  size_t residual_stride = 0;
  float scale = 1.0f;
  Activation activation = Activation::kNone;
  WeightView gate = {};  // same type, rows and cols as the weights; without data: none
  const float* gate_bias = nullptr;

  bool gated() const { return gate.data != nullptr; }
};

// y[m, n] = epilogue(sum over k of x[t(m), k] * w[n, k])
//   m counts tokens: t(m) = row_index ? row_index[m] : m, for m in [0, row_index ? row_count : x->rows)
//   n in [0, w.rows), k in [0, w.cols); y is at y[m * y_stride + n], y_stride >= w.rows; y must not overlap anything
//   that is read, but for a residual that is y itself. Without tokens or rows nothing is computed.
struct MatMulArgs {
  ActivationSet* x = nullptr;  // the form that w needs is built in it if it is not there yet
  WeightView w = {};
  float* y = nullptr;
  size_t y_stride = 0;
  Epilogue epilogue = {};
  const uint32_t* row_index = nullptr;  // which tokens (experts); null: all
  size_t row_count = 0;                 // 0 without row_index
  Summation summation = Summation::kFastest;
  Phase phase = Phase::kDecode;  // for kUniform
  Precision precision = Precision::kFast;

  size_t tokens() const { return row_index != nullptr ? row_count : x->rows; }
};

// What the memory of a product depends on: the weights' type, rows and cols, at most this many tokens, whether there
// is a gate, and the precision. A larger number of tokens, rows, cols or workers never needs less than a smaller one.
struct MatMulShape {
  DType type = DType::kF32;
  size_t rows = 0, cols = 0;
  size_t tokens = 0;
  bool gated = false;
  // Products of one call with the same number, other than 0, have the same x, row_index and row_count (and summation,
  // phase and precision): those whose weights are of equal layout pack the tokens once.
  uint32_t input = 0;
  Precision precision = Precision::kFast;
};

// y[i, :] = scale * row ids[i] of w, as floats: embedding look-up. y is at y[i * y_stride], y_stride >= w.cols. count
// may be 0.
struct GetRowsArgs {
  WeightView w = {};
  const uint32_t* ids = nullptr;
  size_t count = 0;
  float* y = nullptr;
  size_t y_stride = 0;
  float scale = 1.0f;
};

}  // namespace weft

#endif  // WEFT_CORE_MATMUL_ARGS_H_
