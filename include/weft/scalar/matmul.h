// The normative reference, part 3: the matrix product.
#ifndef WEFT_SCALAR_MATMUL_H_
#define WEFT_SCALAR_MATMUL_H_

#include <math.h>
#include <stddef.h>

#include <vector>

#include "weft/core/matmul_args.h"
#include "weft/scalar/activations.h"
#include "weft/scalar/decode.h"

namespace weft::scalar {

inline double Activate(Activation activation, double v) {
  switch (activation) {
    case Activation::kNone: return v;
    case Activation::kSilu: return v / (1.0 + exp(-v));
    // (1 + tanh(u)) / 2 = 1 / (1 + exp(-2u)), which loses no digits where tanh is near -1.
    case Activation::kGeluTanh: return v / (1.0 + exp(-2.0 * sqrt(2.0 / M_PI) * (v + 0.044715 * v * v * v)));
    case Activation::kGeluTanhF16: {
      if (v <= -10.0 || v >= 10.0) return v > 0.0 ? v : 0.0;
      const double gelu = Activate(Activation::kGeluTanh, ToFloat(ToF16(static_cast<float>(v))));
      return ToFloat(ToF16(static_cast<float>(gelu)));
    }
    case Activation::kRelu: return v > 0.0 ? v : (v == v ? 0.0 : v);
    // (1 + erf(t)) / 2 = erfc(-t) / 2, which loses no digits where erf is near -1.
    case Activation::kGeluErf: return v / 2.0 * erfc(-v / sqrt(2.0));
    case Activation::kGeluQuick: return v / (1.0 + exp(-1.702 * v));
    case Activation::kSigmoid: return 1.0 / (1.0 + exp(-v));
  }
  return v;
}

// [tokens][w.rows] products of tokens rows[0..] (null: the first `tokens`) of `x` with the rows of w. `x` may be the
// activations as given (kF32) or the form that a kernel really multiplies with, which gives far tighter bounds.
inline std::vector<Exact> Products(const ActivationView& x, const uint32_t* rows, size_t tokens, const WeightView& w) {
  std::vector<std::vector<double>> activations(tokens, std::vector<double>(w.cols));
  for (size_t m = 0; m < tokens; ++m) {
    for (size_t k = 0; k < w.cols; ++k) activations[m][k] = ActivationAt(x, rows != nullptr ? rows[m] : m, k);
  }
  std::vector<Exact> sums(tokens * w.rows);
  for (size_t n = 0; n < w.rows; ++n) {
    const std::vector<Exact> weights = WeightRow(w, n);
    for (size_t m = 0; m < tokens; ++m) {
      Exact& sum = sums[m * w.rows + n];
      for (size_t k = 0; k < w.cols; ++k) {
        sum.value += activations[m][k] * weights[k].value;
        sum.magnitude += fabs(activations[m][k]) * weights[k].magnitude;
      }
    }
  }
  return sums;
}

// One output from its products p and, with a gate, g: the formula of Epilogue.
inline double ApplyEpilogue(const Epilogue& epilogue, double p, double g, size_t m, size_t n) {
  double v = epilogue.scale * (p + (epilogue.bias != nullptr ? epilogue.bias[n] : 0.0));
  if (epilogue.gated()) {
    const double bias = epilogue.gate_bias != nullptr ? epilogue.gate_bias[n] : 0.0;
    v *= Activate(epilogue.activation, epilogue.scale * (g + bias));
  } else {
    v = Activate(epilogue.activation, v);
  }
  if (epilogue.residual != nullptr) v += epilogue.residual[m * epilogue.residual_stride + n];
  return v;
}

// [tokens][w.rows]: y of MatMulArgs, from the activations `x` (see Products). Reads the residual, so that it must be
// called before a kernel that writes its result there.
inline std::vector<double> MatMul(const MatMulArgs& args, const ActivationView& x) {
  const size_t tokens = args.tokens();
  const std::vector<Exact> products = Products(x, args.row_index, tokens, args.w);
  std::vector<Exact> gates(products.size());
  if (args.epilogue.gated()) gates = Products(x, args.row_index, tokens, args.epilogue.gate);
  std::vector<double> y(products.size());
  for (size_t i = 0; i < y.size(); ++i) {
    y[i] = ApplyEpilogue(args.epilogue, products[i].value, gates[i].value, i / args.w.rows, i % args.w.rows);
  }
  return y;
}

}  // namespace weft::scalar

#endif  // WEFT_SCALAR_MATMUL_H_
