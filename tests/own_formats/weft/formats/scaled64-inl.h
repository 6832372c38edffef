// Scaled64 in natural order: all that is required.

#if defined(WEFT_FORMATS_SCALED64_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_SCALED64_INL_H_
#undef WEFT_FORMATS_SCALED64_INL_H_
#else
#define WEFT_FORMATS_SCALED64_INL_H_
#endif

#include <stddef.h>

#include "hwy/highway.h"
#include "weft/formats/scaled64.h"
#include "weft/formats/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <>
struct Unpack<Scaled64> {
  template <class D8>
  static HWY_INLINE hn::Vec<D8> Codes(D8 d8, const BlockBytes& bytes, size_t first) {
    HWY_ALIGN uint8_t code[32];
    for (size_t i = 0; i < hn::Lanes(d8); ++i)
      code[i] = Scaled64::CodeAt(*reinterpret_cast<const BlockScaled64*>(bytes.block), first + i);
    return hn::Load(d8, code);
  }
  static HWY_INLINE void Scales(const BlockScaled64& block, GroupFactors<Scaled64>& to) {
    for (size_t g = 0; g < 2; ++g) to.scale[g] = block.scale[g];
    to.scale_factor = HalfToFloat(block.d);
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
