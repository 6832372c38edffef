// What a sampler's distribution can be told before a draw, and what it tells after it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <vector>

#include "reference/sampling/sampler.h"
#include "reference/sampling/token_mask.h"
#include "tests/engine/sampling.h"

namespace weft::engine::test {
namespace {

TEST_CASE("Sampler: a mask goes before everything else") {
  const std::vector<float> logits = LogitsOf({0.4, 0.3, 0.15, 0.1, 0.05});
  const auto odd = TokenMask::Of(5, [](uint32_t token) { return token % 2 == 1; });
  Sampler greedy(Greedy());
  REQUIRE(greedy.SetLogits(logits, &odd).ok());
  CHECK(greedy.Draw() == 1);

  // Top-k, top-p and min-p see what it has left.
  SamplerOptions options = Plain();
  options.top_k = 2;
  Sampler top_k(options);
  REQUIRE(top_k.SetLogits(logits, &odd).ok());
  REQUIRE(top_k.candidates().size() == 2);
  CHECK(top_k.Probability(1u) == doctest::Approx(0.75));
  CHECK(top_k.Probability(3u) == doctest::Approx(0.25));
  CHECK(top_k.Probability(0u) == 0);
  options = Plain();
  options.top_p = 0.7f;
  options.min_p = 0.5f;
  Sampler top_p(options);
  REQUIRE(top_p.SetLogits(logits, &odd).ok());
  REQUIRE(top_p.candidates().size() == 1);
  CHECK(top_p.candidates()[0].token == 1);

  // The same tokens as if the others had no probability; each seed of the two samplers draws the same numbers.
  Sampler masked(Plain(9)), without(Plain(9));
  std::vector<float> impossible = logits;
  for (const size_t even : {0, 2, 4}) impossible[even] = -kInfinity;
  for (int i = 0; i < 200; ++i) {
    REQUIRE(masked.SetLogits(logits, &odd).ok());
    CHECK(masked.Draw() == without.Sample(impossible));
  }
  // Where nothing that is allowed has a probability, what is allowed is alike.
  const std::vector<float> nothing = {1, kNan, 1, -kInfinity, 1};
  std::set<uint32_t> drawn;
  for (int i = 0; i < 200; ++i) {
    REQUIRE(masked.SetLogits(nothing, &odd).ok());
    drawn.insert(masked.Draw());
  }
  CHECK(drawn == std::set<uint32_t>{1, 3});
}

TEST_CASE("Sampler: a mask that leaves nothing is an error that changes nothing") {
  const std::vector<float> logits = LogitsOf({0.5, 0.25, 0.25});
  Sampler sampler(Plain(3)), other(Plain(3));
  REQUIRE(sampler.SetLogits(logits).ok());
  REQUIRE(other.SetLogits(logits).ok());
  const TokenMask none(3);
  TokenMask beyond(100, true);  // of a larger vocabulary: nothing that these logits have
  for (uint32_t token = 0; token < 3; ++token) beyond.Set(token, false);
  for (const TokenMask& mask : {none, beyond, TokenMask(0)}) {
    const Result<void> set = sampler.SetLogits(logits, &mask);
    REQUIRE(!set.ok());
    CHECK(set.error().message == "the mask leaves no token to choose");
  }
  CHECK(!sampler.SetLogits({}).ok());
  CHECK(sampler.candidates().size() == 3);
  for (int i = 0; i < 50; ++i) CHECK(sampler.Draw() == other.Draw());
}

TEST_CASE("TokenMask: bits of a vocabulary, none beyond it") {
  TokenMask mask(70);
  for (const uint32_t token : {0u, 63u, 64u, 69u}) {
    CHECK(!mask.Allows(token));
    mask.Set(token, true);
    CHECK(mask.Allows(token));
  }
  mask.Set(70, true);
  mask.Set(UINT32_MAX, true);
  CHECK(!mask.Allows(70));
  CHECK(!mask.Allows(UINT32_MAX));
  mask.Set(64, false);
  CHECK(!mask.Allows(64));
  CHECK(mask.Allows(63));
  mask.SetAll(true);
  CHECK(mask.Allows(64));
  CHECK(!mask.Allows(71));
  CHECK(!TokenMask(0, true).Allows(0));
}

TEST_CASE("Sampler: the distribution can be read before a draw") {
  const std::vector<double> p = {0.1, 0.4, 0.3, 0.2};
  Sampler all(Plain());
  REQUIRE(all.SetLogits(LogitsOf(p)).ok());
  REQUIRE(all.candidates().size() == 4);
  for (uint32_t token = 0; token < 4; ++token) {
    CHECK(all.candidates()[token].token == token);
    CHECK(all.Probability(token) == doctest::Approx(p[token]));
  }
  SamplerOptions options = Plain();
  options.top_p = 0.65f;
  Sampler two(options);
  REQUIRE(two.SetLogits(LogitsOf(p)).ok());
  REQUIRE(two.candidates().size() == 2);
  CHECK(two.candidates()[0].token == 1);
  CHECK(two.candidates()[0].weight == 1.0f);
  CHECK(two.Probability(two.candidates()[0]) == doctest::Approx(4.0 / 7));
  CHECK(two.Probability(2u) == doctest::Approx(3.0 / 7));
  options.temperature = 2;  // square roots
  options.top_k = 2;
  Sampler warm(options);
  REQUIRE(warm.SetLogits(LogitsOf(p)).ok());
  CHECK(warm.Probability(1u) == doctest::Approx(std::sqrt(0.4) / (std::sqrt(0.4) + std::sqrt(0.3))));
  Sampler greedy(Greedy());
  REQUIRE(greedy.SetLogits(LogitsOf(p)).ok());
  REQUIRE(greedy.candidates().size() == 1);
  CHECK(greedy.Probability(1u) == 1.0);

  // Drawn again and again from one distribution, as a guess that is checked may be.
  std::map<uint32_t, size_t> counts;
  for (int i = 0; i < 100000; ++i) ++counts[all.Draw()];
  CheckDistribution(counts, p, 100000);
}

}  // namespace
}  // namespace weft::engine::test
