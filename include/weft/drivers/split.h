// How drivers cut work into tasks.
#ifndef WEFT_DRIVERS_SPLIT_H_
#define WEFT_DRIVERS_SPLIT_H_

#include <stddef.h>
#include <stdint.h>

#include <atomic>

#include "weft/core/executor.h"
#include "weft/core/status.h"
#include "weft/core/strict_math.h"

namespace weft::inline WEFT_NAMESPACE::driver {

inline Status ValidateExecutor(const Executor& executor) {
  return executor.workers == 0 ? Error(Code::kRange, "executor.workers", 0, 1) : Ok();
}

// Into how many runs of consecutive steps a product's rows are cut: long ones for few tokens, which read memory in one
// sweep; short ones for many, to balance the threads.
inline size_t RunsFor(const Executor& executor, size_t steps, size_t tokens) {
  if (executor.workers <= 1) return 1;
  const size_t runs = size_t{executor.workers} * (tokens < 16 ? 8 : 64);
  return steps < runs ? steps : runs;
}

// Deals runs to workers: each takes those of its own part in their order, so that it sweeps over one stretch of memory,
// and when there are none left those of the parts after it. Which run a worker gets is a matter of time; what the runs
// compute must not depend on it.
class RunDealer {
 public:
  RunDealer(size_t runs, uint32_t parts) : runs_(runs), parts_(parts < kMaxParts ? parts : kMaxParts) {
    for (size_t p = 0; p < parts_; ++p) next_[p].run.store(Begin(p), std::memory_order_relaxed);
  }

  // The next run; the number of runs where all have been taken.
  size_t Take(uint32_t worker) {
    for (size_t i = 0; i < parts_; ++i) {
      const size_t part = (worker + i) % parts_, end = Begin(part + 1);
      if (next_[part].run.load(std::memory_order_relaxed) >= end) continue;
      const size_t run = next_[part].run.fetch_add(1, std::memory_order_relaxed);
      if (run < end) return run;
    }
    return runs_;
  }
  // How many have been taken. Not while others take some.
  size_t taken() const {
    size_t taken = 0;
    for (size_t p = 0; p < parts_; ++p) {
      const size_t next = next_[p].run.load(std::memory_order_relaxed), end = Begin(p + 1);
      taken += (next < end ? next : end) - Begin(p);
    }
    return taken;
  }

 private:
  static constexpr size_t kMaxParts = 64;
  size_t Begin(size_t part) const { return runs_ / parts_ * part + runs_ % parts_ * part / parts_; }

  struct alignas(64) Counter {
    std::atomic<size_t> run;
  };
  size_t runs_, parts_;
  Counter next_[kMaxParts];
};

// Runs f(run, worker) once for every run in [0, runs), on the executor's threads; who gets which is dealt here, from
// `parts` parts (see RunDealer), whatever index the executor passes on. So an executor that repeats, leaves out or
// invents tasks cannot have a run computed twice or wait for ever; it gives an error.
template <class F>
Status ForEachRun(const Executor& executor, size_t runs, uint32_t parts, const F& f) {
  if (executor.run == nullptr || executor.workers <= 1 || runs <= 1) {
    for (size_t run = 0; run < runs; ++run) f(run, uint32_t{0});
    return Ok();
  }
  RunDealer dealer(runs, parts);
  std::atomic<size_t> excess{0};
  std::atomic<uint64_t> stranger{0};  // a worker that does not exist, plus one
  executor.For(runs, [&](size_t, uint32_t worker) {
    if (worker >= executor.workers) {
      stranger.store(uint64_t{worker} + 1, std::memory_order_relaxed);
      return;
    }
    const size_t run = dealer.Take(worker);
    if (run < runs) {
      f(run, worker);
    } else {
      excess.fetch_add(1, std::memory_order_relaxed);
    }
  });
  if (const uint64_t worker = stranger.load(std::memory_order_relaxed); worker != 0) {
    return Error(Code::kRange, "the worker of an executor.run task", worker - 1, executor.workers - 1);
  }
  const size_t ran = dealer.taken() + excess.load(std::memory_order_relaxed);
  return ran == runs ? Ok() : Error(Code::kExecutor, "executor.run", ran, runs);
}

// Work of fewer floats than this stays on the calling thread: waking another takes about as long (some microseconds).
inline constexpr size_t kWorthSharing = 32768;

// Calls f(first, count) for consecutive runs of [0, items), each item touching `floats` floats.
template <class F>
Status ForRuns(const Executor& executor, size_t items, size_t floats, const F& f) {
  if (const Status status = ValidateExecutor(executor); !status.ok()) return status;
  if (items == 0) return Ok();
  if (executor.workers <= 1 || floats <= (kWorthSharing - 1) / items) {
    f(size_t{0}, items);
    return Ok();
  }
  const size_t most = size_t{executor.workers} * 4, runs = items < most ? items : most;
  const auto begin = [=](size_t run) { return items / runs * run + items % runs * run / runs; };
  return ForEachRun(executor, runs, 1, [&](size_t run, uint32_t) { f(begin(run), begin(run + 1) - begin(run)); });
}

}  // namespace weft::inline WEFT_NAMESPACE::driver

#endif  // WEFT_DRIVERS_SPLIT_H_
