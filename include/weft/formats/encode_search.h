// The search behind the encoders of formats whose groups have integer scales, and maybe offsets, of their own, under
// factors of the block (the K-quants). It looks for the least squared error of a block's values.
//
//   1. Each group by itself: a real scale and offset by least squares, from 11 starting steps, three rounds each.
//   2. Factors for the block: those that just reach the largest scale and offset, and the most promising of some larger
//      ones. For each, integers around the quotients of group and factor are tried with codes chosen anew.
//   3. The better of the two is refined: factors by least squares for the codes found, integers anew.
//
// A format states kScales, the range of its groups' integers, and Pack(), which lays out what was found; the range of
// codes follows from kZero and kMaxCode. The passes over elements exist twice: for one group at a time in plain C++
// (encode_groups.h), and with a group per vector lane (kernels/encode-inl.h). Both give the same bits, on every target
// and with every compiler, because nothing depends on an order of sums or on fused multiply-adds: a group is brought to
// integers below 2^24 by a power of two, so that all sums and products of sums are exact in double (Traits); what is
// rounded are single operations whose results are not added to anything before they are rounded.
#ifndef WEFT_FORMATS_ENCODE_SEARCH_H_
#define WEFT_FORMATS_ENCODE_SEARCH_H_

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "weft/core/half.h"
#include "weft/core/strict_math.h"
#include "weft/formats/format.h"

namespace weft {

// Integers that may be used, ends included.
struct CodeRange {
  int lowest = 0, highest = 0;
};

// The value of largest magnitude, the first of equals; 0 where there are only NaNs. The magnitude has a variable of its
// own because clang 19 at -O3 miscompiles `if (fabsf(x[i]) > fabsf(extreme))`.
inline float ExtremeOf(const float* x, size_t n) {
  float peak = 0.0f, extreme = 0.0f;
  for (size_t i = 0; i < n; ++i) {
    if (fabsf(x[i]) > peak) {
      peak = fabsf(x[i]);
      extreme = x[i];
    }
  }
  return extreme;
}

// A block as the search leaves it.
//   w[e] = scale_factor * scale[g] * (code[e] - kZero) - offset_factor * offset[g]
template <class Format>
struct Encoded {
  f16 scale_factor, offset_factor;
  int8_t scale[kBlockGroups<Format>], offset[kBlockGroups<Format>];  // offsets are zeros where the format has none
  uint8_t code[kBlockElements<Format>];                              // in natural order
};

// Formats that are encoded by the search.
template <class Format>
concept Searched = requires(const Encoded<Format>& encoded, typename Format::Block& block) {
  Format::kScales;
  Format::Pack(encoded, block);
};

namespace encode {

inline constexpr int kStarts = 5;         // on either side of the step that just spans the group
inline constexpr int kRounds = 3;         // of codes and least squares from each start
inline constexpr int kFactors = 4;        // tried for scales and for offsets: largest / highest, / (highest - 1), ...
inline constexpr int kWideRadius = 2;     // of the integers tried for a new factor
inline constexpr int kNarrowRadius = 1;   // and for a refined one
inline constexpr int kRefinements = 2;    // at most
inline constexpr float kHuge = 0x1p100f;  // what steps and offsets are limited to: far outside of any group

// Adding and subtracting it rounds floats below 2^22 to integers, ties to even.
inline constexpr float kRounder = 0x1.8p23f;

// What the formulas need to know of a format.
template <class Format>
struct Traits {
  static constexpr size_t kGroup = Format::kGroup, kGroups = kBlockGroups<Format>;
  static constexpr bool kHasOffset = Format::kHasOffset;
  static constexpr double kCount = static_cast<double>(kGroup);
  static constexpr CodeRange kCodes{-Format::kZero, Format::kMaxCode - Format::kZero}, kScales = Format::kScales;
  // Without an offset the extreme gets the lowest code (the range reaches one further down than up); likewise scales.
  static constexpr int kLevels = kHasOffset ? kCodes.highest : kCodes.lowest;
  static constexpr int kLargestScale = kHasOffset ? kScales.highest : kScales.lowest;

  // Bounds of the widest exact products: least squares multiplies sums, trials multiply them by a half's 11 bits times
  // a group's integer.
  static constexpr uint64_t kCodeLimit = static_cast<uint64_t>(kHasOffset ? kCodes.highest : -kCodes.lowest);
  static constexpr uint64_t kScaleLimit = 2047 * static_cast<uint64_t>(kHasOffset ? kScales.highest : -kScales.lowest);
  static constexpr uint64_t kSumLimit = kGroup * kCodeLimit << 24, kExactLimit = uint64_t{1} << 53;
  static_assert(kScaleLimit <= kExactLimit / kSumLimit && kGroup * kCodeLimit <= kExactLimit / kSumLimit &&
                    kScaleLimit * kScaleLimit <= kExactLimit / (kGroup * kCodeLimit * kCodeLimit),
                "sums and products must be exact in double");
  static_assert((kGroup & (kGroup - 1)) == 0, "divisions by the group size must be exact");
  static_assert(!kHasOffset || (Format::kZero == 0 && kScales.lowest == 0),
                "offsets lower the lowest code, which is 0");
  static_assert(kHasOffset || (kCodes.lowest < 0 && kScales.lowest < 0), "without an offset, both have signs");
};

// A scale and an offset per group, in units of the group's integers unless noted.
template <size_t kGroups>
struct PerGroup {
  double scale[kGroups], offset[kGroups];
};

// Sums over each group's codes c and integers x.
template <size_t kGroups>
struct CodeSums {
  double c[kGroups], cc[kGroups], xc[kGroups];
};

// The groups of a block, each by itself.
template <size_t kGroups>
struct GroupFits {
  double unit[kGroups];     // the power of two that made the group integers
  double inverse[kGroups];  // 1 / unit
  double x_sum[kGroups];    // of those
  PerGroup<kGroups> fit;    // the best scale and offset found
  CodeSums<kGroups> sums;   // of its codes
};

// Each group with integers for a scale and an offset.
template <size_t kGroups>
struct GroupTrials {
  PerGroup<kGroups> integers;
  CodeSums<kGroups> sums;
  double error[kGroups];  // the sum of squared differences less the sum of squares of x
};

// The factors of a block.
struct Factors {
  f16 scale, offset;

  friend bool operator==(Factors a, Factors b) {
    return BitsOf(a.scale) == BitsOf(b.scale) && BitsOf(a.offset) == BitsOf(b.offset);
  }
};

// largest / multiple as a half: not infinite, so that blocks beyond a half's range become the largest that it can
// express; and not rounded to zero, so that tiny blocks keep what the smallest factor can express.
inline f16 Factor(double largest, int multiple) {
  constexpr double kMax = 65504.0, kMin = 0x1p-24;
  const double factor = largest / multiple, magnitude = fabs(factor);
  if (magnitude > kMax) return ToF16(factor < 0 ? -65504.0f : 65504.0f);
  if (magnitude != 0 && magnitude < kMin) return ToF16(factor < 0 ? -0x1p-24f : 0x1p-24f);
  return ToF16(static_cast<float>(factor));
}

// The factors in the units of each group.
template <size_t kGroups>
PerGroup<kGroups> InUnits(Factors factors, const GroupFits<kGroups>& fits) {
  const double scale = ToFloat(factors.scale), offset = ToFloat(factors.offset);
  PerGroup<kGroups> result;
  for (size_t g = 0; g < kGroups; ++g) {
    result.scale[g] = scale * fits.unit[g];
    result.offset[g] = offset * fits.unit[g];
  }
  return result;
}

// The sum of errors of groups, in units of the values.
template <size_t kGroups>
double Total(const double* error, const GroupFits<kGroups>& fits) {
  double total = 0;
  for (size_t g = 0; g < kGroups; ++g) total += error[g] * (fits.inverse[g] * fits.inverse[g]);
  return total;
}

// The factors that are best for the integers and codes of `trials`: of scales first, then of offsets.
template <class Format, size_t kGroups>
Factors Refine(const GroupFits<kGroups>& fits, const GroupTrials<kGroups>& trials, Factors factors) {
  double ss = 0, so = 0, oo = 0, sx = 0, ox = 0;
  for (size_t g = 0; g < kGroups; ++g) {
    const double s = trials.integers.scale[g], o = trials.integers.offset[g];
    ss += s * s * trials.sums.cc[g];
    so += s * o * trials.sums.c[g];
    oo += o * o * Traits<Format>::kCount;
    sx += s * (trials.sums.xc[g] * fits.inverse[g]);
    ox += o * (fits.x_sum[g] * fits.inverse[g]);
  }
  if (ss > 0) factors.scale = Factor((sx + ToFloat(factors.offset) * so) / ss, 1);
  if (oo > 0) {
    const double offset = (ToFloat(factors.scale) * so - ox) / oo;
    factors.offset = Factor(offset > 0 ? offset : 0, 1);
  }
  return factors;
}

// Encodes x[0, block). `groups` does the passes over elements; see ScalarGroups for what it must have.
template <class Format, class Groups>
void SearchBlock(const float* x, Groups& groups, Encoded<Format>& out) {
  using T = Traits<Format>;
  constexpr size_t kGroups = T::kGroups;
  GroupFits<kGroups> fits;
  if (!groups.Load(x, fits)) {
    // An infinity or a NaN: all values become NaN rather than plausible numbers.
    out = {};
    out.scale_factor = ToF16(NAN);
    return;
  }
  groups.Fit(fits);
  double scale = 0, offset = 0, peak = 0;  // the largest; its magnitude is apart for the reason of ExtremeOf
  for (size_t g = 0; g < kGroups; ++g) {
    const double s = fits.fit.scale[g] * fits.inverse[g], o = fits.fit.offset[g] * fits.inverse[g];
    if (fabs(s) > peak) {
      peak = fabs(s);
      scale = s;
    }
    if (o > offset) offset = o;
  }
  const Factors spanning{Factor(scale, T::kLargestScale), Factor(offset, T::kScales.highest)};
  Factors promising = spanning;
  double least = INFINITY, error[kGroups];
  for (int i = 0; i < kFactors; ++i) {
    for (int j = 0; j < (T::kHasOffset ? kFactors : 1); ++j) {
      const Factors factors{Factor(scale, T::kLargestScale < 0 ? T::kLargestScale + i : T::kLargestScale - i),
                            Factor(offset, T::kScales.highest - j)};
      groups.Estimate(fits, InUnits(factors, fits), error);
      const double total = Total(error, fits);
      if (total < least) {
        least = total;
        promising = factors;
      }
    }
  }

  GroupTrials<kGroups> trials[2];
  Factors best = spanning;
  size_t at = 0;  // trials[at] belongs to `best`
  groups.Round(fits, InUnits(best, fits), fits.fit, kWideRadius, trials[at]);
  least = Total(trials[at].error, fits);
  const auto improves = [&](Factors factors, const PerGroup<kGroups>& around, int radius) {
    groups.Round(fits, InUnits(factors, fits), around, radius, trials[1 - at]);
    const double total = Total(trials[1 - at].error, fits);
    if (!(total < least)) return false;
    least = total;
    best = factors;
    at = 1 - at;
    return true;
  };
  const auto chosen = [&] {
    PerGroup<kGroups> result = InUnits(best, fits);
    for (size_t g = 0; g < kGroups; ++g) {
      result.scale[g] *= trials[at].integers.scale[g];
      result.offset[g] *= trials[at].integers.offset[g];
    }
    return result;
  };
  if (!(promising == spanning)) improves(promising, fits.fit, kWideRadius);
  for (int i = 0; i < kRefinements; ++i) {
    if (!improves(Refine<Format>(fits, trials[at], best), chosen(), kNarrowRadius)) break;
  }
  out.scale_factor = best.scale;
  out.offset_factor = best.offset;
  for (size_t g = 0; g < kGroups; ++g) {
    out.scale[g] = static_cast<int8_t>(trials[at].integers.scale[g]);
    out.offset[g] = static_cast<int8_t>(trials[at].integers.offset[g]);
  }
  groups.Codes(chosen(), out.code);
}

}  // namespace encode
}  // namespace weft

#endif  // WEFT_FORMATS_ENCODE_SEARCH_H_
