// Whole blocks to floats.

#if defined(WEFT_KERNELS_DECODE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_DECODE_INL_H_
#undef WEFT_KERNELS_DECODE_INL_H_
#else
#define WEFT_KERNELS_DECODE_INL_H_
#endif

#include <stddef.h>

#include "hwy/highway.h"
#include "weft/formats/row_codes-inl.h"
#include "weft/simd/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// y[0, n) = the elements of n / block blocks. Bit-exact: the integer code - zero is exact in float, the products and
// differences are those of the definition (no fused multiply-add, which could round differently from the reference).
template <class Format>
HWY_NOINLINE void DecodeBlocks(const void* blocks, float* HWY_RESTRICT y, size_t n) {
  const auto* from = static_cast<const typename Format::Block*>(blocks);
  if constexpr (kIsFloat<Format>) {
    const hn::ScalableTag<float> df;
    const size_t lanes = hn::Lanes(df);
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) hn::StoreU(LoadFloat(df, from + i), df, y + i);
    if (i < n) hn::StoreN(LoadFloatN(df, from + i, n - i), df, y + i, n - i);
  } else {
    const hn::CappedTag<float, Format::kGroup> df;
    const hn::Rebind<uint8_t, decltype(df)> d8;
    const hn::Rebind<int32_t, decltype(df)> d32;
    alignas(64) uint8_t code[kBlockElements<Format>];
    GroupFactors<Format> factors;
    for (; n != 0; n -= kBlockElements<Format>, ++from) {
      StoreCodes<Format>(reinterpret_cast<const uint8_t*>(from), code);
      Unpack<Format>::Scales(*from, factors);
      for (size_t i = 0; i < kBlockElements<Format>; i += hn::Lanes(df)) {
        const size_t g = i / Format::kGroup;
        const auto integer = hn::Sub(hn::PromoteTo(d32, hn::LoadU(d8, code + i)), hn::Set(d32, Format::kZero));
        auto w = hn::Mul(hn::ConvertTo(df, integer), hn::Set(df, factors.Scale(g)));
        if constexpr (Format::kHasOffset) w = hn::Sub(w, hn::Set(df, factors.Offset(g)));
        hn::StoreU(w, df, y);
        y += hn::Lanes(df);
      }
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
