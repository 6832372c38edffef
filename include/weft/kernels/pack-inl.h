// Panels: two vectors' width of weight rows, decoded and interleaved so that one load brings the same few columns of
// all rows of a vector. What a tile kernel multiplies with. R = kPanelRows rows.
//
//   quantised, per span of GroupOf(form) columns:
//     per group of G columns:  codes [G / 4][R][4] u8 (operands)    scale [R] f32    offset [R] f32 (if
//     Offsets::kFloat) Offsets::kInteger:       offsets [groups / 2][R][2] i16       their factor [R] f32
//   float:                     [cols][R] f32
//   bf16:                      [cols / 2][R][2] bf16, an odd last column paired with zeros
// Float panels are filled up to a multiple of eight columns.

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
#include "weft/simd/interleave-inl.h"
#include "weft/simd/tiling-inl.h"
#include "weft/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Where things lie in a quantised panel, in bytes.
template <PanelClass kClass>
struct PanelLayout {
  static constexpr size_t kSpan = GroupOf(kClass.form);
  static constexpr size_t kGroups = kSpan / kClass.group;
  static constexpr size_t kCodes = kClass.group * kPanelRows;
  static constexpr size_t kFactors = kPanelRows * sizeof(float);
  static constexpr size_t kGroupBytes = kCodes + kFactors * (kClass.offsets == Offsets::kFloat ? 2 : 1);
  static constexpr size_t kIntegers = kGroups * kGroupBytes;
  static constexpr size_t kPairBytes = kPanelRows * 2 * sizeof(int16_t);
  static constexpr size_t kIntegerFactor = kIntegers + kGroups / 2 * kPairBytes;
  static constexpr size_t kSpanBytes = kClass.offsets == Offsets::kInteger ? kIntegerFactor + kFactors : kIntegers;
};

// Bytes of a column of a float panel.
template <PanelClass kClass>
inline constexpr size_t kFloatPanelColumn = kPanelRows*(kClass.form == ActivationForm::kBF16 ? sizeof(bf16)
                                                                                             : sizeof(float));

template <PanelClass kClass>
size_t PanelBytes(size_t cols) {
  if constexpr (kClass.group == 1) {
    return (cols + 7) / 8 * 8 * kFloatPanelColumn<kClass>;  // columns are packed up to eight at a time
  } else {
    return cols / GroupOf(kClass.form) * PanelLayout<kClass>::kSpanBytes;
  }
}

// Takes the factors of a vector of rows to a panel. Groups count from the first of the span at `panel`.
template <PanelClass kClass>
struct PanelFactors {
  using Layout = PanelLayout<kClass>;
  uint8_t* panel;  // of this vector

  HWY_INLINE void Scale(size_t group, hn::Vec<RowFloatTag> v) const { Store(v, At(group) + Layout::kCodes); }
  HWY_INLINE void Offset(size_t group, hn::Vec<RowFloatTag> v) const {
    Store(v, At(group) + Layout::kCodes + Layout::kFactors);
  }
  // Offsets 2 * pair and 2 * pair + 1 as 16-bit integers, and what they are multiplied with.
  HWY_INLINE void IntegerOffsets(size_t pair, hn::Vec<RowDwordTag> v) const {
    const RowDwordTag d;
    const size_t spans = pair / (Layout::kGroups / 2);
    hn::Store(v, d,
              reinterpret_cast<uint32_t*>(panel + spans * Layout::kSpanBytes + Layout::kIntegers +
                                          pair % (Layout::kGroups / 2) * Layout::kPairBytes));
  }
  HWY_INLINE void OffsetFactor(hn::Vec<RowFloatTag> v) const { Store(v, panel + Layout::kIntegerFactor); }

  HWY_INLINE uint8_t* At(size_t group) const {
    return panel + group / Layout::kGroups * Layout::kSpanBytes + group % Layout::kGroups * Layout::kGroupBytes;
  }

 private:
  static HWY_INLINE void Store(hn::Vec<RowFloatTag> v, uint8_t* to) {
    hn::Store(v, RowFloatTag(), reinterpret_cast<float*>(to));
  }
};

// One block of a vector of rows.
template <class Format>
HWY_INLINE void PackBlocks(const BlockRows& rows, uint8_t* HWY_RESTRICT panel) {
  constexpr PanelClass kClass = PanelClassOf<Format>();
  using U = Unpack<Format>;
  const hn::Repartition<uint8_t, RowDwordTag> d8;
  constexpr size_t kVector = kLanes32 * sizeof(uint32_t);
  const PanelFactors<kClass> to{panel};

  alignas(64) uint8_t staged[kStagedBytes<Format>];
  const auto bytes = CodesOf<Format, 32>(rows, staged, [](size_t) {});
  constexpr size_t kQuads = Format::kGroup / 4;
  WEFT_UNROLL(16)
  for (size_t group = 0; group < kBlockGroups<Format>; ++group) {
    uint8_t* out = to.At(group);
    WEFT_UNROLL(8)
    for (size_t quad = 0; quad < kQuads; ++quad, out += kPanelVectors * kVector) {
      const auto codes = U::Codes(d8, bytes, group * Format::kGroup + 4 * quad);
      hn::Store(Operand<Format::kZero>(d8, codes), d8, out);
    }
  }
  U::RowScales(rows, to);
}

// A block's width of a panel, from rows that lie `stride` apart.
template <class Format>
HWY_INLINE void PackPanelBlocks(const uint8_t* from, size_t stride, uint8_t* HWY_RESTRICT panel) {
  constexpr size_t kVector = kLanes32 * sizeof(uint32_t);
  for (size_t v = 0; v < kPanelVectors; ++v) {
    PackBlocks<Format>({from + v * kLanes32 * stride, stride}, panel + v * kVector);
  }
}

// Four columns of F32, eight of F16 or BF16, of a vector of rows: 16 bytes of each.
template <class Format>
HWY_INLINE void PackElements(const BlockRows& rows, uint8_t* HWY_RESTRICT panel) {
  const RowDwordTag d;
  constexpr size_t kStep = kPanelVectors * kLanes32 * sizeof(float);
  const auto v = rows.Load(0);
  for (size_t i = 0; i < 4; ++i) {
    if constexpr (Format::kType == DType::kF16) {
      const RowFloatTag df;
      hn::Store(HalfFloat<0>(d, v.dword[i]), df, reinterpret_cast<float*>(panel + 2 * i * kStep));
      hn::Store(HalfFloat<1>(d, v.dword[i]), df, reinterpret_cast<float*>(panel + (2 * i + 1) * kStep));
    } else {  // a lane holds a float, or a pair of bf16
      hn::Store(v.dword[i], d, reinterpret_cast<uint32_t*>(panel + i * kStep));
    }
  }
}

// See PackTask. The panel is 64-byte aligned.
template <class Format>
HWY_NOINLINE void PackPanel(const PackTask& task) {
  using Block = typename Format::Block;
  constexpr PanelClass kClass = PanelClassOf<Format>();
  // Blocks taken at once, and the bytes of panel they become.
  constexpr size_t kBlocks = kIsFloat<Format> ? 16 / sizeof(Block) : 1;
  constexpr size_t kElements = kBlocks * kBlockElements<Format>;
  constexpr size_t kBytes = kBlocks * sizeof(Block);
  const auto pack = [](const uint8_t* from, size_t stride, uint8_t* HWY_RESTRICT panel) {
    if constexpr (kIsFloat<Format>) {
      for (size_t v = 0; v < kPanelVectors; ++v) {
        PackElements<Format>({from + v * kLanes32 * stride, stride}, panel + v * kLanes32 * sizeof(float));
      }
    } else {
      PackPanelBlocks<Format>(from, stride, panel);
    }
  };

  auto* panel = static_cast<uint8_t*>(task.panel);
  const size_t panel_step = kIsFloat<Format> ? kElements * kFloatPanelColumn<kClass> : PanelBytes<kClass>(kElements);
  const uint8_t* from = static_cast<const uint8_t*>(task.w.data) + task.first_row * task.w.row_bytes +
                        task.first_col / kBlockElements<Format> * sizeof(Block);
  const bool all_rows = task.rows == kPanelRows;
  size_t col = 0;
  for (; all_rows && col + kElements <= task.cols; col += kElements, from += kBytes, panel += panel_step) {
    pack(from, task.w.row_bytes, panel);
  }
  // Missing rows and columns become zeros.
  alignas(64) uint8_t last[kPanelRows * kBytes];
  for (; col < task.cols; col += kElements, from += kBytes, panel += panel_step) {
    const size_t left = (task.cols - col) / kBlockElements<Format> * sizeof(Block);
    const size_t bytes = left < kBytes ? left : kBytes;
    memset(last, 0, sizeof(last));
    for (size_t r = 0; r < task.rows; ++r) memcpy(last + r * kBytes, from + r * task.w.row_bytes, bytes);
    pack(last, kBytes, panel);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
