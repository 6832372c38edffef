// Floats to whole blocks.

#if defined(WEFT_KERNELS_ENCODE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_ENCODE_INL_H_
#undef WEFT_KERNELS_ENCODE_INL_H_
#else
#define WEFT_KERNELS_ENCODE_INL_H_
#endif

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "hwy/highway.h"
#include "weft/formats/encode_search.h"
#include "weft/simd/convert-inl.h"
#include "weft/simd/unroll-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The passes of the search over a block's elements with a group per lane. Each step is that of encode::ScalarGroups,
// which says what the functions do, and gives the same bits: sums over elements are exact in float here, because
// integers are split in halves of 12 bits, and so are sums in double there.
template <class Format>
class LaneGroups {
  using T = encode::Traits<Format>;
  static constexpr size_t kGroup = T::kGroup, kGroups = T::kGroups;
  static_assert((kGroup * T::kCodeLimit << 12) <= (1 << 24) && kGroup * T::kCodeLimit * T::kCodeLimit <= (1 << 24));

  using GroupFits = encode::GroupFits<kGroups>;
  using PerGroup = encode::PerGroup<kGroups>;
  using GroupTrials = encode::GroupTrials<kGroups>;

  // Passes over elements are in float, formulas in double.
  using D = hn::CappedTag<float, kGroups>;
  using DI = hn::RebindToSigned<D>;
  using D64 = hn::CappedTag<double, kGroups>;
  using DHalf = hn::Rebind<float, D64>;
  using V = hn::Vec<D>;
  using V64 = hn::Vec<D64>;

 public:
  HWY_NOINLINE bool Load(const float* HWY_RESTRICT x, GroupFits& fits) {
    const D d;
    const DI di;
    const D64 d64;
    const DHalf dh;
    for (size_t g = 0; g < kGroups; ++g) {
      for (size_t i = 0; i < kGroup; ++i) x_[i][g] = x[g * kGroup + i];
    }
    for (size_t g = 0; g < kGroups; g += hn::Lanes(d)) {
      auto peak = hn::Zero(di);
      for (size_t i = 0; i < kGroup; ++i) peak = hn::Max(peak, hn::BitCast(di, hn::Abs(hn::Load(d, x_[i] + g))));
      if (!hn::AllTrue(di, hn::Lt(peak, hn::Set(di, 0x7F800000)))) return false;
      const auto biased = hn::Max(hn::ShiftRight<23>(peak), hn::Set(di, 1));
      const auto exponent = hn::Sub(hn::Set(di, 150), biased), part = hn::ShiftRight<1>(exponent);
      const auto power = [d, di](auto e) { return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(e, hn::Set(di, 127)))); };
      const auto first = power(part), second = power(hn::Sub(exponent, part));
      alignas(64) float factors[2][kGroups];
      hn::Store(first, d, factors[0] + g);
      hn::Store(second, d, factors[1] + g);
      for (size_t h = g; h < g + hn::Lanes(d); h += hn::Lanes(d64)) {
        const auto a = hn::PromoteTo(d64, hn::Load(dh, factors[0] + h));
        const auto unit = hn::Mul(a, hn::PromoteTo(d64, hn::Load(dh, factors[1] + h)));
        hn::StoreU(unit, d64, fits.unit + h);
        hn::StoreU(hn::Div(hn::Set(d64, 1.0), unit), d64, fits.inverse + h);
      }
      const auto half = hn::Set(di, 1 << 11), top = hn::Set(di, -(1 << 12));
      auto high_sum = hn::Zero(di), low_sum = high_sum;
      for (size_t i = 0; i < kGroup; ++i) {
        const auto integer = hn::NearestInt(hn::Mul(hn::Mul(hn::Load(d, x_[i] + g), first), second));
        const auto high = hn::And(hn::Add(integer, half), top), low = hn::Sub(integer, high);
        hn::Store(hn::ConvertTo(d, integer), d, x_[i] + g);
        hn::Store(hn::ConvertTo(d, high), d, high_[i] + g);
        hn::Store(hn::ConvertTo(d, low), d, low_[i] + g);
        high_sum = hn::Add(high_sum, high);
        low_sum = hn::Add(low_sum, low);
      }
      // At most 2^24 * 32: exact as an integer.
      alignas(64) int32_t sum[kGroups];
      hn::Store(hn::Add(high_sum, low_sum), di, sum + g);
      for (size_t h = g; h < g + hn::Lanes(d); h += hn::Lanes(d64)) {
        hn::StoreU(hn::PromoteTo(d64, hn::Load(hn::Rebind<int32_t, D64>(), sum + h)), d64, fits.x_sum + h);
      }
    }
    return true;
  }

  HWY_NOINLINE void Fit(GroupFits& fits) const {
    const D d;
    const D64 d64;
    constexpr int kFits = 2 * encode::kStarts + 1;
    Steps steps[kFits];
    alignas(64) float start[kGroups], width[kGroups];
    alignas(64) double gain[kGroups];
    for (size_t g = 0; g < kGroups; g += hn::Lanes(d)) {
      auto low = hn::Zero(d), high = hn::Load(d, x_[0] + g);
      for (size_t i = 0; i < kGroup; ++i) {
        low = hn::Min(low, hn::Load(d, x_[i] + g));
        high = hn::Max(high, hn::Load(d, x_[i] + g));
      }
      const auto extreme = hn::IfThenElse(hn::Gt(hn::Neg(low), high), low, high);
      hn::Store(hn::Mul(hn::Set(d, 5.0f), T::kHasOffset ? hn::Sub(high, low) : extreme), d, width + g);
      hn::Store(T::kHasOffset ? hn::Neg(low) : hn::Zero(d), d, start + g);
    }
    for (size_t g = 0; g < kGroups; g += hn::Lanes(d64)) {
      auto offset = hn::Zero(d64), explained = offset;
      if constexpr (T::kHasOffset) {
        const auto x_sum = hn::LoadU(d64, fits.x_sum + g), share = hn::Set(d64, 1 / T::kCount);
        const auto negative = hn::Lt(x_sum, hn::Zero(d64));
        offset = hn::IfThenElseZero(negative, hn::Mul(hn::Neg(x_sum), share));
        explained = hn::IfThenElseZero(negative, hn::Mul(hn::Mul(x_sum, x_sum), share));
      }
      hn::StoreU(hn::Zero(d64), d64, fits.fit.scale + g);
      hn::StoreU(offset, d64, fits.fit.offset + g);
      hn::Store(explained, d64, gain + g);
      StoreSums({hn::Zero(d64), hn::Zero(d64), hn::Zero(d64)}, g, fits.sums);
    }
    for (int i = 0; i < kFits; ++i) {
      for (size_t g = 0; g < kGroups; g += hn::Lanes(d)) {
        const auto levels = hn::Set(d, static_cast<float>(5 * T::kLevels + i - encode::kStarts));
        const auto w = hn::Load(d, width + g);
        hn::Store(hn::IfThenElseZero(hn::Ne(w, hn::Zero(d)), hn::Div(levels, w)), d, steps[i].inverse + g);
        hn::Store(hn::Load(d, start + g), d, steps[i].offset + g);
      }
    }
    // The starts of a round do not wait for each other.
    for (int round = 0; round < encode::kRounds; ++round) {
      for (int i = 0; i < kFits; ++i) {
        FloatSums float_sums;
        Assess(steps[i], float_sums);
        for (size_t g = 0; g < kGroups; g += hn::Lanes(d64)) {
          const Sums sums = LoadSums(float_sums, g);
          const LeastSquares solution = Solve(sums, hn::LoadU(d64, fits.x_sum + g));
          const auto better = hn::Gt(solution.gain, hn::Load(d64, gain + g));
          Replace(better, solution.gain, gain + g);
          Replace(better, solution.scale, fits.fit.scale + g);
          Replace(better, solution.offset, fits.fit.offset + g);
          ReplaceSums(better, sums, g, fits.sums);
          hn::Store(Limited(solution.offset), DHalf(), steps[i].offset + g);
          hn::Store(InverseStep(solution.scale), DHalf(), steps[i].inverse + g);
        }
      }
    }
  }

  HWY_NOINLINE void Estimate(const GroupFits& fits, const PerGroup& factor, double* HWY_RESTRICT error) const {
    const D64 d;
    for (size_t g = 0; g < kGroups; g += hn::Lanes(d)) {
      const Sums sums{hn::LoadU(d, fits.sums.c + g), hn::LoadU(d, fits.sums.cc + g), hn::LoadU(d, fits.sums.xc + g)};
      const auto x_sum = hn::LoadU(d, fits.x_sum + g), step = hn::LoadU(d, factor.scale + g);
      const auto scale = hn::Mul(step, Quotient(hn::LoadU(d, fits.fit.scale + g), step));
      auto offset = hn::Zero(d);
      if constexpr (T::kHasOffset) {
        const auto free = hn::Mul(hn::Sub(hn::Mul(scale, sums.c), x_sum), hn::Set(d, 1 / T::kCount));
        const auto shift = hn::LoadU(d, factor.offset + g);
        offset = hn::Mul(shift, Quotient(free, shift));
      }
      hn::StoreU(ErrorOf(sums, x_sum, scale, offset), d, error + g);
    }
  }

  HWY_NOINLINE void Round(const GroupFits& fits, const PerGroup& factor, const PerGroup& around, int radius,
                          GroupTrials& best) const {
    const D64 d;
    const int offsets = T::kHasOffset ? radius : 0;
    alignas(64) PerGroup center, integers, trial;
    Steps steps;
    for (size_t g = 0; g < kGroups; g += hn::Lanes(d)) {
      hn::Store(Quotient(hn::LoadU(d, around.scale + g), hn::LoadU(d, factor.scale + g)), d, center.scale + g);
      hn::Store(Quotient(hn::LoadU(d, around.offset + g), hn::LoadU(d, factor.offset + g)), d, center.offset + g);
      hn::StoreU(hn::Set(d, static_cast<double>(INFINITY)), d, best.error + g);
    }
    for (int s = -radius; s <= radius; ++s) {
      for (size_t g = 0; g < kGroups; g += hn::Lanes(d)) {
        const auto scale = Clamped(hn::Add(hn::Load(d, center.scale + g), hn::Set(d, s)));
        const auto step = hn::Mul(hn::LoadU(d, factor.scale + g), scale);
        hn::Store(scale, d, integers.scale + g);
        hn::Store(step, d, trial.scale + g);
        hn::Store(InverseStep(step), DHalf(), steps.inverse + g);
      }
      for (int o = -offsets; o <= offsets; ++o) {
        for (size_t g = 0; g < kGroups; g += hn::Lanes(d)) {
          auto offset = hn::Zero(d);
          if constexpr (T::kHasOffset) offset = Clamped(hn::Add(hn::Load(d, center.offset + g), hn::Set(d, o)));
          const auto shift = hn::Mul(hn::LoadU(d, factor.offset + g), offset);
          hn::Store(offset, d, integers.offset + g);
          hn::Store(shift, d, trial.offset + g);
          hn::Store(Limited(shift), DHalf(), steps.offset + g);
        }
        FloatSums float_sums;
        Assess(steps, float_sums);
        for (size_t g = 0; g < kGroups; g += hn::Lanes(d)) {
          const Sums sums = LoadSums(float_sums, g);
          const auto error =
              ErrorOf(sums, hn::LoadU(d, fits.x_sum + g), hn::Load(d, trial.scale + g), hn::Load(d, trial.offset + g));
          const auto better = hn::Lt(error, hn::LoadU(d, best.error + g));
          Replace(better, error, best.error + g);
          Replace(better, hn::Load(d, integers.scale + g), best.integers.scale + g);
          Replace(better, hn::Load(d, integers.offset + g), best.integers.offset + g);
          ReplaceSums(better, sums, g, best.sums);
        }
      }
    }
  }

  HWY_NOINLINE void Codes(const PerGroup& fit, uint8_t* HWY_RESTRICT code) const {
    const D d;
    const DI di;
    Steps steps;
    for (size_t g = 0; g < kGroups; g += hn::Lanes(D64())) {
      hn::Store(Limited(hn::LoadU(D64(), fit.offset + g)), DHalf(), steps.offset + g);
      hn::Store(InverseStep(hn::LoadU(D64(), fit.scale + g)), DHalf(), steps.inverse + g);
    }
    alignas(64) int32_t integers[kGroups];
    for (size_t i = 0; i < kGroup; ++i) {
      for (size_t g = 0; g < kGroups; g += hn::Lanes(d)) {
        const auto c = Code(hn::Load(d, x_[i] + g), hn::Load(d, steps.offset + g), hn::Load(d, steps.inverse + g));
        hn::Store(hn::Add(hn::ConvertTo(di, c), hn::Set(di, Format::kZero)), di, integers + g);
      }
      for (size_t g = 0; g < kGroups; ++g) code[g * kGroup + i] = static_cast<uint8_t>(integers[g]);
    }
  }

 private:
  // What turns x into codes.
  struct Steps {
    alignas(64) float offset[kGroups], inverse[kGroups];
  };
  // Of codes c and the halves of x.
  struct FloatSums {
    alignas(64) float c[kGroups], cc[kGroups], high[kGroups], low[kGroups];
  };
  struct Sums {
    V64 c, cc, xc;
  };
  struct LeastSquares {
    V64 scale, offset, gain;
  };

  static HWY_INLINE hn::Vec<DHalf> Limited(V64 v) {
    const D64 d;
    const auto limit = hn::Set(d, static_cast<double>(encode::kHuge));
    return hn::DemoteTo(DHalf(), hn::Min(hn::Max(v, hn::Neg(limit)), limit));
  }
  static HWY_INLINE hn::Vec<DHalf> InverseStep(V64 scale) {
    const D64 d;
    return Limited(hn::IfThenElseZero(hn::Ne(scale, hn::Zero(d)), hn::Div(hn::Set(d, 1.0), scale)));
  }
  template <class DF>
  static HWY_INLINE hn::Vec<DF> Nearest(DF d, hn::Vec<DF> v, CodeRange range) {
    const auto low = hn::Set(d, static_cast<float>(range.lowest)), high = hn::Set(d, static_cast<float>(range.highest));
    const auto rounder = hn::Set(d, encode::kRounder);
    return hn::Sub(hn::Add(hn::Min(hn::Max(v, low), high), rounder), rounder);
  }
  static HWY_INLINE V64 Quotient(V64 v, V64 factor) {
    const D64 d;
    const auto quotient = hn::IfThenElseZero(hn::Ne(factor, hn::Zero(d)), hn::Div(v, factor));
    return hn::PromoteTo(d, Nearest(DHalf(), Limited(quotient), T::kScales));
  }
  static HWY_INLINE V64 Clamped(V64 integer) {
    const D64 d;
    return hn::Min(hn::Max(integer, hn::Set(d, T::kScales.lowest)), hn::Set(d, T::kScales.highest));
  }
  static HWY_INLINE V Code(V x, V offset, V inverse) {
    return Nearest(D(), hn::Mul(hn::Add(x, offset), inverse), T::kCodes);
  }

  HWY_INLINE void Assess(const Steps& steps, FloatSums& to) const {
    const D d;
    const auto lowest = hn::Set(d, static_cast<float>(T::kCodes.lowest));
    const auto highest = hn::Set(d, static_cast<float>(T::kCodes.highest)), rounder = hn::Set(d, encode::kRounder);
    for (size_t g = 0; g < kGroups; g += hn::Lanes(d)) {
      const auto offset = hn::Load(d, steps.offset + g), inverse = hn::Load(d, steps.inverse + g);
      auto c0 = hn::Zero(d), cc0 = c0, high0 = c0, low0 = c0, c1 = c0, cc1 = c0, high1 = c0, low1 = c0;
      const auto add = [&](size_t i, V code, V& c, V& cc, V& high, V& low) HWY_ATTR {
        c = hn::Add(c, code);
        cc = hn::MulAdd(code, code, cc);
        high = hn::MulAdd(hn::Load(d, high_[i] + g), code, high);
        low = hn::MulAdd(hn::Load(d, low_[i] + g), code, low);
      };
      // Step by step for several elements, so that none waits for the step before.
      for (size_t i = 0; i < kGroup; i += 4) {
        V t[4];
        WEFT_UNROLL(4)
        for (size_t j = 0; j < 4; ++j) t[j] = hn::Mul(hn::Add(hn::Load(d, x_[i + j] + g), offset), inverse);
        WEFT_UNROLL(4)
        for (size_t j = 0; j < 4; ++j) t[j] = hn::Min(hn::Max(t[j], lowest), highest);
        WEFT_UNROLL(4)
        for (size_t j = 0; j < 4; ++j) t[j] = hn::Sub(hn::Add(t[j], rounder), rounder);
        add(i, t[0], c0, cc0, high0, low0);
        add(i + 1, t[1], c1, cc1, high1, low1);
        add(i + 2, t[2], c0, cc0, high0, low0);
        add(i + 3, t[3], c1, cc1, high1, low1);
      }
      hn::Store(hn::Add(c0, c1), d, to.c + g);
      hn::Store(hn::Add(cc0, cc1), d, to.cc + g);
      hn::Store(hn::Add(high0, high1), d, to.high + g);
      hn::Store(hn::Add(low0, low1), d, to.low + g);
    }
  }
  static HWY_INLINE Sums LoadSums(const FloatSums& from, size_t g) {
    const D64 d;
    const DHalf dh;
    const auto high = hn::PromoteTo(d, hn::Load(dh, from.high + g)), low = hn::PromoteTo(d, hn::Load(dh, from.low + g));
    return {hn::PromoteTo(d, hn::Load(dh, from.c + g)), hn::PromoteTo(d, hn::Load(dh, from.cc + g)),
            hn::Add(high, low)};
  }

  static HWY_INLINE V64 ErrorOf(const Sums& sums, V64 x_sum, V64 scale, V64 offset) {
    const D64 d;
    const auto twice = hn::Add(scale, scale);
    const auto error = hn::Sub(hn::Mul(hn::Mul(scale, scale), sums.cc), hn::Mul(twice, sums.xc));
    if constexpr (!T::kHasOffset) return error;
    const auto mixed = hn::Mul(hn::Mul(twice, offset), sums.c);
    const auto square = hn::Mul(hn::Mul(offset, offset), hn::Set(d, T::kCount));
    return hn::Add(hn::Add(hn::Sub(error, mixed), hn::Mul(hn::Add(offset, offset), x_sum)), square);
  }

  static HWY_INLINE LeastSquares Solve(const Sums& sums, V64 x_sum) {
    const D64 d;
    const auto zero = hn::Zero(d), count = hn::Set(d, T::kCount), share = hn::Set(d, 1 / T::kCount);
    auto product = sums.xc, spread = sums.cc, offset = zero, explained = zero, factor = hn::Set(d, 1.0);
    auto valid = hn::Gt(sums.cc, zero);
    if constexpr (T::kHasOffset) {
      const auto free_spread = hn::Sub(hn::Mul(count, sums.cc), hn::Mul(sums.c, sums.c));
      const auto free_product = hn::Sub(hn::Mul(count, sums.xc), hn::Mul(sums.c, x_sum));
      const auto shift = hn::Sub(hn::Mul(sums.c, sums.xc), hn::Mul(sums.cc, x_sum));
      const auto free = hn::And(hn::Gt(free_spread, zero), hn::And(hn::Gt(free_product, zero), hn::Gt(shift, zero)));
      valid = hn::Or(free, hn::And(valid, hn::Gt(sums.xc, zero)));
      product = hn::IfThenElse(free, free_product, product);
      spread = hn::IfThenElse(free, free_spread, spread);
      offset = hn::IfThenElseZero(free, hn::Div(shift, free_spread));
      factor = hn::IfThenElse(free, share, factor);
      explained = hn::IfThenElseZero(free, hn::Mul(hn::Mul(x_sum, x_sum), share));
    }
    const auto scale = hn::IfThenElseZero(valid, hn::Div(product, spread));
    return {scale, offset, hn::Add(hn::Mul(hn::Mul(product, scale), factor), explained)};
  }

  static HWY_INLINE void Replace(hn::Mask<D64> where, V64 v, double* to) {
    hn::StoreU(hn::IfThenElse(where, v, hn::LoadU(D64(), to)), D64(), to);
  }
  static HWY_INLINE void ReplaceSums(hn::Mask<D64> where, const Sums& v, size_t g, encode::CodeSums<kGroups>& to) {
    Replace(where, v.c, to.c + g);
    Replace(where, v.cc, to.cc + g);
    Replace(where, v.xc, to.xc + g);
  }
  static HWY_INLINE void StoreSums(const Sums& v, size_t g, encode::CodeSums<kGroups>& to) {
    hn::StoreU(v.c, D64(), to.c + g);
    hn::StoreU(v.cc, D64(), to.cc + g);
    hn::StoreU(v.xc, D64(), to.xc + g);
  }

  // Integers below 2^24, and as sums of a multiple of 2^12 and a rest: element i of every group.
  alignas(64) float x_[kGroup][kGroups], high_[kGroup][kGroups], low_[kGroup][kGroups];
};

// n / block blocks from x, bit for bit what the format's scalar encoder gives.
template <class Format>
HWY_NOINLINE void EncodeBlocks(const float* HWY_RESTRICT x, void* blocks, size_t n) {
  auto* to = static_cast<typename Format::Block*>(blocks);
  if constexpr (kIsFloat<Format>) {
    const hn::ScalableTag<float> df;
    const size_t lanes = hn::Lanes(df);
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) StoreFloat(df, hn::LoadU(df, x + i), to + i);
    if (i < n) StoreFloatN(df, hn::LoadN(df, x + i, n - i), to + i, n - i);
  } else if constexpr (Searched<Format>) {
    LaneGroups<Format> groups;
    Encoded<Format> encoded;
    for (size_t i = 0; i < n; i += kBlockElements<Format>) {
      encode::SearchBlock<Format>(x + i, groups, encoded);
      Format::Pack(encoded, *to++);
    }
  } else {
    for (size_t i = 0; i < n; i += kBlockElements<Format>) Format::Encode(x + i, *to++);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
