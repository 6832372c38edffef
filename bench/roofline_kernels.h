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

inline constexpr size_t kStreamStep = 256;

struct Kernels {
  // Each runs `steps` rounds and returns how many multiply-accumulates that were. By Peak.
  uint64_t (*peaks[kPeaks])(uint64_t steps);
  // Reads `bytes` bytes, a multiple of 64 KiB, 64-byte aligned; returns something that depends on all of them.
  uint64_t (*read)(Pattern pattern, const uint8_t* from, size_t bytes);
  // Reads `read` bytes while it writes `written` bytes (of no meaning), each in order and both at an even pace.
  // Multiples of kStreamStep, one of them not 0; 64-byte aligned; they must not overlap.
  void (*stream)(const uint8_t* from, size_t read, uint8_t* to, size_t written);
};

// The kernels of the library's active target.
const Kernels& ActiveKernels();

}  // namespace weft::roofline

#endif  // WEFT_BENCH_ROOFLINE_KERNELS_H_
