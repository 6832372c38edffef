// The normative reference, part 4: the small operations between matrix products.
#ifndef WEFT_SCALAR_OPS_H_
#define WEFT_SCALAR_OPS_H_

#include <math.h>
#include <stddef.h>

#include <algorithm>
#include <vector>

#include "weft/core/op_args.h"
#include "weft/scalar/matmul.h"

namespace weft::scalar {

// [rows][cols]
inline std::vector<double> Norm(const NormArgs& args) {
  std::vector<double> y(args.rows * args.cols);
  const double cols = static_cast<double>(args.cols);
  for (size_t r = 0; r < args.rows; ++r) {
    const float* given = args.x + r / args.heads * args.stride + r % args.heads * args.head_stride;
    std::vector<double> x(given, given + args.cols);
    if (args.residual != nullptr) {
      const float* residual =
          args.residual + r / args.heads * args.residual_stride + r % args.heads * args.residual_head_stride;
      for (size_t i = 0; i < args.cols; ++i) x[i] = given[i] + residual[i];  // rounded: v is a float
    }
    double mean = 0.0, square = 0.0;
    if (args.kind == NormKind::kLayer) {
      for (size_t i = 0; i < args.cols; ++i) mean += x[i];
      mean /= cols;
    }
    for (size_t i = 0; i < args.cols; ++i) square += (x[i] - mean) * (x[i] - mean);
    const double factor = 1.0 / sqrt(square / cols + args.epsilon);
    for (size_t i = 0; i < args.cols; ++i) {
      y[r * args.cols + i] = (x[i] - mean) * factor * (args.weight != nullptr ? args.weight[i] : 1.0) +
                             (args.bias != nullptr ? args.bias[i] : 0.0);
    }
  }
  return y;
}

// [tokens][pairs][2]
inline std::vector<double> RopeTable(const RopeTableArgs& args) {
  std::vector<double> table;
  table.reserve(args.tokens * args.pairs * 2);
  for (size_t t = 0; t < args.tokens; ++t) {
    for (size_t i = 0; i < args.pairs; ++i) {
      const double angle = static_cast<double>(args.positions[t]) * args.frequency[i];
      table.push_back(args.magnitude * cos(angle));
      table.push_back(args.magnitude * sin(angle));
    }
  }
  return table;
}

// [tokens][heads][2 * pairs]: the elements that are rotated.
inline std::vector<double> Rope(const RopeArgs& args) {
  const size_t rotary = 2 * args.pairs;
  std::vector<double> y(args.tokens * args.heads * rotary);
  for (size_t t = 0; t < args.tokens; ++t) {
    for (size_t h = 0; h < args.heads; ++h) {
      const float* x = args.x + t * args.token_stride + h * args.head_stride;
      double* out = &y[(t * args.heads + h) * rotary];
      for (size_t i = 0; i < args.pairs; ++i) {
        const bool interleaved = args.kind == RopeKind::kInterleaved;
        const size_t a = interleaved ? 2 * i : i, b = interleaved ? 2 * i + 1 : i + args.pairs;
        const float* angle = args.table + (t * args.pairs + i) * 2;
        const double cosine = angle[0], sine = args.inverse ? -angle[1] : angle[1];
        out[a] = x[a] * cosine - x[b] * sine;
        out[b] = x[a] * sine + x[b] * cosine;
      }
    }
  }
  return y;
}

// [rows][cols]
inline std::vector<double> Elementwise(const ElementwiseArgs& args) {
  std::vector<double> y(args.rows * args.cols);
  for (size_t i = 0; i < y.size(); ++i) {
    y[i] = Activate(args.activation, args.x[i / args.cols * args.stride + i % args.cols]);
  }
  return y;
}

// [rows][cols]
inline std::vector<double> Gated(const GatedArgs& args) {
  std::vector<double> y(args.rows * args.cols);
  for (size_t i = 0; i < y.size(); ++i) {
    const size_t r = i / args.cols, c = i % args.cols;
    y[i] = Activate(args.activation, args.gate[r * args.gate_stride + c]) * args.up[r * args.up_stride + c];
  }
  return y;
}

// [rows][cols]
inline std::vector<double> Softmax(const SoftmaxArgs& args) {
  std::vector<double> y(args.rows * args.cols);
  for (size_t r = 0; r < args.rows; ++r) {
    const float* x = args.x + r * args.stride;
    double* out = &y[r * args.cols];
    double max = -INFINITY, sum = 0.0;
    for (size_t i = 0; i < args.cols; ++i) {
      out[i] = static_cast<double>(args.scale) * x[i];
      max = std::max(max, out[i]);
    }
    for (size_t i = 0; i < args.cols; ++i) {
      out[i] = max == -INFINITY ? 0.0 : exp(out[i] - max);
      sum += out[i];
    }
    for (size_t i = 0; i < args.cols; ++i) out[i] = sum > 0.0 ? out[i] / sum : 0.0;
  }
  return y;
}

// [rows][k] indices: the whole row sorted.
inline std::vector<uint32_t> TopK(const TopKArgs& args) {
  std::vector<uint32_t> indices;
  for (size_t r = 0; r < args.rows; ++r) {
    const float* x = args.x + r * args.stride;
    std::vector<uint32_t> order;
    for (size_t c = 0; c < args.cols; ++c) {
      if (!isnan(x[c])) order.push_back(static_cast<uint32_t>(c));
    }
    std::sort(order.begin(), order.end(),
              [x](uint32_t a, uint32_t b) { return x[a] > x[b] || (x[a] == x[b] && a < b); });
    order.resize(args.k, kNoIndex);
    indices.insert(indices.end(), order.begin(), order.end());
  }
  return indices;
}

}  // namespace weft::scalar

#endif  // WEFT_SCALAR_OPS_H_
