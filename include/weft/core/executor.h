// What a caller lends to a kernel: threads and scratch memory. The library owns neither.
#ifndef WEFT_CORE_EXECUTOR_H_
#define WEFT_CORE_EXECUTOR_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/checked.h"
#include "weft/core/config.h"

namespace weft {

using TaskFunction = void (*)(void* arg, size_t index, uint32_t worker);

// Runs tasks, possibly on several threads.
//   run(context, tasks, task, arg) calls task(arg, i, worker) once for every i in [0, tasks), in any order, with
//   worker in [0, workers) unique to the thread at that moment, and returns after the last has finished (what they
//   wrote is then visible to the caller). It is never called from inside a task.
// The default runs every task on the calling thread. workers must be 1 or more; calls of the library report an executor
// that leaves tasks out, repeats them or invents a worker (Code::kExecutor, Code::kRange).
struct Executor {
  void* context = nullptr;
  uint32_t workers = 1;
  void (*run)(void* context, size_t tasks, TaskFunction task, void* arg) = nullptr;

  // Runs f(index, worker) for every index in [0, tasks).
  template <class F>
  void For(size_t tasks, const F& f) const {
    if (run == nullptr || workers <= 1 || tasks <= 1) {
      for (size_t i = 0; i < tasks; ++i) f(i, uint32_t{0});
      return;
    }
    const auto call = [](void* arg, size_t index, uint32_t worker) { (*static_cast<const F*>(arg))(index, worker); };
    run(context, tasks, call, const_cast<F*>(&f));
  }
};

// Scratch memory that the callee may overwrite freely and that holds nothing between calls. Any alignment; functions
// that take one have a ...Bytes() companion that tells the size for given arguments.
struct Workspace {
  void* data = nullptr;
  size_t bytes = 0;
};

// Hands out aligned pieces of a workspace, front to back.
class Carver {
 public:
  static constexpr size_t kAlign = 64;

  explicit Carver(Workspace workspace)
      : next_(reinterpret_cast<uintptr_t>(workspace.data)), end_(next_ + workspace.bytes) {}

  // `count` elements aligned to kAlign, or null where the workspace is too small.
  template <class T>
  T* Take(size_t count) {
    const uintptr_t begin = (next_ + kAlign - 1) & ~uintptr_t{kAlign - 1};
    if (begin > end_ || count > (end_ - begin) / sizeof(T)) return nullptr;
    next_ = begin + count * sizeof(T);
    return reinterpret_cast<T*>(begin);
  }
  Workspace Rest() const { return {reinterpret_cast<void*>(next_), end_ - next_}; }

  // What Take<T>(count) may use up at most.
  template <class T>
  static constexpr Checked Bytes(Checked count) {
    return count * sizeof(T) + kAlign;
  }

 private:
  uintptr_t next_, end_;
};

}  // namespace weft

#endif  // WEFT_CORE_EXECUTOR_H_
