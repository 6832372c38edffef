#include "reference/model/config.h"

#include <cmath>
#include <span>
#include <string_view>

#include "reference/gguf/printable.h"
#include "reference/model/file_role.h"
#include "reference/model/key_reader.h"
#include "reference/model/rope_frequencies.h"

namespace weft::engine {
namespace {

// The tensors around the layers and those of each kind of layer. A bias that is not listed is used where a file has it.
constexpr std::string_view kTensors[] = {"token_embd.weight", "output_norm.weight"};
constexpr std::string_view kGpt2Tensors[] = {"token_embd.weight", "position_embd.weight", "output_norm.weight",
                                             "output_norm.bias"};
constexpr std::string_view kLlamaLayer[] = {"attn_norm.weight", "attn_q.weight",      "attn_k.weight",
                                            "attn_v.weight",    "attn_output.weight", "ffn_norm.weight",
                                            "ffn_gate.weight",  "ffn_up.weight",      "ffn_down.weight"};
constexpr std::string_view kQwen2Layer[] = {
    "attn_norm.weight", "attn_q.weight",      "attn_q.bias",     "attn_k.weight",   "attn_k.bias",   "attn_v.weight",
    "attn_v.bias",      "attn_output.weight", "ffn_norm.weight", "ffn_gate.weight", "ffn_up.weight", "ffn_down.weight"};
constexpr std::string_view kQwen3Layer[] = {"attn_norm.weight",   "attn_q.weight",      "attn_q_norm.weight",
                                            "attn_k.weight",      "attn_k_norm.weight", "attn_v.weight",
                                            "attn_output.weight", "ffn_norm.weight",    "ffn_gate.weight",
                                            "ffn_up.weight",      "ffn_down.weight"};
constexpr std::string_view kGpt2Layer[] = {
    "attn_norm.weight", "attn_norm.bias", "attn_qkv.weight", "attn_qkv.bias", "attn_output.weight", "attn_output.bias",
    "ffn_norm.weight",  "ffn_norm.bias",  "ffn_up.weight",   "ffn_up.bias",   "ffn_down.weight",    "ffn_down.bias"};

// What an architecture's name stands for and its metadata do not say. A family that needs more adds a member here, with
// a default that leaves the others alone, and what it means to ModelConfig.
struct Architecture {
  std::string_view name;  // in general.architecture; also the prefix of its keys
  TensorNames tensors = kTensors;
  TensorNames layer_tensors = kLlamaLayer;
  NormKind norm = NormKind::kRms;
  Activation activation = Activation::kSilu;
  RopeKind rope = RopeKind::kHalf;
  bool learned_positions = false;  // instead of rotation
  bool divides_logits = false;     // by the key logit_scale
  bool rope_switch = false;        // the key rope.scaling.finetuned, if false, means no rotation
};

// The converters of Llama and Granite permute the rows of q and k, so that half-rotated pairs lie side by side.
constexpr Architecture kArchitectures[] = {
    {.name = "gpt2",
     .tensors = kGpt2Tensors,
     .layer_tensors = kGpt2Layer,
     .norm = NormKind::kLayer,
     .activation = Activation::kGeluTanhF16,
     .learned_positions = true},
    {.name = "granite", .rope = RopeKind::kInterleaved, .divides_logits = true, .rope_switch = true},
    {.name = "llama", .rope = RopeKind::kInterleaved},
    {.name = "qwen2", .layer_tensors = kQwen2Layer},
    {.name = "qwen3", .layer_tensors = kQwen3Layer},
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

constexpr double kLowestScale = 1e-6, kHighestScale = 1e6;

const char* EpsilonKey(NormKind norm) {
  return norm == NormKind::kRms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon";
}

// The key, but no more than the tokenizer has tokens; without the key the tokenizer's size, else the embedding's.
size_t ReadVocabulary(const Gguf& file, KeyReader& keys) {
  const GgufValue* tokens = file.Find("tokenizer.ggml.tokens");
  uint64_t count = tokens != nullptr ? tokens->array.count : 0;
  if (keys.Has("vocab_size")) {
    const size_t rows = keys.Count("vocab_size", 1, kMaxVocabulary);
    return count == 0 ? rows : std::min<size_t>(rows, count);
  }
  const GgufTensor* embedding = file.FindTensor("token_embd.weight");
  if (tokens == nullptr && embedding != nullptr) count = embedding->shape[1];
  if (count < 1 || count > kMaxVocabulary) {
    keys.Fail(ErrorKind::kBadFile, "vocab_size",
              "is missing, and neither the tokenizer nor the embedding tells the size of the vocabulary");
  }
  return static_cast<size_t>(count);
}

void ReadHeads(KeyReader& keys, size_t width, LayerConfig* layer) {
  LayerConfig& l = *layer;
  l.heads = keys.Count("attention.head_count", 1, kMaxHeads);
  l.kv_heads = keys.CountOr("attention.head_count_kv", l.heads, 1, l.heads);
  if (l.heads % l.kv_heads != 0) {
    keys.Fail(ErrorKind::kBadFile, "attention.head_count_kv",
              std::to_string(l.kv_heads) + " does not divide the " + std::to_string(l.heads) + " heads");
  }
  const bool has_sizes = keys.Has("attention.key_length") && keys.Has("attention.value_length");
  if (!has_sizes && width % l.heads != 0) {
    keys.Fail(ErrorKind::kBadFile, "attention.head_count",
              std::to_string(l.heads) + " does not divide the width " + std::to_string(width) +
                  ", and the head sizes are not given");
  }
  l.k_size = keys.CountOr("attention.key_length", width / l.heads, 1, kMaxHeadSize);
  l.v_size = keys.CountOr("attention.value_length", width / l.heads, 1, kMaxHeadSize);
  for (const size_t size : {l.k_size, l.v_size}) {
    if (size > kMaxHeadSize || l.heads * size > kMaxWidth) {
      keys.Fail(ErrorKind::kBadFile, "attention.head_count",
                std::to_string(l.heads) + " heads of " + std::to_string(size) + " elements: at most " +
                    std::to_string(kMaxWidth) + " together and " + std::to_string(kMaxHeadSize) + " each are possible");
    }
  }
}

// A factor that multiplies everything. One of 0 would make the model blind, so none may be.
float ReadScale(KeyReader& keys, const char* key, double fallback) {
  return static_cast<float>(keys.NumberOr(key, fallback, kLowestScale, kHighestScale));
}

LayerConfig ReadLayer(KeyReader& keys, const Architecture& architecture, size_t width) {
  LayerConfig layer;
  layer.tensors = architecture.layer_tensors;
  layer.ffn_width = keys.Count("feed_forward_length", 1, kMaxWidth);
  ReadHeads(keys, width, &layer);
  layer.attention_scale = ReadScale(keys, "attention.scale", 1.0 / std::sqrt(static_cast<double>(layer.k_size)));
  return layer;
}

}  // namespace

Result<ModelConfig> ReadConfig(const Gguf& file) {
  if (Result<void> model = CheckIsModel(file); !model.ok()) return model.error();
  const Result<std::string_view> name = file.GetString("general.architecture");
  if (!name.ok()) return name.error();
  const Architecture* architecture = FindArchitecture(*name);
  if (architecture == nullptr) {
    return file.ErrorAt(ErrorKind::kUnsupported, "key general.architecture: is '" + Printable(*name) +
                                                     "', expected one of: " + KnownArchitectures());
  }
  KeyReader keys(file, *name);
  ModelConfig c;
  c.architecture = *name;
  c.tensors = architecture->tensors;
  c.norm = architecture->norm;
  c.activation = architecture->activation;
  c.learned_positions = architecture->learned_positions;
  c.rope = architecture->rope;

  const size_t layers = keys.Count("block_count", 1, kMaxLayers);
  keys.SetLayers(layers);
  c.width = keys.Count("embedding_length", 1, kMaxWidth);
  c.context = keys.Count("context_length", 1, kMaxContext);
  c.vocabulary = ReadVocabulary(file, keys);
  for (size_t layer = 0; layer < layers && keys.ok(); ++layer) {
    keys.Enter(layer);
    c.layers.push_back(ReadLayer(keys, *architecture, c.width));
  }
  keys.Leave();
  c.norm_epsilon = static_cast<float>(keys.Number(EpsilonKey(c.norm), 0.0, 1.0));
  c.embedding_scale = ReadScale(keys, "embedding_scale", 1.0);
  c.residual_scale = ReadScale(keys, "residual_scale", 1.0);
  if (architecture->divides_logits) {
    c.logit_scale = static_cast<float>(1.0 / keys.Number("logit_scale", kLowestScale, kHighestScale));
  }
  if (keys.CountOr("expert_count", 0, 0, UINT32_MAX) > 0) {
    keys.Fail(ErrorKind::kUnsupported, "expert_count", "mixtures of experts are not supported");
  }
  const bool rotates =
      !c.learned_positions && (!architecture->rope_switch || keys.BoolOr("rope.scaling.finetuned", true));
  if (keys.ok() && rotates) ReadRope(file, keys, &c);
  if (!keys.ok()) return keys.error();
  return c;
}

}  // namespace weft::engine
