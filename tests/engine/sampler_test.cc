#include "reference/sampling/sampler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "tests/engine/sampling.h"

namespace weft::engine::test {
namespace {

TEST_CASE("Sampler: greedy takes the first of the largest logits") {
  Sampler sampler(Greedy());
  CHECK(sampler.Sample(std::vector<float>{1, 3, 2, 3}) == 1);
  CHECK(sampler.Sample(std::vector<float>{-5, -3, -4}) == 1);
  CHECK(sampler.Sample(std::vector<float>{kNan, -7, kNan}) == 1);
  CHECK(sampler.Sample(std::vector<float>{-kInfinity, kNan, -1e38f}) == 2);
  CHECK(sampler.Sample(std::vector<float>{kNan, kNan}) == 0);
  CHECK(sampler.Sample(std::vector<float>{0, kInfinity, kInfinity}) == 1);
  CHECK(sampler.Sample(std::vector<float>{7}) == 0);
}

TEST_CASE("Sampler: draws follow the softmax of the logits over the temperature") {
  constexpr size_t kDraws = 200000;
  const std::vector<double> p = {0.4, 0.0, 0.25, 0.2, 0.1, 0.04, 0.01};
  for (const float temperature : {0.5f, 1.0f, 2.0f}) {
    CAPTURE(temperature);
    SamplerOptions options = Plain();
    options.temperature = temperature;
    std::vector<double> expected;
    for (const double x : p) expected.push_back(x > 0 ? std::pow(x, 1 / temperature) : 0);
    CheckDistribution(Count(options, LogitsOf(p), kDraws), expected, kDraws);
  }
  // A constant added to the logits changes nothing, however large.
  std::vector<float> shifted = {30000, 30001, 30002};
  CheckDistribution(Count(Plain(), shifted, kDraws), {1, std::exp(1.0), std::exp(2.0)}, kDraws);
}

TEST_CASE("Sampler: a wrong distribution is noticed") {
  // The check of the test above must be able to fail: a tenth more for one of seven tokens is too much.
  const std::vector<double> p = {0.4, 0.2, 0.2, 0.2};
  const auto counts = Count(Plain(), LogitsOf(p), 200000);
  double statistic = 0;
  const std::vector<double> wrong = {0.44, 0.2 - 0.04 / 3, 0.2 - 0.04 / 3, 0.2 - 0.04 / 3};
  for (const auto& [token, count] : counts) {
    const double expected = wrong[token] * 200000;
    statistic += (static_cast<double>(count) - expected) * (static_cast<double>(count) - expected) / expected;
  }
  CHECK(statistic > 100);  // the bound for 3 degrees of freedom is about 31
}

TEST_CASE("Sampler: large vocabulary, every filter off or on") {
  constexpr size_t kDraws = 40000;
  std::vector<double> p(1000);
  for (size_t i = 0; i < p.size(); ++i) p[i] = 1.0 + static_cast<double>(i * 7919 % 1000) / 1000;
  CheckDistribution(Count(Plain(), LogitsOf(p), kDraws), p, kDraws);

  // top-p without top-k: the same smallest set as by sorting.
  SamplerOptions options = Plain();
  options.top_p = 0.3f;
  double total = 0, sum = 0;
  for (const double x : p) total += x;
  std::vector<size_t> order(p.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] > p[b]; });
  std::vector<double> kept(p.size(), 0.0);
  for (const size_t i : order) {
    if (sum >= 0.3 * total) break;
    sum += kept[i] = p[i];
  }
  CheckDistribution(Count(options, LogitsOf(p), kDraws), kept, kDraws);
}

TEST_CASE("Sampler: top-k keeps exactly k, of equal tokens those with the lowest ids") {
  SamplerOptions options = Plain();
  options.top_k = 3;
  CHECK(Support(options, {1, 2, 3, 2, 2, 0}) == std::set<uint32_t>{1, 2, 3});
  options.top_k = 1;
  CHECK(Support(options, {1, 3, 3}) == std::set<uint32_t>{1});
  options.top_k = 100;
  CHECK(Support(options, {0, 0, 0}) == std::set<uint32_t>{0, 1, 2});
  options.top_k = 2;
  constexpr size_t kDraws = 100000;
  CheckDistribution(Count(options, LogitsOf({0.5, 0.1, 0.3, 0.1}), kDraws), {0.5, 0, 0.3, 0}, kDraws);
}

TEST_CASE("Sampler: top-p keeps the smallest set that reaches p") {
  // Powers of two, so that logits, probabilities and sums are exact.
  const std::vector<float> logits = LogitsOf({0.125, 0.5, 0.25, 0.125});
  for (const uint32_t top_k : {0u, 3u, 4u}) {
    CAPTURE(top_k);
    SamplerOptions options = Plain();
    options.top_k = top_k;
    const double total = top_k == 3 ? 0.875 : 1.0;
    options.top_p = static_cast<float>(0.49 / total);
    CHECK(Support(options, logits) == std::set<uint32_t>{1});
    options.top_p = static_cast<float>(0.51 / total);
    CHECK(Support(options, logits) == std::set<uint32_t>{1, 2});
    options.top_p = static_cast<float>(0.76 / total);
    CHECK(Support(options, logits) == std::set<uint32_t>{0, 1, 2});  // of the two equal ones the first
    options.top_p = 0.0f;
    CHECK(Support(options, logits) == std::set<uint32_t>{1});
  }
  // Exactly reached is reached: equal logits have weights of exactly 1.
  SamplerOptions options = Plain();
  options.top_p = 0.5f;
  CHECK(Support(options, {2, 2, 2, 2}) == std::set<uint32_t>{0, 1});
}

TEST_CASE("Sampler: min-p drops what is below a fraction of the most probable token") {
  const std::vector<float> logits = LogitsOf({0.4, 0.3, 0.19, 0.11});
  SamplerOptions options = Plain();
  options.min_p = 0.5f;
  CHECK(Support(options, logits) == std::set<uint32_t>{0, 1});
  options.min_p = 0.4f;
  CHECK(Support(options, logits) == std::set<uint32_t>{0, 1, 2});
  options.min_p = 1.0f;
  CHECK(Support(options, {1, 5, 5, 2}) == std::set<uint32_t>{1, 2});
  // After the temperature: at temperature 2 the ratio 0.11 / 0.4 becomes its square root, 0.52.
  options.temperature = 2;
  options.min_p = 0.5f;
  CHECK(Support(options, logits).size() == 4);
}

TEST_CASE("Sampler: top-p works on what top-k has left, min-p on what top-p has left") {
  SamplerOptions options = Plain();
  options.top_k = 2;
  options.top_p = 0.6f;  // of 0.4 + 0.3: reached by 0.4 and 0.3, not by 0.4 alone (0.571)
  CHECK(Support(options, LogitsOf({0.1, 0.3, 0.4, 0.2})) == std::set<uint32_t>{1, 2});
  options.top_p = 0.55f;
  CHECK(Support(options, LogitsOf({0.1, 0.3, 0.4, 0.2})) == std::set<uint32_t>{2});
  options.top_k = 0;
  options.top_p = 0.85f;  // 0.4 + 0.3 + 0.2
  options.min_p = 0.6f;   // 0.24
  CHECK(Support(options, LogitsOf({0.1, 0.3, 0.4, 0.2})) == std::set<uint32_t>{1, 2});
}

TEST_CASE("Sampler: the repetition penalty divides positive and multiplies negative logits, once per token") {
  SamplerOptions options = Greedy();
  options.repeat_penalty = 2.0f;
  {
    Sampler sampler(options);
    sampler.Accept(0);
    sampler.Accept(0);  // once: 5 / 2 = 2.5, not 1.25
    CHECK(sampler.Sample(std::vector<float>{5, 2}) == 0);
  }
  {
    Sampler sampler(options);
    sampler.Accept(0);
    CHECK(sampler.Sample(std::vector<float>{5, 3}) == 1);
    CHECK(sampler.Sample(std::vector<float>{5, 3}) == 0);  // 1 is remembered now: 2.5 and 1.5
  }
  {
    Sampler sampler(options);
    sampler.Accept(0);
    CHECK(sampler.Sample(std::vector<float>{-1, -1.5f}) == 1);
  }
  {
    options.repeat_last = 2;
    Sampler sampler(options);
    sampler.Accept(0);
    sampler.Accept(1);
    CHECK(sampler.Sample(std::vector<float>{8, 7, 3.75f}) == 0);  // 4, 3.5, 3.75; remembers 1, 0
    CHECK(sampler.Sample(std::vector<float>{8, 7, 3.75f}) == 0);  // remembers 0, 0
    CHECK(sampler.Sample(std::vector<float>{8, 7, 3.75f}) == 1);  // 4, 7, 3.75: 1 is forgotten
  }
  {
    options.repeat_last = 0;
    Sampler sampler(options);
    sampler.Accept(0);
    CHECK(sampler.Sample(std::vector<float>{5, 3}) == 0);
  }
  {
    options.repeat_last = 64;
    Sampler sampler(options);
    sampler.Accept(4000000000u);  // outside the vocabulary: ignored
    CHECK(sampler.Sample(std::vector<float>{5, 3}) == 0);
  }
}

TEST_CASE("Sampler: special values never win and never break a draw") {
  SamplerOptions options = Plain();
  CHECK(Support(options, {kNan, 1, -kInfinity, 1}) == std::set<uint32_t>{1, 3});
  CHECK(Support(options, {0, kInfinity, 5, kInfinity}) == std::set<uint32_t>{1, 3});
  CHECK(Support(options, {kNan, -kInfinity}) == std::set<uint32_t>{0, 1});  // nothing to go by: all alike
  options.temperature = 1e-30f;
  CHECK(Support(options, {1, 1.0001f, 1}) == std::set<uint32_t>{1});
  options.temperature = 1e38f;  // the difference of the extremes overflows in float
  CHECK(Support(options, {-3e38f, 3e38f, 0}).size() == 3);
  for (const uint32_t top_k : {0u, 2u}) {
    options = SamplerOptions();
    options.top_k = top_k;
    CHECK(Support(options, {kNan, kNan, 2, kNan}) == std::set<uint32_t>{2});
  }
}

TEST_CASE("Sampler: the same seed gives the same tokens, another seed others") {
  std::vector<float> logits(500);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i * 7919 % 500) / 100;
  const auto draw = [&](uint64_t seed) {
    SamplerOptions options;
    options.temperature = 2;
    options.seed = seed;
    Sampler sampler(options);
    std::vector<uint32_t> tokens;
    for (int i = 0; i < 100; ++i) tokens.push_back(sampler.Sample(logits));
    return tokens;
  };
  CHECK(draw(7) == draw(7));
  CHECK(draw(7) != draw(8));
  CHECK(draw(0) != draw(1));
}

TEST_CASE("Sampler: tokens stay what they were") {
  std::vector<float> logits(500);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i * 7919 % 500) / 100;
  const auto draw = [&](const SamplerOptions& options) {
    Sampler sampler(options);
    std::vector<uint32_t> tokens;
    for (int i = 0; i < 12; ++i) tokens.push_back(sampler.Sample(logits));
    return tokens;
  };
  using Tokens = std::vector<uint32_t>;
  CHECK(draw({.seed = 3}) == Tokens{25, 383, 247, 99, 315, 494, 247, 346, 56, 247, 235, 204});
  CHECK(draw({.temperature = 1.5f, .top_k = 0, .top_p = 0.9f, .min_p = 0, .seed = 4}) ==
        Tokens{19, 256, 433, 164, 93, 94, 322, 329, 105, 192, 284, 139});
  CHECK(draw({.temperature = 2,
              .top_k = 100,
              .top_p = 1,
              .min_p = 0.2f,
              .repeat_penalty = 1.3f,
              .repeat_last = 5,
              .seed = 5}) == Tokens{25, 476, 81, 1, 87, 38, 124, 322, 451, 414, 205, 241});
  CHECK(draw({.temperature = 0, .repeat_penalty = 1.1f}) ==
        Tokens{321, 142, 463, 284, 105, 426, 247, 68, 389, 210, 31, 352});
  CHECK(draw({.temperature = 3, .top_k = 0, .top_p = 1, .min_p = 0, .seed = 6}) ==
        Tokens{384, 470, 440, 70, 95, 23, 23, 405, 481, 470, 142, 137});
}

TEST_CASE("Sampler: the generator is xoshiro256** seeded by splitmix64") {
  // An implementation of its own, as its authors describe it. With n equal logits the token is floor(n * uniform).
  uint64_t seed = 42, s[4];
  for (uint64_t& word : s) {
    seed += 0x9E3779B97F4A7C15u;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    word = z ^ (z >> 31);
  }
  const auto rotl = [](uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
  Sampler sampler(Plain(42));
  const std::vector<float> logits(1024, 0.0f);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t result = rotl(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    CHECK(sampler.Sample(logits) == result >> 54);
  }
}

}  // namespace
}  // namespace weft::engine::test
