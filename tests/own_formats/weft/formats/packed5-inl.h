// Packed5 in natural order: all that is required.

#if defined(WEFT_FORMATS_PACKED5_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_PACKED5_INL_H_
#undef WEFT_FORMATS_PACKED5_INL_H_
#else
#define WEFT_FORMATS_PACKED5_INL_H_
#endif

#include <stddef.h>

#include "hwy/highway.h"
#include "weft/formats/packed5.h"
#include "weft/formats/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <>
struct Unpack<Packed5> {
  template <class D8>
  static HWY_INLINE hn::Vec<D8> Codes(D8 d8, const BlockBytes& bytes, size_t first) {
    HWY_ALIGN uint8_t code[32];
    for (size_t i = 0; i < hn::Lanes(d8); ++i)
      code[i] = Packed5::CodeAt(*reinterpret_cast<const BlockPacked5*>(bytes.block), first + i);
    return hn::Load(d8, code);
  }
  static HWY_INLINE void Scales(const BlockPacked5& block, GroupFactors<Packed5>& to) {
    to.scale[0] = HalfToFloat(block.d);
    to.offset[0] = -HalfToFloat(block.m);
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
