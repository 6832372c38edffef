#include <dlfcn.h>

#include "bench/rows.h"

namespace weft::bench {
namespace {

// cblas_sgemm(order, transpose a, transpose b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
using CblasSgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*,
                            int);
CblasSgemm cblas_sgemm = nullptr;

void Sgemm(size_t m, size_t n, size_t k, const float* a, const float* b, float* c) {
  constexpr int kRowMajor = 101, kAsIs = 111, kTransposed = 112;
  const int cols = static_cast<int>(k), rows = static_cast<int>(n);
  cblas_sgemm(kRowMajor, kAsIs, kTransposed, static_cast<int>(m), rows, cols, 1.0f, a, cols, b, cols, 0.0f, c, rows);
}

}  // namespace

SgemmFunction FindSgemm(size_t threads) {
  static void* const library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  cblas_sgemm = reinterpret_cast<CblasSgemm>(dlsym(library, "cblas_sgemm"));
  const auto set_threads = reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads"));
  if (set_threads != nullptr) set_threads(static_cast<int>(threads));
  return cblas_sgemm != nullptr ? Sgemm : nullptr;
}

}  // namespace weft::bench
