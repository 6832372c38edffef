// Models whose layers differ.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "reference/model/transformer.h"
#include "tests/engine/different_layers.h"
#include "tests/engine/each_target.h"
#include "tests/engine/reference_model.h"
#include "tests/engine/test_model.h"

namespace weft::engine::test {
namespace {

TEST_CASE("layers: where they differ, logits are those of the forward pass in double") {
  const std::vector<uint32_t> tokens = RandomTokens(40, 48);
  for (const char* family : {"llama", "qwen2", "qwen3"}) {
    const TestModel file = DifferentLayers(family);
    const std::vector<float> exact = Floats(ReferenceModel(file).Logits(tokens));
    const double bound = FloatErrorBound(file, tokens);
    for (size_t i = 1; i < 3; ++i) {  // and these choices matter
      TestModel other = file;
      other.layers[i] = {};
      CHECK(MaxDifference(Floats(ReferenceModel(other).Logits(tokens)), exact) > 10 * bound);
    }
    const LoadedModel loaded(file);
    CHECK(loaded.config().rotations.size() == 3);
    ForEachTarget([&](const std::string&) {
      for (const Summation summation : {Summation::kFastest, Summation::kUniform}) {
        for (const AttentionBackend backend : {AttentionBackend::kAuto, AttentionBackend::kStandard}) {
          for (const size_t piece : {1, 7, 40}) {
            const TransformerOptions options = {.backend = backend, .summation = summation};
            const double difference = MaxDifference(AllLogits(loaded.model(), tokens, piece, {}, options), exact);
            CHECK_MESSAGE(difference <= bound, family, ", ", piece, " tokens at a time: ", difference, " > ", bound);
          }
        }
      }
    });
  }
}

TEST_CASE("layers: equal numbers for each give the same bits as one for all") {
  const std::vector<uint32_t> tokens = RandomTokens(20, 48);
  for (const std::string& family : kFamilies) {
    const TestModel one = RandomModel(ShapeOf(family));
    TestModel each = one;
    for (const char* key : {"attention.head_count", "attention.head_count_kv", "attention.key_length",
                            "attention.value_length", "feed_forward_length"}) {
      each.Key(key) = std::vector<uint64_t>(2, std::get<uint64_t>(each.Key(key)));
    }
    const LoadedModel of_one(one), of_each(each);
    CHECK(AllLogits(of_each.model(), tokens) == AllLogits(of_one.model(), tokens));
  }
}

TEST_CASE("layers: each keeps keys and values of its own size, and only those fit") {
  TestModel file = DifferentLayers("llama");
  const LoadedModel loaded(file);
  const Sequence sequence = MakeSequence(loaded.config());
  CHECK(sequence.pool().bytes() == 64 * 2 * (4 * 12 + 1 * 16 + 6 * 8) * sizeof(float));

  // As many elements in each layer, and in all, but not the same.
  ModelConfig other = loaded.config();
  other.layers[0].kv_heads = 8;
  other.layers[0].k_size = other.layers[0].v_size = 6;
  Sequence foreign = MakeSequence(other);
  CHECK(foreign.pool().bytes() == sequence.pool().bytes());
  Transformer transformer = MakeTransformer(loaded.model());
  const uint32_t token = 1;
  const BatchItem item = {.sequence = &foreign, .tokens = {&token, 1}};
  const auto logits = transformer.Forward({&item, 1});
  REQUIRE(!logits.ok());
  CHECK(logits.error().message == "a sequence was created for another model");
}

}  // namespace
}  // namespace weft::engine::test
