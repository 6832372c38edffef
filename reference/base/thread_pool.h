// Threads for the kernels: Highway's pool behind weft's Executor.
#ifndef WEFT_REFERENCE_BASE_THREAD_POOL_H_
#define WEFT_REFERENCE_BASE_THREAD_POOL_H_

#include <cstddef>
#include <memory>

#include "weft/weft.h"

namespace weft::engine {

// `threads` threads in all, the caller's included; 0: one per core that this process may use; MostThreads() where more
// are asked for. Workers spin only for a
// bounded time, then sleep, so that a busy machine or a pool larger than the machine slows down gracefully.
class ThreadPool {
 public:
  explicit ThreadPool(size_t threads);
  static size_t MostThreads();  // a pool is never larger
  ~ThreadPool();
  size_t threads() const;
  Executor executor() const;  // valid while the pool lives

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_BASE_THREAD_POOL_H_
