// Q4_K in registers. The layout is drawn in q4_k.h.

#if defined(WEFT_FORMATS_Q4_K_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_Q4_K_INL_H_
#undef WEFT_FORMATS_Q4_K_INL_H_
#else
#define WEFT_FORMATS_Q4_K_INL_H_
#endif

#include <stddef.h>

#include "hwy/highway.h"
#include "weft/formats/q4_k.h"
#include "weft/formats/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <>
struct Unpack<Q4_K> {
  static constexpr size_t kCodesBegin = offsetof(BlockQ4_K, q), kCodesEnd = kCodesBegin + 128;

  template <class D8, class Bytes>
  static HWY_INLINE hn::Vec<D8> Codes(D8 d8, const Bytes& bytes, size_t first) {
    const auto packed = bytes.Load(d8, offsetof(BlockQ4_K, q) + first / 64 * 32 + first % 32);
    return first % 64 < 32 ? LowNibbles(d8, packed) : HighNibbles(d8, packed);
  }
  static HWY_INLINE void Scales(const BlockQ4_K& block, GroupFactors<Q4_K>& to) {
    uint8_t s[8], m[8];
    UnpackScalesK(block.scales, s, m);
    for (size_t g = 0; g < 8; ++g) {
      to.scale[g] = s[g];
      to.offset[g] = m[g];
    }
    to.scale_factor = HalfToFloat(block.d);
    to.offset_factor = HalfToFloat(block.dmin);
  }
  template <class Rows, class To>
  static HWY_INLINE void RowScales(const Rows& rows, const To& to) {
    const RowDwordTag d;
    const auto header = rows.Load(0);  // d and dmin, then the 12 bytes of scales and minimums
    const auto low6 = hn::Set(d, 0x3F3F3F3Fu), low4 = hn::Set(d, 0x0F0F0F0Fu), top2 = hn::Set(d, 0x30303030u);
    const auto first = header.dword[1], second = header.dword[2], third = header.dword[3];
    const auto scales = hn::And(first, low6), minimums = hn::And(second, low6);
    const auto more_scales = hn::Or(hn::And(third, low4), hn::And(hn::ShiftRight<2>(first), top2));
    const auto more_minimums =
        hn::Or(hn::And(hn::ShiftRight<4>(third), low4), hn::And(hn::ShiftRight<2>(second), top2));
    const auto factor = HalfFloat<0>(d, header.dword[0]);
    ByteScales<false>(to, 0, factor, scales);
    ByteScales<false>(to, 4, factor, more_scales);
    const auto offset_factor = HalfFloat<1>(d, header.dword[0]);
    ByteOffsets(to, 0, offset_factor, minimums);
    ByteOffsets(to, 4, offset_factor, more_minimums);
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
