// Requests a line of memory. Highway's Prefetch does nothing outside x86.
#ifndef WEFT_CORE_PREFETCH_H_
#define WEFT_CORE_PREFETCH_H_

#include <stddef.h>
#include <stdint.h>

namespace weft {

// The line that holds `address` is wanted soon, for reading. Any address may be given.
inline void Prefetch(const void* address) { __builtin_prefetch(address); }
inline void PrefetchForWrite(const void* address) { __builtin_prefetch(address, 1); }

// Requests a stream of lines in their order, a little at a time; every share is rounded up to whole lines.
class Prefetcher {
 public:
  explicit Prefetcher(const uint8_t* from) : next_(from) {}
  void Advance(size_t bytes) {
    for (const uint8_t* end = next_ + bytes; next_ < end; next_ += kLine) Prefetch(next_);
  }

 private:
  static constexpr size_t kLine = 64;
  const uint8_t* next_;
};

// How far ahead of a stream to request it: far enough for a memory's latency at its bandwidth (100 ns at 40 GB/s), and
// near enough for the first-level cache. Measured: 4 to 8 KiB are alike.
inline constexpr size_t kPrefetchAhead = 6144;

}  // namespace weft

#endif  // WEFT_CORE_PREFETCH_H_
