// Which form of activations, which panel layout, and so which tile kernel, serves a format on this target.

#if defined(WEFT_FORMATS_PANEL_CLASS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_FORMATS_PANEL_CLASS_INL_H_
#undef WEFT_FORMATS_PANEL_CLASS_INL_H_
#else
#define WEFT_FORMATS_PANEL_CLASS_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/formats/format.h"
#include "weft/simd/int8_dot-inl.h"
#include "weft/simd/tiling-inl.h"

namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {

template <class Format>
constexpr ActivationForm FormOf(Precision precision) {
  const bool fast = precision == Precision::kFast;
  if (kIsFloat<Format>) {
    return Format::kType == DType::kBF16 && fast && kNativePairsOfBF16 ? ActivationForm::kBF16 : ActivationForm::kF32;
  }
  if (kBlockElements<Format> == 256) return fast ? ActivationForm::kA256 : ActivationForm::kA32;
  return fast ? ActivationForm::kA32 : ActivationForm::kA16;
}

// Columns whose scales have a common factor where they are multiplied in integers: a K-quant's block, or as many of
// other blocks.
inline constexpr size_t kScaleSpan = 256;

// What the largest scale of a span becomes where integers are made of floats.
//   A16, A32: products of two, the weights' and the activations', taken at 15 binary places, are at most half of it,
//   and those of powers of two are exact. A256: totals of `groups` sums of 16 bits times that fit 32 bits.
constexpr int32_t ScaleOne(ActivationForm form, size_t groups) {
  const int32_t most = 1 << 14, fitting = static_cast<int32_t>((1 << 16) / groups);
  return form != ActivationForm::kA256 || fitting > most ? most : fitting;
}

// How many bits of a group's sum, at most `peak`, are dropped so that 16 hold the rest and a total of `groups` products
// of them with `factor` fits 32.
constexpr uint8_t DroppedBits(int64_t peak, size_t groups, int64_t factor) {
  uint8_t bits = 0;
  const auto fits = [&] {
    const int64_t sum = peak >> bits;
    return sum <= INT16_MAX && static_cast<int64_t>(groups) * (sum + 1) * factor <= int64_t{1} << 31;
  };
  while (!fits()) ++bits;
  return bits;
}

template <class Format, ActivationForm kForm, Products kProducts>
constexpr PanelClass PanelClassOf() {
  PanelClass panel;
  panel.form = kForm;
  if constexpr (!kIsFloat<Format>) {
    // A group wider than that of the activations, or than half a span, repeats its numbers.
    constexpr size_t kMostGroup = kForm == ActivationForm::kA256 ? kScaleSpan / 2 : GroupOf(kForm);
    constexpr size_t kGroup = Format::kGroup < kMostGroup ? Format::kGroup : kMostGroup;
    // Integers are used where a factor is that of a span, and the activations have one scale there.
    constexpr bool kIntegers = Format::kIntegerFactors && kForm == ActivationForm::kA256 && Format::kGroup == kGroup;
    panel.group = kGroup;
    panel.scales = kIntegers && kIntegerScales ? GroupNumbers::kInteger : GroupNumbers::kFloat;
    panel.offsets = !Format::kHasOffset ? GroupNumbers::kNone
                    : kIntegers         ? GroupNumbers::kInteger
                                        : GroupNumbers::kFloat;
    panel.owes_zero = Format::kZero != 0 && !kSignedCodes;
    panel.pair_sums = kSignedCodes || kNativeDots<kProducts> ? 1 : 32767 / (2 * 127 * Format::kMaxCode);
    if constexpr (kIntegerScales) {
      constexpr int kFromZero = Format::kMaxCode - Format::kZero;
      constexpr int64_t kPeak = kFromZero > Format::kZero ? kFromZero : Format::kZero;
      constexpr size_t kGroups = kScaleSpan / kGroup;
      constexpr int64_t kFactor = kIntegers                        ? kMostFactor
                                  : kForm != ActivationForm::kA256 ? ScaleOne(kForm, kGroups) / 2
                                                                   : ScaleOne(kForm, kGroups);
      panel.dropped_bits = DroppedBits(kPeak * 127 * static_cast<int64_t>(kGroup), kGroups, kFactor);
    }
  }
  return panel;
}

// That of the fast precision and the target's own products.
template <class Format>
inline constexpr PanelClass kUsualClass = PanelClassOf<Format, FormOf<Format>(Precision::kFast), Products::kTarget>();

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE

#endif  // toggle
