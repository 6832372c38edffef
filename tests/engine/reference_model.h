// The forward pass of every family in double, written for clarity: what the engine's is compared with. It follows the
// names of keys and tensors and knows nothing of ModelConfig.
#ifndef WEFT_TESTS_ENGINE_REFERENCE_MODEL_H_
#define WEFT_TESTS_ENGINE_REFERENCE_MODEL_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "tests/engine/test_model.h"
#include "weft/core/half.h"

namespace weft::engine::test {

using Vector = std::vector<double>;
using Rounding = double (*)(double);

inline double Exact(double x) { return x; }
inline double ToHalf(double x) { return ToFloat(ToF16(static_cast<float>(x))); }

// `cache` is applied to what goes into the key/value cache, `gelu` to what goes into GELU and comes out of it.
class ReferenceModel {
 public:
  explicit ReferenceModel(const TestModel& model, Rounding cache = Exact, Rounding gelu = ToHalf)
      : model_(model), name_(model.architecture()), cache_(cache), gelu_(gelu) {}

  // [tokens, vocabulary]
  Vector Logits(std::span<const uint32_t> tokens) {
    const size_t layers = Count("block_count");
    const double residual = Number("residual_scale", 1.0);
    std::vector<std::vector<Vector>> keys(layers), values(layers);
    Vector logits;
    for (size_t position = 0; position < tokens.size(); ++position) {
      Vector x = Row("token_embd.weight", tokens[position]);
      for (double& value : x) value *= Number("embedding_scale", 1.0);
      if (Has("position_embd.weight")) Add(x, Row("position_embd.weight", position));
      for (size_t layer = 0; layer < layers; ++layer) {
        layer_ = layer;
        const std::string blk = "blk." + std::to_string(layer) + ".";
        auto [q, k, v] = Inputs(blk, Norm(x, blk + "attn_norm"));
        q = Rotate(HeadNorm(q, blk + "attn_q_norm"), position);
        keys[layer].push_back(Rounded(Rotate(HeadNorm(k, blk + "attn_k_norm"), position)));
        values[layer].push_back(Rounded(v));
        Add(x, Multiply(blk + "attn_output", Attend(q, keys[layer], values[layer])), residual);
        Add(x, Multiply(blk + "ffn_down", Hidden(blk, Norm(x, blk + "ffn_norm"))), residual);
      }
      const bool tied = !Has("output.weight");
      for (const double logit : Multiply(tied ? "token_embd" : "output", Norm(x, "output_norm"))) {
        logits.push_back(logit / Number("logit_scale", 1.0));
      }
    }
    return logits;
  }

 private:
  struct AttentionInputs {
    Vector q, k, v;
  };

  bool Has(const std::string& tensor) const { return model_.tensors.contains(tensor); }
  const TestTensor& Tensor(const std::string& name) const { return model_.tensors.at(name); }
  const TestModel::Value* Find(const std::string& key) const {
    const auto found = model_.keys.find(name_ + "." + key);
    return found == model_.keys.end() ? nullptr : &found->second;
  }
  // Of the layer, where there is a number for each.
  template <class T>
  T Get(const TestModel::Value& value) const {
    const auto* all = std::get_if<std::vector<T>>(&value);
    return all != nullptr ? all->at(layer_) : std::get<T>(value);
  }
  size_t Count(const std::string& key) const { return Get<uint64_t>(*Find(key)); }
  // "key" or "value"
  size_t HeadSize(const std::string& of = "key") const {
    const std::string key = "attention." + of + "_length";
    return Find(key) != nullptr ? Count(key) : Count("embedding_length") / Count("attention.head_count");
  }
  double Number(const std::string& key, double fallback) const {
    const TestModel::Value* value = Find(key);
    return value == nullptr ? fallback : Get<float>(*value);
  }
  TestModel::Layer Choices() const { return model_.layers.empty() ? TestModel::Layer() : model_.layers.at(layer_); }

  Vector Row(const std::string& name, size_t row) const {
    const TestTensor& table = Tensor(name);
    const float* values = &table.values[row * table.shape[0]];
    return Vector(values, values + table.shape[0]);
  }

  Vector Multiply(const std::string& name, const Vector& x) const {
    const TestTensor& w = Tensor(name + ".weight");
    Vector y(w.shape[1]);
    for (size_t n = 0; n < y.size(); ++n) {
      for (size_t k = 0; k < x.size(); ++k) y[n] += w.values[n * x.size() + k] * x[k];
      if (Has(name + ".bias")) y[n] += Tensor(name + ".bias").values[n];
    }
    return y;
  }

  // Of GPT-2, LayerNorm; of all others, RMSNorm.
  Vector Norm(Vector x, const std::string& name) const {
    const double n = static_cast<double>(x.size());
    double mean = 0.0, square = 0.0;
    const bool layer_norm = name_ == "gpt2";
    if (layer_norm) {
      for (const double value : x) mean += value / n;
    }
    for (double& value : x) {
      value -= mean;
      square += value * value / n;
    }
    const std::string key = layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon";
    const double factor = 1.0 / std::sqrt(square + Number(key, 0.0));
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] *= factor * Tensor(name + ".weight").values[i];
      if (Has(name + ".bias")) x[i] += Tensor(name + ".bias").values[i];
    }
    return x;
  }

  Vector HeadNorm(Vector x, const std::string& name) const {
    if (!Has(name + ".weight")) return x;
    const auto size = static_cast<ptrdiff_t>(HeadSize());
    for (auto head = x.begin(); head != x.end(); head += size) {
      const Vector normed = Norm(Vector(head, head + size), name);
      std::copy(normed.begin(), normed.end(), head);
    }
    return x;
  }

  AttentionInputs Inputs(const std::string& blk, const Vector& x) const {
    if (!Has(blk + "attn_qkv.weight")) {
      return {Multiply(blk + "attn_q", x), Multiply(blk + "attn_k", x), Multiply(blk + "attn_v", x)};
    }
    const Vector all = Multiply(blk + "attn_qkv", x);
    const auto q = all.begin(), k = q + static_cast<ptrdiff_t>(all.size() / 3), v = k + (k - q);
    return {Vector(q, k), Vector(k, v), Vector(v, all.end())};
  }

  Vector Hidden(const std::string& blk, const Vector& x) const {
    Vector y = Multiply(blk + "ffn_up", x);
    if (Has(blk + "ffn_gate.weight")) {
      const Vector gate = Multiply(blk + "ffn_gate", x);
      for (size_t i = 0; i < y.size(); ++i) y[i] *= gate[i] / (1.0 + std::exp(-gate[i]));
    } else {
      const double factor = std::sqrt(2.0 / std::acos(-1.0));
      for (double& value : y) {
        const double v = gelu_(value);
        value = gelu_(v * 0.5 * (1.0 + std::tanh(factor * (v + 0.044715 * v * v * v))));
      }
    }
    return y;
  }

  // The angle by which the elements e and e + 1 (of `size` that rotate) turn per position, in llama.cpp's terms: the
  // whole of it for pairs that keep their frequency, a part for those that are stretched.
  double Frequency(size_t e, size_t size) const {
    const double n = static_cast<double>(size), base = Number("rope.freq_base", 10000.0);
    double whole = std::pow(base, -static_cast<double>(e) / n);
    if (Has("rope_freqs.weight")) whole /= Tensor("rope_freqs.weight").values[e / 2];
    const double part = whole / Number("rope.scaling.factor", 1.0);
    if (!Yarn()) return part;
    const double context = static_cast<double>(Count("rope.scaling.original_context_length"));
    const auto dimension = [&](double turns) {
      return n * std::log(context / (turns * 2 * std::acos(-1.0))) / (2 * std::log(base));
    };
    const double first = std::max(0.0, std::floor(dimension(Number("rope.scaling.yarn_beta_fast", 32.0))));
    const double last = std::min(n - 1, std::ceil(dimension(Number("rope.scaling.yarn_beta_slow", 1.0))));
    const double along = (static_cast<double>(e / 2) - first) / std::max(0.001, last - first);
    const double mix = 1.0 - std::min(1.0, std::max(0.0, along));
    return part * (1.0 - mix) + whole * mix;
  }
  bool Yarn() const {
    const TestModel::Value* type = Find("rope.scaling.type");
    return type != nullptr && std::get<std::string>(*type) == "yarn";
  }

  Vector Rotate(Vector x, size_t position) const {
    const TestModel::Value* rotates = Find("rope.scaling.finetuned");
    if (Has("position_embd.weight") || (rotates != nullptr && !std::get<bool>(*rotates))) return x;
    if (!Choices().rotates) return x;
    const bool side_by_side = name_ == "llama" || name_ == "granite";
    const size_t head = HeadSize();
    const size_t size = Find("rope.dimension_count") != nullptr ? Count("rope.dimension_count") : head;
    const double longer = (Yarn() ? 1.0 + 0.1 * std::log(Number("rope.scaling.factor", 1.0)) : 1.0) *
                          Number("rope.scaling.attn_factor", 1.0);
    for (size_t first = 0; first < x.size(); first += head) {
      for (size_t e = 0; e < size; e += 2) {
        double& a = x[first + (side_by_side ? e : e / 2)];
        double& b = x[first + (side_by_side ? e + 1 : e / 2 + size / 2)];
        const double angle = static_cast<double>(position) * Frequency(e, size);
        const double turned = longer * (a * std::cos(angle) - b * std::sin(angle));
        b = longer * (a * std::sin(angle) + b * std::cos(angle));
        a = turned;
      }
    }
    return x;
  }

  Vector Attend(const Vector& q, const std::vector<Vector>& keys, const std::vector<Vector>& values) const {
    const size_t heads = Count("attention.head_count"), size = HeadSize(), v_size = HeadSize("value");
    const size_t sharing = heads / Count("attention.head_count_kv");
    const double scale = Number("attention.scale", 1.0 / std::sqrt(static_cast<double>(size)));
    const size_t window = Choices().window;
    const size_t first = window == 0 || keys.size() <= window ? 0 : keys.size() - window;
    Vector out(heads * v_size);
    for (size_t head = 0; head < heads; ++head) {
      const size_t kv = head / sharing;
      Vector weight(keys.size());
      double sum = 0.0;
      for (size_t j = first; j < keys.size(); ++j) {
        double score = 0.0;
        for (size_t i = 0; i < size; ++i) score += q[head * size + i] * keys[j][kv * size + i];
        sum += weight[j] = std::exp(score * scale);
      }
      for (size_t j = first; j < keys.size(); ++j) {
        for (size_t i = 0; i < v_size; ++i) out[head * v_size + i] += weight[j] / sum * values[j][kv * v_size + i];
      }
    }
    return out;
  }

  Vector Rounded(Vector x) const {
    for (double& value : x) value = cache_(value);
    return x;
  }

  static void Add(Vector& x, const Vector& y, double scale = 1.0) {
    for (size_t i = 0; i < x.size(); ++i) x[i] += scale * y[i];
  }

  const TestModel& model_;
  std::string name_;
  size_t layer_ = 0;
  Rounding cache_, gelu_;
};

inline std::vector<float> Floats(const Vector& x) { return {x.begin(), x.end()}; }

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
  const Vector exact = ReferenceModel(model).Logits(tokens);
  double bound = 0.0;
  for (uint32_t seed = 1; seed <= 3; ++seed) {
    std::mt19937 random(seed);
    TestModel moved = model;
    for (auto& [name, tensor] : moved.tensors) {
      if (name == "rope_freqs.weight") continue;  // goes into no sum
      for (float& value : tensor.values) value = static_cast<float>(value * (random() % 2 == 0 ? 1 + step : 1 - step));
    }
    bound = std::max(bound, MaxDifference(ReferenceModel(moved).Logits(tokens), exact));
  }
  return bound;
}

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_REFERENCE_MODEL_H_
