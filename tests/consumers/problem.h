// A small matrix-vector product and its check by a plain loop, shared by the example projects.
#ifndef WEFT_TESTS_CONSUMERS_PROBLEM_H_
#define WEFT_TESTS_CONSUMERS_PROBLEM_H_

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include <algorithm>
#include <vector>

struct Problem {
  static constexpr size_t kRows = 40, kCols = 1024;
  std::vector<float> weights = std::vector<float>(kRows * kCols);
  std::vector<float> x = std::vector<float>(kCols);

  Problem() {
    for (size_t i = 0; i < weights.size(); ++i) weights[i] = sinf(0.37f * static_cast<float>(i));
    for (size_t i = 0; i < x.size(); ++i) x[i] = cosf(0.11f * static_cast<float>(i));
  }

  // Prints the first results of y = W x and checks all of them. `decoded`: what the encoded weights stand for; `group`:
  // how many activations share a scale. Each activation may be off by half a step, its group's peak / 127 / 2, and
  // every float operation by an epsilon of the sum of magnitudes.
  bool Check(const char* name, const std::vector<float>& decoded, size_t group, const std::vector<float>& y) const {
    bool good = true;
    for (size_t row = 0; row < kRows; ++row) {
      const float* w = &decoded[row * kCols];
      double sum = 0.0, magnitude = 0.0, bound = 0.0;
      for (size_t begin = 0; begin < kCols; begin += group) {
        double peak = 0.0, weight = 0.0;
        for (size_t i = begin; i < begin + group; ++i) {
          sum += static_cast<double>(w[i]) * x[i];
          magnitude += fabs(static_cast<double>(w[i]) * x[i]);
          peak = std::max(peak, fabs(static_cast<double>(x[i])));
          weight += fabs(static_cast<double>(w[i]));
        }
        bound += peak / 254.0 * weight;
      }
      bound += kCols * static_cast<double>(FLT_EPSILON) * (magnitude + bound);
      if (!(fabs(y[row] - sum) <= bound)) {
        printf("%s: row %zu is %g, but the plain loop says %g +- %g\n", name, row, y[row], sum, bound);
        good = false;
      }
    }
    printf("%s: y = %.4f %.4f %.4f ... %s\n", name, y[0], y[1], y[2], good ? "ok" : "WRONG");
    return good;
  }
};

#endif  // WEFT_TESTS_CONSUMERS_PROBLEM_H_
