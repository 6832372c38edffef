// Q5_0 in registers. The layout is drawn in q5_0.h.

#if defined(WEFT_FORMATS_Q5_0_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_Q5_0_INL_H_
#undef WEFT_FORMATS_Q5_0_INL_H_
#else
#define WEFT_FORMATS_Q5_0_INL_H_
#endif

#include <stddef.h>

#include "hwy/highway.h"
#include "weft/formats/q5_0.h"
#include "weft/formats/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Codes from `first` on of 32: nibbles at `nibbles` as in Q4_0, and a fifth bit each in the four bytes at `bits`.
template <class D8, class Bytes>
HWY_INLINE hn::Vec<D8> FiveBits32(D8 d8, const Bytes& bytes, size_t bits, size_t nibbles, size_t first) {
  const auto fifth = hn::IfThenElseZero(BitsOfCodes(d8, bytes, bits, first), hn::Set(d8, uint8_t{16}));
  return hn::Or(SplitNibbles32(d8, bytes, nibbles, first), fifth);
}

template <>
struct Unpack<Q5_0> {
  static constexpr size_t kCodesBegin = offsetof(BlockQ5_0, qh), kCodesEnd = sizeof(BlockQ5_0);

  template <class D8, class Bytes>
  static HWY_INLINE hn::Vec<D8> Codes(D8 d8, const Bytes& bytes, size_t first) {
    return FiveBits32(d8, bytes, offsetof(BlockQ5_0, qh), offsetof(BlockQ5_0, q), first);
  }
  static HWY_INLINE void Scales(const BlockQ5_0& block, GroupFactors<Q5_0>& to) { to.scale[0] = HalfToFloat(block.d); }
  template <class Rows, class To>
  static HWY_INLINE void RowScales(const Rows& rows, const To& to) {
    const RowDwordTag d;
    to.Scale(0, HalfFloat<0>(d, rows.Load(0).dword[0]));
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
