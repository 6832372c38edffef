#include "reference/base/thread_pool.h"

#include <algorithm>
#include <atomic>

#include "hwy/contrib/thread_pool/futex.h"
#include "hwy/contrib/thread_pool/thread_pool.h"
#include "reference/base/cpu_count.h"

namespace weft::engine {
namespace {

// About 40 microseconds on current cores: longer than the workers' usual difference in finishing, shorter than a time
// slice of the system's scheduler.
constexpr uint32_t kSpins = 1000;

}  // namespace

// Highway's pool wakes the workers and waits for them, with two differences to its plain use, both for the case that
// the system runs something else on one of the cores:
// - tasks come from one counter, so that the threads that do run do all the work;
// - Highway's pool spins, without bound, until every worker has reported. That would keep the caller's core from the
//   very worker it waits for. So the caller does its waiting before it enters that barrier, and sleeps where it takes
//   long.
// Idle workers sleep (kBlock): with kSpin they would take the cores from the threads that have work.
struct ThreadPool::Impl {
  explicit Impl(size_t threads) : pool(threads - 1) {}

  void Run(size_t tasks, TaskFunction task, void* arg) {
    const size_t workers = pool.NumWorkers();
    if (workers == 1 || tasks <= 1) {
      for (size_t i = 0; i < tasks; ++i) task(arg, i, 0);
      return;
    }
    // Single tasks, except where they are so many (then surely small) that the counter would be the bottleneck.
    const size_t chunk = std::clamp<size_t>(tasks / (workers * 32), 1, 64);
    next.store(0, std::memory_order_relaxed);
    busy.store(static_cast<uint32_t>(workers - 1), std::memory_order_relaxed);
    pool.Run(0, workers, [&](uint64_t, size_t worker) {
      for (;;) {
        const size_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
        if (begin >= tasks) break;
        const size_t end = std::min(tasks, begin + chunk);
        for (size_t i = begin; i < end; ++i) task(arg, i, static_cast<uint32_t>(worker));
      }
      if (worker == 0) {
        WaitForWorkers();
      } else if (busy.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        hwy::WakeAll(busy);
      }
    });
  }

  void WaitForWorkers() {
    for (uint32_t spins = 0;; ++spins) {
      const uint32_t left = busy.load(std::memory_order_acquire);
      if (left == 0) return;
      if (spins < kSpins) {
        hwy::Pause();
      } else {
        hwy::BlockUntilDifferent(left, busy);
      }
    }
  }

  hwy::ThreadPool pool;
  alignas(HWY_ALIGNMENT) std::atomic<size_t> next{0};
  alignas(HWY_ALIGNMENT) std::atomic<uint32_t> busy{0};  // workers that may still run tasks
};

ThreadPool::ThreadPool(size_t threads) {
  if (threads == 0) threads = UsableCores();
  impl_ = std::make_unique<Impl>(std::min<size_t>(threads, hwy::pool::kMaxThreads + 1));
}

ThreadPool::~ThreadPool() = default;

size_t ThreadPool::threads() const { return impl_->pool.NumWorkers(); }

Executor ThreadPool::executor() const {
  Executor executor;
  executor.context = impl_.get();
  executor.workers = static_cast<uint32_t>(threads());
  executor.run = [](void* context, size_t tasks, TaskFunction task, void* arg) {
    static_cast<Impl*>(context)->Run(tasks, task, arg);
  };
  return executor;
}

}  // namespace weft::engine
