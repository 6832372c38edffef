#include "reference/model/rope_frequencies.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string>

#include "reference/gguf/printable.h"

namespace weft::engine {
namespace {

// How much of pair i's own frequency YaRN keeps.
double Kept(size_t i, size_t pairs, double base, const RopeScaling& scaling) {
  const auto pair_turning = [&](double turns) {
    return static_cast<double>(pairs) * std::log(scaling.original_context / (2 * std::numbers::pi * turns)) /
           std::log(base);
  };
  const double low = std::max(0.0, std::floor(pair_turning(scaling.beta_fast)));
  // The last index that llama.cpp allows is that of the last element, not of the last pair; files rely on it.
  const double high = std::min(2.0 * static_cast<double>(pairs) - 1, std::ceil(pair_turning(scaling.beta_slow)));
  const double ramp = (static_cast<double>(i) - low) / std::max(0.001, high - low);
  return 1.0 - std::clamp(ramp, 0.0, 1.0);
}

// The values of rope_freqs.weight; empty where the file has none.
std::vector<float> ReadFactors(const Gguf& file, KeyReader& keys, size_t pairs) {
  const GgufTensor* tensor = file.FindTensor("rope_freqs.weight");
  if (tensor == nullptr) return {};
  if (tensor->type != DType::kF32 || tensor->shape[0] != pairs || tensor->elements() != pairs) {
    keys.Keep(file.ErrorAt(ErrorKind::kBadFile, "tensor rope_freqs.weight: " + std::to_string(tensor->elements()) +
                                                    " elements of " + Name(tensor->type) + ", expected " +
                                                    std::to_string(pairs) + " of F32 (half of rope.dimension_count)"));
    return {};
  }
  std::vector<float> factors(pairs);
  std::memcpy(factors.data(), tensor->data, pairs * sizeof(float));
  for (const float factor : factors) {
    if (factor > 0.0f && std::isfinite(factor)) continue;
    keys.Keep(file.ErrorAt(ErrorKind::kBadFile, "tensor rope_freqs.weight: a factor is not a positive number"));
    return {};
  }
  return factors;
}

RopeScaling ReadScaling(KeyReader& keys, size_t context) {
  // A factor without a kind means linear scaling, and a factor of 0 none.
  RopeScaling scaling;
  const std::string_view kind = keys.StringOr("rope.scaling.type", "linear");
  if (kind != "none" && kind != "linear" && kind != "yarn") {
    keys.Fail(ErrorKind::kUnsupported, "rope.scaling.type",
              "is '" + Printable(kind) + "', expected none, linear or yarn");
  }
  const char* key = keys.Has("rope.scaling.factor") ? "rope.scaling.factor" : "rope.scale_linear";
  const double factor = keys.NumberOr(key, 0.0, 0.0, 1e6);
  if (kind == "none" || factor == 0.0) return scaling;
  scaling.kind = kind == "yarn" ? RopeScaling::Kind::kYarn : RopeScaling::Kind::kLinear;
  scaling.factor = factor;
  if (scaling.kind == RopeScaling::Kind::kYarn) {
    scaling.original_context =
        static_cast<double>(keys.CountOr("rope.scaling.original_context_length", context, 1, kMaxContext));
    scaling.beta_fast = keys.NumberOr("rope.scaling.yarn_beta_fast", scaling.beta_fast, 1e-6, 1e6);
    scaling.beta_slow = keys.NumberOr("rope.scaling.yarn_beta_slow", scaling.beta_slow, 1e-6, 1e6);
    // What other values do is not done here.
    for (const char* fixed : {"rope.scaling.yarn_ext_factor", "rope.scaling.yarn_attn_factor"}) {
      keys.NumberOr(fixed, 1.0, 1.0, 1.0);
    }
  }
  return scaling;
}

}  // namespace

std::vector<float> RopeFrequencies(size_t pairs, double base, const RopeScaling& scaling,
                                   std::span<const float> factors) {
  std::vector<float> frequency(pairs);
  for (size_t i = 0; i < pairs; ++i) {
    double f = std::pow(base, -static_cast<double>(i) / static_cast<double>(pairs));
    if (!factors.empty()) f /= factors[i];
    if (scaling.kind == RopeScaling::Kind::kLinear) f /= scaling.factor;
    if (scaling.kind == RopeScaling::Kind::kYarn) {
      const double kept = Kept(i, pairs, base, scaling);
      f *= kept + (1.0 - kept) / scaling.factor;
    }
    frequency[i] = static_cast<float>(f);
  }
  return frequency;
}

double RopeMagnitude(const RopeScaling& scaling) {
  if (scaling.kind != RopeScaling::Kind::kYarn || scaling.factor <= 1.0) return 1.0;
  return 1.0 + 0.1 * std::log(scaling.factor);
}

void ReadRope(const Gguf& file, KeyReader& keys, ModelConfig* config) {
  struct Kind {
    size_t rotary;
    double base;
    bool operator==(const Kind&) const = default;
  };
  std::vector<Kind> kinds;
  for (size_t i = 0; i < config->layers.size() && keys.ok(); ++i) {
    LayerConfig& layer = config->layers[i];
    keys.Enter(i);
    const Kind kind = {.rotary = keys.CountOr("rope.dimension_count", layer.k_size, 2, layer.k_size),
                       .base = keys.NumberOr("rope.freq_base", 10000.0, 1.5, 1e12)};
    if (kind.rotary % 2 != 0) {
      keys.Fail(ErrorKind::kBadFile, "rope.dimension_count",
                "is " + std::to_string(kind.rotary) + ", expected an even number");
    }
    const auto known = std::ranges::find(kinds, kind);
    layer.rotation = static_cast<size_t>(known - kinds.begin());
    if (known == kinds.end()) kinds.push_back(kind);
  }
  keys.Leave();
  const RopeScaling scaling = ReadScaling(keys, config->context);
  const double attention_factor = keys.NumberOr("rope.scaling.attn_factor", 1.0, 1e-3, 1e3);
  for (const auto& [rotary, base] : kinds) {
    const std::vector<float> factors = ReadFactors(file, keys, rotary / 2);
    if (!keys.ok()) return;
    config->rotations.push_back({.frequency = RopeFrequencies(rotary / 2, base, scaling, factors),
                                 .magnitude = static_cast<float>(attention_factor * RopeMagnitude(scaling))});
  }
}

}  // namespace weft::engine
