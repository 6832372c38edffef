// Models for tests: small ones of every family with random weights, as data that a test can change before it is written
// as GGUF.
#ifndef WEFT_TESTS_ENGINE_TEST_MODEL_H_
#define WEFT_TESTS_ENGINE_TEST_MODEL_H_

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "reference/gguf/gguf.h"
#include "reference/model/model.h"
#include "reference/model/transformer.h"
#include "tests/engine/gguf_writer.h"
#include "weft/weft.h"

namespace weft::engine::test {

// After so many the numbers of a long tensor come again: to draw and to quantise them is most of what a test of large
// models takes, under emulation minutes. A multiple of every block, and of no width that has more than one row in it.
inline constexpr size_t kPeriod = 37 * 256;

struct TestTensor {
  std::vector<uint64_t> shape;  // {cols, rows} or {size}
  DType type = DType::kF32;
  std::vector<float> values;  // encoded as `type` when written; ignored where the type has no kernels

  Bytes Encode() const {
    size_t rows = 1;
    for (size_t i = 1; i < shape.size(); ++i) rows *= shape[i];
    Bytes bytes(rows * RowBytes(type, shape[0]));
    if (!HasFormat(type)) return bytes;
    const bool repeats = values.size() > kPeriod && std::equal(values.begin() + kPeriod, values.end(), values.begin());
    const size_t count = repeats ? kPeriod : values.size();
    REQUIRE(Quantize(type, values.data(), bytes.data(), count).ok());
    for (size_t i = RowBytes(type, count); repeats && i < bytes.size(); ++i)
      bytes[i] = bytes[i - RowBytes(type, count)];
    return bytes;
  }
};

struct TestModel {
  // Vectors have a number for each layer.
  using Value = std::variant<uint64_t, float, bool, std::string, std::vector<uint64_t>, std::vector<float>>;
  // What layers may do that no key of these families says: LoadedModel writes it into the configuration.
  struct Layer {
    size_t window = 0;
    bool rotates = true;
  };
  std::map<std::string, Value> keys;
  std::map<std::string, TestTensor> tensors;
  std::vector<Layer> layers;  // empty: all as they are

  Bytes Write() const {
    GgufWriter writer;
    for (const auto& [key, value] : keys) {
      if (const auto* number = std::get_if<uint64_t>(&value)) writer.AddUint(key, *number, GgufType::kU64);
      if (const auto* real = std::get_if<float>(&value)) writer.AddFloat(key, *real);
      if (const auto* yes = std::get_if<bool>(&value)) writer.AddBool(key, *yes);
      if (const auto* text = std::get_if<std::string>(&value)) writer.AddString(key, *text);
      if (const auto* reals = std::get_if<std::vector<float>>(&value)) writer.AddFloats(key, *reals);
      if (const auto* numbers = std::get_if<std::vector<uint64_t>>(&value)) {
        writer.AddInts(key, {numbers->begin(), numbers->end()}, GgufType::kU32);
      }
    }
    for (const auto& [name, tensor] : tensors) writer.AddTensor(name, tensor.shape, tensor.type, tensor.Encode());
    return writer.Finish();
  }

  const std::string& architecture() const { return std::get<std::string>(keys.at("general.architecture")); }
  // A key of the architecture, named without its prefix.
  Value& Key(const std::string& key) { return keys[architecture() + "." + key]; }
};

inline const std::vector<std::string> kFamilies = {"gpt2", "granite", "llama", "qwen2", "qwen3"};

struct TestShape {
  std::string architecture = "llama";
  uint64_t layers = 2, width = 64, ffn_width = 96, vocabulary = 48, heads = 4, kv_heads = 2, head_size = 16,
           context = 64;
  bool tied = false;
  DType type = DType::kF32;  // of the matrices
};

// What a family is known for: GPT-2's query heads share nothing, Qwen3's heads together are wider than the model.
inline TestShape ShapeOf(const std::string& architecture, TestShape shape = {}) {
  shape.architecture = architecture;
  if (architecture == "gpt2") shape.kv_heads = shape.heads;
  if (architecture == "qwen3") shape.head_size *= 2;
  return shape;
}

// Fills a model with normal weights, scaled so that every layer keeps the size of its input.
class RandomWeights {
 public:
  RandomWeights(TestModel* model, const TestShape& shape, uint32_t seed)
      : model_(*model), type_(shape.type), random_(seed) {}

  void Matrix(const std::string& name, uint64_t rows, uint64_t cols) {
    Fill(name, {cols, rows}, type_, 0.0f, 1.0f / std::sqrt(static_cast<float>(cols)));
  }
  void Gain(const std::string& name, uint64_t size) { Fill(name, {size}, DType::kF32, 1.0f, 0.1f); }
  void Bias(const std::string& name, uint64_t size) { Fill(name, {size}, DType::kF32, 0.0f, 0.3f); }

 private:
  void Fill(const std::string& name, const std::vector<uint64_t>& shape, DType type, float mean, float deviation) {
    std::normal_distribution<float> normal(mean, deviation);
    TestTensor& tensor = model_.tensors[name] = {shape, type, {}};
    size_t elements = 1;
    for (const uint64_t size : shape) elements *= size;
    for (size_t i = 0; i < elements; ++i) {
      tensor.values.push_back(i < kPeriod ? normal(random_) : tensor.values[i - kPeriod]);
    }
  }

  TestModel& model_;
  DType type_;
  std::mt19937 random_;
};

inline TestModel RandomModel(const TestShape& shape, uint32_t seed = 1) {
  const bool gpt2 = shape.architecture == "gpt2", qwen2 = shape.architecture == "qwen2";
  TestModel model;
  model.keys["general.architecture"] = shape.architecture;
  model.Key("block_count") = shape.layers;
  model.Key("embedding_length") = shape.width;
  model.Key("feed_forward_length") = shape.ffn_width;
  model.Key("vocab_size") = shape.vocabulary;
  model.Key("attention.head_count") = shape.heads;
  model.Key("attention.head_count_kv") = shape.kv_heads;
  model.Key("attention.key_length") = shape.head_size;
  model.Key("attention.value_length") = shape.head_size;
  model.Key("context_length") = shape.context;
  model.Key(gpt2 ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon") = 1e-5f;
  if (shape.architecture == "granite") {
    model.Key("embedding_scale") = 12.0f;
    model.Key("residual_scale") = 0.22f;
    model.Key("attention.scale") = 0.125f;
    model.Key("logit_scale") = 8.0f;
  }

  RandomWeights weights(&model, shape, seed);
  const uint64_t q = shape.heads * shape.head_size, kv = shape.kv_heads * shape.head_size;
  const auto product = [&](const std::string& name, uint64_t rows, uint64_t cols, bool bias) {
    weights.Matrix(name + ".weight", rows, cols);
    if (bias) weights.Bias(name + ".bias", rows);
  };
  const auto norm = [&](const std::string& name) {
    weights.Gain(name + ".weight", shape.width);
    if (gpt2) weights.Bias(name + ".bias", shape.width);
  };
  weights.Matrix("token_embd.weight", shape.vocabulary, shape.width);
  if (gpt2) weights.Matrix("position_embd.weight", shape.context, shape.width);
  norm("output_norm");
  if (!shape.tied) weights.Matrix("output.weight", shape.vocabulary, shape.width);
  for (uint64_t layer = 0; layer < shape.layers; ++layer) {
    const std::string blk = "blk." + std::to_string(layer) + ".";
    norm(blk + "attn_norm");
    if (gpt2) product(blk + "attn_qkv", q + kv + kv, shape.width, true);
    for (const char* name : {"attn_q", "attn_k", "attn_v"}) {
      if (!gpt2) product(blk + name, name[5] == 'q' ? q : kv, shape.width, qwen2);
    }
    if (shape.architecture == "qwen3") {
      weights.Gain(blk + "attn_q_norm.weight", shape.head_size);
      weights.Gain(blk + "attn_k_norm.weight", shape.head_size);
    }
    product(blk + "attn_output", shape.width, q, gpt2);
    norm(blk + "ffn_norm");
    if (!gpt2) product(blk + "ffn_gate", shape.ffn_width, shape.width, false);
    product(blk + "ffn_up", shape.ffn_width, shape.width, gpt2);
    product(blk + "ffn_down", shape.width, shape.ffn_width, gpt2);
  }
  return model;
}

inline TestModel RandomLlama(const TestShape& shape = {}, uint32_t seed = 1) { return RandomModel(shape, seed); }

// A model and the bytes that it points into.
class LoadedModel {
 public:
  explicit LoadedModel(Bytes bytes) : bytes_(std::move(bytes)), model_(Load(bytes_)) {}
  explicit LoadedModel(const TestModel& model) : LoadedModel(model.Write()) {
    for (size_t i = 0; i < model.layers.size(); ++i) {
      LayerConfig& layer = model_.config.layers.at(i);
      layer.window = model.layers[i].window;
      if (!model.layers[i].rotates) layer.rotation.reset();
    }
  }
  explicit LoadedModel(const std::string& path) : LoadedModel(ReadFile(path)) {}

  const Model& model() const { return model_; }
  const ModelConfig& config() const { return model_.config; }
  const Bytes& bytes() const { return bytes_; }

  static Bytes ReadFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE_MESSAGE(file.good(), path);
    return Bytes(std::istreambuf_iterator<char>(file), {});
  }

 private:
  static Model Load(const Bytes& bytes) {
    Result<Gguf> file = Gguf::Parse(bytes, "test.gguf");
    REQUIRE_MESSAGE(file.ok(), file.error().message);
    Result<Model> model = LoadModel(*file);
    REQUIRE_MESSAGE(model.ok(), model.error().message);
    return std::move(*model);
  }

  Bytes bytes_;
  Model model_;
};

// The message of the error that loading gives; empty where it succeeds.
inline std::string LoadError(const TestModel& model) {
  const Bytes bytes = model.Write();
  Result<Gguf> file = Gguf::Parse(bytes, "test.gguf");
  REQUIRE_MESSAGE(file.ok(), file.error().message);
  Result<Model> loaded = LoadModel(*file);
  return loaded.ok() ? "" : loaded.error().message;
}

inline bool Contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline Sequence MakeSequence(const ModelConfig& config, DType kv_type = DType::kF32) {
  Result<Sequence> sequence = Sequence::Create(config, config.context, kv_type);
  REQUIRE(sequence.ok());
  return std::move(*sequence);
}

inline Transformer MakeTransformer(const Model& model, Executor executor = {}, const TransformerOptions& options = {}) {
  Result<Transformer> transformer = Transformer::Create(model, executor, options);
  REQUIRE_MESSAGE(transformer.ok(), transformer.error().message);
  return std::move(*transformer);
}

// The logits of every token, [tokens, vocabulary], fed `piece` at a time.
inline std::vector<float> AllLogits(Transformer& transformer, Sequence& sequence, std::span<const uint32_t> tokens,
                                    size_t piece = SIZE_MAX, Phase phase = Phase::kDecode) {
  std::vector<float> all;
  for (size_t i = 0; i < tokens.size();) {
    const size_t count = std::min(piece, tokens.size() - i);
    const BatchItem item{.sequence = &sequence, .tokens = tokens.subspan(i, count), .all_logits = true, .phase = phase};
    Result<std::span<const float>> logits = transformer.Forward({&item, 1});
    REQUIRE_MESSAGE(logits.ok(), logits.error().message);
    all.insert(all.end(), logits->begin(), logits->end());
    i += count;
  }
  return all;
}

inline std::vector<float> AllLogits(const Model& model, std::span<const uint32_t> tokens, size_t piece = SIZE_MAX,
                                    Executor executor = {}, const TransformerOptions& options = {}) {
  Transformer transformer = MakeTransformer(model, executor, options);
  Sequence sequence = MakeSequence(model.config);
  return AllLogits(transformer, sequence, tokens, piece);
}

// Infinity where the sizes differ or a value is not a number.
inline double MaxDifference(std::span<const float> a, std::span<const float> b) {
  double max = a.size() == b.size() ? 0.0 : HUGE_VAL;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double difference = std::fabs(static_cast<double>(a[i]) - b[i]);
    max = difference <= max ? max : std::isnan(difference) ? HUGE_VAL : difference;
  }
  return max;
}

inline std::vector<uint32_t> RandomTokens(size_t count, size_t vocabulary, uint32_t seed = 7) {
  std::mt19937 random(seed);
  std::vector<uint32_t> tokens(count);
  for (uint32_t& token : tokens) token = static_cast<uint32_t>(random() % vocabulary);
  return tokens;
}

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_TEST_MODEL_H_
