// Loading a model: every tensor is found, checked, and used where it lies.
#include "reference/model/model.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/engine/test_model.h"

namespace weft::engine::test {
namespace {

bool Inside(const Bytes& bytes, const void* data) { return data >= bytes.data() && data < bytes.data() + bytes.size(); }

// Every tensor of every family, with a model that has it.
std::vector<std::pair<TestModel, std::string>> TensorsOfAllFamilies() {
  std::vector<std::pair<TestModel, std::string>> all;
  for (const std::string& family : kFamilies) {
    const TestModel model = RandomModel(ShapeOf(family));
    for (const auto& [name, tensor] : model.tensors) all.emplace_back(model, name);
  }
  return all;
}

TEST_CASE("model: weights are views of the file's bytes") {
  const TestModel file = RandomLlama();
  const LoadedModel loaded(file);
  const Model& model = loaded.model();
  REQUIRE(model.layers.size() == 2);
  size_t bytes = 0;
  for (const auto& [name, tensor] : file.tensors) bytes += tensor.values.size() * sizeof(float);
  CHECK(model.weight_bytes == bytes);
  CHECK(model.owned.empty());

  const auto check = [&](const WeightView& view, const std::string& name) {
    const TestTensor& tensor = file.tensors.at(name);
    CHECK_MESSAGE(Inside(loaded.bytes(), view.data), name);
    CHECK_MESSAGE(view.cols == tensor.shape[0], name);
    CHECK_MESSAGE(view.rows == tensor.shape[1], name);
    const float* values = static_cast<const float*>(view.data);
    CHECK_MESSAGE(std::equal(tensor.values.begin(), tensor.values.end(), values), name);
  };
  check(model.embedding, "token_embd.weight");
  check(model.output.weight, "output.weight");
  for (size_t i = 0; i < 2; ++i) {
    const std::string blk = "blk." + std::to_string(i) + ".";
    const LayerWeights& layer = model.layers[i];
    check(layer.q.weight, blk + "attn_q.weight");
    check(layer.k.weight, blk + "attn_k.weight");
    check(layer.v.weight, blk + "attn_v.weight");
    check(layer.attention_output.weight, blk + "attn_output.weight");
    check(layer.gate.weight, blk + "ffn_gate.weight");
    check(layer.up.weight, blk + "ffn_up.weight");
    check(layer.down.weight, blk + "ffn_down.weight");
    CHECK(layer.attention_norm.weight[5] == file.tensors.at(blk + "attn_norm.weight").values[5]);
    CHECK(layer.ffn_norm.weight[5] == file.tensors.at(blk + "ffn_norm.weight").values[5]);
    CHECK(layer.q.bias == nullptr);
    CHECK(layer.ffn_norm.bias == nullptr);
  }
  CHECK(model.output_norm.weight[5] == file.tensors.at("output_norm.weight").values[5]);
}

TEST_CASE("model: without an output tensor, the embedding is the output") {
  const LoadedModel loaded(RandomLlama({.tied = true}));
  CHECK(loaded.model().output.weight.data == loaded.model().embedding.data);
  CHECK(loaded.model().output.weight.rows == 48);
}

TEST_CASE("model: q, k and v may be rows of one tensor") {
  const TestModel file = RandomModel(ShapeOf("gpt2"));
  const LoadedModel loaded(file);
  const TestTensor &weight = file.tensors.at("blk.1.attn_qkv.weight"), &bias = file.tensors.at("blk.1.attn_qkv.bias");
  const LayerWeights& layer = loaded.model().layers[1];
  size_t row = 0;
  for (const Linear* linear : {&layer.q, &layer.k, &layer.v}) {
    CHECK(Inside(loaded.bytes(), linear->weight.data));
    REQUIRE(linear->weight.rows == 64);
    REQUIRE(linear->weight.cols == 64);
    CHECK(*static_cast<const float*>(linear->weight.data) == weight.values[row * 64]);
    CHECK(linear->bias[63] == bias.values[row + 63]);
    row += 64;
  }
  size_t bytes = 0;
  for (const auto& [name, tensor] : file.tensors) bytes += tensor.values.size() * sizeof(float);
  CHECK(loaded.model().weight_bytes == bytes);
  CHECK(!layer.gated());
  CHECK(loaded.model().positions.rows == 64);
}

TEST_CASE("model: heads have norms where the architecture says so") {
  const TestModel file = RandomModel(ShapeOf("qwen3"));
  const LoadedModel loaded(file), other(RandomLlama());
  const LayerWeights& layer = loaded.model().layers[1];
  REQUIRE(layer.q_norm.weight != nullptr);
  REQUIRE(layer.k_norm.weight != nullptr);
  CHECK(layer.q_norm.weight[31] == file.tensors.at("blk.1.attn_q_norm.weight").values[31]);
  CHECK(layer.k_norm.weight[31] == file.tensors.at("blk.1.attn_k_norm.weight").values[31]);
  CHECK(other.model().layers[1].q_norm.weight == nullptr);
  CHECK(other.model().layers[1].k_norm.weight == nullptr);
}

TEST_CASE("model: biases are used where they are") {
  TestModel file = RandomLlama();
  file.tensors["blk.1.attn_k.bias"] = {{32}, DType::kF32, std::vector<float>(32, 3.0f)};
  const LoadedModel loaded(file);
  CHECK(loaded.model().layers[0].k.bias == nullptr);
  REQUIRE(loaded.model().layers[1].k.bias != nullptr);
  CHECK(loaded.model().layers[1].k.bias[31] == 3.0f);
}

TEST_CASE("model: vectors in half precision are converted once") {
  TestModel file = RandomLlama();
  for (const DType type : {DType::kF16, DType::kBF16}) {
    file.tensors["output_norm.weight"] = {{64}, type, std::vector<float>(64, 1.5f)};
    const LoadedModel loaded(file);
    CHECK(loaded.model().owned.size() == 1);
    CHECK(!Inside(loaded.bytes(), loaded.model().output_norm.weight));
    CHECK(loaded.model().output_norm.weight[63] == 1.5f);
  }
}

TEST_CASE("model: every tensor that is missing is named") {
  for (const std::string& family : kFamilies) {
    const TestModel good = RandomModel(ShapeOf(family));
    size_t tried = 0;
    for (const auto& [name, tensor] : good.tensors) {
      if (name == "output.weight") continue;  // optional
      TestModel file = good;
      file.tensors.erase(name);
      CHECK(LoadError(file) == "test.gguf: tensor " + name + ": is missing");
      ++tried;
    }
    // Each of the two layers has a norm, at least a product and an output, then a norm and at least two products.
    CHECK(tried >= 2 + 2 * 6);
  }
}

TEST_CASE("model: every tensor of a wrong shape is named, with both shapes") {
  for (const auto& [good, name] : TensorsOfAllFamilies()) {
    const TestTensor& tensor = good.tensors.at(name);
    for (size_t i = 0; i < tensor.shape.size(); ++i) {
      TestModel file = good;
      TestTensor& bad = file.tensors[name];
      // Fewer rows where more may be there (vocabularies are padded), else more of everything.
      const bool fewer = i == 1 && (name == "token_embd.weight" || name == "output.weight");
      const size_t size = fewer ? bad.shape[i] - 32 : bad.shape[i] + 32;
      bad.values.resize(bad.values.size() / bad.shape[i] * size);
      bad.shape[i] = size;
      std::string expected = "[", actual = "[";
      for (size_t j = 0; j < tensor.shape.size(); ++j) {
        expected += (j > 0 ? ", " : "") + std::to_string(tensor.shape[j]);
        actual += (j > 0 ? ", " : "") + std::to_string(bad.shape[j]);
      }
      CHECK(LoadError(file) == "test.gguf: tensor " + name + ": shape " + actual + "], expected " + expected + "]");
    }
    TestModel file = good;
    file.tensors[name].shape.resize(3, 1);
    file.tensors[name].shape.push_back(2);
    file.tensors[name].values.resize(2 * tensor.values.size());
    CHECK(Contains(LoadError(file), "tensor " + name + ": shape "));
  }
}

TEST_CASE("model: every tensor of a type that cannot be used is named") {
  for (const auto& [good, name] : TensorsOfAllFamilies()) {
    TestModel file = good;
    file.tensors[name].type = DType::kI32;
    const std::string error = LoadError(file);
    CHECK_MESSAGE(Contains(error, "test.gguf: tensor " + name + ": type I32"), error);
  }
  TestModel file = RandomLlama();
  file.tensors["blk.0.attn_norm.weight"].type = DType::kQ8_0;
  CHECK(LoadError(file) == "test.gguf: tensor blk.0.attn_norm.weight: type Q8_0, expected F32, F16 or BF16");
}

TEST_CASE("model: a tensor that would go unused is refused") {
  TestModel file = RandomLlama();
  file.tensors["blk.0.attn_q_norm.weight"] = {{16}, DType::kF32, std::vector<float>(16, 1.0f)};
  CHECK(Contains(LoadError(file), "test.gguf: tensor blk.0.attn_q_norm.weight: "));
  file = RandomLlama();
  file.tensors["rope_freqs.weight"] = {{8}, DType::kF32, std::vector<float>(8, 1.0f)};
  CHECK(LoadError(file) == "");
  file = RandomModel(ShapeOf("gpt2"));  // does not rotate
  file.tensors["rope_freqs.weight"] = {{8}, DType::kF32, std::vector<float>(8, 1.0f)};
  CHECK(Contains(LoadError(file), "test.gguf: tensor rope_freqs.weight: "));
  file = RandomLlama();
  file.keys["llama.block_count"] = uint64_t{1};
  CHECK(Contains(LoadError(file), "test.gguf: tensor blk.1."));
}

}  // namespace
}  // namespace weft::engine::test
