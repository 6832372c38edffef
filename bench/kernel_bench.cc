// Microbenchmarks of the matrix product, one thread:
//   kernel_bench [--target NAME] [Google Benchmark's options]
// Rows: matmul/FORMAT/m:TOKENS/n:ROWS/k:COLS/threads:1 and matvec/... for one token, with the counters macs_per_s
// (multiply-accumulates) and bytes_per_s (of weights read, once per product). All rows run with weights that may stay
// in the last-level cache, which the name says where it matters: "warm".
#include <benchmark/benchmark.h>
#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <cctype>
#include <random>
#include <string>
#include <vector>

#include "weft/formats/formats.h"
#include "weft/weft.h"

namespace {

struct Shape {
  size_t m, n, k;
};

// Valid blocks of moderate size: encoded from normal numbers, one row repeated.
std::vector<uint8_t> MakeBlocks(weft::DType type, size_t n, size_t k) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, 0.02f);
  std::vector<float> row(k);
  std::generate(row.begin(), row.end(), [&] { return normal(random); });
  const size_t row_bytes = weft::RowBytes(type, k);
  std::vector<uint8_t> blocks(n * row_bytes);
  if (!weft::Quantize(type, row.data(), blocks.data(), k).ok()) return {};
  for (size_t i = 1; i < n; ++i) memcpy(&blocks[i * row_bytes], blocks.data(), row_bytes);
  return blocks;
}

void MatMulRow(benchmark::State& state, weft::DType type, Shape shape) {
  const std::vector<uint8_t> blocks = MakeBlocks(type, shape.n, shape.k);
  std::vector<float> x(shape.m * shape.k), y(shape.m * shape.n);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 17) - 8.0f;
  std::vector<uint8_t> form(weft::ActivationBytes(shape.m, shape.k));
  std::vector<uint8_t> scratch;
  for (auto _ : state) {
    weft::ActivationSet set = weft::MakeActivations(x.data(), shape.m, shape.k, shape.k, {form.data(), form.size()});
    weft::MatMulArgs args;
    args.x = &set;
    args.w = weft::MakeWeights(blocks.data(), type, shape.n, shape.k);
    args.y = y.data();
    args.y_stride = shape.n;
    scratch.resize(weft::MatMulWorkspaceBytes(args, 1));
    const weft::Status status = weft::MatMul(args, {}, {scratch.data(), scratch.size()});
    if (!status.ok()) {
      char text[160];
      state.SkipWithError(weft::ToText(status, text, sizeof(text)));
      break;
    }
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  const auto rate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["macs_per_s"] = benchmark::Counter(static_cast<double>(shape.m * shape.n * shape.k), rate);
  state.counters["bytes_per_s"] = benchmark::Counter(static_cast<double>(blocks.size()), rate);
}

void Register(weft::DType type) {
  std::string format = weft::Name(type);
  std::transform(format.begin(), format.end(), format.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const Shape shape : {Shape{512, 4096, 4096}, Shape{32, 4096, 4096}, Shape{1, 4096, 4096}}) {
    const std::string sizes = "n:" + std::to_string(shape.n) + "/k:" + std::to_string(shape.k) + "/threads:1";
    const std::string name = shape.m == 1 ? "matvec/" + format + "/" + sizes + "/warm"
                                          : "matmul/" + format + "/m:" + std::to_string(shape.m) + "/" + sizes;
    benchmark::RegisterBenchmark(name.c_str(), MatMulRow, type, shape)->Unit(benchmark::kMillisecond)->UseRealTime();
  }
}

}  // namespace

int main(int argc, char** argv) {
  // Our own option is taken out before Google Benchmark sees the rest.
  for (int i = 1; i + 1 < argc; ++i) {
    if (strcmp(argv[i], "--target") != 0) continue;
    if (!weft::SetTarget(argv[i + 1]).ok()) {
      fprintf(stderr, "kernel_bench: target %s is not compiled in, or this CPU lacks it\n", argv[i + 1]);
      return 2;
    }
    std::copy(argv + i + 2, argv + argc, argv + i);
    argc -= 2;
    break;
  }
  benchmark::AddCustomContext("target", weft::ActiveTarget());
  weft::ForEachFormat([]<class Format>() { Register(Format::kType); });
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
