#include "reference/base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "hwy/contrib/thread_pool/futex.h"
#include "hwy/contrib/thread_pool/thread_pool.h"
#include "reference/base/cpu_count.h"

namespace weft::engine {
namespace {

// Longer than the pauses between the calls of a forward pass, shorter than a time slice of the system's scheduler.
constexpr std::chrono::microseconds kSpinTime{50};

// Waits until `word` is not `old` and returns what it is then: spins for at most `spin_time`, then sleeps. Whoever
// changes the word must wake sleepers; `sleepers`, if given, counts those of them that may be asleep.
uint32_t AwaitChange(const std::atomic<uint32_t>& word, uint32_t old, std::chrono::microseconds spin_time,
                     std::atomic<uint32_t>* sleepers) {
  if (spin_time.count() > 0) {
    const auto end = std::chrono::steady_clock::now() + spin_time;
    do {
      for (int i = 0; i < 64; ++i) {
        const uint32_t now = word.load(std::memory_order_acquire);
        if (now != old) return now;
        hwy::Pause();
      }
    } while (std::chrono::steady_clock::now() < end);
  }
  if (sleepers != nullptr) sleepers->fetch_add(1);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // the count is visible before the word is read once more
  const uint32_t now = hwy::BlockUntilDifferent(old, word);
  if (sleepers != nullptr) sleepers->fetch_sub(1);
  return now;
}

}  // namespace

// The threads are those of Highway's pool, in one Run that lasts as long as this object: handing out every call through
// Highway's own barrier would wait, spinning without bound, for each worker to report, even for one that the system
// does not let run because another process has its core. Inside that Run, a call is open for a while; workers that are
// awake join it and take tasks from one counter; the caller works too, closes the call when the tasks are used up, and
// waits only for the workers that have joined. So a missing core costs its share of the speed and no more.
struct ThreadPool::Impl {
  explicit Impl(size_t threads)
      : workers(threads), spin_time(threads > UsableCores() ? std::chrono::microseconds(0) : kSpinTime) {
    if (workers == 1) return;
    pool.emplace(workers - 2);
    // Highway's Run keeps the thread that calls it, as one of the workers.
    host = std::thread([this] {
      pool->Run(0, workers - 1, [this](uint64_t worker, size_t) { Serve(static_cast<uint32_t>(worker) + 1); });
    });
  }

  ~Impl() {
    if (workers == 1) return;
    stop.store(true);
    calls.fetch_add(1);
    hwy::WakeAll(calls);
    host.join();
  }

  void Run(size_t count, TaskFunction function, void* argument) {
    if (workers == 1 || count <= 1) {
      for (size_t i = 0; i < count; ++i) function(argument, i, 0);
      return;
    }
    task = function;
    arg = argument;
    tasks = count;
    // Single tasks, except where they are so many (then surely small) that the counter would be the bottleneck.
    chunk = std::clamp<size_t>(count / (workers * 32), 1, 64);
    next.store(0, std::memory_order_relaxed);
    members.store(kOpen, std::memory_order_release);
    calls.fetch_add(1);
    if (sleepers.load() > 0) hwy::WakeAll(calls);

    Work(0);
    uint32_t left = members.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
    while (left != 0) left = AwaitChange(members, left, spin_time, nullptr);
  }

  void Work(uint32_t worker) {
    for (;;) {
      const size_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= tasks) return;
      const size_t end = std::min(tasks, begin + chunk);
      for (size_t i = begin; i < end; ++i) task(arg, i, worker);
    }
  }

  // A worker's life.
  void Serve(uint32_t worker) {
    for (uint32_t seen = 0;;) {
      seen = AwaitChange(calls, seen, spin_time, &sleepers);
      if (stop.load()) return;
      uint32_t now = members.load(std::memory_order_acquire);
      while ((now & kOpen) != 0 && !members.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) {
      }
      if ((now & kOpen) == 0) continue;
      Work(worker);
      // The caller sleeps only after it has closed the call.
      if ((members.fetch_sub(1, std::memory_order_acq_rel) & kOpen) == 0) hwy::WakeAll(members);
    }
  }

  static constexpr uint32_t kOpen = 1u << 31;

  const size_t workers;
  const std::chrono::microseconds spin_time;
  std::optional<hwy::ThreadPool> pool;
  std::thread host;
  std::atomic<bool> stop{false};

  // The call: written while nobody is a member.
  TaskFunction task = nullptr;
  void* arg = nullptr;
  size_t tasks = 0, chunk = 1;
  alignas(HWY_ALIGNMENT) std::atomic<size_t> next{0};       // task to be taken
  alignas(HWY_ALIGNMENT) std::atomic<uint32_t> members{0};  // workers in the call; kOpen: more may join
  alignas(HWY_ALIGNMENT) std::atomic<uint32_t> calls{0};    // changes with every call
  std::atomic<uint32_t> sleepers{0};                        // workers that may have to be woken
};

ThreadPool::ThreadPool(size_t threads) {
  if (threads == 0) threads = UsableCores();
  impl_ = std::make_unique<Impl>(std::min(threads, MostThreads()));
}

size_t ThreadPool::MostThreads() { return hwy::pool::kMaxThreads + 1; }

ThreadPool::~ThreadPool() = default;

size_t ThreadPool::threads() const { return impl_->workers; }

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
