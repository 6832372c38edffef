// Rotary position embeddings in all the ways that files ask for: the logits are those of the forward pass in double.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/engine/each_target.h"
#include "tests/engine/reference_model.h"
#include "tests/engine/test_model.h"

namespace weft::engine::test {
namespace {

// A way in which a file can change what a position means.
struct PositionOption {
  const char* name;
  const char* family;
  void (*set)(TestModel& model);
};

void SetYarn(TestModel& model) {
  model.Key("rope.scaling.type") = std::string("yarn");
  model.Key("rope.scaling.factor") = 4.0f;
  model.Key("rope.scaling.original_context_length") = uint64_t{64};  // a ramp over pairs 0 to 3
}
void SetFactors(TestModel& model) {
  model.tensors["rope_freqs.weight"] = {{8}, DType::kF32, {1.0f, 1.0f, 1.5f, 2.5f, 4.0f, 8.0f, 8.0f, 32.0f}};
}

const PositionOption kPositionOptions[] = {
    {"another base", "llama", [](TestModel& m) { m.Key("rope.freq_base") = 500000.0f; }},
    {"part of the head", "llama", [](TestModel& m) { m.Key("rope.dimension_count") = uint64_t{6}; }},
    {"part of the head, halves", "qwen2", [](TestModel& m) { m.Key("rope.dimension_count") = uint64_t{6}; }},
    {"linear", "llama", [](TestModel& m) { m.Key("rope.scaling.factor") = 4.0f; }},
    {"YaRN", "llama", SetYarn},
    {"YaRN, halves", "qwen2", SetYarn},
    {"YaRN with other betas", "llama",
     [](TestModel& m) {
       SetYarn(m);
       m.Key("rope.scaling.yarn_beta_fast") = 6.0f;
       m.Key("rope.scaling.yarn_beta_slow") = 0.25f;
     }},
    {"YaRN with an attention factor", "llama",
     [](TestModel& m) {
       SetYarn(m);
       m.Key("rope.scaling.attn_factor") = 0.75f;
     }},
    {"frequency factors", "llama", SetFactors},
    {"frequency factors and YaRN", "llama",
     [](TestModel& m) {
       SetFactors(m);
       SetYarn(m);
     }},
    {"frequency factors and linear", "granite",
     [](TestModel& m) {
       SetFactors(m);
       m.Key("rope.scaling.factor") = 2.0f;
     }},
    {"no rotation", "granite", [](TestModel& m) { m.Key("rope.scaling.finetuned") = false; }},
};

TEST_CASE("positions: what a file asks for") {
  const std::vector<uint32_t> tokens = RandomTokens(48, 48);
  for (const PositionOption& option : kPositionOptions) {
    TestModel file = RandomModel(ShapeOf(option.family));
    const Vector plain = ReferenceModel(file).Logits(tokens);
    option.set(file);
    const Vector exact = ReferenceModel(file).Logits(tokens);
    const double bound = FloatErrorBound(file, tokens);
    CHECK_MESSAGE(MaxDifference(exact, plain) > 10 * bound, option.name, " changes too little to be noticed");
    const LoadedModel loaded(file);
    ForEachTarget([&](const std::string&) {
      for (const size_t piece : {size_t{1}, tokens.size()}) {
        const double difference = MaxDifference(AllLogits(loaded.model(), tokens, piece), Floats(exact));
        CHECK_MESSAGE(difference <= bound, option.name, ", ", piece, " tokens at a time: ", difference, " > ", bound);
      }
    });
  }
}

}  // namespace
}  // namespace weft::engine::test
