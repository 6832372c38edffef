// The search behind the encoders of formats whose groups have integer scales, and maybe offsets, of their own: least
// squares over a few starting steps. Sums are kept in double, so that no finite input overflows or vanishes.
#ifndef WEFT_FORMATS_ENCODE_SEARCH_H_
#define WEFT_FORMATS_ENCODE_SEARCH_H_

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "weft/core/half.h"
#include "weft/core/strict_math.h"

namespace weft {

// A group as scale * code - offset.
struct GroupFit {
  float scale = 0.0f, offset = 0.0f;

  // What x must be multiplied with, after adding the offset, to get its code.
  float Inverse() const { return scale != 0.0f ? 1.0f / scale : 0.0f; }
};

// The codes that a group may use.
struct CodeRange {
  int lowest = 0, highest = 0;

  // The nearest of them; the lowest for a NaN.
  int Nearest(float v) const {
    const float low = static_cast<float>(lowest), high = static_cast<float>(highest);
    const float clamped = v > low ? (v < high ? v : high) : low;
    return static_cast<int>(clamped - low + 0.5f) + lowest;
  }
};

// How well a group is approximated by a fit with the nearest codes, and the fit that is best for those codes.
struct Assessment {
  double error = 0.0;  // sum of squares
  GroupFit refit;
};

// kOffset: whether groups have an offset (which is then >= 0).
template <bool kOffset>
Assessment Assess(const float* x, size_t n, GroupFit fit, CodeRange codes) {
  double c1 = 0, c2 = 0, x1 = 0, xc = 0;
  const float inverse = fit.Inverse();
  Assessment result;
  for (size_t i = 0; i < n; ++i) {
    const double v = x[i], c = codes.Nearest((x[i] + fit.offset) * inverse);
    const double difference = v - (fit.scale * c - fit.offset);
    result.error += difference * difference;
    c1 += c;
    c2 += c * c;
    x1 += v;
    xc += v * c;
  }
  const double count = static_cast<double>(n), spread = count * c2 - c1 * c1;
  double scale = c2 > 0 ? xc / c2 : 0, offset = 0;
  if (kOffset && spread > 0) {
    const double free_scale = (count * xc - x1 * c1) / spread;
    const double free_offset = (free_scale * c1 - x1) / count;
    if (free_offset > 0) {
      scale = free_scale;
      offset = free_offset;
    }
  }
  result.refit = {static_cast<float>(scale), static_cast<float>(offset)};
  return result;
}

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

// The best fit found from steps around the one that just spans the group: 11 starts, two refinements each.
template <bool kOffset>
GroupFit FitGroup(const float* x, size_t n, CodeRange codes) {
  float low = 0.0f, high = x[0];
  for (size_t i = 0; i < n; ++i) {
    if (x[i] < low) low = x[i];
    if (x[i] > high) high = x[i];
  }
  // Without an offset the extreme gets the lowest code (the range reaches one further down than up).
  const float span = kOffset ? high - low : ExtremeOf(x, n);
  const float levels = static_cast<float>(kOffset ? codes.highest - codes.lowest : codes.lowest);
  GroupFit best{0.0f, kOffset ? -low : 0.0f};
  double least = Assess<kOffset>(x, n, best, codes).error;
  for (int step = -5; step <= 5; ++step) {
    GroupFit fit{span / (levels + 0.2f * static_cast<float>(step)), kOffset ? -low : 0.0f};
    for (int round = 0; round < 3; ++round) {
      const Assessment assessment = Assess<kOffset>(x, n, fit, codes);
      if (assessment.error < least) {
        least = assessment.error;
        best = fit;
      }
      fit = assessment.refit;
    }
  }
  return best;
}

// The common factor that the scales of a block's groups are multiples of, given what its largest multiple must reach;
// not rounded to zero, so that tiny blocks keep what the smallest factor can express.
inline f16 CommonFactor(float largest, int multiple) {
  const float factor = largest / static_cast<float>(multiple);
  const f16 half = ToF16(factor);
  const bool vanished = factor != 0.0f && ToFloat(half) == 0.0f;
  return vanished ? ToF16(copysignf(0x1p-24f, factor)) : half;
}

// A group's integer scale and offset.
struct IntegerFit {
  int scale = 0, offset = 0;
};

// The integers around fit / {d, dmin} that give the least error with codes chosen anew.
template <bool kOffset>
IntegerFit RoundFit(const float* x, size_t n, GroupFit fit, GroupFit unit, CodeRange codes, CodeRange scales) {
  const int scale = scales.Nearest(fit.scale * unit.Inverse());
  const int offset = kOffset ? scales.Nearest(fit.offset * GroupFit{unit.offset, 0.0f}.Inverse()) : 0;
  IntegerFit best{scale, offset};
  double least = INFINITY;
  for (int s = scale - 1; s <= scale + 1; ++s) {
    for (int o = offset - kOffset; o <= offset + kOffset; ++o) {
      if (s < scales.lowest || s > scales.highest || (kOffset && (o < scales.lowest || o > scales.highest))) continue;
      const GroupFit trial{unit.scale * static_cast<float>(s), unit.offset * static_cast<float>(o)};
      const double error = Assess<kOffset>(x, n, trial, codes).error;
      if (error < least) {
        least = error;
        best = {s, o};
      }
    }
  }
  return best;
}

}  // namespace weft

#endif  // WEFT_FORMATS_ENCODE_SEARCH_H_
