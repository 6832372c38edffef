// How drivers cut work into tasks.
#ifndef WEFT_DRIVERS_SPLIT_H_
#define WEFT_DRIVERS_SPLIT_H_

#include <stddef.h>
#include <stdint.h>

#include <atomic>

#include "weft/core/executor.h"
#include "weft/core/strict_math.h"

namespace weft::driver {

// Work of fewer floats than this stays on the calling thread: waking another takes about as long (some microseconds).
inline constexpr size_t kWorthSharing = 32768;

// Calls f(first, count) for consecutive runs of [0, items), each item touching `floats` floats.
template <class F>
void ForRuns(const Executor& executor, size_t items, size_t floats, const F& f) {
  if (items == 0) return;
  if (executor.workers <= 1 || items * floats < kWorthSharing) {
    f(size_t{0}, items);
    return;
  }
  const size_t runs = items < size_t{executor.workers} * 4 ? items : size_t{executor.workers} * 4;
  executor.For(runs, [&](size_t i, uint32_t) {
    const size_t first = items * i / runs;
    f(first, items * (i + 1) / runs - first);
  });
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
  RunDealer(size_t runs, uint32_t workers) : runs_(runs), parts_(workers < kMaxParts ? workers : kMaxParts) {
    for (size_t p = 0; p < parts_; ++p) next_[p].run.store(Begin(p), std::memory_order_relaxed);
  }

  // To be called `runs` times in all.
  size_t Take(uint32_t worker) {
    for (size_t i = 0;; ++i) {
      const size_t part = (worker + i) % parts_;
      const size_t run = next_[part].run.fetch_add(1, std::memory_order_relaxed);
      if (run < Begin(part + 1)) return run;
    }
  }

 private:
  static constexpr size_t kMaxParts = 64;
  size_t Begin(size_t part) const { return runs_ * part / parts_; }

  struct alignas(64) Counter {
    std::atomic<size_t> run;
  };
  size_t runs_, parts_;
  Counter next_[kMaxParts];
};

// Whether [a, a + a_bytes) and [b, b + b_bytes) share a byte.
inline bool Overlap(const void* a, size_t a_bytes, const void* b, size_t b_bytes) {
  const auto x = reinterpret_cast<uintptr_t>(a), y = reinterpret_cast<uintptr_t>(b);
  return a_bytes != 0 && b_bytes != 0 && x < y + b_bytes && y < x + a_bytes;
}

// Bytes from the first to the last float of `rows` rows of `cols` floats.
inline size_t SpanBytes(size_t rows, size_t stride, size_t cols) {
  return rows == 0 ? 0 : ((rows - 1) * stride + cols) * sizeof(float);
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_SPLIT_H_
