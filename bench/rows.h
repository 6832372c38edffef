// The rows of kernel_bench. Products measure the machine's peaks in the same breath as themselves (see roofline.h) and
// have the counters macs_per_s, bytes_per_s, macs_per_cycle, peak_fraction and bandwidth_fraction; their label names
// the instructions whose peak that is. The other operations have those of operation.h.
#ifndef WEFT_BENCH_ROWS_H_
#define WEFT_BENCH_ROWS_H_

#include <benchmark/benchmark.h>
#include <stddef.h>
#include <stdint.h>

#include <new>
#include <string>
#include <vector>

#include "bench/roofline.h"
#include "weft/core/dtype.h"
#include "weft/core/status.h"

namespace weft::bench {

struct Shape {
  size_t m = 0, n = 0, k = 0;  // tokens, weight rows, columns
};

struct Plan {
  std::vector<size_t> threads;
  std::vector<Shape> shapes;  // beside the standard ones
  size_t memory = 0;          // bytes of weights that rows which claim bandwidth rotate through
  bool roofline = true;       // measure the machine's peaks, too: about a second per row of a product
};

void RegisterRoofline(const Plan& plan);
void RegisterProducts(const Plan& plan);
void RegisterSmallProducts(const Plan& plan);
void RegisterOperations(const Plan& plan);   // activate, norm, rope, softmax, gated, top_k
void RegisterConversions(const Plan& plan);  // quantize, dequantize, get_rows, store_kv
void RegisterAttention(const Plan& plan);

// What rows share.

// Pools of threads.
Executor Threads(size_t count);

inline std::string ThreadsSuffix(size_t threads) { return "/threads:" + std::to_string(threads); }
std::string LowerName(DType type);  // "q4_k"
// Whether rows of `cols` elements are whole blocks.
inline bool Fits(DType type, size_t cols) { return cols % LayoutOf(type).block_elements == 0; }

double Median(std::vector<double>& values);  // reorders them; there is one or more

// Ends a row with an error, which is also printed and counted.
void Fail(benchmark::State& state, const Status& status);
size_t FailedRows();

// Memory as an engine would allocate it: no vector of it lies across two cache lines.
template <class T>
struct LineAllocator {
  using value_type = T;
  LineAllocator() = default;
  template <class U>
  LineAllocator(const LineAllocator<U>&) {}  // NOLINT(google-explicit-constructor): what allocators are
  T* allocate(size_t count) { return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64})); }
  void deallocate(T* data, size_t) { ::operator delete (data, std::align_val_t{64}); }
  friend bool operator==(LineAllocator, LineAllocator) { return true; }
};
template <class T>
using Buffer = std::vector<T, LineAllocator<T>>;

// Normal numbers; in large buffers some 64 thousand again and again.
Buffer<float> Normals(size_t count, float deviation = 1.0f);
// `copies` matrices of valid blocks: a few rows encoded from normal numbers, repeated. As in a file, at no special
// alignment.
std::vector<uint8_t> MakeBlocks(DType type, size_t n, size_t k, size_t copies = 1);

// A BLAS library on this machine, for comparison: c[m, n] = a[m, k] * b[n, k]^T. Null where there is none.
using SgemmFunction = void (*)(size_t m, size_t n, size_t k, const float* a, const float* b, float* c);
SgemmFunction FindSgemm(size_t threads);

}  // namespace weft::bench

#endif  // WEFT_BENCH_ROWS_H_
