// SignedFactors in natural order: all that is required.

#if defined(WEFT_FORMATS_SIGNED_FACTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_SIGNED_FACTORS_INL_H_
#undef WEFT_FORMATS_SIGNED_FACTORS_INL_H_
#else
#define WEFT_FORMATS_SIGNED_FACTORS_INL_H_
#endif

#include <stddef.h>

#include "hwy/highway.h"
#include "weft/formats/signed_factors.h"
#include "weft/formats/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <>
struct Unpack<SignedFactors> {
  template <class D8>
  static HWY_INLINE hn::Vec<D8> Codes(D8 d8, const BlockBytes& bytes, size_t first) {
    HWY_ALIGN uint8_t code[32];
    for (size_t i = 0; i < hn::Lanes(d8); ++i)
      code[i] = SignedFactors::CodeAt(*reinterpret_cast<const BlockSignedFactors*>(bytes.block), first + i);
    return hn::Load(d8, code);
  }
  static HWY_INLINE void Scales(const BlockSignedFactors& block, GroupFactors<SignedFactors>& to) {
    for (size_t g = 0; g < 4; ++g) {
      to.scale[g] = block.scale[g];
      to.offset[g] = block.offset[g];
    }
    to.scale_factor = HalfToFloat(block.d);
    to.offset_factor = HalfToFloat(block.dmin);
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
