// Bits128 in natural order: all that is required.

#if defined(WEFT_FORMATS_BITS128_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_BITS128_INL_H_
#undef WEFT_FORMATS_BITS128_INL_H_
#else
#define WEFT_FORMATS_BITS128_INL_H_
#endif

#include <stddef.h>

#include "hwy/highway.h"
#include "weft/formats/bits128.h"
#include "weft/formats/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <>
struct Unpack<Bits128> {
  template <class D8>
  static HWY_INLINE hn::Vec<D8> Codes(D8 d8, const BlockBytes& bytes, size_t first) {
    const auto set = BitsOfCodes(d8, bytes, offsetof(BlockBits128, bits) + first / 32 * 4, first % 32);
    return hn::IfThenElseZero(set, hn::Set(d8, uint8_t{2}));
  }
  static HWY_INLINE void Scales(const BlockBits128& block, GroupFactors<Bits128>& to) {
    to.scale[0] = HalfToFloat(block.d);
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
