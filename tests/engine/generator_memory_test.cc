// How texts share pages, and what happens where there are no more.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reference/generation/generator.h"
#include "tests/engine/generator_setup.h"
#include "tests/engine/test_model.h"

namespace weft::engine::test {
namespace {

TEST_CASE("generator: a prompt shares the pages of what was read before") {
  const LoadedModel loaded(LongLlama());
  Setup setup(loaded.model(), 32, {.max_batch = 512});
  Tokens prompt = RandomTokens(2 * kPage + 20, 48, 1);
  const GenerationId first = setup.Add(Request(prompt, 30));
  setup.Finish();
  const Tokens answer = setup.answers[first];
  CHECK(setup.pool->free_pages() == 32 - 3);

  // The next turn of a conversation: the prompt, the answer, and something new.
  Tokens turn = prompt;
  turn.insert(turn.end(), answer.begin(), answer.end());
  turn.insert(turn.end(), {1, 2, 3});
  GenerationRequest request = Request(turn, 20, 2);
  request.share_prefix = true;
  const GenerationId second = setup.Add(request);
  CHECK(setup.generator.Find(second)->read == prompt.size() + answer.size() - 1);  // its last token was not read
  CHECK(setup.pool->free_pages() == 32 - 3);
  setup.Finish();
  CHECK(setup.answers[second] == Alone(loaded.model(), turn, 20, 2));
  CHECK(setup.pool->free_pages() == 32 - 3 - 2);  // a copy of the third, and a fourth

  // The same prompt again, while the first is gone; its last token is read for the logits. And one that differs soon.
  CHECK(setup.generator.Remove(first));
  request = Request(prompt, 30);
  request.share_prefix = true;
  const GenerationId third = setup.Add(request);
  CHECK(setup.generator.Find(third)->read == prompt.size() - 1);
  prompt[9] ^= 1;
  request = Request(prompt, 5);
  request.share_prefix = true;
  const GenerationId fourth = setup.Add(request);
  CHECK(setup.generator.Find(fourth)->read == 9);
  const GenerationId fifth = setup.Add(Request(prompt, 5));
  CHECK(setup.generator.Find(fifth)->read == 0);  // was not asked for
  setup.Finish();
  CHECK(setup.answers[third] == answer);
  CHECK(setup.answers[fourth] == Alone(loaded.model(), prompt, 5));
  CHECK(setup.answers[fifth] == setup.answers[fourth]);
}

TEST_CASE("generator: where memory ends, texts wait, and the last one gives way") {
  const LoadedModel loaded(LongLlama());
  const Tokens one = RandomTokens(kPage - 2, 48, 1), two = RandomTokens(kPage - 2, 48, 2);
  const Tokens large = RandomTokens(2 * kPage, 48, 3);
  Setup setup(loaded.model(), 3, {.max_batch = 512});
  const GenerationId a = setup.Add(Request(one, 40, 1)), b = setup.Add(Request(two, 100, 2));
  const GenerationId c = setup.Add(Request(large, 10, 3));  // waits: two pages of three are taken
  setup.Step();
  CHECK(setup.generator.Find(c)->read == 0);
  // Both want the third page; one gets it, the other waits until it has ended, and then goes on.
  setup.Finish();
  CHECK(setup.answers[a] == Alone(loaded.model(), one, 40, 1));
  CHECK(setup.answers[b] == Alone(loaded.model(), two, 100, 2));
  CHECK(setup.answers[c] == Alone(loaded.model(), large, 10, 3));

  // Neither can go on: the last one ends, and what it held lets the first go on.
  Setup small(loaded.model(), 2, {.max_batch = 512});
  const GenerationId d = small.Add(Request(one, 40, 1)), e = small.Add(Request(two, 40, 2));
  small.Finish();
  CHECK(small.answers[d] == Alone(loaded.model(), one, 40, 1));
  CHECK(small.state[d] == GenerationState::kLength);
  CHECK(small.state[e] == GenerationState::kNoMemory);
  CHECK(small.generator.Find(e)->error->kind == ErrorKind::kNoMemory);
  CHECK(!small.generator.Find(d)->error);
  CHECK(small.answers[e].size() == 3);
  // What has ended makes room for what comes, and is no prefix any more.
  const GenerationId f = small.Add(Request(large, 1, 3));
  small.Finish();
  CHECK(small.answers[f] == Alone(loaded.model(), large, 1, 3));
  CHECK(small.generator.Find(d)->read == 0);
  // One that fills the pool by itself.
  const GenerationId g = small.Add(Request(large, 5, 3)), h = small.Add(Request(one, 5, 1));
  small.Finish();
  CHECK(small.state[g] == GenerationState::kNoMemory);
  CHECK(small.answers[h] == Alone(loaded.model(), one, 5, 1));  // was only waiting
}

}  // namespace
}  // namespace weft::engine::test
