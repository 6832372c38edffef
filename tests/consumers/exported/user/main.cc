// A third project, which knows the engine only.
#include <engine.h>
#include <stdio.h>

#include <vector>

int main() {
  const size_t rows = 5, cols = 40;  // small integers: every sum is exact
  std::vector<float> w(rows * cols), x(cols), y(rows);
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 7) - 3;
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 5) - 2;
  const weft::Status status = Multiply(w.data(), rows, cols, x.data(), y.data());
  bool good = status.ok();
  for (size_t r = 0; r < rows; ++r) {
    float sum = 0;
    for (size_t c = 0; c < cols; ++c) sum += w[r * cols + c] * x[c];
    good = good && y[r] == sum;
  }
  printf("engine: %s\n", good ? "good" : "wrong");
  return good ? 0 : 1;
}
