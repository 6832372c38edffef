// What the tests of the Generator share: a model, requests, the answer to a prompt alone, and a generator at work.
#ifndef WEFT_TESTS_ENGINE_GENERATOR_SETUP_H_
#define WEFT_TESTS_ENGINE_GENERATOR_SETUP_H_

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "reference/generation/generator.h"
#include "reference/model/prompt.h"
#include "tests/engine/test_model.h"

namespace weft::engine::test {

inline constexpr size_t kPage = KvPool::kPageLength;
inline constexpr size_t kContext = 6 * kPage;
using Tokens = std::vector<uint32_t>;

inline TestModel LongLlama() { return RandomLlama({.context = kContext}); }

inline SamplerOptions Warm(uint64_t seed) { return {.temperature = 1.5f, .seed = seed}; }

inline GenerationRequest Request(const Tokens& prompt, size_t count, uint64_t seed = 1) {
  return {.prompt = prompt, .context = kContext, .max_tokens = count, .sampler = Warm(seed)};
}

// The answer to one prompt by nothing but the forward pass and a sampler.
inline Tokens Alone(const Model& model, const Tokens& prompt, size_t count, uint64_t seed = 1) {
  Transformer transformer = MakeTransformer(model, {}, {.summation = Summation::kUniform});
  Sequence sequence = MakeSequence(model.config);
  Sampler sampler(Warm(seed));
  for (const uint32_t token : prompt) sampler.Accept(token);
  Tokens answer, next = prompt;
  while (answer.size() < count) {
    const BatchItem decoded{.sequence = &sequence, .tokens = next};
    const auto logits = answer.empty() ? FeedPrompt(transformer, sequence, next) : transformer.Forward({&decoded, 1});
    REQUIRE_MESSAGE(logits.ok(), logits.error().message);
    answer.push_back(sampler.Sample(*logits));
    next = {answer.back()};
  }
  return answer;
}

// A generator and what it runs on.
struct Setup {
  explicit Setup(const Model& model, size_t pages = 32, TransformerOptions options = {.max_batch = 24})
      : transformer(MakeTransformer(model, {},
                                    [&] {
                                      options.summation = Summation::kUniform;
                                      return options;
                                    }())),
        pool(*KvPool::Create(model.config, pages * kPage)),
        generator(*Generator::Create(transformer, pool)) {}

  GenerationId Add(const GenerationRequest& request) {
    const auto id = generator.Add(request);
    REQUIRE_MESSAGE(id.ok(), id.error().message);
    return *id;
  }
  std::string AddError(const GenerationRequest& request) {
    const auto id = generator.Add(request);
    return id.ok() ? "" : id.error().message;
  }
  void Step() {
    for (const GeneratedToken& result : generator.Step()) {
      state[result.id] = result.state;
      CHECK(generator.Find(result.id)->state == result.state);
      CHECK(result.token.has_value() == !result.logits.empty());
      if (result.token) answers[result.id].push_back(*result.token);
    }
  }
  void Finish() {
    while (!generator.idle()) Step();
    CHECK(generator.Step().empty());
  }

  Transformer transformer;
  std::shared_ptr<KvPool> pool;
  Generator generator;
  std::map<GenerationId, Tokens> answers;
  std::map<GenerationId, GenerationState> state;
};

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_GENERATOR_SETUP_H_
