// A model in shards, each run by a thread of its own, is the whole model.
#include "reference/model/split.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "reference/model/communicator.h"
#include "tests/engine/different_layers.h"
#include "tests/engine/reference_model.h"
#include "tests/engine/test_model.h"
#include "tests/engine/wide_models.h"

namespace weft::engine::test {
namespace {

Model Shard(const Model& whole, size_t shard, size_t shards) {
  Result<Model> part = SplitModel(whole, shard, shards);
  REQUIRE_MESSAGE(part.ok(), part.error().message);
  return std::move(*part);
}

// The logits of all tokens, which must be the same bits in all shards.
std::vector<float> SplitLogits(const Model& whole, size_t shards, std::span<const uint32_t> tokens, size_t piece,
                               TransformerOptions options = {}) {
  InProcessGroup group(shards);
  std::vector<Model> models;
  std::vector<Transformer> transformers;
  std::vector<Sequence> sequences;
  models.reserve(shards);
  for (size_t i = 0; i < shards; ++i) {
    models.push_back(Shard(whole, i, shards));
    options.communicator = &group.shard(i);
    transformers.push_back(MakeTransformer(models[i], {}, options));
    sequences.push_back(MakeSequence(models[i].config));
  }
  std::vector<std::vector<float>> logits(shards);
  std::vector<std::string> errors(shards);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < shards; ++i) {
    threads.emplace_back([&, i] {
      for (size_t done = 0; done < tokens.size();) {
        const size_t count = std::min(piece, tokens.size() - done);
        const BatchItem item{.sequence = &sequences[i], .tokens = tokens.subspan(done, count), .all_logits = true};
        const auto rows = transformers[i].Forward({&item, 1});
        if (!rows.ok()) {
          errors[i] = rows.error().message;
          return;
        }
        logits[i].insert(logits[i].end(), rows->begin(), rows->end());
        done += count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < shards; ++i) {
    CHECK(errors[i] == "");
    CHECK(logits[i] == logits[0]);
  }
  return logits[0];
}

// Eight query heads, which share four KV heads: of the formats with blocks of 256, two columns of blocks.
TestShape SplitShape(const std::string& family, DType type) {
  return ShapeOf(
      family,
      {.width = 256, .ffn_width = 768, .vocabulary = 80, .heads = 8, .kv_heads = 4, .head_size = 64, .type = type});
}

TEST_CASE("split: the logits of shards are those of the forward pass in double") {
  const std::vector<uint32_t> tokens = RandomTokens(24, 48);
  for (const std::string& family : kFamilies) {
    const TestModel file = RandomModel(ShapeOf(family, {.heads = 8, .kv_heads = 4}));
    const std::vector<float> exact = Floats(ReferenceModel(file).Logits(tokens));
    const double bound = FloatErrorBound(file, tokens);
    const LoadedModel loaded(file);
    for (const size_t shards : {1, 2, 3, 4}) {  // of four KV heads, three get one, one and two
      for (const size_t piece : {1, 7, 24}) {
        const double difference = MaxDifference(SplitLogits(loaded.model(), shards, tokens, piece), exact);
        CHECK_MESSAGE(difference <= bound, family, ", ", shards, " shards: ", difference, " > ", bound);
      }
    }
  }
}

// What is rounded (activations, what goes into GELU) is the same in shards, but where a sum that is another in its last
// bit makes it another: the shards' logits are as near to the whole model's as those to the exact ones, or as sums in
// float may bring them.
TEST_CASE("split: the logits of shards of quantised models are those of the whole one") {
  const std::vector<uint32_t> tokens = RandomTokens(12, 80);
  for (const std::string& family : {std::string("llama"), std::string("gpt2")}) {
    for (const DType type : {DType::kF16, DType::kQ8_0, DType::kQ4_0, DType::kQ4_K, DType::kQ6_K}) {
      TestModel file = RandomModel(SplitShape(family, type));
      const LoadedModel loaded(file);
      for (auto& [name, tensor] : file.tensors) {  // as they are written
        const Bytes bytes = tensor.Encode();
        REQUIRE(Dequantize(tensor.type, bytes.data(), tensor.values.data(), tensor.values.size()).ok());
      }
      const std::vector<float> exact = Floats(ReferenceModel(file).Logits(tokens));
      const double bound = FloatErrorBound(file, tokens);
      for (const size_t piece : {1, 12}) {
        const std::vector<float> whole = AllLogits(loaded.model(), tokens, piece);
        const double difference = MaxDifference(SplitLogits(loaded.model(), 2, tokens, piece), whole);
        CHECK_MESSAGE(difference <= std::max(bound, MaxDifference(whole, exact)), family, " ", std::string(Name(type)),
                      ", ", piece, " tokens at a time: ", difference);
      }
    }
  }
}

TEST_CASE("split: the same bits every time, and with uniform summation in any pieces") {
  const LoadedModel loaded(RandomModel(SplitShape("llama", DType::kQ8_0)));
  const std::vector<uint32_t> tokens = RandomTokens(20, 80);
  const TransformerOptions uniform = {.summation = Summation::kUniform};
  const std::vector<float> first = SplitLogits(loaded.model(), 3, tokens, 20, uniform);
  for (const size_t piece : {20, 1, 6}) CHECK(SplitLogits(loaded.model(), 3, tokens, piece, uniform) == first);
}

TEST_CASE("split: shards are views that together are the model") {
  const LoadedModel loaded(RandomModel(SplitShape("qwen2", DType::kQ4_K)));
  const Model& whole = loaded.model();
  const LayerConfig& l = whole.config.layers[1];
  size_t heads = 0, kv_heads = 0, hidden = 0, kv_bytes = 0, matrices = 0;
  for (size_t i = 0; i < 2; ++i) {
    const Model part = Shard(whole, i, 2);
    const LayerConfig& p = part.config.layers[1];
    const LayerWeights &w = part.layers[1], &all = whole.layers[1];
    const auto at = [&](const Linear& x) { return static_cast<const uint8_t*>(x.weight.data); };
    CHECK(at(w.q) == at(all.q) + heads * 64 * all.q.weight.row_bytes);
    CHECK(at(w.v) == at(all.v) + kv_heads * 64 * all.v.weight.row_bytes);
    CHECK(w.k.bias == all.k.bias + kv_heads * 64);
    CHECK(at(w.attention_output) == at(all.attention_output) + heads * 64 / 256 * LayoutOf(DType::kQ4_K).block_bytes);
    CHECK(at(w.down) == at(all.down) + hidden / 256 * LayoutOf(DType::kQ4_K).block_bytes);
    CHECK(at(w.gate) == at(all.gate) + hidden * all.gate.weight.row_bytes);
    CHECK(w.attention_output.weight.cols == p.attended_width());
    CHECK(w.attention_output.weight.rows == 256);
    CHECK(w.down.weight.cols == p.ffn_width);
    CHECK(w.up.weight.rows == p.ffn_width);
    heads += p.heads;
    kv_heads += p.kv_heads;
    hidden += p.ffn_width;
    kv_bytes += MakeSequence(part.config).pool().bytes();
    for (const LayerWeights& layer : part.layers) {
      for (const Linear* x : layer.products()) matrices += x->weight.rows * RowBytes(x->weight.type, x->weight.cols);
    }
    CHECK(part.weight_bytes < whole.weight_bytes);
  }
  CHECK(heads == l.heads);
  CHECK(kv_heads == l.kv_heads);
  CHECK(hidden == l.ffn_width);  // 768 is 256 and 512
  CHECK(kv_bytes == MakeSequence(whole.config).pool().bytes());
  size_t bytes = 0;
  for (const LayerWeights& layer : whole.layers) {
    for (const Linear* x : layer.products()) bytes += x->weight.rows * RowBytes(x->weight.type, x->weight.cols);
  }
  CHECK(matrices == bytes);
}

TEST_CASE("split: only one shard adds the biases") {
  const LoadedModel loaded(RandomModel(SplitShape("gpt2", DType::kF32)));
  const Model first = Shard(loaded.model(), 0, 2), second = Shard(loaded.model(), 1, 2);
  CHECK(first.layers[0].down.bias == loaded.model().layers[0].down.bias);
  CHECK(first.layers[0].attention_output.bias != nullptr);
  CHECK(second.layers[0].down.bias == nullptr);
  CHECK(second.layers[0].attention_output.bias == nullptr);
}

TEST_CASE("split: what cannot be split is an error") {
  const auto error = [](const TestModel& file, size_t shard, size_t shards) {
    const LoadedModel loaded(file);
    Result<Model> part = SplitModel(loaded.model(), shard, shards);
    REQUIRE(!part.ok());
    CHECK(part.error().kind == ErrorKind::kBadArgument);
    return part.error().message;
  };
  CHECK(error(RandomLlama(), 2, 2) == "there is no shard 2 of 2");
  CHECK(error(RandomLlama(), 0, 0) == "there is no shard 0 of 0");
  CHECK(Contains(error(RandomLlama(), 1, 3), "layer 0 cannot be split into 3 parts"));  // of two KV heads
  CHECK(Contains(error(DifferentLayers("llama"), 0, 2), "layer 1 cannot be split into 2 parts"));
  // Two KV heads' values fill one block of 256 together.
  CHECK(Contains(error(RandomModel(SplitShape("llama", DType::kQ4_K)), 0, 3), "layer 0 cannot be split into 3 parts"));
}

TEST_CASE("split: shards do not run without each other") {
  const LoadedModel loaded(RandomLlama());
  const Model part = Shard(loaded.model(), 0, 2);
  InProcessGroup two(2), three(3);
  const auto error = [](const Model& model, Communicator* communicator) {
    const auto transformer = Transformer::Create(model, {}, {.communicator = communicator});
    return transformer.ok() ? "" : transformer.error().message;
  };
  CHECK(error(part, &two.shard(0)) == "");
  CHECK(error(part, nullptr) == "the model is split into 2, the communicator joins 1");
  CHECK(error(part, &three.shard(0)) == "the model is split into 2, the communicator joins 3");
  CHECK(error(loaded.model(), &two.shard(0)) == "the model is split into 1, the communicator joins 2");
  const Result<Model> again = SplitModel(part, 0, 2);
  REQUIRE(!again.ok());
  CHECK(again.error().message == "a shard of a model cannot be split again");
}

TEST_CASE("communicator: sums are added in the order of the shards") {
  InProcessGroup group(3);
  // The order shows: 1e8f + 1 is 1e8f, so that only the last is left.
  std::vector<std::vector<float>> parts = {std::vector<float>(10, 1e8f), std::vector<float>(10, 1.0f),
                                           std::vector<float>(10, -1e8f)};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 3 && group.shard(i).Sum(parts[i]).ok(); ++round) parts[i][9] = 2.0f;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<float>& part : parts) {
    CHECK(std::vector<float>(part.begin(), part.end() - 1) == std::vector<float>(9, 0.0f));
    CHECK(part[9] == 2.0f);
  }
}

TEST_CASE("communicator: a shard that leaves or is out of step fails all, and nobody waits") {
  const auto messages = [](InProcessGroup& group, size_t of_second, bool leaves) {
    std::vector<std::string> errors(2);
    std::vector<float> first(8), second(of_second);
    std::thread other([&] {
      if (leaves) return group.shard(1).Leave();
      const Result<void> sum = group.shard(1).Sum(second);
      if (!sum.ok()) errors[1] = sum.error().message;
    });
    const Result<void> sum = group.shard(0).Sum(first);
    if (!sum.ok()) errors[0] = sum.error().message;
    other.join();
    return errors;
  };
  InProcessGroup left(2), uneven(2);
  CHECK(messages(left, 8, true) == std::vector<std::string>{"another shard of the model has failed", ""});
  CHECK(!left.shard(1).Sum({}).ok());
  const std::string out_of_step = "the shards of the model do not compute the same batch";
  CHECK(messages(uneven, 9, false) == std::vector<std::string>{out_of_step, out_of_step});
}

TEST_CASE("split: a pass that fails in one shard fails in all, and sequences stay") {
  const LoadedModel loaded(RandomLlama());
  InProcessGroup group(2);
  const Model first = Shard(loaded.model(), 0, 2), second = Shard(loaded.model(), 1, 2);
  Transformer a = MakeTransformer(first, {}, {.communicator = &group.shard(0)}),
              b = MakeTransformer(second, {}, {.communicator = &group.shard(1)});
  Sequence of_a = MakeSequence(first.config), of_b = MakeSequence(second.config);
  const std::vector<uint32_t> tokens = RandomTokens(5, 48);
  const BatchItem item_a{.sequence = &of_a, .tokens = tokens},
      item_b{.sequence = &of_b, .tokens = std::span(tokens).first(4)};
  bool failed = false;
  std::thread thread([&] { failed = !b.Forward({&item_b, 1}).ok(); });
  CHECK(!a.Forward({&item_a, 1}).ok());
  thread.join();
  CHECK(failed);
  CHECK(of_a.length() == 0);
  CHECK(of_b.length() == 0);
}

}  // namespace
}  // namespace weft::engine::test
