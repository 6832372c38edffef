// An Executor over plain threads, for tests.
#ifndef WEFT_TESTS_KERNELS_THREADS_H_
#define WEFT_TESTS_KERNELS_THREADS_H_

#include <stdint.h>

#include <atomic>
#include <thread>
#include <vector>

#include "weft/core/executor.h"

namespace weft::test {

// Starts `workers` threads per call, which take tasks in whatever order they come.
inline Executor Threads(uint32_t workers) {
  Executor executor;
  executor.workers = workers;
  executor.context = reinterpret_cast<void*>(uintptr_t{workers});
  executor.run = [](void* context, size_t tasks, TaskFunction task, void* arg) {
    const uint32_t count = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(context));
    std::atomic<size_t> next{0};
    std::vector<std::thread> threads;
    for (uint32_t worker = 0; worker < count; ++worker) {
      threads.emplace_back([&next, tasks, task, arg, worker] {
        for (size_t i = next++; i < tasks; i = next++) task(arg, i, worker);
      });
    }
    for (std::thread& thread : threads) thread.join();
  };
  return executor;
}

}  // namespace weft::test

#endif  // WEFT_TESTS_KERNELS_THREADS_H_
