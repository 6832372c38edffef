// This target's kernels as plain tables (core/kernel_set.h). The instantiation units and static-inl.h build on these.

#if defined(WEFT_KERNELS_TABLES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_TABLES_INL_H_
#undef WEFT_KERNELS_TABLES_INL_H_
#else
#define WEFT_KERNELS_TABLES_INL_H_
#endif

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/kernels/activate-inl.h"
#include "weft/kernels/attention-inl.h"
#include "weft/kernels/attention_tile-inl.h"
#include "weft/kernels/decode-inl.h"
#include "weft/kernels/dot-inl.h"
#include "weft/kernels/elementwise-inl.h"
#include "weft/kernels/encode-inl.h"
#include "weft/kernels/norm-inl.h"
#include "weft/kernels/pack-inl.h"
#include "weft/kernels/pack_tokens-inl.h"
#include "weft/kernels/rope-inl.h"
#include "weft/kernels/store_kv-inl.h"
#include "weft/kernels/tile-inl.h"
#include "weft/kernels/top_k-inl.h"

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

template <PanelClass kClass, Products kProducts = kStaticProducts>
constexpr TileKernels MakeTileKernels() {
  TileKernels k;
  k.panel = kClass;
  k.tokens = TileTokens(kClass.form);
  k.token_step = TileTokenStep(kClass.form);
  k.rows = kPanelRows;
  k.chunk = ChunkCols(kClass.form);
  if constexpr (kClass.group > 1) {
    k.integer_scales = kIntegerScales;
    k.dropped_bits = PanelLayout<kClass>::kDropped;
  }
  k.panel_bytes = PanelBytes<kClass>;
  k.token_bytes = TokenBytes<kClass>;
  k.pack_tokens = PackTokens<kClass>;
  k.tile = Tile<kClass, kProducts>;
  return k;
}

constexpr OpKernels MakeOpKernels() {
  OpKernels k;
  k.activate[static_cast<size_t>(ActivationForm::kBF16)] = Activate<ActivationForm::kBF16>;
  k.activate[static_cast<size_t>(ActivationForm::kA32)] = Activate<ActivationForm::kA32>;
  k.activate[static_cast<size_t>(ActivationForm::kA256)] = Activate<ActivationForm::kA256>;
  k.epilogue = RunEpilogue;
  k.norm = NormRows;
  k.rope = RopeTokens;
  k.gated = GatedRows;
  k.softmax = SoftmaxRows;
  k.elementwise = ElementwiseRows;
  k.top_k = TopKRows;
  k.store_kv = StoreKvTokens;
  return k;
}

constexpr AttentionKernels MakeAttentionKernels() {
  return {AttentionScratch, Attend, AttentionTileQueries, AttentionTileScratch, AttendTile};
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
