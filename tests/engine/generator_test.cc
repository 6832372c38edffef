// Several texts at once: each has the tokens that it would have alone, and its end and its errors are its own.
#include "reference/generation/generator.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reference/model/prompt.h"
#include "tests/engine/each_target.h"
#include "tests/engine/generator_setup.h"
#include "tests/engine/test_model.h"

namespace weft::engine::test {
namespace {

TEST_CASE("generator: texts together have the tokens that they have alone") {
  const LoadedModel loaded(LongLlama());
  ForEachTarget([&](const std::string&) {
    const size_t lengths[] = {1, 5, 40, 70, 130}, counts[] = {30, 80, 3, 1, 12};
    std::vector<Tokens> prompts, alone;
    for (uint32_t i = 0; i < 5; ++i) {
      prompts.push_back(RandomTokens(lengths[i], 48, i));
      alone.push_back(Alone(loaded.model(), prompts[i], counts[i], i));
    }
    // Large batches, prompts in pieces beside others, and fewer logits or tokens than there are texts.
    const TransformerOptions shapes[] = {
        {.max_batch = 512}, {.max_batch = 24}, {.max_batch = 24, .max_logits = 2}, {.max_batch = 3}, {.max_batch = 1}};
    for (const TransformerOptions& shape : shapes) {
      CAPTURE(shape.max_batch);
      Setup setup(loaded.model(), 32, shape);
      std::vector<GenerationId> ids;
      for (uint32_t i = 0; i < 5; ++i) ids.push_back(setup.Add(Request(prompts[i], counts[i], i)));
      setup.Finish();
      for (size_t i = 0; i < 5; ++i) {
        CHECK(setup.answers[ids[i]] == alone[i]);
        CHECK(setup.state[ids[i]] == GenerationState::kLength);
        const GenerationInfo info = *setup.generator.Find(ids[i]);
        CHECK(info.prompt_tokens == lengths[i]);
        CHECK(Tokens(info.tokens.begin() + static_cast<ptrdiff_t>(lengths[i]), info.tokens.end()) == alone[i]);
      }
      for (const GenerationId id : ids) CHECK(setup.generator.Remove(id));
      CHECK(setup.pool->free_pages() == setup.pool->pages());
    }
  });
}

TEST_CASE("generator: texts come and go at any time") {
  const LoadedModel loaded(LongLlama());
  Setup setup(loaded.model(), 24);
  std::map<GenerationId, Tokens> expected;
  std::vector<GenerationId> ids;
  uint32_t seed = 0;
  std::mt19937 random(5);
  for (int step = 0; step < 120; ++step) {
    if (step % 8 == 0) {
      const Tokens prompt = RandomTokens(1 + random() % 60, 48, ++seed);
      const size_t count = 1 + random() % 50;
      ids.push_back(setup.Add(Request(prompt, count, seed)));
      expected[ids.back()] = Alone(loaded.model(), prompt, count, seed);
    }
    if (step % 17 == 3) {
      const auto gone = ids.begin() + static_cast<ptrdiff_t>(random() % ids.size());
      CHECK(setup.generator.Remove(*gone));
      ids.erase(gone);
    }
    if (step % 31 == 9 && !ids.empty()) setup.generator.Stop(ids.back());
    setup.Step();
  }
  setup.Finish();
  size_t whole = 0;
  for (const auto& [id, answer] : setup.answers) {  // those that were removed or stopped: as far as they came
    REQUIRE(answer.size() <= expected[id].size());
    CHECK(std::equal(answer.begin(), answer.end(), expected[id].begin()));
    whole += answer == expected[id] ? 1 : 0;
  }
  CHECK(whole >= 5);
  for (const GenerationId id : ids) setup.generator.Remove(id);
  CHECK(setup.pool->free_pages() == 24);
}

TEST_CASE("generator: a prompt is read in pieces, decoding goes on beside it") {
  const LoadedModel loaded(LongLlama());
  Setup setup(loaded.model(), 32, {.max_batch = 16});
  const Tokens small = RandomTokens(3, 48, 1), large = RandomTokens(40, 48, 2);
  const GenerationId a = setup.Add(Request(small, 100)), b = setup.Add(Request(large, 2));
  const auto read = [&](GenerationId id) { return setup.generator.Find(id)->read; };
  const auto state = [&](GenerationId id) { return setup.generator.Find(id)->state; };
  setup.Step();
  CHECK(read(a) == 3);
  CHECK(setup.answers[a].size() == 1);
  CHECK(read(b) == 13);
  CHECK(state(b) == GenerationState::kPrompt);
  setup.Step();
  CHECK(read(a) == 4);
  CHECK(setup.answers[a].size() == 2);
  CHECK(read(b) == 28);
  setup.Step();
  CHECK(read(b) == 40);
  CHECK(setup.answers[b].size() == 1);
  CHECK(state(b) == GenerationState::kRunning);
  setup.Step();
  CHECK(setup.answers[b].size() == 2);
  CHECK(state(b) == GenerationState::kLength);
  CHECK(setup.answers[a].size() == 4);
}

TEST_CASE("generator: more texts than a batch holds wait for those before them") {
  const LoadedModel loaded(LongLlama());
  Setup setup(loaded.model(), 32, {.max_batch = 8, .max_logits = 2});
  std::vector<GenerationId> ids;
  for (uint32_t i = 0; i < 4; ++i) ids.push_back(setup.Add(Request(RandomTokens(1, 48, i), i == 0 ? 5 : 9, i)));
  const auto counts = [&] {
    std::vector<size_t> all;
    for (const GenerationId id : ids) all.push_back(setup.answers[id].size());
    return all;
  };
  for (int step = 0; step < 5; ++step) setup.Step();
  CHECK(counts() == std::vector<size_t>{5, 5, 0, 0});
  for (int step = 0; step < 4; ++step) setup.Step();
  CHECK(counts() == std::vector<size_t>{5, 9, 4, 0});
  setup.Step();
  CHECK(counts() == std::vector<size_t>{5, 9, 5, 1});
}

TEST_CASE("generator: how a text ends") {
  const LoadedModel loaded(LongLlama());
  const Tokens prompt = RandomTokens(10, 48);
  const Tokens alone = Alone(loaded.model(), prompt, 40);
  Setup setup(loaded.model());

  GenerationRequest request = Request(prompt, SIZE_MAX);
  request.context = 20;
  const GenerationId context = setup.Add(request);
  request = Request(prompt, SIZE_MAX);
  const uint32_t last = alone[5];
  request.ends_text = [last](uint32_t token) { return token == last; };
  const GenerationId end = setup.Add(request);
  const GenerationId length = setup.Add(Request(prompt, 7)), none = setup.Add(Request(prompt, 0));
  const GenerationId stopped = setup.Add(Request(prompt, SIZE_MAX));
  for (int i = 0; i < 4; ++i) setup.Step();
  CHECK(setup.generator.Stop(stopped));
  CHECK(!setup.generator.Stop(stopped));
  setup.Finish();

  const auto first = [&](size_t count) { return Tokens(alone.begin(), alone.begin() + static_cast<ptrdiff_t>(count)); };
  CHECK(setup.state[context] == GenerationState::kContextFull);
  CHECK(setup.answers[context] == first(11));  // ten positions, and a token for which there is none
  CHECK(setup.state[end] == GenerationState::kEndOfText);
  CHECK(setup.answers[end] ==
        first(static_cast<size_t>(std::ranges::find(alone, last) - alone.begin()) + 1));  // the last one included
  CHECK(setup.state[length] == GenerationState::kLength);
  CHECK(setup.answers[length] == first(7));
  CHECK(setup.state[none] == GenerationState::kLength);
  CHECK(!setup.answers.contains(none));
  CHECK(setup.generator.Find(none)->read == 10);
  CHECK(setup.generator.Find(stopped)->state == GenerationState::kStopped);
  const Tokens& part = setup.answers[stopped];
  CHECK(part == first(part.size()));

  CHECK(!setup.generator.Stop(999));
  CHECK(!setup.generator.Remove(999));
  CHECK(!setup.generator.Find(999));
  CHECK(setup.generator.Remove(stopped));
  CHECK(!setup.generator.Remove(stopped));
}

TEST_CASE("generator: requests that cannot be met change nothing") {
  const LoadedModel loaded(LongLlama()), other(RandomLlama({.kv_heads = 1, .context = kContext}));
  Setup setup(loaded.model(), 2);
  const Tokens prompt = RandomTokens(2 * kPage + 1, 48), bad = {1, 48};
  CHECK(setup.AddError(Request({}, 1)) == "the prompt is empty");
  CHECK(setup.AddError(Request(bad, 1)) == "token 48 is outside the vocabulary of 48");
  CHECK(setup.AddError({.prompt = prompt, .context = 100, .sampler = {}}) ==
        "the prompt has 129 tokens, the context 100");
  CHECK(setup.AddError(Request(prompt, 1)) == "the prompt has 129 tokens, the key/value cache room for 128");
  CHECK(Contains(setup.AddError({.prompt = std::span(prompt).first(1), .context = SIZE_MAX, .sampler = {}}),
                 "is not possible"));
  CHECK(setup.generator.idle());
  CHECK(setup.generator.Step().empty());
  CHECK(setup.pool->free_pages() == 2);
  CHECK(!Generator::Create(setup.transformer, *KvPool::Create(other.config(), kPage)).ok());
}

TEST_CASE("generator: a mask before every token; one that leaves nothing ends its text only") {
  const LoadedModel loaded(LongLlama());
  const Tokens prompt = RandomTokens(10, 48);
  Setup setup(loaded.model());
  // After an even token an odd one, and so on.
  const auto even = TokenMask::Of(48, [](uint32_t token) { return token % 2 == 0; });
  const auto odd = TokenMask::Of(48, [](uint32_t token) { return token % 2 == 1; });
  const TokenMask nothing(48);
  GenerationRequest request = Request(prompt, 20);
  request.mask = [&](std::span<const uint32_t> answer) { return answer.size() % 2 == 0 ? &even : &odd; };
  const GenerationId alternating = setup.Add(request);
  request.mask = [&](std::span<const uint32_t> answer) { return answer.size() < 3 ? nullptr : &nothing; };
  const GenerationId stuck = setup.Add(request);
  const GenerationId free = setup.Add(Request(prompt, 20));
  setup.Finish();
  const Tokens& answer = setup.answers[alternating];
  REQUIRE(answer.size() == 20);
  for (size_t i = 0; i < 20; ++i) CHECK(answer[i] % 2 == i % 2);
  CHECK(setup.state[stuck] == GenerationState::kFailed);
  CHECK(setup.generator.Find(stuck)->error->kind == ErrorKind::kBadArgument);
  CHECK(setup.generator.Find(stuck)->error->message == "the mask leaves no token to choose");
  CHECK(setup.answers[stuck].size() == 3);
  CHECK(setup.answers[free] == Alone(loaded.model(), prompt, 20));
}

TEST_CASE("generator: a text whose pass fails takes no other with it") {
  TestModel file = LongLlama();
  const Tokens good = RandomTokens(10, 40, 1), also_good = RandomTokens(30, 40, 2);
  const Tokens bad = {1, 2, 47};
  const LoadedModel healthy(file);
  // No answer may have the token that breaks the model.
  const auto without = TokenMask::Of(48, [](uint32_t token) { return token != 47; });
  for (size_t i = 0; i < 64; ++i) file.tensors["token_embd.weight"].values[47 * 64 + i] = std::nanf("");
  const LoadedModel loaded(file);
  const auto run = [&](const LoadedModel& model, bool with_bad) {
    Setup setup(model.model());
    std::vector<Tokens> answers;
    std::vector<GenerationId> ids;
    for (const Tokens* prompt : {&good, &bad, &also_good}) {
      if (prompt == &bad && !with_bad) continue;
      GenerationRequest request = Request(*prompt, 12, prompt->size());
      request.mask = [&](std::span<const uint32_t>) { return &without; };
      ids.push_back(setup.Add(request));
    }
    setup.Finish();
    for (const GenerationId id : ids) {
      if (setup.state[id] != GenerationState::kFailed) answers.push_back(setup.answers[id]);
    }
    if (with_bad) {
      CHECK(setup.state[ids[1]] == GenerationState::kFailed);
      CHECK(setup.generator.Find(ids[1])->error->kind == ErrorKind::kBadFile);
      CHECK(Contains(setup.generator.Find(ids[1])->error->message, "not numbers"));
      CHECK(!setup.answers.contains(ids[1]));
    }
    return answers;
  };
  const std::vector<Tokens> expected = run(healthy, false);
  REQUIRE(expected.size() == 2);
  CHECK(run(loaded, true) == expected);
}

TEST_CASE("generator: logits and the distribution can be read after a token") {
  const LoadedModel loaded(LongLlama());
  const Tokens prompt = RandomTokens(10, 48);
  Setup setup(loaded.model());
  const GenerationId id = setup.Add(Request(prompt, 5));
  const auto results = setup.generator.Step();
  REQUIRE(results.size() == 1);
  CHECK(results[0].id == id);
  Transformer transformer = MakeTransformer(loaded.model(), {}, {.summation = Summation::kUniform});
  Sequence sequence = MakeSequence(loaded.config());
  const auto logits = FeedPrompt(transformer, sequence, prompt);
  REQUIRE(logits.ok());
  CHECK(std::ranges::equal(results[0].logits, *logits));
  Sampler sampler(Warm(1));
  REQUIRE(sampler.SetLogits(*logits).ok());
  const Sampler& its = setup.generator.Find(id)->sampler;
  REQUIRE(its.candidates().size() == sampler.candidates().size());
  double sum = 0;
  for (size_t i = 0; i < its.candidates().size(); ++i) {
    CHECK(its.candidates()[i].token == sampler.candidates()[i].token);
    sum += its.Probability(its.candidates()[i]);
  }
  CHECK(sum == doctest::Approx(1.0));
  CHECK(its.Probability(*results[0].token) > 0);
}

}  // namespace
}  // namespace weft::engine::test
