// How far quantised activations move a model's predictions: never much further than llama.cpp's do.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "reference/base/thread_pool.h"
#include "tests/engine/golden.h"
#include "tests/engine/test_data.h"
#include "tests/engine/test_model.h"

namespace weft::engine::test {
namespace {

// Natural logarithms of the probabilities.
std::vector<double> LogSoftmax(const float* logits, size_t n) {
  const double max = *std::max_element(logits, logits + n);
  double sum = 0.0;
  for (size_t i = 0; i < n; ++i) sum += std::exp(logits[i] - max);
  std::vector<double> result(n);
  for (size_t i = 0; i < n; ++i) result[i] = logits[i] - max - std::log(sum);
  return result;
}

// The mean over positions of KL(exact || other).
double MeanKl(const std::vector<float>& exact, const std::vector<float>& other, size_t vocabulary) {
  REQUIRE(exact.size() == other.size());
  const size_t positions = exact.size() / vocabulary;
  double sum = 0.0;
  for (size_t p = 0; p < positions; ++p) {
    const std::vector<double> a = LogSoftmax(&exact[p * vocabulary], vocabulary);
    const std::vector<double> b = LogSoftmax(&other[p * vocabulary], vocabulary);
    for (size_t i = 0; i < vocabulary; ++i) sum += std::exp(a[i]) * (a[i] - b[i]);
  }
  return sum / static_cast<double>(positions);
}

TEST_CASE("quantised models: KL divergence from the exact logits, compared with llama.cpp's") {
  if (!SharedData("quant")) return;
  const std::vector<uint32_t> tokens = ReadTokens(*SharedData("quant/tokens.txt"));
  ThreadPool pool(2);
  for (const size_t piece : {SIZE_MAX, size_t{1}}) {
    double log_sum = 0.0;
    const std::vector<std::string> names = {"llama-256.Q4_0", "llama-256.Q4_K_M", "llama-256.Q6_K", "llama-256.Q8_0"};
    for (const std::string& name : names) {
      const LoadedModel loaded(*SharedData("quant/" + name + ".gguf"));
      const size_t vocabulary = loaded.config().vocabulary;
      const std::vector<float> exact = ReadFloats(*SharedData("quant/" + name + ".exact.logits.f32"));
      const std::vector<float> theirs = ReadFloats(*SharedData("quant/" + name + ".logits.f32"));
      const std::vector<float> ours = AllLogits(loaded.model(), tokens, piece, pool.executor());
      const double our_kl = MeanKl(exact, ours, vocabulary), their_kl = MeanKl(exact, theirs, vocabulary);
      const double ratio = our_kl / their_kl;
      log_sum += std::log(ratio);
      std::printf("%-18s %-14s KL %.3e, llama.cpp's %.3e, ratio %.3f\n", name.c_str(),
                  piece == 1 ? "token by token" : "one batch", our_kl, their_kl, ratio);
      CHECK_MESSAGE(ratio <= 1.15, name);
    }
    const double mean = std::exp(log_sum / static_cast<double>(names.size()));
    std::printf("geometric mean of the ratios: %.3f\n", mean);
    CHECK(mean <= 1.0);
  }
}

}  // namespace
}  // namespace weft::engine::test
