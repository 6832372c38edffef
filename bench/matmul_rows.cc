#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "bench/rows.h"
#include "weft/core/kernel_set.h"
#include "weft/formats/formats.h"
#include "weft/weft.h"

namespace weft::bench {
namespace {

using Clock = std::chrono::steady_clock;
using roofline::Peak;

// The buffer of the bandwidth measurement is shared by all rows.
double MeasureRead(const Executor& executor, double seconds) {
  static roofline::ReadBandwidth memory(size_t{512} << 20);
  return memory.Measure(executor, seconds);
}

// A row's times, and with `roofline` the peaks before and after them.
class Row {
 public:
  Row(benchmark::State& state, Peak peak, const Executor& executor, bool roofline)
      : state_(state), peak_(peak), executor_(executor), roofline_(roofline) {
    if (!roofline_) return;
    state_.SetLabel(std::string("peak: ") + roofline::Name(peak_));
    MeasureMachine();
  }

  template <class F>
  void Time(const F& work) {
    const auto start = Clock::now();
    work();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    state_.SetIterationTime(seconds);
    times_.push_back(seconds);
  }

  // `macs`, `bytes`: of one iteration. Rates are those of the median iteration.
  void Finish(double macs, double bytes) {
    if (times_.empty()) return;
    const double seconds = Median(times_);
    state_.counters["macs_per_s"] = macs / seconds;
    state_.counters["bytes_per_s"] = bytes / seconds;
    if (!roofline_) return;
    MeasureMachine();
    state_.counters["macs_per_cycle"] = macs / seconds / (clock_sum_ / 2) / executor_.workers;
    state_.counters["peak_fraction"] = macs / seconds / (peak_sum_ / 2);
    state_.counters["bandwidth_fraction"] = bytes / seconds / (read_sum_ / 2);
  }

 private:
  void MeasureMachine() {
    peak_sum_ += roofline::MeasurePeak(peak_, executor_, 0.02);
    read_sum_ += MeasureRead(executor_, 0.06);
    clock_sum_ += roofline::MeasureClock(0.005);
  }

  benchmark::State& state_;
  Peak peak_;
  Executor executor_;
  bool roofline_;
  double peak_sum_ = 0.0, read_sum_ = 0.0, clock_sum_ = 0.0;
  std::vector<double> times_;
};

struct Case {
  DType type;
  Shape shape;
  size_t threads;
  size_t memory;   // rotate through this much; 0: the same weights again and again
  size_t experts;  // each with its own weights and m of all tokens; 0: an ordinary product
  bool roofline;
  Precision precision = Precision::kFast;
};

void MatMulRow(benchmark::State& state, const Case& c) {
  const Shape& s = c.shape;
  const size_t matrix = s.n * RowBytes(c.type, s.k);
  const size_t per_call = std::max<size_t>(1, c.experts);
  const size_t copies = std::max(per_call, (c.memory + matrix - 1) / matrix);
  const std::vector<uint8_t> blocks = MakeBlocks(c.type, s.n, s.k, copies);
  const size_t tokens = c.experts != 0 ? s.m * c.experts / 2 : s.m;  // two experts per token
  const Buffer<float> x = Normals(tokens * s.k);
  std::vector<float> y(s.m * s.n);
  std::vector<uint8_t> forms(ActivationBytes(tokens, s.k)), scratch;
  const Executor executor = Threads(c.threads);
  size_t next = 0;
  Row row(state, roofline::PeakOf(c.type, c.precision), executor, c.roofline);
  for (auto _ : state) {
    ActivationSet set = MakeActivations(x.data(), tokens, s.k, s.k, {forms.data(), forms.size()});
    MatMulArgs args;
    args.x = &set;
    args.y = y.data();
    args.y_stride = s.n;
    args.precision = c.precision;
    std::vector<uint32_t> index(s.m);
    Status status = Ok();
    args.w = MakeWeights(blocks.data(), c.type, s.n, s.k);
    if (c.experts != 0) {
      args.row_index = index.data();
      args.row_count = s.m;
    }
    scratch.resize(std::max(scratch.size(), MatMulWorkspaceBytes(args, executor.workers)));
    row.Time([&] {
      for (size_t e = 0; e < per_call && status.ok(); ++e) {
        args.w.data = blocks.data() + next * matrix;
        next = (next + 1) % copies;
        for (size_t i = 0; c.experts != 0 && i < s.m; ++i) index[i] = static_cast<uint32_t>((i * 7 + e) % tokens);
        status = MatMul(args, executor, {scratch.data(), scratch.size()});
      }
    });
    if (!status.ok()) return Fail(state, status);
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  const double calls = static_cast<double>(per_call);
  row.Finish(calls * static_cast<double>(s.m * s.n * s.k), calls * static_cast<double>(matrix));
}

void SgemmRow(benchmark::State& state, const Shape& s, size_t threads, bool roofline) {
  const SgemmFunction sgemm = FindSgemm(threads);
  const Buffer<float> x = Normals(s.m * s.k), w = Normals(s.n * s.k);
  std::vector<float> y(s.m * s.n);
  Row row(state, Peak::kF32Fma, Threads(threads), roofline);
  for (auto _ : state) {
    row.Time([&] { sgemm(s.m, s.n, s.k, x.data(), w.data(), y.data()); });
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  row.Finish(static_cast<double>(s.m * s.n * s.k), static_cast<double>(w.size() * sizeof(float)));
}

void RooflineRow(benchmark::State& state, size_t threads, const char* counter, const char* per_cycle,
                 const std::function<double(const Executor&)>& measure) {
  std::vector<double> rates;
  for (auto _ : state) {
    const auto start = Clock::now();
    rates.push_back(measure(Threads(threads)));
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
  const double rate = Median(rates);
  state.counters[counter] = rate;
  if (per_cycle != nullptr) {
    state.counters[per_cycle] = rate / roofline::MeasureClock(0.02) / static_cast<double>(threads);
  }
}

std::string Sizes(const Shape& s) { return "n:" + std::to_string(s.n) + "/k:" + std::to_string(s.k); }

template <class F>
void Add(const std::string& name, const F& run) {
  benchmark::RegisterBenchmark(name.c_str(), run)->Unit(benchmark::kMillisecond)->UseManualTime();
}

void AddProduct(const Plan& plan, DType type, const Shape& shape, size_t threads,
                Precision precision = Precision::kFast) {
  if (!Fits(type, shape.k)) return;
  const std::string format = LowerName(type);
  const Case c{type, shape, threads, shape.m <= 16 ? plan.memory : 0, 0, plan.roofline, precision};
  const std::string operation =
      shape.m == 1 ? "matvec/" + format : "matmul/" + format + "/m:" + std::to_string(shape.m);
  const char* suffix = precision == Precision::kFine ? "/fine" : "";
  Add(operation + "/" + Sizes(shape) + ThreadsSuffix(threads) + suffix,
      [c](benchmark::State& state) { MatMulRow(state, c); });
}

}  // namespace

void RegisterRoofline(const Plan& plan) {
  for (const size_t threads : plan.threads) {
    const auto add = [&](const char* name, const char* counter, const char* per_cycle,
                         const std::function<double(const Executor&)>& measure) {
      Add(std::string("roofline/") + name + ThreadsSuffix(threads),
          [=](benchmark::State& state) { RooflineRow(state, threads, counter, per_cycle, measure); });
    };
    for (size_t i = 0; i < roofline::kPeaks; ++i) {
      const auto peak = static_cast<Peak>(i);
      add(roofline::Name(peak), "macs_per_s", "macs_per_cycle",
          [peak](const Executor& e) { return roofline::MeasurePeak(peak, e, 0.01); });
    }
    add("read", "bytes_per_s", "bytes_per_cycle", [](const Executor& e) { return MeasureRead(e, 0.05); });
  }
}

void RegisterProducts(const Plan& plan) {
  constexpr size_t kTokens[] = {1, 2, 4, 8, 32, 512}, kFineTokens[] = {1, 4, 512};
  ForEachFormat([&]<class Format>() {
    for (const size_t threads : plan.threads) {
      for (const size_t m : kTokens) AddProduct(plan, Format::kType, {m, 4096, 4096}, threads);
      for (const Shape& shape : plan.shapes) AddProduct(plan, Format::kType, shape, threads);
      for (const size_t m : kFineTokens) {
        if (!kIsFloat<Format>) AddProduct(plan, Format::kType, {m, 4096, 4096}, threads, Precision::kFine);
      }
    }
  });
  for (const size_t threads : plan.threads) {
    const Case warm{DType::kQ4_K, {1, 4096, 4096}, threads, 0, 0, plan.roofline};
    Add("matvec/q4_k/" + Sizes(warm.shape) + ThreadsSuffix(threads) + "/warm",
        [warm](benchmark::State& state) { MatMulRow(state, warm); });
    // 64 tokens, two experts each of 32: four tokens per expert. And 512 of eight experts.
    for (const auto& [experts, m] : {std::pair<size_t, size_t>{32, 4}, {8, 128}}) {
      const Case c{DType::kQ4_K, {m, 1024, 2048}, threads, plan.memory, experts, plan.roofline};
      Add("experts/q4_k/experts:" + std::to_string(experts) + "/m:" + std::to_string(m) + "/" + Sizes(c.shape) +
              ThreadsSuffix(threads),
          [c](benchmark::State& state) { MatMulRow(state, c); });
    }
    if (FindSgemm(threads) != nullptr) {
      const Shape shape{512, 4096, 4096};
      Add("matmul/openblas_f32/m:512/" + Sizes(shape) + ThreadsSuffix(threads),
          [=, roofline = plan.roofline](benchmark::State& state) { SgemmRow(state, shape, threads, roofline); });
    }
  }
}

}  // namespace weft::bench
