#include "weft/instantiate/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/roofline_kernels.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include <string.h>

#include "bench/roofline_kernels.h"
#include "hwy/highway.h"
#include "weft/core/prefetch.h"
#include "weft/instantiate/cpu.inc"
#include "weft/kernels/tile-inl.h"
#include "weft/weft.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
using roofline::Pattern;
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Chains of operations in flight: enough for a latency of six cycles where two start per cycle.
constexpr size_t kChains = kVectorRegisters == 32 ? 24 : 12;

// What the compiler cannot know: one vector of bytes.
template <class D>
HWY_INLINE hn::Vec<D> Opaque(D d) {
  (void)d;
  static volatile uint8_t bytes[HWY_MAX_BYTES];
  HWY_ALIGN uint8_t copy[HWY_MAX_BYTES];
  for (size_t i = 0; i < HWY_MAX_BYTES; ++i) copy[i] = bytes[i];
  return hn::BitCast(d, hn::Load(hn::Repartition<uint8_t, D>(), copy));
}

// Keeps results alive.
template <class D, class V>
HWY_INLINE void Consume(D /*d*/, const V (&sums)[kChains]) {
  static thread_local volatile uint32_t sink;  // all threads measure at once
  const hn::Repartition<uint32_t, D> d32;
  auto all = hn::BitCast(d32, sums[0]);
  for (size_t i = 1; i < kChains; ++i) all = hn::Xor(all, hn::BitCast(d32, sums[i]));
  sink = hn::GetLane(all);
  (void)sink;
}

template <Products kProducts>
HWY_NOINLINE uint64_t RunInt8Dot(uint64_t steps) {
  const hn::RebindToSigned<RowDwordTag> d32;
  const hn::Repartition<int16_t, RowDwordTag> d16;
  const hn::Repartition<int8_t, RowDwordTag> di8;
  const auto w = Opaque(hn::Repartition<uint8_t, RowDwordTag>());
  // Where quads of small codes are summed in 16 bits, four products cost a multiplication and an addition.
  constexpr bool kPairs = QuadsInPairs<kProducts>(8) > 1;
  if constexpr (kPairs) {
    hn::Vec<decltype(d16)> sums[kChains];
    HWY_UNROLL(24) for (size_t i = 0; i < kChains; ++i) sums[i] = Opaque(d16);
    for (uint64_t s = 0; s < steps; ++s) {
      HWY_UNROLL(24)
      for (size_t i = 0; i < kChains; ++i) {
        // The sum as an operand keeps the compiler from multiplying once for all.
        sums[i] = hn::Add(sums[i], hn::SatWidenMulPairwiseAdd(d16, w, hn::BitCast(di8, sums[i])));
      }
    }
    Consume(d16, sums);
  } else {
    const auto a = Opaque(di8);
    hn::Vec<decltype(d32)> sums[kChains];
    HWY_UNROLL(24) for (size_t i = 0; i < kChains; ++i) sums[i] = Opaque(d32);
    for (uint64_t s = 0; s < steps; ++s) {
      HWY_UNROLL(24) for (size_t i = 0; i < kChains; ++i) sums[i] = QuadDot<false, kProducts>(d32, w, a, sums[i]);
    }
    Consume(d32, sums);
  }
  return steps * kChains * kLanes32 * 4;
}

template <Products kProducts>
HWY_NOINLINE uint64_t RunInt16Dot(uint64_t steps) {
  const hn::RebindToSigned<RowDwordTag> d32;
  const hn::Repartition<int16_t, RowDwordTag> d16;
  const auto w = Opaque(d16);
  hn::Vec<decltype(d32)> sums[kChains];
  HWY_UNROLL(24) for (size_t i = 0; i < kChains; ++i) sums[i] = Opaque(d32);
  for (uint64_t s = 0; s < steps; ++s) {
    HWY_UNROLL(24)
    for (size_t i = 0; i < kChains; ++i) {
      // The sum as an operand, as above.
      sums[i] = PairDot<kProducts>(d32, w, hn::BitCast(d16, sums[i]), sums[i]);
    }
  }
  Consume(d32, sums);
  return steps * kChains * kLanes32 * 2;
}

HWY_NOINLINE uint64_t RunF32Fma(uint64_t steps) {
  const RowFloatTag df;
  const auto w = Opaque(df), a = Opaque(df);
  hn::Vec<RowFloatTag> sums[kChains];
  HWY_UNROLL(24) for (size_t i = 0; i < kChains; ++i) sums[i] = Opaque(df);
  for (uint64_t s = 0; s < steps; ++s) {
    HWY_UNROLL(24) for (size_t i = 0; i < kChains; ++i) sums[i] = hn::MulAdd(w, a, sums[i]);
  }
  Consume(df, sums);
  return steps * kChains * kLanes32;
}

HWY_NOINLINE uint64_t RunBF16Dot(uint64_t steps) {
  const RowFloatTag df;
  const hn::Repartition<hwy::bfloat16_t, RowFloatTag> d16;
  const auto w = Opaque(d16), a = Opaque(d16);
  hn::Vec<RowFloatTag> sums[kChains];
  auto other = hn::Zero(df);  // native instructions do not use it
  HWY_UNROLL(24) for (size_t i = 0; i < kChains; ++i) sums[i] = Opaque(df);
  for (uint64_t s = 0; s < steps; ++s) {
    HWY_UNROLL(24)
    for (size_t i = 0; i < kChains; ++i) sums[i] = hn::ReorderWidenMulAccumulate(df, w, a, sums[i], other);
  }
  sums[0] = hn::Add(sums[0], other);
  Consume(df, sums);
  return steps * kChains * kLanes32 * 2;
}

// Sums `streams` runs of `bytes` bytes, `distance` apart.
template <size_t kStreams>
HWY_INLINE hn::Vec<RowDwordTag> SumStreams(const uint8_t* from, size_t bytes, size_t distance, size_t ahead) {
  const RowDwordTag d;
  constexpr size_t kStep = 256 / kStreams >= 64 ? 256 / kStreams : 64;  // bytes of a stream at a time
  constexpr size_t kVector = kLanes32 * sizeof(uint32_t);
  auto a = hn::Zero(d), b = hn::Zero(d), c = hn::Zero(d), e = hn::Zero(d);
  for (size_t i = 0; i < bytes; i += kStep) {
    for (size_t s = 0; s < kStreams; ++s) {
      const uint8_t* line = from + s * distance + i;
      if (ahead != 0) {
        for (size_t j = 0; j < kStep; j += 64) Prefetch(line + ahead + j);
      }
      for (size_t j = 0; j < kStep; j += 4 * kVector <= kStep ? 4 * kVector : kVector) {
        const auto* at = reinterpret_cast<const uint32_t*>(line + j);
        a = hn::Add(a, hn::Load(d, at));
        if constexpr (4 * kVector <= kStep) {
          b = hn::Add(b, hn::Load(d, at + kLanes32));
          c = hn::Add(c, hn::Load(d, at + 2 * kLanes32));
          e = hn::Add(e, hn::Load(d, at + 3 * kLanes32));
        }
      }
    }
  }
  return hn::Add(hn::Add(a, b), hn::Add(c, e));
}

HWY_NOINLINE uint64_t Read(Pattern pattern, const uint8_t* from, size_t bytes) {
  const RowDwordTag d;
  auto sum = hn::Zero(d);
  constexpr size_t kStreams = 32, kRow = 2048;
  switch (pattern) {
    case Pattern::kLinear: sum = SumStreams<1>(from, bytes, 0, 0); break;
    case Pattern::kPrefetched: sum = SumStreams<1>(from, bytes, 0, 4096); break;
    case Pattern::kRows:
      for (size_t i = 0; i < bytes; i += kStreams * kRow) {
        sum = hn::Add(sum, SumStreams<kStreams>(from + i, kRow, kRow, 0));
      }
      break;
  }
  return hn::ReduceSum(d, sum);
}

HWY_NOINLINE void Stream(const uint8_t* HWY_RESTRICT from, size_t read, uint8_t* HWY_RESTRICT to, size_t written) {
  const RowDwordTag d;
  constexpr size_t kVector = kLanes32 * sizeof(uint32_t), kVectors = roofline::kStreamStep / kVector;
  static_assert(kVectors >= 4);
  hn::Vec<RowDwordTag> sums[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  const size_t longest = HWY_MAX(read, written);
  // A step of the longer stream per round; one of the other whenever it is due.
  size_t due_in = 0, due_out = 0;
  for (size_t round = 0; round < longest; round += roofline::kStreamStep) {
    if ((due_in += read) >= longest) {
      due_in -= longest;
      HWY_UNROLL(16)
      for (size_t i = 0; i < kVectors; ++i) {
        sums[i % 4] = hn::Add(sums[i % 4], hn::Load(d, reinterpret_cast<const uint32_t*>(from + i * kVector)));
      }
      from += roofline::kStreamStep;
    }
    if ((due_out += written) >= longest) {
      due_out -= longest;
      HWY_UNROLL(16)
      for (size_t i = 0; i < kVectors; ++i) hn::Store(sums[i % 4], d, reinterpret_cast<uint32_t*>(to + i * kVector));
      to += roofline::kStreamStep;
    }
  }
  static thread_local volatile uint32_t sink;  // where nothing is written, the sums are needed all the same
  sink = hn::GetLane(hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3])));
  (void)sink;
}

template <Products kProducts>
constexpr roofline::Kernels kTable = {
    {RunInt8Dot<kProducts>, RunInt16Dot<kProducts>, RunF32Fma, RunBF16Dot}, Read, Stream};

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft::roofline {
const Kernels& ActiveKernels() {
  static constexpr const Kernels* kTables[] = {WEFT_TABLES_OF_ROWS};
  const Kernels* found = nullptr;
  for (size_t row = 0; row < units::kTargetRows; ++row) {
    if (kTables[row] == nullptr) continue;
    found = kTables[row];
    if (strcmp(units::kTargets[row].name, ActiveTarget()) == 0) break;
  }
  return *found;
}

}  // namespace weft::roofline
#endif  // HWY_ONCE
