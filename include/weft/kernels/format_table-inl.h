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
namespace weft {
namespace HWY_NAMESPACE {

template <class Format, Products kProducts = kStaticProducts>
constexpr FormatKernels MakeFormatKernels() {
  FormatKernels k;
  k.type = Format::kType;
  k.block_elements = kBlockElements<Format>;
  k.block_bytes = sizeof(typename Format::Block);
  if constexpr (!kIsFloat<Format>) k.zero = Format::kZero;
  k.form = Format::kForm;
  k.panel = PanelClassOf<Format>();
  k.decode = DecodeBlocks<Format>;
  k.encode = EncodeBlocks<Format>;
  k.dot = DotRows<Format, kProducts>;
  if constexpr (!kIsFloat<Format>) {
    k.lane_bytes = LaneBytes<Format>;
    k.pack_lanes = PackLanes<Format>;
  }
  k.pack = PackPanel<Format>;
  return k;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
