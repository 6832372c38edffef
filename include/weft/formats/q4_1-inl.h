// Q4_1 in registers. The layout is drawn in q4_1.h.

#if defined(WEFT_FORMATS_Q4_1_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_Q4_1_INL_H_
#undef WEFT_FORMATS_Q4_1_INL_H_
#else
#define WEFT_FORMATS_Q4_1_INL_H_
#endif

#include "hwy/highway.h"
#include "weft/formats/q4_1.h"
#include "weft/formats/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <>
struct Unpack<Q4_1> {
  template <class D8>
  static HWY_INLINE hn::Vec<D8> Codes(D8 d8, const BlockQ4_1& block, size_t first) {
    return SplitNibbles32(d8, block.q, first);
  }
  static HWY_INLINE void Scales(const BlockQ4_1& block, float* scale, float* offset) {
    scale[0] = HalfToFloat(block.d);
    offset[0] = -HalfToFloat(block.m);
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
