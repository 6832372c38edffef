// What a file's metadata say about a model, and what they must not say.
#include "reference/model/config.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "reference/model/rope_frequencies.h"
#include "tests/engine/test_model.h"

namespace weft::engine::test {
namespace {

Result<ModelConfig> Read(const TestModel& model) {
  const Bytes bytes = model.Write();
  Result<Gguf> file = Gguf::Parse(bytes, "test.gguf");
  REQUIRE_MESSAGE(file.ok(), file.error().message);
  return ReadConfig(*file);
}

ModelConfig ReadGood(const TestModel& model) {
  Result<ModelConfig> config = Read(model);
  REQUIRE_MESSAGE(config.ok(), config.error().message);
  return *config;
}

std::string ReadError(const TestModel& model) {
  Result<ModelConfig> config = Read(model);
  return config.ok() ? "" : config.error().message;
}

// How the first layer's heads turn; no frequencies: not at all.
Rotation RotationOf(const ModelConfig& config) {
  const std::optional<size_t> rotation = config.layers[0].rotation;
  return rotation ? config.rotations.at(*rotation) : Rotation();
}
std::vector<float> FrequencyOf(const ModelConfig& config) { return RotationOf(config).frequency; }

TEST_CASE("config: every hyperparameter comes from its key") {
  TestModel model = RandomLlama();
  model.keys["llama.block_count"] = uint64_t{3};
  model.keys["llama.embedding_length"] = uint64_t{80};
  model.keys["llama.feed_forward_length"] = uint64_t{100};
  model.keys["llama.vocab_size"] = uint64_t{77};
  model.keys["llama.context_length"] = uint64_t{123};
  model.keys["llama.attention.head_count"] = uint64_t{6};
  model.keys["llama.attention.head_count_kv"] = uint64_t{3};
  model.keys["llama.attention.key_length"] = uint64_t{10};
  model.keys["llama.attention.value_length"] = uint64_t{14};
  model.keys["llama.attention.layer_norm_rms_epsilon"] = 0.25f;
  model.keys["llama.attention.scale"] = 0.5f;
  model.keys["llama.rope.dimension_count"] = uint64_t{4};
  model.keys["llama.rope.freq_base"] = 100.0f;
  const ModelConfig config = ReadGood(model);
  CHECK(config.architecture == "llama");
  REQUIRE(config.layers.size() == 3);
  CHECK(config.width == 80);
  CHECK(config.vocabulary == 77);
  CHECK(config.context == 123);
  for (const LayerConfig& layer : config.layers) {
    CHECK(layer.ffn_width == 100);
    CHECK(layer.heads == 6);
    CHECK(layer.kv_heads == 3);
    CHECK(layer.k_size == 10);
    CHECK(layer.v_size == 14);
    CHECK(layer.attention_scale == 0.5f);
    CHECK(layer.window == 0);
    CHECK(layer.rotation == 0u);
  }
  CHECK(config.norm == NormKind::kRms);
  CHECK(config.norm_epsilon == 0.25f);
  CHECK(config.activation == Activation::kSilu);
  CHECK(config.rope == RopeKind::kInterleaved);
  REQUIRE(config.rotations.size() == 1);
  CHECK(config.rotations[0].frequency == std::vector<float>{1.0f, 0.1f});
  CHECK(config.rotations[0].magnitude == 1.0f);
  CHECK(config.embedding_scale == 1.0f);
  CHECK(config.residual_scale == 1.0f);
  CHECK(config.logit_scale == 1.0f);
  CHECK(!config.learned_positions);
}

TEST_CASE("config: what each family sets beyond its keys") {
  const auto read = [](const char* family) { return ReadGood(RandomModel(ShapeOf(family))); };
  const ModelConfig gpt2 = read("gpt2");
  CHECK(gpt2.norm == NormKind::kLayer);
  CHECK(gpt2.norm_epsilon == 1e-5f);
  CHECK(gpt2.activation == Activation::kGeluTanhF16);
  CHECK(gpt2.learned_positions);
  CHECK(gpt2.rotations.empty());
  CHECK(!gpt2.layers[0].rotation);
  CHECK(gpt2.layers[0].Needs("attn_qkv.bias"));
  CHECK(!gpt2.layers[0].Needs("ffn_gate.weight"));

  const ModelConfig granite = read("granite");
  CHECK(granite.rope == RopeKind::kInterleaved);
  CHECK(granite.embedding_scale == 12.0f);
  CHECK(granite.residual_scale == 0.22f);
  CHECK(granite.layers[0].attention_scale == 0.125f);
  CHECK(granite.logit_scale == 0.125f);  // 8 divides

  const ModelConfig qwen2 = read("qwen2"), qwen3 = read("qwen3");
  CHECK(qwen2.rope == RopeKind::kHalf);
  CHECK(qwen2.layers[0].Needs("attn_k.bias"));
  CHECK(!qwen2.layers[0].Needs("attn_k_norm.weight"));
  CHECK(qwen3.rope == RopeKind::kHalf);
  CHECK(qwen3.layers[0].Needs("attn_k_norm.weight"));
  CHECK(!qwen3.layers[0].Needs("attn_k.bias"));
  CHECK(qwen3.layers[0].q_width() == 2 * qwen3.width);
  for (const ModelConfig* config : {&granite, &qwen2, &qwen3}) {
    CHECK(config->norm == NormKind::kRms);
    CHECK(config->activation == Activation::kSilu);
    CHECK(!config->learned_positions);
    CHECK(FrequencyOf(*config).size() == config->layers[0].k_size / 2);
  }
}

TEST_CASE("config: Granite's keys") {
  TestModel model = RandomModel(ShapeOf("granite"));
  for (const char* key : {"embedding_scale", "residual_scale", "attention.scale", "logit_scale"}) {
    for (const float bad : {0.0f, -1.0f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
      TestModel broken = model;
      broken.Key(key) = bad;
      CHECK(Contains(ReadError(broken), std::string("test.gguf: key granite.") + key + ": is "));
    }
  }
  model.Key("rope.scaling.finetuned") = true;
  CHECK(FrequencyOf(ReadGood(model)).size() == 8);
  model.Key("rope.scaling.finetuned") = false;
  CHECK(FrequencyOf(ReadGood(model)).empty());
  model.Key("rope.scaling.finetuned") = uint64_t{0};
  CHECK(Contains(ReadError(model), "granite.rope.scaling.finetuned"));
  TestModel llama = RandomLlama();  // here the key says how the model was trained, not what it does
  llama.Key("rope.scaling.finetuned") = false;
  CHECK(FrequencyOf(ReadGood(llama)).size() == 8);
}

TEST_CASE("config: what absent keys mean") {
  TestModel model = RandomLlama();
  for (const char* key : {"vocab_size", "attention.head_count_kv", "attention.key_length", "attention.value_length"}) {
    model.keys.erase(std::string("llama.") + key);
  }
  const ModelConfig config = ReadGood(model);
  CHECK(config.vocabulary == 48);  // rows of the embedding
  CHECK(config.layers[0].kv_heads == 4);
  CHECK(config.layers[0].k_size == 16);
  CHECK(config.layers[0].v_size == 16);
  CHECK(config.layers[0].attention_scale == 0.25f);
  REQUIRE(FrequencyOf(config).size() == 8);
  CHECK(FrequencyOf(config)[4] == 0.01f);  // base 10000, all of the head rotated
}

TEST_CASE("config: the tokenizer tells the size of the vocabulary") {
  GgufWriter writer;
  const TestModel model = RandomLlama();
  for (const auto& [key, value] : model.keys) {
    if (key == "llama.vocab_size") continue;
    if (const auto* number = std::get_if<uint64_t>(&value)) writer.AddUint(key, *number);
    if (const auto* real = std::get_if<float>(&value)) writer.AddFloat(key, *real);
    if (const auto* text = std::get_if<std::string>(&value)) writer.AddString(key, *text);
  }
  writer.AddStrings("tokenizer.ggml.tokens", {"a", "b", "c"});
  const Bytes bytes = writer.Finish();
  Result<Gguf> file = Gguf::Parse(bytes, "test.gguf");
  REQUIRE(file.ok());
  Result<ModelConfig> config = ReadConfig(*file);
  REQUIRE(config.ok());
  CHECK(config->vocabulary == 3);
}

TEST_CASE("config: an unknown architecture's error lists the known ones") {
  TestModel model = RandomLlama();
  model.keys["general.architecture"] = std::string("mamba\n");
  const std::string error = ReadError(model);
  CHECK(Contains(error, "test.gguf: key general.architecture: is 'mamba\\n'"));
  CHECK(Contains(error, "expected one of: gpt2, granite, llama, qwen2, qwen3"));
  model.keys.erase("general.architecture");
  CHECK(Contains(ReadError(model), "general.architecture"));
}

TEST_CASE("config: a missing key is named") {
  for (const std::string& family : kFamilies) {
    std::vector<std::string> keys = {"block_count", "embedding_length", "feed_forward_length", "context_length",
                                     "attention.head_count"};
    keys.push_back(family == "gpt2" ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon");
    if (family == "granite") keys.push_back("logit_scale");
    for (const std::string& key : keys) {
      TestModel model = RandomModel(ShapeOf(family));
      REQUIRE(model.keys.erase(family + "." + key) == 1);
      CHECK(Contains(ReadError(model), "test.gguf: key " + family + "." + key + ": is missing"));
    }
  }
}

TEST_CASE("config: absurd values are refused by name") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const std::vector<std::pair<std::string, TestModel::Value>> bad = {
      {"block_count", uint64_t{0}},
      {"block_count", kMaxLayers + 1},
      {"block_count", UINT64_MAX},
      {"block_count", std::string("2")},
      {"embedding_length", uint64_t{0}},
      {"embedding_length", kMaxWidth + 1},
      {"feed_forward_length", uint64_t{0}},
      {"feed_forward_length", uint64_t{1} << 32},
      {"context_length", uint64_t{0}},
      {"context_length", kMaxContext + 1},
      {"vocab_size", uint64_t{0}},
      {"vocab_size", kMaxVocabulary + 1},
      {"attention.head_count", uint64_t{0}},
      {"attention.head_count", kMaxHeads + 1},
      {"attention.head_count_kv", uint64_t{0}},
      {"attention.head_count_kv", uint64_t{3}},  // does not divide 4
      {"attention.head_count_kv", uint64_t{8}},  // more than heads
      {"attention.key_length", uint64_t{0}},
      {"attention.key_length", kMaxHeadSize + 1},
      {"attention.value_length", uint64_t{0}},
      {"attention.value_length", uint64_t{1} << 63},
      {"attention.layer_norm_rms_epsilon", nan},
      {"attention.layer_norm_rms_epsilon", -1e-5f},
      {"attention.layer_norm_rms_epsilon", infinity},
      {"attention.scale", 0.0f},
      {"attention.scale", nan},
      {"rope.dimension_count", uint64_t{0}},
      {"rope.dimension_count", uint64_t{7}},   // odd
      {"rope.dimension_count", uint64_t{18}},  // more than a head
      {"rope.freq_base", 0.0f},
      {"rope.freq_base", -10000.0f},
      {"rope.freq_base", infinity},
      {"rope.scaling.type", std::string("longrope")},
      {"rope.scaling.type", uint64_t{1}},
      {"rope.scaling.factor", -2.0f},
      {"rope.scaling.factor", nan},
      {"expert_count", uint64_t{4}},
  };
  for (const auto& [key, value] : bad) {
    TestModel model = RandomLlama();
    model.keys["llama." + key] = value;
    const std::string error = ReadError(model);
    CHECK_MESSAGE(Contains(error, "test.gguf: key llama." + key + ": "), key, " gave: ", error);
  }
}

TEST_CASE("config: heads that are too wide together, and heads that do not divide the width") {
  TestModel model = RandomLlama();
  model.keys["llama.attention.head_count"] = kMaxHeads;
  model.keys["llama.attention.key_length"] = kMaxHeadSize;
  CHECK(Contains(ReadError(model), "key llama.attention.head_count: "));
  model = RandomLlama();
  model.keys["llama.attention.head_count"] = uint64_t{6};
  model.keys.erase("llama.attention.value_length");
  CHECK(Contains(ReadError(model), "key llama.attention.head_count: 6 does not divide the width 64"));
}

TEST_CASE("config: layers differ where a key has a number for each") {
  TestModel model = RandomLlama({.layers = 3});
  model.Key("attention.head_count") = std::vector<uint64_t>{4, 8, 6};
  model.Key("attention.head_count_kv") = std::vector<uint64_t>{4, 2, 3};
  model.Key("attention.key_length") = std::vector<uint64_t>{16, 8, 10};
  model.Key("attention.value_length") = std::vector<uint64_t>{8, 16, 12};
  model.Key("feed_forward_length") = std::vector<uint64_t>{96, 32, 64};
  model.Key("rope.dimension_count") = std::vector<uint64_t>{4, 8, 4};
  model.Key("rope.freq_base") = std::vector<float>{100.0f, 10000.0f, 100.0f};
  ModelConfig config = ReadGood(model);
  REQUIRE(config.layers.size() == 3);
  const LayerConfig &first = config.layers[0], &second = config.layers[1], &third = config.layers[2];
  CHECK(first.q_width() == 64);
  CHECK(second.k_width() == 16);
  CHECK(third.v_width() == 36);
  CHECK(second.attended_width() == 128);
  CHECK(second.ffn_width == 32);
  CHECK(first.attention_scale == 0.25f);
  CHECK(second.attention_scale == static_cast<float>(1.0 / std::sqrt(8.0)));
  CHECK(config.Largest(&LayerConfig::ffn_width) == 96);
  CHECK(config.Largest(&LayerConfig::attended_width) == 128);
  REQUIRE(config.rotations.size() == 2);  // layers that turn alike share one
  CHECK(first.rotation == 0u);
  CHECK(second.rotation == 1u);
  CHECK(third.rotation == 0u);
  CHECK(config.rotations[0].frequency == std::vector<float>{1.0f, 0.1f});
  CHECK(config.rotations[1].frequency == std::vector<float>{1.0f, 0.1f, 0.01f, 0.001f});

  model.keys.erase("llama.attention.head_count_kv");  // then as many as there are heads, in each
  config = ReadGood(model);
  CHECK(config.layers[1].kv_heads == 8);
  CHECK(config.layers[2].kv_heads == 6);
}

TEST_CASE("config: a layer's number is checked like one for all") {
  const auto error = [](const char* key, const TestModel::Value& value) {
    TestModel model = RandomLlama({.layers = 3});
    model.Key(key) = value;
    return ReadError(model);
  };
  using Counts = std::vector<uint64_t>;
  CHECK(error("feed_forward_length", Counts{96, 0, 96}) ==
        "test.gguf: key llama.feed_forward_length: is 0 in layer 1, expected 1 to 1048576");
  CHECK(Contains(error("attention.head_count_kv", Counts{2, 4, 3}), "head_count_kv: 3 does not divide the 4 heads"));
  CHECK(Contains(error("attention.head_count_kv", Counts{2, 2, 8}), "head_count_kv: is 8 in layer 2, expected 1 to 4"));
  CHECK(Contains(error("attention.head_count", Counts{4, kMaxHeads + 1, 4}), "head_count: is 4097 in layer 1"));
  CHECK(Contains(error("attention.key_length", Counts{16, 16}), "key_length: has 2 elements, for 3 layers"));
  CHECK(Contains(error("attention.key_length", Counts{}), "key_length: has 0 elements, for 3 layers"));
  CHECK(Contains(error("rope.dimension_count", Counts{16, 7, 16}), "rope.dimension_count: is 7, expected an even"));
  CHECK(Contains(error("rope.freq_base", std::vector<float>{1e4f, 1e4f, -1.0f}), "freq_base: is -1 in layer 2"));
  // What is one of the model's may not differ.
  CHECK(Contains(error("embedding_length", Counts{64, 64, 32}), "embedding_length: differs between the layers"));
  CHECK(Contains(error("rope.scaling.factor", std::vector<float>{2, 2, 4}), "scaling.factor: differs between the"));
}

TEST_CASE("config: a file's frequency factors are for all rotations") {
  TestModel model = RandomLlama({.layers = 3});
  model.Key("rope.dimension_count") = std::vector<uint64_t>{4, 8, 4};
  model.tensors["rope_freqs.weight"] = {{2}, DType::kF32, {1.0f, 2.0f}};
  CHECK(Contains(ReadError(model), "tensor rope_freqs.weight: 2 elements of F32, expected 4 of F32"));
}

TEST_CASE("rope: frequencies fall from 1 by equal factors") {
  CHECK(RopeFrequencies(4, 10000.0, {}, {}) == std::vector<float>{1.0f, 0.1f, 0.01f, 0.001f});
}

TEST_CASE("rope: linear scaling divides every frequency; a factor alone means linear; none ignores it") {
  TestModel model = RandomLlama();
  model.keys["llama.rope.dimension_count"] = uint64_t{4};
  model.keys["llama.rope.scaling.factor"] = 4.0f;
  const std::vector<float> quarter = {0.25f, 0.0025f};
  CHECK(FrequencyOf(ReadGood(model)) == quarter);
  model.keys["llama.rope.scaling.type"] = std::string("linear");
  CHECK(FrequencyOf(ReadGood(model)) == quarter);
  CHECK(RotationOf(ReadGood(model)).magnitude == 1.0f);
  model.keys["llama.rope.scaling.type"] = std::string("none");
  CHECK(FrequencyOf(ReadGood(model)) == std::vector<float>{1.0f, 0.01f});
  model.keys.erase("llama.rope.scaling.type");
  model.keys.erase("llama.rope.scaling.factor");
  model.keys["llama.rope.scale_linear"] = 4.0f;
  CHECK(FrequencyOf(ReadGood(model)) == quarter);
}

// With 4 pairs, base 10000 and 64 positions, the pair that turns 32 times would be number -0.5 (so the ramp starts at
// 0), and the one that turns once number 4 * ln(64 / 2 pi) / ln(10000) = 1.008 (so it ends at 2): pair 0 keeps its
// frequency, pair 1 is half way, pairs 2 and 3 are divided by the factor.
TEST_CASE("rope: YaRN") {
  TestModel model = RandomLlama();
  model.keys["llama.rope.dimension_count"] = uint64_t{8};
  model.keys["llama.rope.scaling.type"] = std::string("yarn");
  model.keys["llama.rope.scaling.factor"] = 4.0f;
  model.keys["llama.rope.scaling.original_context_length"] = uint64_t{64};
  model.keys["llama.context_length"] = uint64_t{256};
  ModelConfig config = ReadGood(model);
  CHECK(FrequencyOf(config) == std::vector<float>{1.0f, 0.0625f, 0.0025f, 0.00025f});
  CHECK(RotationOf(config).magnitude == static_cast<float>(1.0 + 0.1 * std::log(4.0)));

  // Without the key, the original context is the model's 256: the pair that turns 32 times would be number 0.1, the one
  // that turns once number 1.6, so the ramp is the same. The one that turns 8 times would be number 0.7.
  model.keys.erase("llama.rope.scaling.original_context_length");
  CHECK(FrequencyOf(ReadGood(model)) == FrequencyOf(config));
  model.keys["llama.rope.scaling.yarn_beta_slow"] = 8.0f;
  CHECK(FrequencyOf(ReadGood(model)) == std::vector<float>{1.0f, 0.025f, 0.0025f, 0.00025f});

  for (const char* key : {"rope.scaling.yarn_ext_factor", "rope.scaling.yarn_attn_factor"}) {
    TestModel other = model;
    other.Key(key) = 1.0f;
    CHECK(FrequencyOf(ReadGood(other)) == FrequencyOf(ReadGood(model)));
    other.Key(key) = 0.5f;
    CHECK(Contains(ReadError(other), std::string("test.gguf: key llama.") + key + ": is 0.5, expected 1 to 1"));
  }

  model.keys["llama.rope.scaling.attn_factor"] = 0.5f;
  CHECK(RotationOf(ReadGood(model)).magnitude == static_cast<float>(0.5 * (1.0 + 0.1 * std::log(4.0))));
}

TEST_CASE("rope: a file's frequency factors divide, and are checked") {
  TestModel model = RandomLlama();
  model.keys["llama.rope.dimension_count"] = uint64_t{8};
  model.tensors["rope_freqs.weight"] = {{4}, DType::kF32, {1.0f, 2.0f, 4.0f, 8.0f}};
  CHECK(FrequencyOf(ReadGood(model)) == std::vector<float>{1.0f, 0.05f, 0.0025f, 0.000125f});
  TestTensor& factors = model.tensors["rope_freqs.weight"];
  for (const float bad : {0.0f, -1.0f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    factors.values[2] = bad;
    CHECK(Contains(ReadError(model), "tensor rope_freqs.weight: "));
  }
  factors = {{5}, DType::kF32, std::vector<float>(5, 1.0f)};
  CHECK(Contains(ReadError(model), "tensor rope_freqs.weight: 5 elements of F32, expected 4 of F32"));
  factors = {{4}, DType::kF16, std::vector<float>(4, 1.0f)};
  CHECK(Contains(ReadError(model), "tensor rope_freqs.weight: 4 elements of F16"));
}

}  // namespace
}  // namespace weft::engine::test
