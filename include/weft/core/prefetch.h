// Requests a line of memory. Highway's Prefetch does nothing outside x86.
#ifndef WEFT_CORE_PREFETCH_H_
#define WEFT_CORE_PREFETCH_H_

#include <stddef.h>
#include <stdint.h>

namespace weft {

// The line that holds `address` is wanted soon, for reading. Any address may be given.
inline void Prefetch(const void* address) { __builtin_prefetch(address); }
inline void PrefetchForWrite(const void* address) { __builtin_prefetch(address, 1); }

inline constexpr size_t kLineBytes = 64;

// As many lines as `bytes` need, from the one that holds `from` on.
inline void PrefetchLines(const uint8_t* from, size_t bytes) {
  for (const uint8_t* end = from + bytes; from < end; from += kLineBytes) Prefetch(from);
}

// How far ahead of a stream to request it: far enough for a memory's latency at its bandwidth (100 ns at 40 GB/s), and
// near enough for the first-level cache. Measured: 4 to 8 KiB are alike.
inline constexpr size_t kPrefetchAhead = 6144;

}  // namespace weft

#endif  // WEFT_CORE_PREFETCH_H_
