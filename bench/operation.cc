#include "bench/operation.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

namespace weft::bench {
namespace {

using Clock = std::chrono::steady_clock;

// The smallest cache that holds `bytes` of each worker, or "memory".
std::string LevelOf(size_t bytes, size_t workers) {
  for (const auto& cache : benchmark::CPUInfo::Get().caches) {  // from the first level on
    if (cache.type == "Instruction") continue;
    const size_t sharing = std::clamp<size_t>(static_cast<size_t>(cache.num_sharing), 1, workers);
    if (bytes * sharing <= static_cast<size_t>(cache.size)) return "L" + std::to_string(cache.level);
  }
  return "memory";
}

// The bandwidth of the level that a row runs from, measured before and after it.
class Machine {
 public:
  Machine(const Operation& operation, const Executor& executor)
      : executor_(executor), stream_(operation.read, operation.written, executor.workers) {}

  void Measure() {
    bandwidth_ += stream_.Measure(executor_, 0.01);
    clock_ += roofline::MeasureClock(0.005);
    ++count_;
  }
  double bandwidth() const { return bandwidth_ / count_; }
  double clock() const { return clock_ / count_; }

 private:
  Executor executor_;
  roofline::StreamBandwidth stream_;
  double bandwidth_ = 0.0, clock_ = 0.0;
  int count_ = 0;
};

// `batch`: calls per measurement, found the first time and the same from then on: repetitions must have equal
// iterations.
void OperationRow(benchmark::State& state, const Operation& operation, size_t threads, bool roofline, size_t& batch) {
  constexpr double kBatchSeconds = 50e-6;  // a thousand times what reading the clock takes
  const Executor executor = Threads(threads);
  const Call call = operation.prepare();
  Status status = Ok();
  const auto time = [&](size_t calls) {
    const auto start = Clock::now();
    for (size_t i = 0; i < calls && status.ok(); ++i) {
      status = call(executor);
      benchmark::ClobberMemory();
    }
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  time(1);  // pages, caches
  if (batch == 0) {
    batch = 1;
    while (time(batch) < kBatchSeconds && status.ok()) batch *= 2;
  }
  if (!status.ok()) return Fail(state, status);

  std::optional<Machine> machine;
  if (roofline) machine.emplace(operation, executor).Measure();
  std::vector<double> times;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(batch))) {
    const double seconds = time(batch);
    state.SetIterationTime(seconds);
    times.push_back(seconds / static_cast<double>(batch));
  }
  if (!status.ok()) return Fail(state, status);
  const double seconds = Median(times);
  const double rate = static_cast<double>(operation.read + operation.written) / seconds;
  state.SetLabel(LevelOf((operation.read + operation.written) / executor.workers, executor.workers));
  state.counters["calls_per_s"] = 1.0 / seconds;
  state.counters["elements_per_s"] = static_cast<double>(operation.elements) / seconds;
  state.counters["bytes_per_s"] = rate;
  if (operation.macs != 0) state.counters["macs_per_s"] = static_cast<double>(operation.macs) / seconds;
  if (!machine) return;
  machine->Measure();
  state.counters["bytes_per_cycle"] = rate / machine->clock() / executor.workers;
  state.counters["cache_bytes_per_s"] = machine->bandwidth();
  state.counters["cache_fraction"] = rate / machine->bandwidth();
}

}  // namespace

void AddOperation(const Plan& plan, const Operation& operation) {
  for (const size_t threads : plan.threads) {
    if (threads > operation.pieces) continue;
    const std::string name = operation.name + ThreadsSuffix(threads) + operation.suffix;
    const auto run = [operation, threads, roofline = plan.roofline, batch = size_t{0}](
                         benchmark::State& state) mutable { OperationRow(state, operation, threads, roofline, batch); };
    benchmark::RegisterBenchmark(name.c_str(), run)->Unit(benchmark::kNanosecond)->UseManualTime();
  }
}

}  // namespace weft::bench
