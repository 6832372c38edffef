#include <benchmark/benchmark.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "bench/rows.h"
#include "weft/formats/formats.h"
#include "weft/weft.h"

namespace weft::bench {
namespace {

constexpr size_t kWeights = size_t{1} << 18;  // with their blocks, of the size of a second-level cache

// Encodes, or decodes, kWeights normal numbers over and over. weights_per_s: of the median iteration.
void ConvertRow(benchmark::State& state, DType type, size_t threads, bool encode) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, 0.02f);
  std::vector<float> x(kWeights);
  std::generate(x.begin(), x.end(), [&] { return normal(random); });
  std::vector<uint8_t> blocks(RowBytes(type, kWeights));
  const Executor executor = Threads(threads);
  Status status = Quantize(type, x.data(), blocks.data(), kWeights, executor);
  std::vector<double> times;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    if (status.ok()) {
      status = encode ? Quantize(type, x.data(), blocks.data(), kWeights, executor)
                      : Dequantize(type, blocks.data(), x.data(), kWeights, executor);
    }
    times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    state.SetIterationTime(times.back());
    if (!status.ok()) return Fail(state, status);
    benchmark::ClobberMemory();
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  state.counters["weights_per_s"] = static_cast<double>(kWeights) / times[times.size() / 2];
}

}  // namespace

void RegisterConversions(const Plan& plan) {
  ForEachFormat([&]<class Format>() {
    std::string format = Name(Format::kType);
    std::transform(format.begin(), format.end(), format.begin(), [](unsigned char c) { return std::tolower(c); });
    for (const size_t threads : plan.threads) {
      for (const bool encode : {true, false}) {
        const std::string name = (encode ? "quantize/" : "dequantize/") + format + "/n:" + std::to_string(kWeights) +
                                 "/threads:" + std::to_string(threads);
        benchmark::RegisterBenchmark(
            name.c_str(), [=](benchmark::State& state) { ConvertRow(state, Format::kType, threads, encode); })
            ->Unit(benchmark::kMillisecond)
            ->UseManualTime();
      }
    }
  });
}

}  // namespace weft::bench
