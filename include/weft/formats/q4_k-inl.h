// Q4_K in registers. The layout is drawn in q4_k.h.

#if defined(WEFT_FORMATS_Q4_K_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_Q4_K_INL_H_
#undef WEFT_FORMATS_Q4_K_INL_H_
#else
#define WEFT_FORMATS_Q4_K_INL_H_
#endif

#include "hwy/highway.h"
#include "weft/formats/q4_k.h"
#include "weft/formats/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <>
struct Unpack<Q4_K> {
  template <class D8>
  static HWY_INLINE hn::Vec<D8> Codes(D8 d8, const BlockQ4_K& block, size_t first) {
    const auto bytes = hn::LoadU(d8, block.q + first / 64 * 32 + first % 32);
    return first % 64 < 32 ? LowNibbles(d8, bytes) : HighNibbles(d8, bytes);
  }
  static HWY_INLINE void Scales(const BlockQ4_K& block, float* scale, float* offset) {
    uint8_t s[8], m[8];
    UnpackScalesK(block.scales, s, m);
    const float d = HalfToFloat(block.d), dmin = HalfToFloat(block.dmin);
    for (size_t g = 0; g < 8; ++g) {
      scale[g] = d * static_cast<float>(s[g]);
      offset[g] = dmin * static_cast<float>(m[g]);
    }
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
