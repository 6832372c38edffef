#include "reference/model/config.h"

#include <cmath>
#include <string_view>

#include "reference/gguf/printable.h"
#include "reference/model/key_reader.h"
#include "reference/model/rope_frequencies.h"

namespace weft::engine {
namespace {

// What an architecture's name stands for and its metadata do not say. A family that needs more adds a member here, with
// a default that leaves the others alone, and what it means to ModelConfig.
struct Architecture {
  std::string_view name;  // in general.architecture; also the prefix of its keys
  NormKind norm = NormKind::kRms;
  Activation activation = Activation::kSilu;
  RopeKind rope = RopeKind::kInterleaved;
};

constexpr Architecture kArchitectures[] = {
    // The converter permutes the rows of q and k, so that Llama's half-rotated pairs lie side by side.
    {.name = "llama", .rope = RopeKind::kInterleaved},
};

const Architecture* FindArchitecture(std::string_view name) {
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.name == name) return &architecture;
  }
  return nullptr;
}

std::string KnownArchitectures() {
  std::string names;
  for (const Architecture& architecture : kArchitectures) {
    if (!names.empty()) names += ", ";
    names += architecture.name;
  }
  return names;
}

const char* EpsilonKey(NormKind norm) {
  return norm == NormKind::kRms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon";
}

// The key, else the tokenizer's size, else the embedding's.
size_t ReadVocabulary(const Gguf& file, KeyReader& keys) {
  if (keys.Has("vocab_size")) return keys.Count("vocab_size", 1, kMaxVocabulary);
  uint64_t count = 0;
  if (const GgufValue* tokens = file.Find("tokenizer.ggml.tokens")) {
    count = tokens->array.count;
  } else if (const GgufTensor* embedding = file.FindTensor("token_embd.weight")) {
    count = embedding->shape[1];
  }
  if (count < 1 || count > kMaxVocabulary) {
    keys.Fail("vocab_size", "is missing, and neither the tokenizer nor the embedding tells the size of the vocabulary");
  }
  return static_cast<size_t>(count);
}

void ReadHeads(KeyReader& keys, ModelConfig* config) {
  ModelConfig& c = *config;
  c.heads = keys.Count("attention.head_count", 1, kMaxHeads);
  c.kv_heads = keys.CountOr("attention.head_count_kv", c.heads, 1, c.heads);
  if (c.heads % c.kv_heads != 0) {
    keys.Fail("attention.head_count_kv",
              std::to_string(c.kv_heads) + " does not divide the " + std::to_string(c.heads) + " heads");
  }
  const bool has_sizes = keys.Has("attention.key_length") && keys.Has("attention.value_length");
  if (!has_sizes && c.width % c.heads != 0) {
    keys.Fail("attention.head_count", std::to_string(c.heads) + " does not divide the width " +
                                          std::to_string(c.width) + ", and the head sizes are not given");
  }
  c.k_size = keys.CountOr("attention.key_length", c.width / c.heads, 1, kMaxHeadSize);
  c.v_size = keys.CountOr("attention.value_length", c.width / c.heads, 1, kMaxHeadSize);
  for (const size_t size : {c.k_size, c.v_size}) {
    if (size > kMaxHeadSize || c.heads * size > kMaxWidth) {
      keys.Fail("attention.head_count", std::to_string(c.heads) + " heads of " + std::to_string(size) +
                                            " elements: at most " + std::to_string(kMaxWidth) + " together and " +
                                            std::to_string(kMaxHeadSize) + " each are possible");
    }
  }
}

}  // namespace

Result<ModelConfig> ReadConfig(const Gguf& file) {
  const Result<std::string_view> name = file.GetString("general.architecture");
  if (!name.ok()) return name.error();
  const Architecture* architecture = FindArchitecture(*name);
  if (architecture == nullptr) {
    return file.ErrorAt("key general.architecture: is '" + Printable(*name) +
                        "', expected one of: " + KnownArchitectures());
  }
  KeyReader keys(file, *name);
  ModelConfig c;
  c.architecture = *name;
  c.norm = architecture->norm;
  c.activation = architecture->activation;
  c.rope = architecture->rope;

  c.layers = keys.Count("block_count", 1, kMaxLayers);
  c.width = keys.Count("embedding_length", 1, kMaxWidth);
  c.ffn_width = keys.Count("feed_forward_length", 1, kMaxWidth);
  c.context = keys.Count("context_length", 1, kMaxContext);
  c.vocabulary = ReadVocabulary(file, keys);
  ReadHeads(keys, &c);
  c.norm_epsilon = static_cast<float>(keys.Number(EpsilonKey(c.norm), 0.0, 1.0));
  c.attention_scale =
      static_cast<float>(keys.NumberOr("attention.scale", 1.0 / std::sqrt(static_cast<double>(c.k_size)), 1e-6, 1e6));
  if (keys.CountOr("expert_count", 0, 0, UINT32_MAX) > 0) {
    keys.Fail("expert_count", "mixtures of experts are not supported");
  }
  if (keys.ok()) ReadRope(file, keys, &c);
  if (!keys.ok()) return keys.error();
  return c;
}

}  // namespace weft::engine
