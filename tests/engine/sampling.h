// What the tests of the sampler share.
#ifndef WEFT_TESTS_ENGINE_SAMPLING_H_
#define WEFT_TESTS_ENGINE_SAMPLING_H_

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include "reference/sampling/sampler.h"

namespace weft::engine::test {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Everything off but the draw.
inline SamplerOptions Plain(uint64_t seed = 1) {
  SamplerOptions options;
  options.temperature = 1;
  options.top_k = 0;
  options.top_p = 1;
  options.min_p = 0;
  options.seed = seed;
  return options;
}

inline SamplerOptions Greedy() {
  SamplerOptions options;
  options.temperature = 0;
  return options;
}

inline std::map<uint32_t, size_t> Count(const SamplerOptions& options, const std::vector<float>& logits, size_t draws) {
  Sampler sampler(options);
  std::map<uint32_t, size_t> counts;
  for (size_t i = 0; i < draws; ++i) ++counts[sampler.Sample(logits)];
  return counts;
}

inline std::set<uint32_t> Support(const SamplerOptions& options, const std::vector<float>& logits) {
  std::set<uint32_t> tokens;
  for (const auto& [token, count] : Count(options, logits, 20000)) tokens.insert(token);
  return tokens;
}

// Logits of given probabilities.
inline std::vector<float> LogitsOf(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(p > 0 ? static_cast<float>(std::log(p)) : -kInfinity);
  return logits;
}

// Whether counts agree with probabilities: Pearson's chi-square statistic against the value that it exceeds with
// probability 1e-6, by the Wilson-Hilferty approximation: d (1 - 2/(9d) + z sqrt(2/(9d)))^3, z = 4.753 for 1e-6. With a
// fixed seed the outcome never varies; a wrong distribution fails with near certainty.
inline void CheckDistribution(const std::map<uint32_t, size_t>& counts, const std::vector<double>& probabilities,
                              size_t draws) {
  double total = 0, statistic = 0;
  for (const double p : probabilities) total += p;
  size_t cells = 0;
  for (size_t token = 0; token < probabilities.size(); ++token) {
    const auto found = counts.find(static_cast<uint32_t>(token));
    const double count = found == counts.end() ? 0.0 : static_cast<double>(found->second);
    const double expected = probabilities[token] / total * static_cast<double>(draws);
    if (expected == 0) {
      CHECK(count == 0);
      continue;
    }
    REQUIRE(expected >= 5);  // the approximation's usual condition
    statistic += (count - expected) * (count - expected) / expected;
    ++cells;
  }
  const double d = static_cast<double>(cells) - 1;
  const double bound = d * std::pow(1 - 2 / (9 * d) + 4.753 * std::sqrt(2 / (9 * d)), 3);
  CHECK(statistic < bound);
}

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_SAMPLING_H_
