#include "reference/synth/preset.h"

#include <algorithm>

namespace weft::engine {
namespace {

using Keys = std::vector<std::pair<std::string, Preset::Value>>;

// The keys that every family has.
struct Shape {
  uint32_t width, ffn_width, layers, heads, kv_heads, head_size, vocabulary, context;
};

Preset Make(const char* name, const char* architecture, bool tied, const Shape& s, const Keys& more) {
  Preset preset{name, architecture, tied, {}};
  preset.keys = {{"block_count", s.layers},
                 {"context_length", s.context},
                 {"embedding_length", s.width},
                 {"feed_forward_length", s.ffn_width},
                 {"vocab_size", s.vocabulary},
                 {"attention.head_count", s.heads},
                 {"attention.head_count_kv", s.kv_heads},
                 {"attention.key_length", s.head_size},
                 {"attention.value_length", s.head_size}};
  preset.keys.insert(preset.keys.end(), more.begin(), more.end());
  return preset;
}

Keys Rotary(float base, float epsilon = 1e-5f) {
  return {{"attention.layer_norm_rms_epsilon", epsilon}, {"rope.freq_base", base}};
}

Keys Granite(float base) {
  Keys keys = Rotary(base);
  keys.insert(
      keys.end(),
      {{"embedding_scale", 12.0f}, {"residual_scale", 0.22f}, {"attention.scale", 1.0f / 128}, {"logit_scale", 16.0f}});
  return keys;
}

}  // namespace

const std::vector<Preset>& Presets() {
  // name, architecture, tied, {width, ffn_width, layers, heads, kv_heads, head_size, vocabulary, context}, other keys
  static const std::vector<Preset> presets = {
      Make("llama-1b", "llama", true, {2048, 8192, 16, 32, 8, 64, 128256, 131072}, Rotary(5e5f)),
      Make("llama-8b", "llama", false, {4096, 14336, 32, 32, 8, 128, 128256, 131072}, Rotary(5e5f)),
      Make("granite-8b", "granite", true, {4096, 12800, 40, 32, 8, 128, 49159, 131072}, Granite(1e7f)),
      Make("qwen3-0.6b", "qwen3", true, {1024, 3072, 28, 16, 8, 128, 151936, 40960}, Rotary(1e6f, 1e-6f)),
      Make("gpt2", "gpt2", true, {768, 3072, 12, 12, 12, 64, 50257, 1024}, {{"attention.layer_norm_epsilon", 1e-5f}}),
  };
  return presets;
}

const Preset* FindPreset(std::string_view name) {
  const auto found = std::ranges::find(Presets(), name, &Preset::name);
  return found != Presets().end() ? &*found : nullptr;
}

void Preset::Set(std::string_view key, Value value) {
  const auto found = std::ranges::find(keys, key, &std::pair<std::string, Value>::first);
  if (found != keys.end()) {
    found->second = value;
  } else {
    keys.emplace_back(key, value);
  }
}

}  // namespace weft::engine
