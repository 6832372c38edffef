// The passes of the search (encode_search.h) over a block's elements in plain C++, a group at a time: the reference for
// kernels/encode-inl.h, which must give the same bits.
#ifndef WEFT_FORMATS_ENCODE_GROUPS_H_
#define WEFT_FORMATS_ENCODE_GROUPS_H_

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "weft/formats/encode_search.h"

namespace weft {
namespace encode {

// v as a float, limited to +-kHuge: no overflow follows, and no NaN.
inline float Limited(double v) {
  return static_cast<float>(v > -kHuge ? (v < kHuge ? v : static_cast<double>(kHuge)) : -static_cast<double>(kHuge));
}

// 1 / scale for a group's codes; 0 where all codes are to be 0.
inline float InverseStep(double scale) { return scale != 0 ? Limited(1 / scale) : 0.0f; }

// The nearest integer of a range, ties to even. v is no NaN.
inline float Nearest(float v, CodeRange range) {
  const float low = static_cast<float>(range.lowest), high = static_cast<float>(range.highest);
  const float clamped = v > low ? (v < high ? v : high) : low;
  return (clamped + kRounder) - kRounder;
}

// Sums over the codes c and integers x of a group.
struct Sums {
  double c = 0, cc = 0, xc = 0;
};

// The sum of squared differences of a group from scale * code - offset, less the sum of squares of x.
template <class Format>
double ErrorOf(const Sums& sums, double x_sum, double scale, double offset) {
  const double quadratic = scale * scale * sums.cc, linear = 2 * scale * sums.xc;
  if (!Format::kHasOffset) return quadratic - linear;
  const double mixed = 2 * scale * offset * sums.c, sum = 2 * offset * x_sum;
  return quadratic - linear - mixed + sum + offset * offset * Traits<Format>::kCount;
}

template <class Format>
class ScalarGroups {
  using T = Traits<Format>;
  static constexpr size_t kGroups = T::kGroups;

 public:
  // Takes the values, and sets `unit`, `inverse` and `x_sum`. False where one of them is not finite.
  bool Load(const float* x, GroupFits<kGroups>& fits) {
    for (size_t g = 0; g < kGroups; ++g) {
      uint32_t peak = 0;  // of the magnitudes' bits
      for (size_t i = 0; i < T::kGroup; ++i) {
        const uint32_t magnitude = BitsOf(x[g * T::kGroup + i]) & 0x7FFFFFFFu;
        if (magnitude > peak) peak = magnitude;
      }
      if (peak >= 0x7F800000u) return false;
      // The peak is to lie in [2^23, 2^24), or as near as multiples of 2^-149 come. 2^exponent may be no float.
      const int biased = static_cast<int>(peak >> 23), exponent = 150 - (biased > 0 ? biased : 1);
      const float half = FloatOf(static_cast<uint32_t>(127 + (exponent >> 1)) << 23);
      const float other = FloatOf(static_cast<uint32_t>(127 + exponent - (exponent >> 1)) << 23);
      fits.unit[g] = static_cast<double>(half) * other;
      fits.inverse[g] = 1 / fits.unit[g];
      fits.x_sum[g] = 0;
      for (size_t i = 0; i < T::kGroup; ++i) {
        x_[g][i] = static_cast<float>(lrintf(x[g * T::kGroup + i] * half * other));
        fits.x_sum[g] += x_[g][i];
      }
    }
    return true;
  }

  // Sets `fit` and `sums` of every group.
  void Fit(GroupFits<kGroups>& fits) const {
    for (size_t g = 0; g < kGroups; ++g) FitGroup(g, fits);
  }

  // error[g] = that of the integers nearest to each group's fit, with the codes that it has.
  void Estimate(const GroupFits<kGroups>& fits, const PerGroup<kGroups>& factor, double* error) const {
    for (size_t g = 0; g < kGroups; ++g) {
      const Sums sums{fits.sums.c[g], fits.sums.cc[g], fits.sums.xc[g]};
      const double scale = factor.scale[g] * Quotient(fits.fit.scale[g], factor.scale[g]);
      // The best offset for that scale.
      const double free = (scale * sums.c - fits.x_sum[g]) / T::kCount;
      const double offset = T::kHasOffset ? factor.offset[g] * Quotient(free, factor.offset[g]) : 0;
      error[g] = ErrorOf<Format>(sums, fits.x_sum[g], scale, offset);
    }
  }

  // Finds for every group the integers near around / factor that have the least error with codes chosen anew.
  void Round(const GroupFits<kGroups>& fits, const PerGroup<kGroups>& factor, const PerGroup<kGroups>& around,
             int radius, GroupTrials<kGroups>& best) const {
    for (size_t g = 0; g < kGroups; ++g) {
      const double scale0 = Quotient(around.scale[g], factor.scale[g]);
      const double offset0 = T::kHasOffset ? Quotient(around.offset[g], factor.offset[g]) : 0;
      best.error[g] = INFINITY;
      for (int s = -radius; s <= radius; ++s) {
        for (int o = T::kHasOffset ? -radius : 0; o <= (T::kHasOffset ? radius : 0); ++o) {
          const double scale = Clamped(scale0 + s), offset = T::kHasOffset ? Clamped(offset0 + o) : 0;
          const double step = factor.scale[g] * scale, shift = factor.offset[g] * offset;
          const Sums sums = Assess(g, Limited(shift), InverseStep(step));
          const double error = ErrorOf<Format>(sums, fits.x_sum[g], step, shift);
          if (error < best.error[g]) {
            best.error[g] = error;
            best.integers.scale[g] = scale;
            best.integers.offset[g] = offset;
            best.sums.c[g] = sums.c;
            best.sums.cc[g] = sums.cc;
            best.sums.xc[g] = sums.xc;
          }
        }
      }
    }
  }

  // code[0, block) = the nearest codes, plus kZero.
  void Codes(const PerGroup<kGroups>& fit, uint8_t* code) const {
    for (size_t g = 0; g < kGroups; ++g) {
      const float offset = Limited(fit.offset[g]), inverse = InverseStep(fit.scale[g]);
      for (size_t i = 0; i < T::kGroup; ++i) {
        const float nearest = Nearest((x_[g][i] + offset) * inverse, T::kCodes);
        code[g * T::kGroup + i] = static_cast<uint8_t>(static_cast<int>(nearest) + Format::kZero);
      }
    }
  }

 private:
  // The integer nearest to v / factor.
  static double Quotient(double v, double factor) { return factor != 0 ? Nearest(Limited(v / factor), T::kScales) : 0; }
  static double Clamped(double integer) {
    return integer > T::kScales.lowest ? (integer < T::kScales.highest ? integer : T::kScales.highest)
                                       : T::kScales.lowest;
  }

  Sums Assess(size_t g, float offset, float inverse) const {
    Sums sums;
    for (size_t i = 0; i < T::kGroup; ++i) {
      const double c = Nearest((x_[g][i] + offset) * inverse, T::kCodes);
      sums.c += c;
      sums.cc += c * c;
      sums.xc += x_[g][i] * c;
    }
    return sums;
  }

  // The scale and offset that are best for given codes, and how much of the sum of squares of x they explain.
  struct LeastSquares {
    double scale = 0, offset = 0, gain = 0;
  };
  static LeastSquares Solve(const Sums& sums, double x_sum) {
    LeastSquares best;
    if (T::kHasOffset) {
      const double spread = T::kCount * sums.cc - sums.c * sums.c;
      const double product = T::kCount * sums.xc - sums.c * x_sum;
      const double shift = sums.c * sums.xc - sums.cc * x_sum;
      if (spread > 0 && product > 0 && shift > 0) {
        best.scale = product / spread;
        best.offset = shift / spread;
        best.gain = product * best.scale / T::kCount + x_sum * x_sum / T::kCount;
        return best;
      }
      if (!(sums.xc > 0)) return best;
    }
    if (sums.cc > 0) {
      best.scale = sums.xc / sums.cc;
      best.gain = sums.xc * best.scale;
    }
    return best;
  }

  void FitGroup(size_t g, GroupFits<kGroups>& fits) const {
    const float* x = x_[g];
    float low = 0.0f, high = x[0];
    for (size_t i = 0; i < T::kGroup; ++i) {
      if (x[i] < low) low = x[i];
      if (x[i] > high) high = x[i];
    }
    // Without an offset: the extreme.
    const float span = T::kHasOffset ? high - low : -low > high ? low : high;
    const double x_sum = fits.x_sum[g];
    LeastSquares best;  // all codes 0
    Sums best_sums;
    if (T::kHasOffset && x_sum < 0) best = {0, -x_sum / T::kCount, x_sum * x_sum / T::kCount};
    constexpr int kFits = 2 * kStarts + 1;
    float offset[kFits], inverse[kFits];
    for (int i = 0; i < kFits; ++i) {
      // levels + 0.2 * (i - kStarts) of them span the group.
      offset[i] = T::kHasOffset ? -low : 0.0f;
      inverse[i] = span != 0.0f ? static_cast<float>(5 * T::kLevels + i - kStarts) / (5.0f * span) : 0.0f;
    }
    for (int round = 0; round < kRounds; ++round) {
      for (int i = 0; i < kFits; ++i) {
        const Sums sums = Assess(g, offset[i], inverse[i]);
        const LeastSquares solution = Solve(sums, x_sum);
        if (solution.gain > best.gain) {
          best = solution;
          best_sums = sums;
        }
        offset[i] = Limited(solution.offset);
        inverse[i] = InverseStep(solution.scale);
      }
    }
    fits.fit.scale[g] = best.scale;
    fits.fit.offset[g] = best.offset;
    fits.sums.c[g] = best_sums.c;
    fits.sums.cc[g] = best_sums.cc;
    fits.sums.xc[g] = best_sums.xc;
  }

  float x_[kGroups][T::kGroup];  // integers
};

}  // namespace encode

// Encodes x[0, block) of a searched format: the normative scalar encoder.
template <class Format>
void SearchAndPack(const float* x, typename Format::Block& block) {
  encode::ScalarGroups<Format> groups;
  Encoded<Format> encoded;
  encode::SearchBlock<Format>(x, groups, encoded);
  Format::Pack(encoded, block);
}

}  // namespace weft

#endif  // WEFT_FORMATS_ENCODE_GROUPS_H_
