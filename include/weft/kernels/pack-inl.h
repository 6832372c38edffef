// Panels: two vectors' width of weight rows, decoded and interleaved so that one load brings the same few columns of
// all rows of a vector. What a tile kernel multiplies with. R = kPanelRows rows, G columns per group.
//
//   quantised, per span of columns
//     per group:            codes [G / 4][R][4] u8 (operands)    if not kIntegerScales: scale [R] f32
//                           offset [R] f32, if offsets are floats
//     if kIntegerScales:    scales [groups / 2][R][2] i16        their factor [R] f32
//     integer offsets:      offsets [groups / 2][R][2] i16       their factor [R] f32
//   float:                  [cols][R] f32
//   bf16:                   [cols / 2][R][2] bf16, an odd last column paired with zeros
//
// A span has 256 columns, or without kIntegerScales GroupOf(form). The last one may have fewer, which are packed in
// pairs of groups. Float panels are filled up to a multiple of eight columns.

#if defined(WEFT_KERNELS_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_PACK_INL_H_
#undef WEFT_KERNELS_PACK_INL_H_
#else
#define WEFT_KERNELS_PACK_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <type_traits>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/core/prefetch.h"
#include "weft/formats/panel_class-inl.h"
#include "weft/formats/row_codes-inl.h"
#include "weft/simd/int8_dot-inl.h"
#include "weft/simd/interleave-inl.h"
#include "weft/simd/tiling-inl.h"
#include "weft/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Largest scales below this count as this: their inverse must not overflow.
inline constexpr float kSmallestScale = 0x1p-112f;

// Where things lie in a quantised panel, in bytes.
template <PanelClass kClass>
struct PanelLayout {
  static constexpr size_t kSpan = kIntegerScales ? kScaleSpan : GroupOf(kClass.form);
  static constexpr size_t kGroups = kSpan / kClass.group;
  static constexpr size_t kCodes = kClass.group * kPanelRows;
  static constexpr size_t kFactors = kPanelRows * sizeof(float);
  static constexpr size_t kOffset = kCodes + (kIntegerScales ? 0 : kFactors);  // after the scale, if any
  static constexpr size_t kGroupBytes = kOffset + (kClass.offsets == GroupNumbers::kFloat ? kFactors : 0);
  // Runs of integers with their factor, after the groups.
  static constexpr size_t kPairBytes = kPanelRows * 2 * sizeof(int16_t);
  static constexpr size_t kFactorAt = kGroups / 2 * kPairBytes, kIntegerBytes = kFactorAt + kFactors;
  static constexpr size_t kScales = kGroups * kGroupBytes;
  static constexpr size_t kOffsets = kScales + (kIntegerScales ? kIntegerBytes : 0);
  static constexpr size_t kSpanBytes = kOffsets + (kClass.offsets == GroupNumbers::kInteger ? kIntegerBytes : 0);

  // With integer scales: whether they are made from floats, and what the largest of a span becomes then.
  static constexpr bool kFromFloats = kIntegerScales && kClass.scales == GroupNumbers::kFloat;
  static constexpr int32_t kScaleOne = ScaleOne(kClass.form, kGroups);
  // What a group's sum starts from so that dropping bits rounds it to nearest. The groups of a pair round halves to
  // opposite sides, the odd one up where the sum of the token's codes in the even one is even. Were it always the odd
  // one, a row's results would be off to one side for all tokens, which attention does not average out.
  static constexpr int32_t Rounding(size_t group, int32_t even_sum) {
    constexpr int32_t kHalf = (int32_t{1} << kClass.dropped_bits) / 2;
    return kHalf != 0 && group % 2 == static_cast<uint32_t>(even_sum) % 2 ? kHalf - 1 : kHalf;
  }
};

template <PanelClass kClass>
constexpr size_t SpansOf(size_t cols) {
  return (cols + PanelLayout<kClass>::kSpan - 1) / PanelLayout<kClass>::kSpan;
}

// Bytes of a column of a float panel.
template <PanelClass kClass>
inline constexpr size_t kFloatPanelColumn = kPanelRows*(kClass.form == ActivationForm::kBF16 ? sizeof(bf16)
                                                                                             : sizeof(float));

template <PanelClass kClass>
size_t PanelBytes(size_t cols) {
  if constexpr (kClass.group == 1) {
    return (cols + 7) / 8 * 8 * kFloatPanelColumn<kClass>;  // columns are packed up to eight at a time
  } else {
    return SpansOf<kClass>(cols) * PanelLayout<kClass>::kSpanBytes;
  }
}

// A span of a panel that is being packed, for one vector of rows, and what RowFactors gives its factors to. A group of
// the format is kRepeat groups of the panel.
template <PanelClass kClass, size_t kRepeat>
struct PanelSpan {
  using Layout = PanelLayout<kClass>;
  using VF = hn::Vec<RowFloatTag>;
  using VU = hn::Vec<RowDwordTag>;
  static constexpr bool kIntegerScales = kClass.scales == GroupNumbers::kInteger;
  static constexpr bool kIntegerOffsets = kClass.offsets == GroupNumbers::kInteger;
  static constexpr size_t kStep = kPanelVectors * kLanes32;

  uint8_t* panel;  // of this vector
  float* floats;   // if integer scales are made from floats: those, of the groups so far, kStep apart
  size_t first;    // the group within the span that is group 0 to the callers

  HWY_INLINE void Scale(size_t group, VF v) const {
    static_assert(!kIntegerScales, "integer scales are given as such, with their factor (ByteScales)");
    for (size_t i = first + group * kRepeat; i < first + (group + 1) * kRepeat; ++i) {
      if constexpr (Layout::kFromFloats) {
        hn::Store(v, RowFloatTag(), floats + i * kStep);
      } else {
        Store(v, i * Layout::kGroupBytes + Layout::kCodes);
      }
    }
  }
  HWY_INLINE void Offset(size_t group, VF v) const {
    static_assert(kClass.offsets == GroupNumbers::kFloat,
                  "offsets are floats here: integer ones are given as such, with their factor (ByteOffsets)");
    for (size_t i = first + group * kRepeat; i < first + (group + 1) * kRepeat; ++i) {
      Store(v, i * Layout::kGroupBytes + Layout::kOffset);
    }
  }
  // Scales (offsets) 2 * pair and 2 * pair + 1 as 16-bit integers, and what they are multiplied with.
  HWY_INLINE void IntegerScales(size_t pair, VU v) const {
    static_assert(kIntegerScales, "scales are floats here (ByteScales gives either)");
    StorePair(v, Layout::kScales, pair);
  }
  HWY_INLINE void ScaleFactor(VF v) const {
    constexpr float kDropped = 1 << kClass.dropped_bits;
    Store(hn::Mul(v, hn::Set(RowFloatTag(), kDropped)), Layout::kScales + Layout::kFactorAt);
  }
  HWY_INLINE void IntegerOffsets(size_t pair, VU v) const {
    static_assert(kIntegerOffsets, "offsets are floats here (ByteOffsets gives either)");
    StorePair(v, Layout::kOffsets, pair);
  }
  HWY_INLINE void OffsetFactor(VF v) const { Store(v, Layout::kOffsets + Layout::kFactorAt); }

  // Makes the floats of `groups` groups, an even number, integers. A scale that is not finite makes the factor NaN.
  HWY_INLINE void RoundScales(size_t groups) const {
    const RowFloatTag df;
    const RowDwordTag du;
    auto peak = hn::Set(df, kSmallestScale), poison = hn::Zero(df);
    for (size_t g = 0; g < groups; ++g) {
      const auto v = hn::Load(df, floats + g * kStep);
      peak = hn::Max(peak, hn::Abs(v));
      poison = hn::MulAdd(v, hn::Zero(df), poison);
    }
    const auto inverse = hn::Div(hn::Set(df, float{Layout::kScaleOne}), peak);
    const auto rounded = [=, this](size_t g) HWY_ATTR {
      return hn::BitCast(du, hn::NearestInt(hn::Mul(hn::Load(df, floats + g * kStep), inverse)));
    };
    for (size_t g = 0; g < groups; g += 2) {
      StorePair(InterleaveHalves<0, 0>(du, rounded(g), rounded(g + 1)), Layout::kScales, g / 2);
    }
    // But for A256: twice, as the product with a token's scale is the upper half of 31 bits.
    if constexpr (kClass.form != ActivationForm::kA256) {
      ScaleFactor(hn::Add(hn::Add(peak, peak), poison));
    } else {
      ScaleFactor(hn::MulAdd(peak, hn::Set(df, 1.0f / Layout::kScaleOne), poison));
    }
  }

 private:
  HWY_INLINE void Store(VF v, size_t at) const { hn::Store(v, RowFloatTag(), reinterpret_cast<float*>(panel + at)); }
  HWY_INLINE void StorePair(VU v, size_t at, size_t pair) const {
    hn::Store(v, RowDwordTag(), reinterpret_cast<uint32_t*>(panel + at + pair * Layout::kPairBytes));
  }
};

// The codes of one block of a vector of rows, from its first group in the panel on.
template <class Format, PanelClass kClass>
HWY_INLINE void PackCodes(const BlockRows& rows, uint8_t* HWY_RESTRICT panel) {
  using Layout = PanelLayout<kClass>;
  const hn::Repartition<uint8_t, RowDwordTag> d8;
  constexpr size_t kVector = kLanes32 * sizeof(uint32_t), kQuads = kClass.group / 4;
  if constexpr (kHasRowCodes<Format>) {
    alignas(64) uint8_t staged[StagedBytes<Format>()];
    const auto codes = CodesOf<Format, kFastRun<Format>, 0>(rows, staged, nullptr);
    WEFT_UNROLL(16)
    for (size_t group = 0; group < kBlockElements<Format> / kClass.group; ++group) {
      uint8_t* out = panel + group * Layout::kGroupBytes;
      WEFT_UNROLL(8)
      for (size_t quad = 0; quad < kQuads; ++quad, out += kPanelVectors * kVector) {
        hn::Store(Operand<Format::kZero>(d8, codes.Codes(d8, group * kClass.group + 4 * quad)), d8, out);
      }
    }
  } else {
    TransposeCodes<Format>(rows, [=](size_t i, hn::Vec<decltype(d8)> codes) HWY_ATTR {
      uint8_t* out = panel + i / kQuads * Layout::kGroupBytes + i % kQuads * kPanelVectors * kVector;
      hn::Store(Operand<Format::kZero>(d8, codes), d8, out);
    });
  }
}

// Packs blocks of a panel's rows one after the other.
template <class Format, PanelClass kClass>
class PanelWriter {
  static constexpr size_t kGroups = kBlockElements<Format> / kClass.group;  // of the panel
  using Layout = PanelLayout<kClass>;
  using ThisSpan = PanelSpan<kClass, Format::kGroup / kClass.group>;
  static_assert(Layout::kGroups % kGroups == 0 || kGroups % Layout::kGroups == 0);

 public:
  static constexpr size_t kBlocks = 1;  // of each row that are taken at once

  HWY_INLINE explicit PanelWriter(void* panel) : panel_(static_cast<uint8_t*>(panel)) {}

  // The next blocks of each row, from rows that lie `stride` apart.
  HWY_INLINE void Add(const uint8_t* from, size_t stride) {
    for (size_t v = 0; v < kPanelVectors; ++v) {
      const BlockRows rows{from + v * kLanes32 * stride, stride};
      const ThisSpan span = Span(v);
      PackCodes<Format, kClass>(rows, span.panel + span.first * Layout::kGroupBytes);
      RowFactors<Format>(rows, span);
    }
    group_ += kGroups;
    if (group_ >= Layout::kGroups) NextSpan();
  }
  // Whether a last pair of groups lacks its second.
  HWY_INLINE bool IsOdd() const { return kIntegerScales && group_ % 2 != 0; }
  HWY_INLINE void Finish() {
    if (group_ != 0) NextSpan();
  }

 private:
  HWY_INLINE ThisSpan Span(size_t v) {
    return {panel_ + v * kLanes32 * sizeof(uint32_t), floats_ + v * kLanes32, group_};
  }
  HWY_INLINE void NextSpan() {
    if constexpr (Layout::kFromFloats) {
      for (size_t v = 0; v < kPanelVectors; ++v) Span(v).RoundScales(group_);
    }
    panel_ += group_ > Layout::kGroups ? group_ / Layout::kGroups * Layout::kSpanBytes : Layout::kSpanBytes;
    group_ = 0;
  }

  uint8_t* panel_;
  size_t group_ = 0;
  alignas(64) float floats_[Layout::kFromFloats ? Layout::kGroups * kPanelRows : kPanelRows];
};

// Columns of a vector of rows: kBytes bytes of each from byte `at` on.
template <class Format, PanelClass kClass, size_t kBytes>
HWY_INLINE void PackElements(const BlockRows& rows, size_t at, uint8_t* HWY_RESTRICT panel) {
  const RowDwordTag d;
  constexpr size_t kStep = kPanelVectors * kLanes32 * sizeof(float);
  const auto v = rows.LoadBytes<kBytes>(at);
  WEFT_UNROLL(8)
  for (size_t i = 0; i < kBytes / 4; ++i) {
    if constexpr (Format::kType == DType::kF16) {
      const RowFloatTag df;
      hn::Store(HalfFloat<0>(d, v.dword[i]), df, reinterpret_cast<float*>(panel + 2 * i * kStep));
      hn::Store(HalfFloat<1>(d, v.dword[i]), df, reinterpret_cast<float*>(panel + (2 * i + 1) * kStep));
    } else if constexpr (Format::kType == DType::kBF16 && kClass.form == ActivationForm::kF32) {
      // The upper halves of floats.
      hn::Store(hn::ShiftLeft<16>(v.dword[i]), d, reinterpret_cast<uint32_t*>(panel + 2 * i * kStep));
      hn::Store(hn::And(v.dword[i], hn::Set(d, 0xFFFF0000u)), d,
                reinterpret_cast<uint32_t*>(panel + (2 * i + 1) * kStep));
    } else {  // a lane holds a float, or a pair of bf16
      hn::Store(v.dword[i], d, reinterpret_cast<uint32_t*>(panel + i * kStep));
    }
  }
}

// The same for float formats.
template <class Format, PanelClass kClass>
class FloatPanelWriter {
 public:
  static constexpr size_t kBlocks = 16 / sizeof(typename Format::Block);

  HWY_INLINE explicit FloatPanelWriter(void* panel) : panel_(static_cast<uint8_t*>(panel)) {}
  HWY_INLINE void Add(const uint8_t* from, size_t stride) { AddBytes<16, 1>(from, stride); }
  // The next kLineBytes bytes of each row, a vector of rows after the other. Lines of rows that lie a power of two
  // apart displace each other from the first-level cache: they would not stay until all of a panel's rows had their
  // turn.
  HWY_INLINE void AddLine(const uint8_t* from, size_t stride) { AddBytes<32, kLineBytes / 32>(from, stride); }
  HWY_INLINE bool IsOdd() const { return false; }
  HWY_INLINE void Finish() {}

 private:
  template <size_t kBytes, size_t kPieces>
  HWY_INLINE void AddBytes(const uint8_t* from, size_t stride) {
    constexpr size_t kPiece = kBytes / sizeof(typename Format::Block) * kFloatPanelColumn<kClass>;  // of the panel
    for (size_t v = 0; v < kPanelVectors; ++v) {
      const BlockRows rows{from + v * kLanes32 * stride, stride};
      uint8_t* to = panel_ + v * kLanes32 * sizeof(float);
      for (size_t i = 0; i < kPieces; ++i) PackElements<Format, kClass, kBytes>(rows, i * kBytes, to + i * kPiece);
    }
    panel_ += kPieces * kPiece;
  }

  uint8_t* panel_;
};

// See PackTask. The panel is 64-byte aligned.
template <class Format, PanelClass kClass = kUsualClass<Format>>
HWY_NOINLINE void PackPanel(const PackTask& task) {
  using Block = typename Format::Block;
  using Writer = std::conditional_t<kIsFloat<Format>, FloatPanelWriter<Format, kClass>, PanelWriter<Format, kClass>>;
  constexpr size_t kElements = Writer::kBlocks * kBlockElements<Format>, kBytes = Writer::kBlocks * sizeof(Block);

  Writer writer(task.panel);
  const uint8_t* from = static_cast<const uint8_t*>(task.w.data) + task.first_row * task.w.row_bytes +
                        task.first_col / kBlockElements<Format> * sizeof(Block);
  const bool all_rows = task.rows == kPanelRows;
  size_t col = 0;
  if constexpr (kIsFloat<Format>) {
    constexpr size_t kLine = kLineBytes / sizeof(Block);
    for (; all_rows && col + kLine <= task.cols; col += kLine, from += kLineBytes) {
      writer.AddLine(from, task.w.row_bytes);
    }
  }
  for (; all_rows && col + kElements <= task.cols; col += kElements, from += kBytes) {
    writer.Add(from, task.w.row_bytes);
  }
  // Missing rows and columns become zeros.
  alignas(64) uint8_t last[kPanelRows * kBytes];
  for (; col < task.cols || writer.IsOdd(); col += kElements, from += kBytes) {
    const size_t left = col < task.cols ? (task.cols - col) / kBlockElements<Format> * sizeof(Block) : 0;
    const size_t bytes = left < kBytes ? left : kBytes;
    memset(last, 0, sizeof(last));
    for (size_t r = 0; bytes != 0 && r < task.rows; ++r) memcpy(last + r * kBytes, from + r * task.w.row_bytes, bytes);
    writer.Add(last, kBytes);
  }
  writer.Finish();
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
