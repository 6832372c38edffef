// Logits of whole models against those of another implementation.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "reference/base/thread_pool.h"
#include "tests/engine/each_target.h"
#include "tests/engine/golden.h"
#include "tests/engine/reference_model.h"
#include "tests/engine/test_data.h"
#include "tests/engine/test_model.h"

namespace weft::engine::test {
namespace {

constexpr double kAgreement = 2e-3;  // what the data's own description expects of a correct engine

// The negative logarithm of the probability that logits[0, n) give to `token`.
double Nll(const float* logits, size_t n, uint32_t token) {
  const double max = *std::max_element(logits, logits + n);
  double sum = 0.0;
  for (size_t i = 0; i < n; ++i) sum += std::exp(logits[i] - max);
  return max + std::log(sum) - logits[token];
}

TEST_CASE("architectures: logits agree with llama.cpp's, in one batch and token by token") {
  for (const std::string& name : kFamilies) {
    const auto file = SharedData("archs/" + name + ".gguf");
    if (!file) return;
    const std::vector<float> theirs = ReadFloats(*SharedData("archs/" + name + ".logits.f32"));
    const std::vector<uint32_t> tokens = ReadTokens(*SharedData("archs/tokens.txt"));
    const TestModel model = ReadTestModel(*file);
    const double reference = MaxDifference(Floats(ReferenceModel(model).Logits(tokens)), theirs);
    CHECK_MESSAGE(reference <= kAgreement, name);
    std::printf("%s: the reference in double is within %.2e of llama.cpp's logits\n", name.c_str(), reference);
    const LoadedModel loaded(*file);
    REQUIRE(theirs.size() == tokens.size() * loaded.config().vocabulary);
    ThreadPool pool(2);
    ForEachTarget([&](const std::string& target) {
      for (const size_t piece : {tokens.size(), size_t{1}}) {
        const std::vector<float> ours = AllLogits(loaded.model(), tokens, piece, pool.executor());
        const double difference = MaxDifference(ours, theirs);
        std::printf("%s on %s, %zu tokens at a time: max difference from llama.cpp's logits %.2e\n", name.c_str(),
                    target.c_str(), piece, difference);
        CHECK_MESSAGE(difference <= kAgreement, name);
      }
    });
  }
}

TEST_CASE("stories260K: the published negative log-likelihood of a sentence") {
  const auto file = SharedData("stories260K/stories260K.gguf");
  if (!file) return;
  const std::string golden = *SharedData("stories260K/expected.json");
  const double published = ReadJsonNumber(golden, "perplexity_fp32", "nll");
  const double other = ReadJsonNumber(golden, "own_numpy_reference", "nll");
  const std::vector<uint32_t> tokens = ReadJsonNumbers(golden, "sentence_tokens");
  const LoadedModel loaded(*file);
  ForEachTarget([&](const std::string& target) {
    const std::vector<float> logits = AllLogits(loaded.model(), tokens);
    double nll = 0.0;
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      nll += Nll(&logits[i * loaded.config().vocabulary], loaded.config().vocabulary, tokens[i + 1]);
    }
    std::printf("stories260K on %s: negative log-likelihood %.6f, published %.6f, another float32 program %.6f\n",
                target.c_str(), nll, published, other);
    // Each term is the difference of two things that are as far off as the logits may be.
    CHECK(std::fabs(nll - published) <= 2 * kAgreement * static_cast<double>(tokens.size() - 1));
  });
}

TEST_CASE("stories260K: greedy token ids") {
  const auto file = SharedData("stories260K/stories260K.gguf");
  if (!file) return;
  const std::vector<uint32_t> expected = ReadJsonNumbers(*SharedData("stories260K/expected.json"), "greedy_token_ids");
  const LoadedModel loaded(*file);
  ThreadPool pool(2);
  ForEachTarget([&](const std::string&) {
    Transformer transformer = MakeTransformer(loaded.model(), pool.executor());
    Sequence sequence = MakeSequence(loaded.config());
    std::vector<uint32_t> ids = {expected[0]};
    while (ids.size() < expected.size()) {
      const std::vector<float> logits = AllLogits(transformer, sequence, {&ids.back(), 1});
      ids.push_back(static_cast<uint32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
    }
    CHECK(ids == expected);
  });
}

}  // namespace
}  // namespace weft::engine::test
