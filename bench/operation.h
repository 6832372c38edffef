// Rows of operations that take nanoseconds to milliseconds and work on data that stays in a cache, whatever they do: a
// table of names, bytes and calls. The time of a row is that of one call. Its counters, all of the median of batches of
// calls that take some 50 us:
//   calls_per_s, elements_per_s, bytes_per_s, macs_per_s (of products)
// and with the machine measured (Plan::roofline):
//   bytes_per_cycle    of a core
//   cache_bytes_per_s  what a plain loop reaches that reads and writes as many bytes, as many per call, from and to
//                      buffers of the same size: the bandwidth of the cache level that the label names
//   cache_fraction     bytes_per_s / cache_bytes_per_s
#ifndef WEFT_BENCH_OPERATION_H_
#define WEFT_BENCH_OPERATION_H_

#include <stddef.h>

#include <functional>
#include <string>

#include "bench/rows.h"
#include "weft/drivers/split.h"

namespace weft::bench {

using Call = std::function<Status(const Executor&)>;

struct Operation {
  std::string name;              // operation/kind/sizes; "/threads:N" and the suffix follow
  size_t read = 0, written = 0;  // different bytes per call, each counted once: also the size of what it works on
  size_t elements = 0;           // that it makes, or of the weights that it multiplies with
  size_t macs = 0;
  size_t pieces = 1;  // what threads can share out: rows with more threads are left out
  std::string suffix = "";
  std::function<Call()> prepare;  // makes the data, which is the call's own
};

// How many pieces of `floats` floats the library hands to threads, of `count`: it does not wake any for little work.
inline size_t PiecesOf(size_t count, size_t floats) { return count * floats < driver::kWorthSharing ? 1 : count; }

// Registers `operation` for each number of threads.
void AddOperation(const Plan& plan, const Operation& operation);

// "m:16/k:2048"
inline std::string RowsAndCols(size_t m, size_t k) { return "m:" + std::to_string(m) + "/k:" + std::to_string(k); }

}  // namespace weft::bench

#endif  // WEFT_BENCH_OPERATION_H_
