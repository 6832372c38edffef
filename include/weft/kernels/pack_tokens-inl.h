// Packed tokens: the activations of a tile, interleaved so that the broadcasts of a step lie side by side. T tokens;
// all of 4-byte elements, so that a tile of T tokens is T * TokenBytes(cols) bytes.
//
//   quantised, per span of columns (as in panels)
//     codes [span / 4][T][4] i8
//     per group: i32 [T], what its sum starts from: -zero * (sum of the codes) if operands are unsigned codes, and
//     PanelLayout::Rounding. Left out where always 0.
//     float offsets:    per group: f32 [T], the sum of the codes; if kIntegerScales, times their scale
//     integer offsets:  per pair of groups: [T][2] i16, the sums of the codes
//     A16, A32 and kIntegerScales: per pair of groups: [T][2] i16, their scales, the largest being 2^14
//     scale [T] f32, or what the integers are to be multiplied with
//   float:  [cols][T] f32
//   bf16:   [cols / 2][T][2] bf16

#if defined(WEFT_KERNELS_PACK_TOKENS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_PACK_TOKENS_INL_H_
#undef WEFT_KERNELS_PACK_TOKENS_INL_H_
#else
#define WEFT_KERNELS_PACK_TOKENS_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/formats/panel_class-inl.h"
#include "weft/kernels/pack-inl.h"
#include "weft/simd/int8_dot-inl.h"
#include "weft/simd/interleave-inl.h"
#include "weft/simd/tiling-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Where things lie in packed tokens of quantised activations: in steps of [T] four-byte elements. Tiles multiply as
// kIntegerScales says, rows of weights in their own layout (LaneLayout) by floats.
template <PanelClass kClass, bool kIntegers = kIntegerScales>
struct TokenLayout {
  static constexpr size_t kSpan = kIntegers ? kScaleSpan : GroupOf(kClass.form);
  static constexpr size_t kGroups = kSpan / kClass.group;
  static constexpr bool kStarts = kClass.owes_zero || (kIntegers && kClass.dropped_bits != 0);
  static constexpr bool kScalePairs = kIntegers && kClass.form != ActivationForm::kA256;
  static constexpr size_t kCodes = kSpan / 4;
  static constexpr size_t kSums = kCodes + (kStarts ? kGroups : 0);
  static constexpr size_t kScales = kSums + (kClass.offsets == GroupNumbers::kInteger ? kGroups / 2
                                             : kClass.offsets == GroupNumbers::kFloat ? kGroups
                                                                                      : 0);
  static constexpr size_t kScale = kScales + (kScalePairs ? kGroups / 2 : 0);
  static constexpr size_t kSteps = kScale + 1;
};

template <PanelClass kClass>
size_t TokenBytes(size_t cols) {
  if constexpr (kClass.group > 1) {
    return SpansOf<kClass>(cols) * TokenLayout<kClass>::kSteps * 4;
  } else {
    return kClass.form == ActivationForm::kBF16 ? (cols + 1) / 2 * 4 : cols * 4;
  }
}

// Tokens are interleaved four at a time.
constexpr size_t WholeFours(size_t tokens) { return (tokens + 3) / 4 * 4; }

// out[i * tokens + t] = the i-th of `count` four-byte elements at from[t]. `from` has WholeFours(tokens) addresses:
// what is read at those too many goes where the next elements are written, and nothing is written beyond the last.
HWY_INLINE void SpreadTokens(const uint8_t* const* from, size_t tokens, size_t count, uint32_t* HWY_RESTRICT out) {
  const hn::FixedTag<uint32_t, 4> d;
  const hn::Repartition<uint8_t, decltype(d)> d8;
  const size_t fours = WholeFours(tokens);
  const size_t after = (fours - tokens + tokens - 1) / tokens;  // elements that must follow
  size_t i = 0;
  for (; i + 4 + after <= count; i += 4, out += 4 * tokens) {
    for (size_t t = fours; t != 0;) {  // the last four first, before those that they overlap
      t -= 4;
      const auto load = [&](size_t r) HWY_ATTR { return hn::BitCast(d, hn::LoadU(d8, from[t + r] + 4 * i)); };
      const auto transposed = TransposeDwords(d, load(0), load(1), load(2), load(3));
      for (size_t j = 0; j < 4; ++j) hn::StoreU(transposed.dword[j], d, out + j * tokens + t);
    }
  }
  for (; i < count; ++i, out += tokens) {
    for (size_t t = 0; t < tokens; ++t) memcpy(out + t, from[t] + 4 * i, 4);
  }
}

// out[i * step] = the i-th of `count` four-byte elements at `from`.
HWY_INLINE void Spread(const void* from, size_t count, size_t step, uint32_t* HWY_RESTRICT out) {
  for (size_t i = 0; i < count; ++i) memcpy(out + i * step, static_cast<const uint8_t*>(from) + 4 * i, 4);
}

// The scales of `groups` groups (kRepeat in a row share one of scale[]) as pairs of integers, to every step-th element
// of `out`; returns what integers times panel's integers are to be multiplied with, NaN if a scale is.
template <size_t kRepeat>
HWY_INLINE float RoundTokenScales(const float* HWY_RESTRICT scale, size_t groups, size_t step,
                                  uint32_t* HWY_RESTRICT out) {
  float peak = kSmallestScale, poison = 0.0f;
  for (size_t i = 0; i < groups / kRepeat; ++i) {
    peak = scale[i] > peak ? scale[i] : peak;
    poison += 0.0f * scale[i];
  }
  constexpr int32_t kOne = ScaleOne(ActivationForm::kA32, kScaleSpan / GroupOf(ActivationForm::kA32));
  const float inverse = float{kOne} / peak;
  // Rounds halves up: scales are not negative.
  const auto rounded = [=](size_t g) { return static_cast<uint32_t>(scale[g / kRepeat] * inverse + 0.5f); };
  if (poison == 0.0f) {
    for (size_t g = 0; g < groups; g += 2) out[g / 2 * step] = rounded(g) | rounded(g + 1) << 16;
  }
  return peak * (1.0f / kOne) + poison;
}

// Columns [first_col, first_col + cols) of one token, to every step-th element of `out`; all but the codes unless
// kCodes. Of a last pair of groups, both are packed: activations are padded with zeros to more than that.
template <PanelClass kClass, bool kIntegers, bool kCodes>
HWY_INLINE void PackQuantized(const ActivationView& x, size_t row, size_t first_col, size_t cols, int32_t zero,
                              size_t step, uint32_t* HWY_RESTRICT out) {
  using Layout = TokenLayout<kClass, kIntegers>;
  constexpr size_t kPair = 2 * kClass.group, kPerScale = GroupOf(kClass.form) / kClass.group;
  const auto* code = static_cast<const int8_t*>(x.values) + row * x.value_stride + first_col;
  const float* scale = x.scales + row * x.scale_stride + first_col / GroupOf(kClass.form);
  const int16_t* sum16 = x.sums + row * x.sum_stride + first_col / kSumGroup;
  for (size_t col = 0; col < cols; col += Layout::kSpan, out += Layout::kSteps * step) {
    const size_t left = cols - col;
    const size_t groups = left >= Layout::kSpan ? Layout::kGroups : (left + kPair - 1) / kPair * 2;
    if constexpr (kCodes) Spread(code + col, groups * kClass.group / 4, step, out);
    uint32_t *starts = out + Layout::kCodes * step, *sums = out + Layout::kSums * step;
    int32_t even_sum = 0;
    for (size_t g = 0; Layout::kScales != Layout::kCodes && g < groups; ++g) {
      int32_t sum = 0;
      for (size_t i = 0; i < kClass.group / kSumGroup; ++i) sum += *sum16++;
      if constexpr (Layout::kStarts) {
        int32_t start = kClass.owes_zero ? -zero * sum : 0;
        if (g % 2 == 0) even_sum = sum;
        if constexpr (kIntegers) start += PanelLayout<kClass>::Rounding(g, even_sum);
        memcpy(starts + g * step, &start, 4);
      }
      if constexpr (kClass.offsets == GroupNumbers::kInteger) {
        const auto half = static_cast<int16_t>(sum);
        memcpy(reinterpret_cast<int16_t*>(sums + g / 2 * step) + g % 2, &half, 2);
      } else if constexpr (kClass.offsets == GroupNumbers::kFloat) {
        const float value = static_cast<float>(sum) * (kIntegers ? scale[g / kPerScale] : 1.0f);
        memcpy(sums + g * step, &value, 4);
      }
    }
    float factor = *scale;
    if constexpr (Layout::kScalePairs) {
      factor = RoundTokenScales<kPerScale>(scale, groups, step, out + Layout::kScales * step);
    }
    memcpy(out + Layout::kScale * step, &factor, 4);
    scale += Layout::kSpan / GroupOf(kClass.form);
  }
}

// The elements of a token from column `col` on.
template <PanelClass kClass>
HWY_INLINE const uint8_t* ElementsAt(const ActivationView& x, size_t row, size_t col) {
  constexpr size_t kBytes = IsQuantized(kClass.form) ? 1 : kClass.form == ActivationForm::kBF16 ? 2 : 4;
  return static_cast<const uint8_t*>(x.values) + (row * x.value_stride + col) * kBytes;
}

// See PackTokensTask. Rows of bf16 are padded with zeros to an even number of columns.
template <PanelClass kClass>
HWY_NOINLINE void PackTokens(const PackTokensTask& task) {
  const ActivationView& x = task.tokens.x;
  const auto row = [&](size_t t) { return task.tokens.Row(t < task.tokens.count ? t : task.tokens.count - 1); };
  auto* out = static_cast<uint32_t*>(task.out);
  const auto spread = [&](size_t col, size_t count, uint32_t* to) HWY_ATTR {
    const uint8_t* from[WholeFours(TileTokens(kClass.form))];
    for (size_t t = 0; t < WholeFours(task.padded); ++t) from[t] = ElementsAt<kClass>(x, row(t), task.first_col + col);
    SpreadTokens(from, task.padded, count, to);
  };
  if constexpr (kClass.group > 1) {
    using Layout = TokenLayout<kClass>;
    for (size_t col = 0; col < task.cols; col += Layout::kSpan) {
      const size_t left = PaddedCols(kClass.form, task.cols - col);
      spread(col, (left < Layout::kSpan ? left : Layout::kSpan) / 4,
             out + col / Layout::kSpan * Layout::kSteps * task.padded);
    }
    for (size_t t = 0; t < task.padded; ++t) {
      PackQuantized<kClass, kIntegerScales, false>(x, row(t), task.first_col, task.cols, task.zero, task.padded,
                                                   out + t);
    }
  } else {
    spread(0, TokenBytes<kClass>(task.cols) / 4, out);
  }
}

// The other way to lay a token out, for products with rows of weights as they lie in the file (dot-inl.h): lanes are
// consecutive blocks of the row. Per kLanes32 blocks: the layout of packed tokens above, with T = kLanes32 blocks in
// the place of tokens; blocks beyond the row's last are zeros. Where several rows of weights fit the lanes, the token
// repeats.
template <class Format, PanelClass kPanelClass>
struct LaneLayout {
  static constexpr PanelClass kClass = kPanelClass;
  using Span = TokenLayout<kClass, false>;
  static constexpr size_t kSpans = kBlockElements<Format> / Span::kSpan;
  static constexpr size_t kSteps = kSpans * Span::kSteps;  // of kLanes32 elements each
};

// How many whole rows of weights the lanes hold.
HWY_INLINE size_t RowsInLanes(size_t blocks) {
  return blocks < kLanes32 && kLanes32 % blocks == 0 ? kLanes32 / blocks : 1;
}

template <class Format, PanelClass kClass = kUsualClass<Format>>
size_t LaneBytes(size_t cols) {
  const size_t blocks = cols / kBlockElements<Format>;
  return (blocks + kLanes32 - 1) / kLanes32 * LaneLayout<Format, kClass>::kSteps * kLanes32 * sizeof(uint32_t);
}

// Tokens [begin, begin + count) of the list back to back, LaneBytes(cols) each, 4-byte aligned; `cols` of them, from
// the first one on.
template <class Format, PanelClass kClass = kUsualClass<Format>>
HWY_NOINLINE void PackLanes(const PackTokensTask& task) {
  using Layout = LaneLayout<Format, kClass>;
  const size_t blocks = task.cols / kBlockElements<Format>, repeats = RowsInLanes(blocks);
  const size_t bytes = LaneBytes<Format, kClass>(task.cols);
  for (size_t t = 0; t < task.tokens.count; ++t) {
    uint8_t* out = static_cast<uint8_t*>(task.out) + t * bytes;
    memset(out, 0, bytes);
    for (size_t b = 0; b < blocks * repeats; ++b) {
      PackQuantized<kClass, false, true>(
          task.tokens.x, task.tokens.Row(t), b % blocks * kBlockElements<Format>, kBlockElements<Format>, Format::kZero,
          kLanes32, reinterpret_cast<uint32_t*>(out) + b / kLanes32 * Layout::kSteps * kLanes32 + b % kLanes32);
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
