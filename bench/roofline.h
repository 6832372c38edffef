// What this machine can do at most: the measure that every benchmark is quoted against.
#ifndef WEFT_BENCH_ROOFLINE_H_
#define WEFT_BENCH_ROOFLINE_H_

#include <stddef.h>
#include <stdint.h>

#include <memory>

#include "weft/core/dtype.h"
#include "weft/core/executor.h"
#include "weft/core/precision.h"

namespace weft::roofline {

// Instructions that products of weights can be made of.
enum class Peak {
  kInt8Dot,   // four products of a code and an activation, added to a 32-bit lane; where small codes are summed in
              // pairs of 16 bits, a pair product and its addition
  kInt16Dot,  // two products of 16 bits, added to a 32-bit lane
  kF32Fma,
  kBF16Dot,  // two products, added to a float lane
};
inline constexpr size_t kPeaks = 4;

// "int8_dot" and so on.
const char* Name(Peak peak);

// That of the fastest instructions that the active target has for weights of this type and the activations that the
// precision asks for: of quantised weights pair products of 16 bits where codes are too wide to be summed as int8
// (Q8_0 without VNNI), of BF16 multiply-adds where there is no dot of bf16 pairs. The type must have kernels.
Peak PeakOf(DType type, Precision precision = Precision::kFast);

// Multiply-accumulates per second on registers only, all workers of the executor together, on the active target: the
// best of several runs that take about `seconds` in all.
double MeasurePeak(Peak peak, const Executor& executor, double seconds);

// Core cycles per second while this thread computes: the best of several runs that take about `seconds` in all.
double MeasureClock(double seconds);

// Streams a buffer from memory. Every worker reads its own part, over and over.
class ReadBandwidth {
 public:
  // `bytes` should be several times the last-level cache. Throws std::bad_alloc.
  explicit ReadBandwidth(size_t bytes);

  // Bytes per second, all workers together: the best of several access patterns (see Pattern), tried for about
  // `seconds` in all.
  double Measure(const Executor& executor, double seconds);

 private:
  size_t bytes_;
  std::unique_ptr<uint8_t[]> data_;
  size_t next_ = 0;  // where the next sweep starts: none finds the cache warm
};

// Reads a buffer and writes another one at the same time, over and over: as fast as the caches that hold them, or
// memory, allow. What an operation that reads and writes as much can reach.
class StreamBandwidth {
 public:
  // Each is rounded up to whole steps (kStreamStep) per worker. Throws std::bad_alloc.
  StreamBandwidth(size_t read, size_t written, uint32_t workers);

  // Bytes per second, read and written, all workers together, each with its own part of both: the best of several runs
  // that take about `seconds` in all. The executor must have the workers of the constructor.
  double Measure(const Executor& executor, double seconds);

 private:
  size_t read_, written_;  // of a worker
  size_t passes_ = 1;      // per run: enough for starting the threads not to count
  std::unique_ptr<uint8_t[]> data_;
};

}  // namespace weft::roofline

#endif  // WEFT_BENCH_ROOFLINE_H_
