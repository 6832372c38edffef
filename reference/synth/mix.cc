#include "reference/synth/mix.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace weft::engine {
namespace {

// As llama.cpp mixes them, but with Q4_K where it takes Q5_K: for attn_qkv in Q4_K_M, for attn_v and ffn_down of the
// first layers in Q4_K_S.
constexpr MixRule kMediumRules[] = {
    {"output.weight", false, DType::kQ6_K},
    {"attn_v.weight", true, DType::kQ6_K},
    {"ffn_down.weight", true, DType::kQ6_K},
};
constexpr MixRule kSmallRules[] = {
    {"output.weight", false, DType::kQ6_K},
};
constexpr Mix kMixes[] = {
    {"Q4_K_M", DType::kQ4_K, kMediumRules},
    {"Q4_K_S", DType::kQ4_K, kSmallRules},
};

bool HasKernels(const Mix& mix) {
  return HasFormat(mix.type) &&
         std::ranges::all_of(mix.rules, [](const MixRule& rule) { return HasFormat(rule.type); });
}

// Single formats, then mixes of them; only those with kernels.
std::vector<Mix> AllMixes() {
  std::vector<Mix> mixes;
  for (size_t id = 0; id < kDTypeEnd; ++id) {
    const DType type = static_cast<DType>(id);
    if (HasFormat(type)) mixes.push_back({Name(type), type, {}});
  }
  std::ranges::copy_if(kMixes, std::back_inserter(mixes), HasKernels);
  return mixes;
}

bool EqualInAnyCase(std::string_view a, std::string_view b) {
  const auto lower = [](unsigned char c) { return std::tolower(c); };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool IsOneOfSome(size_t layer, size_t layers) {
  const size_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

}  // namespace

DType Mix::TypeOf(std::string_view tensor, size_t layer, size_t layers) const {
  for (const MixRule& rule : rules) {
    if (rule.tensor == tensor && (!rule.some_layers || IsOneOfSome(layer, layers))) return rule.type;
  }
  return type;
}

std::optional<Mix> FindMix(std::string_view name) {
  for (const Mix& mix : AllMixes()) {
    if (EqualInAnyCase(mix.name, name)) return mix;
  }
  return std::nullopt;
}

std::string MixNames() {
  std::string names;
  for (const Mix& mix : AllMixes()) names += (names.empty() ? "" : ", ") + std::string(mix.name);
  return names;
}

}  // namespace weft::engine
