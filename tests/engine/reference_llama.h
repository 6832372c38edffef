// The Llama forward pass in double, written for clarity: what the engine's is compared with.
#ifndef WEFT_TESTS_ENGINE_REFERENCE_LLAMA_H_
#define WEFT_TESTS_ENGINE_REFERENCE_LLAMA_H_

#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "tests/engine/test_model.h"

namespace weft::engine::test {

using Vector = std::vector<double>;
using Rounding = double (*)(double);

inline double Exact(double x) { return x; }

// `round` is applied to what goes into the key/value cache.
class ReferenceLlama {
 public:
  explicit ReferenceLlama(const TestModel& model, Rounding round = Exact) : model_(model), round_(round) {}

  // [tokens, vocabulary]
  Vector Logits(std::span<const uint32_t> tokens) {
    const size_t layers = model_.Number("llama.block_count");
    std::vector<std::vector<Vector>> keys(layers), values(layers);
    Vector logits;
    for (size_t position = 0; position < tokens.size(); ++position) {
      const TestTensor& embedding = Tensor("token_embd.weight");
      const float* row = &embedding.values[tokens[position] * embedding.shape[0]];
      Vector x(row, row + embedding.shape[0]);
      for (size_t layer = 0; layer < layers; ++layer) {
        const std::string blk = "blk." + std::to_string(layer) + ".";
        const Vector normed = Norm(x, blk + "attn_norm.weight");
        const Vector q = Rotate(Multiply(blk + "attn_q.weight", normed), position);
        keys[layer].push_back(Rounded(Rotate(Multiply(blk + "attn_k.weight", normed), position)));
        values[layer].push_back(Rounded(Multiply(blk + "attn_v.weight", normed)));
        Add(x, Multiply(blk + "attn_output.weight", Attend(q, keys[layer], values[layer])));
        const Vector input = Norm(x, blk + "ffn_norm.weight");
        Vector hidden = Multiply(blk + "ffn_up.weight", input);
        const Vector gate = Multiply(blk + "ffn_gate.weight", input);
        for (size_t i = 0; i < hidden.size(); ++i) hidden[i] *= gate[i] / (1.0 + std::exp(-gate[i]));
        Add(x, Multiply(blk + "ffn_down.weight", hidden));
      }
      const bool tied = !model_.tensors.contains("output.weight");
      Add(logits, Multiply(tied ? "token_embd.weight" : "output.weight", Norm(x, "output_norm.weight")), true);
    }
    return logits;
  }

 private:
  const TestTensor& Tensor(const std::string& name) const { return model_.tensors.at(name); }

  Vector Multiply(const std::string& name, const Vector& x) const {
    const TestTensor& w = Tensor(name);
    Vector y(w.shape[1]);
    for (size_t n = 0; n < y.size(); ++n) {
      for (size_t k = 0; k < x.size(); ++k) y[n] += w.values[n * x.size() + k] * x[k];
    }
    return y;
  }

  Vector Norm(const Vector& x, const std::string& name) const {
    double square = 0.0;
    for (const double value : x) square += value * value;
    const double epsilon = std::get<float>(model_.keys.at("llama.attention.layer_norm_rms_epsilon"));
    const double factor = 1.0 / std::sqrt(square / static_cast<double>(x.size()) + epsilon);
    Vector y(x.size());
    for (size_t i = 0; i < x.size(); ++i) y[i] = x[i] * factor * Tensor(name).values[i];
    return y;
  }

  // Every head's pairs (2i, 2i + 1) by position * 10000^(-2i / size).
  Vector Rotate(Vector x, size_t position) const {
    const size_t size = model_.Number("llama.attention.key_length");
    for (size_t e = 0; e < x.size(); e += 2) {
      const double exponent = static_cast<double>(e % size) / static_cast<double>(size);
      const double angle = static_cast<double>(position) * std::pow(10000.0, -exponent);
      const double a = x[e], b = x[e + 1];
      x[e] = a * std::cos(angle) - b * std::sin(angle);
      x[e + 1] = a * std::sin(angle) + b * std::cos(angle);
    }
    return x;
  }

  Vector Attend(const Vector& q, const std::vector<Vector>& keys, const std::vector<Vector>& values) const {
    const size_t heads = model_.Number("llama.attention.head_count"), size = q.size() / heads;
    const size_t sharing = heads / model_.Number("llama.attention.head_count_kv");
    Vector out(q.size());
    for (size_t head = 0; head < heads; ++head) {
      const size_t kv = head / sharing * size;
      Vector weight(keys.size());
      double sum = 0.0;
      for (size_t j = 0; j < keys.size(); ++j) {
        double score = 0.0;
        for (size_t i = 0; i < size; ++i) score += q[head * size + i] * keys[j][kv + i];
        sum += weight[j] = std::exp(score / std::sqrt(static_cast<double>(size)));
      }
      for (size_t j = 0; j < keys.size(); ++j) {
        for (size_t i = 0; i < size; ++i) out[head * size + i] += weight[j] / sum * values[j][kv + i];
      }
    }
    return out;
  }

  Vector Rounded(Vector x) const {
    for (double& value : x) value = round_(value);
    return x;
  }

  static void Add(Vector& x, const Vector& y, bool append = false) {
    if (append) {
      x.insert(x.end(), y.begin(), y.end());
      return;
    }
    for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }

  const TestModel& model_;
  Rounding round_;
};

inline double MaxDifference(const Vector& a, const Vector& b) {
  double max = a.size() == b.size() ? 0.0 : HUGE_VAL;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) max = std::fmax(max, std::fabs(a[i] - b[i]));
  return max;
}

// How far float arithmetic may take the logits from the exact ones. A dot product of n terms in float, summed in any
// order, is the exact one of weights that are off by at most n * 2^-24 of themselves; so this moves every weight up or
// down by that much and looks at what happens. Real errors are a small part of it, since roundings mostly cancel.
inline double FloatErrorBound(const TestModel& model, std::span<const uint32_t> tokens) {
  size_t longest = 0;
  for (const auto& [name, tensor] : model.tensors) longest = std::max<size_t>(longest, tensor.shape[0]);
  const double step = static_cast<double>(longest) * std::ldexp(1.0, -24);
  const Vector exact = ReferenceLlama(model).Logits(tokens);
  double bound = 0.0;
  for (uint32_t seed = 1; seed <= 3; ++seed) {
    std::mt19937 random(seed);
    TestModel moved = model;
    for (auto& [name, tensor] : moved.tensors) {
      for (float& value : tensor.values) value = static_cast<float>(value * (random() % 2 == 0 ? 1 + step : 1 - step));
    }
    bound = std::max(bound, MaxDifference(ReferenceLlama(moved).Logits(tokens), exact));
  }
  return bound;
}

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_REFERENCE_LLAMA_H_
