// Models for tests: small Llamas with random weights, as data that a test can change before it is written as GGUF.
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

struct TestTensor {
  std::vector<uint64_t> shape;  // {cols, rows} or {size}
  DType type = DType::kF32;
  std::vector<float> values;  // encoded as `type` when written; ignored where the type has no kernels
};

struct TestModel {
  std::map<std::string, std::variant<uint64_t, float, std::string>> keys;
  std::map<std::string, TestTensor> tensors;

  Bytes Write() const {
    GgufWriter writer;
    for (const auto& [key, value] : keys) {
      if (const auto* number = std::get_if<uint64_t>(&value)) writer.AddUint(key, *number, GgufType::kU64);
      if (const auto* real = std::get_if<float>(&value)) writer.AddFloat(key, *real);
      if (const auto* text = std::get_if<std::string>(&value)) writer.AddString(key, *text);
    }
    for (const auto& [name, tensor] : tensors) {
      size_t rows = 1;
      for (size_t i = 1; i < tensor.shape.size(); ++i) rows *= tensor.shape[i];
      Bytes bytes(rows * RowBytes(tensor.type, tensor.shape[0]));
      if (HasFormat(tensor.type)) {
        REQUIRE(Quantize(tensor.type, tensor.values.data(), bytes.data(), tensor.values.size()).ok());
      }
      writer.AddTensor(name, tensor.shape, tensor.type, bytes);
    }
    return writer.Finish();
  }

  uint64_t Number(const std::string& key) const { return std::get<uint64_t>(keys.at(key)); }
};

struct TestShape {
  uint64_t layers = 2, width = 64, ffn_width = 96, vocabulary = 48, heads = 4, kv_heads = 2, head_size = 16,
           context = 64;
  bool tied = false;
  DType type = DType::kF32;  // of the matrices
};

// Weights are normal, scaled so that every layer keeps the size of its input.
inline TestModel RandomLlama(const TestShape& shape = {}, uint32_t seed = 1) {
  TestModel model;
  model.keys = {{"general.architecture", std::string("llama")},
                {"llama.block_count", shape.layers},
                {"llama.embedding_length", shape.width},
                {"llama.feed_forward_length", shape.ffn_width},
                {"llama.vocab_size", shape.vocabulary},
                {"llama.attention.head_count", shape.heads},
                {"llama.attention.head_count_kv", shape.kv_heads},
                {"llama.attention.key_length", shape.head_size},
                {"llama.attention.value_length", shape.head_size},
                {"llama.context_length", shape.context},
                {"llama.attention.layer_norm_rms_epsilon", 1e-5f}};
  std::mt19937 random(seed);
  const auto fill = [&](TestTensor tensor, float mean, float deviation) {
    std::normal_distribution<float> normal(mean, deviation);
    size_t elements = 1;
    for (const uint64_t size : tensor.shape) elements *= size;
    for (size_t i = 0; i < elements; ++i) tensor.values.push_back(normal(random));
    return tensor;
  };
  const auto matrix = [&](const std::string& name, uint64_t rows, uint64_t cols) {
    model.tensors[name] = fill({{cols, rows}, shape.type, {}}, 0.0f, 1.0f / std::sqrt(static_cast<float>(cols)));
  };
  const auto vector = [&](const std::string& name, uint64_t size) {
    model.tensors[name] = fill({{size}, DType::kF32, {}}, 1.0f, 0.1f);
  };
  matrix("token_embd.weight", shape.vocabulary, shape.width);
  vector("output_norm.weight", shape.width);
  if (!shape.tied) matrix("output.weight", shape.vocabulary, shape.width);
  for (uint64_t layer = 0; layer < shape.layers; ++layer) {
    const std::string blk = "blk." + std::to_string(layer) + ".";
    vector(blk + "attn_norm.weight", shape.width);
    matrix(blk + "attn_q.weight", shape.heads * shape.head_size, shape.width);
    matrix(blk + "attn_k.weight", shape.kv_heads * shape.head_size, shape.width);
    matrix(blk + "attn_v.weight", shape.kv_heads * shape.head_size, shape.width);
    matrix(blk + "attn_output.weight", shape.width, shape.heads * shape.head_size);
    vector(blk + "ffn_norm.weight", shape.width);
    matrix(blk + "ffn_gate.weight", shape.ffn_width, shape.width);
    matrix(blk + "ffn_up.weight", shape.ffn_width, shape.width);
    matrix(blk + "ffn_down.weight", shape.width, shape.ffn_width);
  }
  return model;
}

// A model and the bytes that it points into.
class LoadedModel {
 public:
  explicit LoadedModel(Bytes bytes) : bytes_(std::move(bytes)), model_(Load(bytes_)) {}
  explicit LoadedModel(const TestModel& model) : LoadedModel(model.Write()) {}
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
                                    size_t piece = SIZE_MAX) {
  std::vector<float> all;
  for (size_t i = 0; i < tokens.size();) {
    const size_t count = std::min(piece, tokens.size() - i);
    const BatchItem item{.sequence = &sequence, .tokens = tokens.subspan(i, count), .all_logits = true};
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
