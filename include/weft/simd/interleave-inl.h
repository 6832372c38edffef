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

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Four vectors of 32-bit lanes; lane r of dword[i] holds bytes [4i, 4i + 4) of row r's 16.
template <class D>
struct Dwords {
  hn::Vec<D> dword[4];
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

// 128-bit block b of the result: the 16 bytes at from + 4 * b * stride.
template <class D, HWY_IF_U32_D(D)>
HWY_INLINE hn::Vec<D> LoadEveryFourthRow(D d, const uint8_t* from, size_t stride) {
  const hn::Repartition<uint8_t, D> d8;
  if constexpr (hn::MaxLanes(d) == 4) {
    return hn::BitCast(d, hn::LoadU(d8, from));
  } else {
    const hn::Half<D> dh;
    constexpr size_t kRows = hn::MaxLanes(d) / 2;
    return hn::Combine(d, LoadEveryFourthRow(dh, from + kRows * stride, stride), LoadEveryFourthRow(dh, from, stride));
  }
}

// 16 bytes of Lanes(d) rows, row r's at from + r * stride, any alignment.
template <class D, HWY_IF_U32_D(D)>
HWY_INLINE Dwords<D> LoadRows(D d, const uint8_t* from, size_t stride) {
  return TransposeDwords(d, LoadEveryFourthRow(d, from, stride), LoadEveryFourthRow(d, from + stride, stride),
                         LoadEveryFourthRow(d, from + 2 * stride, stride),
                         LoadEveryFourthRow(d, from + 3 * stride, stride));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
