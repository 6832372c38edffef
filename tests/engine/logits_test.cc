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

double ToHalf(double x) { return ToFloat(ToF16(static_cast<float>(x))); }

// llama.cpp looks GELU up in a table of half-precision numbers. In double, the effect of the table can be computed:
// with it, the reference has to give llama.cpp's logits; and what it changes is taken out of them, so that an engine
// that computes GELU exactly can be compared.
TEST_CASE("architectures: logits agree with llama.cpp's, in one batch and token by token") {
  for (const std::string& name : kFamilies) {
    const auto file = SharedData("archs/" + name + ".gguf");
    if (!file) return;
    const std::vector<float> theirs = ReadFloats(*SharedData("archs/" + name + ".logits.f32"));
    const std::vector<uint32_t> tokens = ReadTokens(*SharedData("archs/tokens.txt"));
    const TestModel model = ReadTestModel(*file);
    const Vector exact = ReferenceModel(model).Logits(tokens);
    const Vector with_table = ReferenceModel(model, Exact, ToHalf).Logits(tokens);
    const double reference = MaxDifference(Floats(with_table), theirs);
    CHECK_MESSAGE(reference <= kAgreement, name);
    std::printf("%s: the reference in double is within %.2e of llama.cpp's logits, whose GELU table costs %.2e\n",
                name.c_str(), reference, MaxDifference(exact, with_table));
    std::vector<float> expected = theirs;
    for (size_t i = 0; i < expected.size(); ++i) expected[i] += static_cast<float>(exact[i] - with_table[i]);

    const LoadedModel loaded(*file);
    REQUIRE(expected.size() == tokens.size() * loaded.config().vocabulary);
    ThreadPool pool(2);
    ForEachTarget([&](const std::string& target) {
      for (const size_t piece : {tokens.size(), size_t{1}}) {
        const std::vector<float> ours = AllLogits(loaded.model(), tokens, piece, pool.executor());
        const double difference = MaxDifference(ours, expected);
        std::printf(
            "%s on %s, %zu tokens at a time: max difference from llama.cpp's logits %.2e, %.2e without "
            "its GELU table\n",
            name.c_str(), target.c_str(), piece, MaxDifference(ours, theirs), difference);
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
