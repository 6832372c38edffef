// Rows to lanes: the same bytes of as many rows as a vector has 32-bit lanes.

#if defined(WEFT_SIMD_INTERLEAVE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_SIMD_INTERLEAVE_INL_H_
#undef WEFT_SIMD_INTERLEAVE_INL_H_
#else
#define WEFT_SIMD_INTERLEAVE_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>

#include "hwy/highway.h"
#include "weft/core/strict_math.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Vectors of 32-bit lanes; lane r of dword[i] holds bytes [4i, 4i + 4) of what was loaded of row r.
template <class D, size_t kDwords = 4>
struct Dwords {
  hn::Vec<D> dword[kDwords];
};

// In every 128-bit block, the 4 x 4 lanes transposed: lanes of dword[i] are the i-th lanes of a, b, c, e.
template <class D, HWY_IF_U32_D(D)>
HWY_INLINE Dwords<D> TransposeDwords(D d, hn::Vec<D> a, hn::Vec<D> b, hn::Vec<D> c, hn::Vec<D> e) {
  const hn::Repartition<uint64_t, D> d64;
  const auto low_ab = hn::BitCast(d64, hn::InterleaveLower(d, a, b));
  const auto high_ab = hn::BitCast(d64, hn::InterleaveUpper(d, a, b));
  const auto low_ce = hn::BitCast(d64, hn::InterleaveLower(d, c, e));
  const auto high_ce = hn::BitCast(d64, hn::InterleaveUpper(d, c, e));
  return {{hn::BitCast(d, hn::InterleaveLower(d64, low_ab, low_ce)),
           hn::BitCast(d, hn::InterleaveUpper(d64, low_ab, low_ce)),
           hn::BitCast(d, hn::InterleaveLower(d64, high_ab, high_ce)),
           hn::BitCast(d, hn::InterleaveUpper(d64, high_ab, high_ce))}};
}

// As many rows' kRowBytes as a vector holds, the first row's first, from rows `stride` apart.
template <size_t kRowBytes, class D, HWY_IF_U32_D(D)>
HWY_INLINE hn::Vec<D> LoadPieces(D d, const uint8_t* from, size_t stride) {
  const hn::Repartition<uint8_t, D> d8;
  constexpr size_t kRows = 4 * hn::MaxLanes(d) / kRowBytes;
  if constexpr (kRows == 1) {
    (void)stride;
    return hn::BitCast(d, hn::LoadU(d8, from));
  } else {
    const hn::Half<D> dh;
    return hn::Combine(d, LoadPieces<kRowBytes>(dh, from + kRows / 2 * stride, stride),
                       LoadPieces<kRowBytes>(dh, from, stride));
  }
}

// The even (odd) 128-bit blocks of a, then those of b.
template <size_t kFirst, class D, HWY_IF_U32_D(D)>
HWY_INLINE hn::Vec<D> EveryOtherBlock(D d, hn::Vec<D> a, hn::Vec<D> b) {
  if constexpr (4 * hn::MaxLanes(d) == 32) {
    return kFirst == 0 ? hn::ConcatLowerLower(d, b, a) : hn::ConcatUpperUpper(d, b, a);
  } else {
    static_assert(4 * hn::MaxLanes(d) == 64);
    const hn::Repartition<uint64_t, D> d64;
    constexpr uint64_t kAt = 2 * kFirst;
    alignas(64) static constexpr uint64_t kIndices[8] = {kAt,     kAt + 1, kAt + 4,  kAt + 5,
                                                         kAt + 8, kAt + 9, kAt + 12, kAt + 13};
    return hn::BitCast(
        d, hn::TwoTablesLookupLanes(d64, hn::BitCast(d64, a), hn::BitCast(d64, b), hn::SetTableIndices(d64, kIndices)));
  }
}

// kBytes (16 or 32) of Lanes(d) rows, row r's at from + r * stride, any alignment. Loads limit its speed, which is why
// 32 bytes at once are better than 16 twice.
template <size_t kBytes, class D, HWY_IF_U32_D(D)>
HWY_INLINE Dwords<D, kBytes / 4> LoadRows(D d, const uint8_t* from, size_t stride) {
  static_assert(kBytes == 16 || kBytes == 32);
  constexpr size_t kRows = hn::MaxLanes(d);
  if constexpr (kBytes == 16) {
    // Block b of a vector: row i + 4b.
    const auto load = [&](size_t i) HWY_ATTR { return LoadPieces<16>(d, from + i * stride, 4 * stride); };
    return TransposeDwords(d, load(0), load(1), load(2), load(3));
  } else if constexpr (kRows == 4) {
    const auto low = LoadRows<16>(d, from, stride), high = LoadRows<16>(d, from + 16, stride);
    return {{low.dword[0], low.dword[1], low.dword[2], low.dword[3], high.dword[0], high.dword[1], high.dword[2],
             high.dword[3]}};
  } else {
    // Blocks 2b and 2b + 1 of a vector: row i + 4b, and after transposing dwords i and 4 + i of rows 4b .. 4b + 3.
    const auto load = [&](size_t i) HWY_ATTR { return LoadPieces<32>(d, from + i * stride, 4 * stride); };
    constexpr size_t kMiddle = kRows / 2;
    const auto a = TransposeDwords(d, load(0), load(1), load(2), load(3));
    const auto b = TransposeDwords(d, load(kMiddle), load(kMiddle + 1), load(kMiddle + 2), load(kMiddle + 3));
    const auto& v = a.dword;
    const auto& w = b.dword;
    return {{EveryOtherBlock<0>(d, v[0], w[0]), EveryOtherBlock<0>(d, v[1], w[1]), EveryOtherBlock<0>(d, v[2], w[2]),
             EveryOtherBlock<0>(d, v[3], w[3]), EveryOtherBlock<1>(d, v[0], w[0]), EveryOtherBlock<1>(d, v[1], w[1]),
             EveryOtherBlock<1>(d, v[2], w[2]), EveryOtherBlock<1>(d, v[3], w[3])}};
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
