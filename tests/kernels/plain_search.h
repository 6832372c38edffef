// What encoders with a search must not be worse than: the plain search in double that weft started with. Each group's
// scale and offset from 11 starting steps with two refinements, factors that just reach the largest of them, and
// integers around the quotients with codes chosen anew.
#ifndef WEFT_TESTS_KERNELS_PLAIN_SEARCH_H_
#define WEFT_TESTS_KERNELS_PLAIN_SEARCH_H_

#include <math.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "weft/formats/formats.h"

namespace weft::test {

template <class Format>
class PlainSearch {
  struct Fit {
    float scale = 0.0f, offset = 0.0f;
  };
  struct Assessment {
    double error = 0.0;
    Fit refit;
  };
  static constexpr size_t kGroup = Format::kGroup, kGroups = kBlockGroups<Format>;
  static constexpr int kLow = -Format::kZero, kHigh = Format::kMaxCode - Format::kZero;

 public:
  static void Encode(const float* x, typename Format::Block& block) {
    Encoded<Format> out = {};
    Fit fits[kGroups];
    float scale = 0.0f, offset = 0.0f;
    for (size_t g = 0; g < kGroups; ++g) {
      fits[g] = FitGroup(x + g * kGroup);
      if (std::fabs(fits[g].scale) > std::fabs(scale)) scale = fits[g].scale;
      offset = std::max(offset, fits[g].offset);
    }
    out.scale_factor = Factor(scale, Format::kHasOffset ? Format::kScales.highest : Format::kScales.lowest);
    out.offset_factor = Factor(offset, Format::kScales.highest);
    const Fit unit{ToFloat(out.scale_factor), ToFloat(out.offset_factor)};
    for (size_t g = 0; g < kGroups; ++g) {
      const Fit fit = Round(x + g * kGroup, fits[g], unit, out.scale[g], out.offset[g]);
      for (size_t i = g * kGroup; i < (g + 1) * kGroup; ++i) {
        out.code[i] = static_cast<uint8_t>(Nearest((x[i] + fit.offset) * Inverse(fit.scale), kLow, kHigh) - kLow);
      }
    }
    Format::Pack(out, block);
  }

 private:
  static float Inverse(float scale) { return scale != 0.0f ? 1.0f / scale : 0.0f; }
  static int Nearest(float v, int low, int high) {
    return static_cast<int>(std::lround(std::clamp(v, static_cast<float>(low), static_cast<float>(high))));
  }
  static f16 Factor(float largest, int multiple) {
    const float factor = largest / static_cast<float>(multiple);
    const bool vanished = factor != 0.0f && ToFloat(ToF16(factor)) == 0.0f;
    return ToF16(vanished ? std::copysign(0x1p-24f, factor) : factor);
  }

  static Assessment Assess(const float* x, Fit fit) {
    double c1 = 0, c2 = 0, x1 = 0, xc = 0;
    Assessment result;
    for (size_t i = 0; i < kGroup; ++i) {
      const double v = x[i], c = Nearest((x[i] + fit.offset) * Inverse(fit.scale), kLow, kHigh);
      const double difference = v - (fit.scale * c - fit.offset);
      result.error += difference * difference;
      c1 += c;
      c2 += c * c;
      x1 += v;
      xc += v * c;
    }
    const double spread = kGroup * c2 - c1 * c1;
    result.refit.scale = static_cast<float>(c2 > 0 ? xc / c2 : 0);
    if (Format::kHasOffset && spread > 0) {
      const double scale = (kGroup * xc - x1 * c1) / spread, offset = (scale * c1 - x1) / kGroup;
      if (offset > 0) result.refit = {static_cast<float>(scale), static_cast<float>(offset)};
    }
    return result;
  }

  static Fit FitGroup(const float* x) {
    const float low = std::min(0.0f, *std::min_element(x, x + kGroup)), high = *std::max_element(x, x + kGroup);
    const float span = Format::kHasOffset ? high - low : ExtremeOf(x, kGroup);
    const float offset = Format::kHasOffset ? -low : 0.0f,
                levels = static_cast<float>(Format::kHasOffset ? kHigh : kLow);
    Fit best{0.0f, offset};
    double least = Assess(x, best).error;
    for (int step = -5; step <= 5; ++step) {
      Fit fit{span / (levels + 0.2f * static_cast<float>(step)), offset};
      for (int round = 0; round < 3; ++round) {
        const Assessment assessment = Assess(x, fit);
        if (assessment.error < least) {
          least = assessment.error;
          best = fit;
        }
        fit = assessment.refit;
      }
    }
    return best;
  }

  static Fit Round(const float* x, Fit fit, Fit unit, int8_t& scale, int8_t& offset) {
    constexpr int kMin = Format::kScales.lowest, kMax = Format::kScales.highest;
    const int s0 = Nearest(fit.scale * Inverse(unit.scale), kMin, kMax);
    const int o0 = Nearest(fit.offset * Inverse(unit.offset), kMin, kMax);
    double least = INFINITY;
    Fit best;
    for (int s = std::max(s0 - 1, kMin); s <= std::min(s0 + 1, kMax); ++s) {
      for (int o = std::max(o0 - 1, kMin); o <= std::min(o0 + 1, kMax); ++o) {
        const Fit trial{unit.scale * static_cast<float>(s),
                        Format::kHasOffset ? unit.offset * static_cast<float>(o) : 0.0f};
        const double error = Assess(x, trial).error;
        if (error < least) {
          least = error;
          best = trial;
          scale = static_cast<int8_t>(s);
          offset = static_cast<int8_t>(o);
        }
      }
    }
    return best;
  }
};

}  // namespace weft::test

#endif  // WEFT_TESTS_KERNELS_PLAIN_SEARCH_H_
