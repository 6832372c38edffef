// Writing keys or values into a cache, over a set of kernels.
#ifndef WEFT_DRIVERS_STORE_KV_H_
#define WEFT_DRIVERS_STORE_KV_H_

#include "weft/core/kernel_set.h"
#include "weft/core/status.h"
#include "weft/core/store_kv_args.h"
#include "weft/drivers/ops_validate.h"
#include "weft/drivers/region.h"
#include "weft/drivers/split.h"

namespace weft::inline WEFT_NAMESPACE::driver {

// Whether no number occurs twice. A window over the numbers slides up from the lowest to the next one beyond it: as
// many passes as windows that hold any.
inline bool AllDistinct(const uint32_t* numbers, size_t count) {
  constexpr uint64_t kWindow = 8192, kNone = UINT64_MAX;
  for (uint64_t begin = 0, next = kNone; count > 1; begin = next, next = kNone) {
    uint64_t seen[kWindow / 64] = {};
    for (size_t i = 0; i < count; ++i) {
      if (numbers[i] < begin) continue;
      const uint64_t offset = numbers[i] - begin;
      if (offset >= kWindow) {
        next = numbers[i] < next ? numbers[i] : next;
        continue;
      }
      const uint64_t bit = uint64_t{1} << offset % 64;
      if (seen[offset / 64] & bit) return false;
      seen[offset / 64] |= bit;
    }
    if (next == kNone) break;
  }
  return true;
}

// Calls f(place, count) for the stretches of consecutive places in the cache's memory that the tokens go to. Position p
// of a contiguous cache has place p, of a paged one block(p) * block_length + p % block_length.
template <class F>
void ForPlaces(const StoreKvArgs& args, const F& f) {
  const KvView& cache = args.cache;
  if (cache.block_table == nullptr) return f(args.first_position, args.tokens);
  for (size_t done = 0; done < args.tokens;) {
    const size_t position = args.first_position + done, within = position % cache.block_length;
    const size_t left = args.tokens - done, room = cache.block_length - within;
    const size_t count = left < room ? left : room;
    f(size_t{cache.block_table[position / cache.block_length]} * cache.block_length + within, count);
    done += count;
  }
}

inline Status Validate(const StoreKvArgs& args) {
  const KvView& cache = args.cache;
  if (const Status status = FirstError(ValidateCount(args.heads, "heads"), ValidateCount(args.size, "size"));
      !status.ok()) {
    return status;
  }
  if (cache.type != DType::kF32 && cache.type != DType::kF16 && cache.type != DType::kBF16) {
    return TypeError(Code::kUnsupported, "cache", cache.type);
  }
  const bool paged = cache.block_table != nullptr;
  if (paged && cache.block_length == 0) return Error(Code::kRange, "cache.block_length", 0, 1);
  if (args.tokens > args.capacity) return Error(Code::kRange, "tokens", args.tokens, args.capacity);
  if (args.first_position > args.capacity - args.tokens) {
    return Error(Code::kRange, "first_position", args.first_position, args.capacity - args.tokens);
  }
  if (args.tokens == 0) return Ok();
  const Region x{args.x,
                 args.size,
                 "x",
                 "size",
                 {args.tokens, args.token_stride, "tokens", "token_stride"},
                 {args.heads, args.head_stride, "heads", "head_stride"}};
  if (const Status status = ValidateRegion(x); !status.ok()) return status;

  size_t lowest = SIZE_MAX, end = 0;
  ForPlaces(args, [&](size_t place, size_t count) {
    lowest = place < lowest ? place : lowest;
    end = place + count > end ? place + count : end;
  });
  // Bytes: x is there, so that those of a vector, no wider, can be counted. All places up to the last written one:
  const char* count_name = paged ? "cache.block_table" : "first_position";
  Region written{cache.data,
                 RowBytes(cache.type, args.size),
                 "cache.data",
                 "size",
                 {end, cache.position_stride, count_name, "cache.position_stride"},
                 {args.heads, cache.head_stride, "heads", "cache.head_stride"},
                 1};
  if (const Status status = ValidateRegion(written); !status.ok()) return status;
  // And those between the first and the last that is.
  const auto stretch = [&](size_t place, size_t count) {
    written.data = static_cast<const uint8_t*>(cache.data) + place * cache.position_stride;
    written.outer.count = count;
  };
  stretch(lowest, end - lowest);
  if (const Status status = ValidateRunsApart(written); !status.ok()) return status;
  if (paged) {
    const size_t first = args.first_position / cache.block_length;
    const size_t last = (args.first_position + args.tokens - 1) / cache.block_length;
    if (!AllDistinct(cache.block_table + first, last - first + 1))
      return OverlapError("a block of cache.block_table", "another");
  }
  bool apart = true;
  ForPlaces(args, [&](size_t place, size_t count) {
    stretch(place, count);
    apart = apart && !Overlap(written, x);
  });
  return apart ? Ok() : OverlapError("x", "cache");
}

inline Status StoreKv(const KernelSet& set, const StoreKvArgs& args, const Executor& executor) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  return ForRuns(executor, args.tokens, args.heads * args.size,
                 [&](size_t first, size_t count) { set.ops->store_kv(args, first, count); });
}

}  // namespace weft::inline WEFT_NAMESPACE::driver

#endif  // WEFT_DRIVERS_STORE_KV_H_
