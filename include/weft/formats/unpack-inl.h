// What a quantised format gives the kernels, per target: its codes in registers, and its scales.
//
// Each quantised format specialises Unpack in its own -inl.h:
//   template <> struct Unpack<Q4_K> {
//     // Codes [first, first + Lanes(d8)) of the block in natural order. Lanes(d8) is a power of two from 8 to 32 and
//     // divides `first` and the group. Reads nothing outside the block.
//     template <class D8> static hn::Vec<D8> Codes(D8 d8, const BlockQ4_K& block, size_t first);
//     // scale[g] (and offset[g], if the format has offsets) of all groups.
//     static void Scales(const BlockQ4_K& block, float* scale, float* offset);
//   };
// Everything else (decoding, dots, panels) is written over these two.

#if defined(WEFT_FORMATS_UNPACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_UNPACK_INL_H_
#undef WEFT_FORMATS_UNPACK_INL_H_
#else
#define WEFT_FORMATS_UNPACK_INL_H_
#endif

#include "hwy/highway.h"
#include "weft/formats/format.h"
#include "weft/simd/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class Format>
struct Unpack;

// Low (shift 0) or high (shift 4) nibbles of bytes.
template <class D8>
HWY_INLINE hn::Vec<D8> LowNibbles(D8 d8, hn::Vec<D8> bytes) {
  return hn::And(bytes, hn::Set(d8, uint8_t{15}));
}
template <class D8>
HWY_INLINE hn::Vec<D8> HighNibbles(D8 d8, hn::Vec<D8> bytes) {
  // Shifting 16-bit lanes is one instruction everywhere; the mask removes what came over from the neighbour.
  const hn::Repartition<uint16_t, D8> d16;
  return LowNibbles(d8, hn::BitCast(d8, hn::ShiftRight<4>(hn::BitCast(d16, bytes))));
}

// Codes [first, first + Lanes(d8)) of 32 whose first half are the low nibbles of q[0, 16) and whose second the high
// ones.
template <class D8>
HWY_INLINE hn::Vec<D8> SplitNibbles32(D8 d8, const uint8_t* HWY_RESTRICT q, size_t first) {
  if constexpr (hn::MaxLanes(d8) == 32) {  // both halves at once
    const hn::Half<D8> dh;
    const auto bytes = hn::LoadU(dh, q);
    return hn::Combine(d8, HighNibbles(dh, bytes), LowNibbles(dh, bytes));
  } else {
    const auto bytes = hn::LoadU(d8, q + first % 16);
    return first < 16 ? LowNibbles(d8, bytes) : HighNibbles(d8, bytes);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
