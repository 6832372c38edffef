#include "reference/base/thread_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "reference/base/cpu_count.h"

namespace weft::engine {
namespace {

// Runs `tasks` tasks and counts how often each ran. Workers mark themselves busy, which finds two tasks that run at the
// same time under one worker's number.
struct Tally {
  Tally(const Executor& executor, size_t tasks) : runs(tasks), busy(executor.workers) {
    executor.For(tasks, [&](size_t index, uint32_t worker) {
      if (worker >= busy.size() || index >= runs.size()) {
        ++out_of_range;
        return;
      }
      if (busy[worker].exchange(true)) ++shared_worker;
      ++runs[index];  // plain: the pool must make it visible to the caller
      busy[worker].store(false);
    });
  }
  bool Good() const {
    return out_of_range == 0 && shared_worker == 0 &&
           std::all_of(runs.begin(), runs.end(), [](int count) { return count == 1; });
  }

  std::vector<int> runs;
  std::vector<std::atomic<bool>> busy;
  std::atomic<int> out_of_range{0}, shared_worker{0};
};

}  // namespace

TEST_CASE("Thread pool: every task runs once, under a worker of its own") {
  for (const size_t threads : {1, 2, 3, 4, 9}) {
    CAPTURE(threads);
    const ThreadPool pool(threads);
    REQUIRE(pool.threads() == threads);
    const Executor executor = pool.executor();
    CHECK(executor.workers == threads);
    for (const size_t tasks : {0, 1, 2, 3, 7, 8, 9, 64, 1000, 100000}) {
      CAPTURE(tasks);
      CHECK(Tally(executor, tasks).Good());
    }
  }
}

TEST_CASE("Thread pool: many short calls, and calls after the workers have gone to sleep") {
  const ThreadPool pool(4);
  size_t good = 0;
  for (int call = 0; call < 20000; ++call) {
    if (Tally(pool.executor(), 5).Good()) ++good;
    if (call % 2000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  CHECK(good == 20000);
}

TEST_CASE("Thread pool: workers take part, and take the tasks that a slow one leaves") {
  const ThreadPool pool(2);
  // The task that starts first waits for all others: they can only be done by the other thread.
  constexpr size_t kTasks = 50;
  std::atomic<size_t> started{0}, done{0};
  pool.executor().For(kTasks, [&](size_t, uint32_t) {
    if (started.fetch_add(1) == 0) {
      while (done.load() < kTasks - 1) std::this_thread::yield();
    } else {
      ++done;
    }
  });
  CHECK(done == kTasks - 1);
}

TEST_CASE("Thread pool: larger than the machine, beside busy threads, it slows down gracefully") {
  const size_t cores = UsableCores();
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  for (size_t i = 0; i < cores; ++i) {
    others.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {
      }
    });
  }
  // Threads that spin until it is their turn keep those that have work from running: every call then takes a time slice
  // of the system's scheduler (0.75 ms or more) and usually one per thread. The work itself takes a few microseconds.
  constexpr int kCalls = 2000;
  const ThreadPool pool(4 * cores);
  size_t good = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int call = 0; call < kCalls; ++call) {
    if (Tally(pool.executor(), 64).Good()) ++good;
  }
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  stop = true;
  for (std::thread& thread : others) thread.join();
  CHECK(good == kCalls);
  CHECK(time.count() < 0.75 * kCalls);
}

TEST_CASE("Thread pool: 0 threads means the cores that the process may use; there is a largest size") {
  CHECK(ThreadPool(0).threads() == std::min<size_t>(UsableCores(), 64));
  const ThreadPool pool(100000);
  CHECK(pool.threads() == 64);
  CHECK(ThreadPool::MostThreads() == 64);
  CHECK(Tally(pool.executor(), 1000).Good());
}

}  // namespace weft::engine
