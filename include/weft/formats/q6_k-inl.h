// Q6_K in registers. The layout is drawn in q6_k.h.

#if defined(WEFT_FORMATS_Q6_K_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_Q6_K_INL_H_
#undef WEFT_FORMATS_Q6_K_INL_H_
#else
#define WEFT_FORMATS_Q6_K_INL_H_
#endif

#include <stddef.h>

#include "hwy/highway.h"
#include "weft/formats/q6_k.h"
#include "weft/formats/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <>
struct Unpack<Q6_K> {
  static constexpr size_t kCodesBegin = 0, kCodesEnd = offsetof(BlockQ6_K, scales);

  template <class D8, class Bytes>
  static HWY_INLINE hn::Vec<D8> Codes(D8 d8, const Bytes& bytes, size_t first) {
    const size_t half = first / 128, quarter = first % 128 / 32, i = first % 32;
    const auto low_bytes = bytes.Load(d8, offsetof(BlockQ6_K, ql) + half * 64 + quarter % 2 * 32 + i);
    const auto high_bytes = bytes.Load(d8, offsetof(BlockQ6_K, qh) + half * 32 + i);
    const auto low = quarter < 2 ? LowNibbles(d8, low_bytes) : HighNibbles(d8, low_bytes);
    return hn::Or(low, HighBits(d8, high_bytes, quarter));
  }
  static HWY_INLINE void Scales(const BlockQ6_K& block, GroupFactors<Q6_K>& to) {
    for (size_t g = 0; g < 16; ++g) to.scale[g] = block.scales[g];
    to.scale_factor = HalfToFloat(block.d);
  }
  template <class Rows, class To>
  static HWY_INLINE void RowScales(const Rows& rows, const To& to) {
    const RowDwordTag d;
    const auto scales = rows.Load(offsetof(BlockQ6_K, scales));
    const auto end = rows.Load(sizeof(BlockQ6_K) - 16);
    const auto factor = HalfFloat<1>(d, end.dword[3]);
    for (size_t i = 0; i < 4; ++i) ByteScales<true>(to, 4 * i, factor, scales.dword[i]);
  }

 private:
  // Bits 2 * quarter and 2 * quarter + 1 of each byte, moved to bits 4 and 5.
  template <class D8>
  static HWY_INLINE hn::Vec<D8> HighBits(D8 d8, hn::Vec<D8> bytes, size_t quarter) {
    const hn::Repartition<uint16_t, D8> d16;
    const auto wide = hn::BitCast(d16, bytes);
    const auto moved = quarter == 0   ? hn::ShiftLeft<4>(wide)
                       : quarter == 1 ? hn::ShiftLeft<2>(wide)
                       : quarter == 2 ? wide
                                      : hn::ShiftRight<2>(wide);
    return hn::And(hn::BitCast(d8, moved), hn::Set(d8, uint8_t{0x30}));
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
