// The rows of kernel_bench. Products measure the machine's peaks in the same breath as themselves (see roofline.h) and
// have the counters macs_per_s, bytes_per_s, macs_per_cycle, peak_fraction and bandwidth_fraction; their label names
// the instructions whose peak that is. Conversions have weights_per_s.
#ifndef WEFT_BENCH_ROWS_H_
#define WEFT_BENCH_ROWS_H_

#include <stddef.h>

#include <vector>

#include "bench/roofline.h"

namespace weft::bench {

struct Shape {
  size_t m = 0, n = 0, k = 0;  // tokens, weight rows, columns
};

struct Plan {
  std::vector<size_t> threads;
  std::vector<Shape> shapes;  // beside the standard ones
  size_t memory = 0;          // bytes of weights that rows which claim bandwidth rotate through
  bool roofline = true;       // measure the machine's peaks, too: about a second per row
};

void RegisterRoofline(const Plan& plan);
void RegisterProducts(const Plan& plan);
void RegisterConversions(const Plan& plan);  // quantize/... and dequantize/...

// Pools of threads, shared by all rows.
Executor Threads(size_t count);

// A BLAS library on this machine, for comparison: c[m, n] = a[m, k] * b[n, k]^T. Null where there is none.
using SgemmFunction = void (*)(size_t m, size_t n, size_t k, const float* a, const float* b, float* c);
SgemmFunction FindSgemm(size_t threads);

}  // namespace weft::bench

#endif  // WEFT_BENCH_ROWS_H_
