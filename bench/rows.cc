#include "bench/rows.h"

#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <random>

#include "reference/base/thread_pool.h"
#include "weft/weft.h"

namespace weft::bench {
namespace {
size_t failed_rows = 0;
}  // namespace

Executor Threads(size_t count) {
  static std::map<size_t, std::unique_ptr<engine::ThreadPool>> pools;
  auto& pool = pools[count];
  if (pool == nullptr) pool = std::make_unique<engine::ThreadPool>(count);
  return pool->executor();
}

std::string LowerName(DType type) {
  std::string name = Name(type);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

double Median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void Fail(benchmark::State& state, const Status& status) {
  char text[160];
  ToText(status, text, sizeof(text));
  fprintf(stderr, "kernel_bench: a row failed: %s\n", text);
  ++failed_rows;
  state.SkipWithError(text);
}

size_t FailedRows() { return failed_rows; }

Buffer<float> Normals(size_t count, float deviation) {
  constexpr size_t kDistinct = size_t{1} << 16;
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, deviation);
  Buffer<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = i < kDistinct ? normal(random) : values[i - kDistinct];
  return values;
}

std::vector<uint8_t> MakeBlocks(DType type, size_t n, size_t k, size_t copies) {
  constexpr size_t kDistinct = 16;
  const Buffer<float> rows = Normals(kDistinct * k, 0.02f);
  const size_t row_bytes = RowBytes(type, k);
  std::vector<uint8_t> blocks(copies * n * row_bytes);
  for (size_t i = 0; i < std::min(kDistinct, copies * n); ++i) {
    if (!Quantize(type, &rows[i * k], &blocks[i * row_bytes], k).ok()) return {};
  }
  for (size_t i = kDistinct; i < copies * n; ++i) {
    memcpy(&blocks[i * row_bytes], &blocks[i % kDistinct * row_bytes], row_bytes);
  }
  return blocks;
}

}  // namespace weft::bench
