// The inner loops of the roofline, per target. See roofline.h.
#ifndef WEFT_BENCH_ROOFLINE_KERNELS_H_
#define WEFT_BENCH_ROOFLINE_KERNELS_H_

#include <stddef.h>
#include <stdint.h>

#include "bench/roofline.h"

namespace weft::roofline {

// How a core reads memory.
enum class Pattern {
  kLinear,      // one stream, as the hardware prefetches it
  kPrefetched,  // one stream, requested some lines ahead
  kRows,        // as many streams as a panel has rows
};
inline constexpr int kPatterns = 3;

struct Kernels {
  // Each runs `steps` rounds and returns how many multiply-accumulates that were. By Peak.
  uint64_t (*peaks[kPeaks])(uint64_t steps);
  // Reads `bytes` bytes, a multiple of 64 KiB, 64-byte aligned; returns something that depends on all of them.
  uint64_t (*read)(Pattern pattern, const uint8_t* from, size_t bytes);
};

// The kernels of the library's active target.
const Kernels& ActiveKernels();

}  // namespace weft::roofline

#endif  // WEFT_BENCH_ROOFLINE_KERNELS_H_
