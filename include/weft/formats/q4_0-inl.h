// Q4_0 in registers. The layout is drawn in q4_0.h.

#if defined(WEFT_FORMATS_Q4_0_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_Q4_0_INL_H_
#undef WEFT_FORMATS_Q4_0_INL_H_
#else
#define WEFT_FORMATS_Q4_0_INL_H_
#endif

#include <stddef.h>

#include "hwy/highway.h"
#include "weft/formats/q4_0.h"
#include "weft/formats/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <>
struct Unpack<Q4_0> {
  static constexpr size_t kCodesBegin = offsetof(BlockQ4_0, q), kCodesEnd = kCodesBegin + 16;

  template <class D8, class Bytes>
  static HWY_INLINE hn::Vec<D8> Codes(D8 d8, const Bytes& bytes, size_t first) {
    return SplitNibbles32(d8, bytes, offsetof(BlockQ4_0, q), first);
  }
  static HWY_INLINE void Scales(const BlockQ4_0& block, GroupFactors<Q4_0>& to) { to.scale[0] = HalfToFloat(block.d); }
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
