// This target's kernels of a weight format as a plain table (core/kernel_set.h), for the instantiation units and
// static-inl.h. Each kind of table has a header of its own, so that a unit reads the kernels that it compiles and no
// others.

#if defined(WEFT_KERNELS_FORMAT_TABLE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_FORMAT_TABLE_INL_H_
#undef WEFT_KERNELS_FORMAT_TABLE_INL_H_
#else
#define WEFT_KERNELS_FORMAT_TABLE_INL_H_
#endif

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/kernels/decode-inl.h"
#include "weft/kernels/dot-inl.h"
#include "weft/kernels/encode-inl.h"
#include "weft/kernels/pack-inl.h"
#include "weft/kernels/pack_tokens-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {

template <class Format, ActivationForm kForm, Products kProducts>
constexpr ProductKernels MakeProductKernels() {
  constexpr PanelClass kClass = PanelClassOf<Format, kForm, kProducts>();
  ProductKernels k;
  k.form = kForm;
  k.panel = kClass;
  k.dot = DotRows<Format, kClass, kProducts>;
  if constexpr (!kIsFloat<Format>) {
    k.zero = Format::kZero;
    k.lane_bytes = DotTokenBytes<Format, kClass, kProducts>;
    k.pack_lanes = PackDotTokens<Format, kClass, kProducts>;
  }
  k.pack = PackPanel<Format, kClass>;
  return k;
}

template <class Format, Products kProducts = kStaticProducts>
constexpr FormatKernels MakeFormatKernels() {
  FormatKernels k;
  k.type = Format::kType;
  k.block_elements = kBlockElements<Format>;
  k.block_bytes = sizeof(typename Format::Block);
  k.decode = DecodeBlocks<Format>;
  if constexpr (kCanEncode<Format>) k.encode = EncodeBlocks<Format>;
  k.products[0] = MakeProductKernels<Format, FormOf<Format>(Precision::kFast), kProducts>();
  k.products[1] = MakeProductKernels<Format, FormOf<Format>(Precision::kFine), kProducts>();
  return k;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
