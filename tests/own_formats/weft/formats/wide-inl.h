// Wide in natural order: all that is required.

#if defined(WEFT_FORMATS_WIDE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_WIDE_INL_H_
#undef WEFT_FORMATS_WIDE_INL_H_
#else
#define WEFT_FORMATS_WIDE_INL_H_
#endif

#include <stddef.h>

#include "hwy/highway.h"
#include "weft/formats/unpack-inl.h"
#include "weft/formats/wide.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <>
struct Unpack<Wide> {
  template <class D8>
  static HWY_INLINE hn::Vec<D8> Codes(D8 d8, const BlockBytes& bytes, size_t first) {
    return bytes.Load(d8, offsetof(BlockWide, q) + first);
  }
  static HWY_INLINE void Scales(const BlockWide& block, GroupFactors<Wide>& to) {
    to.scale[0] = HalfToFloat(block.d);
    to.offset[0] = -HalfToFloat(block.m);
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
