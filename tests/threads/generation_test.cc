// Generation with several threads, and several generations at once over one model.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

#include "reference/base/thread_pool.h"
#include "reference/model/prompt.h"
#include "tests/engine/test_model.h"

namespace weft::engine::test {
namespace {

// A prompt, then the likeliest tokens one by one.
std::vector<uint32_t> Generate(const Model& model, const Executor& executor) {
  Transformer transformer = MakeTransformer(model, executor, {.max_batch = 16});
  Sequence sequence = MakeSequence(model.config);
  std::vector<uint32_t> text = RandomTokens(20, model.config.vocabulary), next = text;
  while (text.size() < 40) {
    const Result<std::span<const float>> logits = FeedPrompt(transformer, sequence, next);
    REQUIRE(logits.ok());
    next = {static_cast<uint32_t>(std::max_element(logits->begin(), logits->end()) - logits->begin())};
    text.push_back(next[0]);
  }
  return text;
}

}  // namespace

TEST_CASE("Threads: a generation has the tokens of one thread") {
  const ThreadPool pool(4);
  for (const std::string& family : kFamilies) {
    CAPTURE(family);
    const LoadedModel model(RandomModel(ShapeOf(family)));
    const std::vector<uint32_t> alone = Generate(model.model(), {});
    CHECK(Generate(model.model(), pool.executor()) == alone);
  }
}

TEST_CASE("Threads: several generations at once over one model") {
  const LoadedModel model(RandomLlama({.type = DType::kQ8_0}));
  const std::vector<uint32_t> alone = Generate(model.model(), {});
  std::vector<int> good(3);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < good.size(); ++i) {
    threads.emplace_back([&, i] {
      const ThreadPool pool(2);
      good[i] = Generate(model.model(), pool.executor()) == alone;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int is_good : good) CHECK(is_good == 1);
}

}  // namespace weft::engine::test
