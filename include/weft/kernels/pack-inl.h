// Panels: a vector's width of weight rows, decoded and interleaved so that one load brings the same few columns of all
// rows. What a tile kernel multiplies with. R = kPanelRows rows.
//
//   quantised, per group of G columns:   codes [G / 4][R][4] u8 (operands)   scale [R] f32   offset [R] f32 (if any)
//   float:                               [cols][R] f32
//   bf16:                                [cols / 2][R][2] bf16, an odd last column paired with zeros

#if defined(WEFT_KERNELS_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_PACK_INL_H_
#undef WEFT_KERNELS_PACK_INL_H_
#else
#define WEFT_KERNELS_PACK_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/formats/panel_class.h"
#include "weft/formats/unpack-inl.h"
#include "weft/kernels/decode-inl.h"
#include "weft/simd/tiling-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Bytes of one group of a quantised panel.
template <PanelClass kClass>
inline constexpr size_t kPanelGroupBytes = kPanelRows*(kClass.group + sizeof(float) * (kClass.offset ? 2 : 1));

template <PanelClass kClass>
size_t PanelBytes(size_t cols) {
  if constexpr (kClass.group == 1) {
    return kClass.form == ActivationForm::kBF16 ? (cols + 1) / 2 * 2 * kPanelRows * sizeof(bf16)
                                                : cols * kPanelRows * sizeof(float);
  } else {
    return cols / kClass.group * kPanelGroupBytes<kClass>;
  }
}

template <class Format>
HWY_INLINE const typename Format::Block* BlocksAt(const WeightView& w, size_t row, size_t col) {
  return reinterpret_cast<const typename Format::Block*>(static_cast<const uint8_t*>(w.data) + row * w.row_bytes) +
         col / kBlockElements<Format>;
}

// A column of blocks, decoded row by row, then interleaved.
template <class Format>
HWY_INLINE void PackQuantizedBlock(const PackTask& task, size_t block, uint8_t* HWY_RESTRICT panel) {
  constexpr PanelClass kClass = PanelClassOf<Format>();
  constexpr size_t kGroups = kBlockGroups<Format>;
  alignas(64) uint32_t code[kPanelRows][kBlockElements<Format> / 4];
  float scale[kPanelRows][kGroups], offset[kPanelRows][kGroups];
  for (size_t r = 0; r < task.rows; ++r) {
    const auto* from = BlocksAt<Format>(task.w, task.first_row + r, task.first_col) + block;
    StoreCodes<Format, true>(*from, reinterpret_cast<uint8_t*>(code[r]));
    Unpack<Format>::Scales(*from, scale[r], offset[r]);
  }
  for (size_t r = task.rows; r < kPanelRows; ++r) {
    memset(code[r], 0, sizeof(code[r]));
    memset(scale[r], 0, sizeof(scale[r]));
    memset(offset[r], 0, sizeof(offset[r]));
  }
  for (size_t g = 0; g < kGroups; ++g, panel += kPanelGroupBytes<kClass>) {
    auto* quads = reinterpret_cast<uint32_t*>(panel);
    for (size_t q = 0; q < Format::kGroup / 4; ++q) {
      for (size_t r = 0; r < kPanelRows; ++r) *quads++ = code[r][g * (Format::kGroup / 4) + q];
    }
    auto* factors = reinterpret_cast<float*>(quads);
    for (size_t r = 0; r < kPanelRows; ++r) factors[r] = scale[r][g];
    if constexpr (Format::kHasOffset) {
      for (size_t r = 0; r < kPanelRows; ++r) factors[kPanelRows + r] = offset[r][g];
    }
  }
}

template <class Format>
HWY_INLINE void PackFloat(const PackTask& task) {
  if constexpr (Format::kForm == ActivationForm::kBF16) {
    const size_t padded = (task.cols + 1) / 2 * 2;
    auto* panel = static_cast<bf16*>(task.panel);
    for (size_t r = 0; r < kPanelRows; ++r) {
      const auto* from = r < task.rows ? BlocksAt<Format>(task.w, task.first_row + r, task.first_col) : nullptr;
      for (size_t k = 0; k < padded; ++k) {
        panel[(k / 2 * kPanelRows + r) * 2 + k % 2] = from != nullptr && k < task.cols ? from[k] : bf16{};
      }
    }
  } else {
    auto* panel = static_cast<float*>(task.panel);
    constexpr size_t kChunk = 64;
    alignas(64) float row[kChunk];
    for (size_t r = 0; r < kPanelRows; ++r) {
      for (size_t k = 0; k < task.cols; k += kChunk) {
        const size_t count = task.cols - k < kChunk ? task.cols - k : kChunk;
        if (r < task.rows) {
          DecodeBlocks<Format>(BlocksAt<Format>(task.w, task.first_row + r, task.first_col) + k, row, count);
        } else {
          memset(row, 0, sizeof(row));
        }
        for (size_t i = 0; i < count; ++i) panel[(k + i) * kPanelRows + r] = row[i];
      }
    }
  }
}

// See PackTask. The panel is 64-byte aligned.
template <class Format>
HWY_NOINLINE void PackPanel(const PackTask& task) {
  if constexpr (kIsFloat<Format>) {
    PackFloat<Format>(task);
  } else {
    constexpr size_t kBlock = kBlockElements<Format>;
    auto* panel = static_cast<uint8_t*>(task.panel);
    for (size_t b = 0; b < task.cols / kBlock; ++b) {
      PackQuantizedBlock<Format>(task, b, panel + b * kBlockGroups<Format> * kPanelGroupBytes<PanelClassOf<Format>()>);
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
