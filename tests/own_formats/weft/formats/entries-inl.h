// Entries in natural order: all that is required.

#if defined(WEFT_FORMATS_ENTRIES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_ENTRIES_INL_H_
#undef WEFT_FORMATS_ENTRIES_INL_H_
#else
#define WEFT_FORMATS_ENTRIES_INL_H_
#endif

#include <stddef.h>
#include <string.h>

#include "hwy/highway.h"
#include "weft/formats/entries.h"
#include "weft/formats/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <>
struct Unpack<Entries> {
  template <class D8>
  static HWY_INLINE hn::Vec<D8> Codes(D8 d8, const BlockBytes& bytes, size_t first) {
    // Whole entries, then signs.
    HWY_ALIGN uint8_t value[32];
    const auto& block = *reinterpret_cast<const BlockEntries*>(bytes.block);
    for (size_t i = 0; i < hn::Lanes(d8) / 8; ++i) {
      memcpy(value + 8 * i, kEntries.value[block.index[first / 8 + i]], 8);
    }
    const auto v = hn::Load(d8, value), zero = hn::Set(d8, uint8_t{64});
    const auto negative = hn::LoadMaskBits(d8, block.negative + first / 8);
    return hn::IfThenElse(negative, hn::Sub(zero, v), hn::Add(zero, v));
  }
  static HWY_INLINE void Scales(const BlockEntries& block, GroupFactors<Entries>& to) {
    to.scale[0] = HalfToFloat(block.d);
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
