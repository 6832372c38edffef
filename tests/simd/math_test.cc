// Elementary functions over the whole range of float.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/simd/math_test.cc"
#include "weft/instantiate/targets.h"
// targets.h must come before foreach_target.h, and that before highway.h.
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// Last of Highway's: compiled once per target.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/simd/simd_test.h"
#include "weft/core/half.h"
#include "weft/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// In every lane of a full vector, which must agree.
template <class F>
HWY_INLINE float InAllLanes(float x, const F& f) {
  const hn::ScalableTag<float> df;
  float y[HWY_MAX_BYTES / 4];
  hn::StoreU(f(df, hn::Set(df, x)), df, y);
  for (size_t i = 1; i < hn::Lanes(df); ++i) EXPECT_EQ(BitsOf(y[i]), BitsOf(y[0])) << x;
  return y[0];
}
HWY_NOINLINE float ExpOf(float x) {
  return InAllLanes(x, [](auto df, auto v) HWY_ATTR { return Exp(df, v); });
}
HWY_NOINLINE float SigmoidOf(float x) {
  return InAllLanes(x, [](auto df, auto v) HWY_ATTR { return Sigmoid(df, v); });
}
HWY_NOINLINE float TanhOf(float x) {
  return InAllLanes(x, [](auto df, auto v) HWY_ATTR { return Tanh(df, v); });
}

HWY_NOINLINE float NormalCdfOf(float x) {
  return InAllLanes(x, [](auto df, auto v) HWY_ATTR { return NormalCdf(df, v); });
}
HWY_NOINLINE float HalfOf(float x) {
  return InAllLanes(x, [](auto df, auto v) HWY_ATTR { return RoundToHalf(df, v); });
}

// Calls f for every `step`-th float by its bits, both signs, up to `limit`.
template <class F>
void ForFloats(float limit, uint32_t step, const F& f) {
  for (uint32_t bits = 0; bits <= BitsOf(limit); bits += step) {
    f(FloatOf(bits));
    f(FloatOf(bits | 0x80000000u));
  }
}

// The distance of a result from the true value, in units of the last place of that.
double Ulps(double actual, double expected) {
  int exponent;
  frexp(expected, &exponent);
  const double ulp = ldexp(1.0, exponent - 24 < -149 ? -149 : exponent - 24);
  return fabs(actual - expected) / ulp;
}

// At most 2 ulp, also of subnormal results.
void CheckExp() {
  double worst = 0.0;
  ForFloats(110.0f, 1009, [&](float x) {
    const double expected = exp(static_cast<double>(x));
    const float y = ExpOf(x);
    if (expected > std::numeric_limits<float>::max()) {
      // Rounding may go either way at the very end.
      EXPECT_GE(y, std::numeric_limits<float>::max()) << x;
      return;
    }
    const double ulps = Ulps(y, expected);
    ASSERT_LE(ulps, 2.0) << "exp(" << x << ") = " << y;
    if (ulps > worst) worst = ulps;
  });
  testing::Test::RecordProperty("worst_ulp", std::to_string(worst));
  const float inf = std::numeric_limits<float>::infinity(), max = std::numeric_limits<float>::max();
  EXPECT_EQ(ExpOf(0.0f), 1.0f);
  EXPECT_EQ(ExpOf(-0.0f), 1.0f);
  EXPECT_EQ(ExpOf(1e-45f), 1.0f);
  for (float x : {inf, max, 1000.0f, 88.73f}) EXPECT_EQ(ExpOf(x), inf) << x;
  for (float x : {-inf, -max, -1000.0f, -104.1f}) EXPECT_EQ(ExpOf(x), 0.0f) << x;
  EXPECT_TRUE(std::isnan(ExpOf(NAN)));
  EXPECT_TRUE(std::isnan(ExpOf(-NAN)));
}

// Exponential, one addition, one division: 2 + 0.5 + 0.5 ulp and the error of the larger term.
void CheckSigmoid() {
  ForFloats(87.0f, 4099, [](float x) {
    const double expected = 1.0 / (1.0 + exp(-static_cast<double>(x)));
    ASSERT_LE(fabs(SigmoidOf(x) - expected), 6 * 0x1p-24 * expected) << x;
  });
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(SigmoidOf(inf), 1.0f);
  EXPECT_EQ(SigmoidOf(-inf), 0.0f);
  EXPECT_EQ(SigmoidOf(0.0f), 0.5f);
  EXPECT_EQ(SigmoidOf(-1000.0f), 0.0f);
  EXPECT_TRUE(std::isnan(SigmoidOf(NAN)));
}

// The absolute error that simd/math-inl.h states.
void CheckTanh() {
  ForFloats(100.0f, 4099, [](float x) {
    ASSERT_LE(fabs(TanhOf(x) - tanh(static_cast<double>(x))), 2e-7) << x;
    ASSERT_LE(fabs(TanhOf(x)), 1.0f) << x;
  });
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(TanhOf(inf), 1.0f);
  EXPECT_EQ(TanhOf(-inf), -1.0f);
  EXPECT_EQ(BitsOf(TanhOf(-0.0f)), BitsOf(-0.0f));
  EXPECT_TRUE(std::isnan(TanhOf(NAN)));
}

// The relative error that simd/math-inl.h states, at both ends; 2 units in the last place where it is subnormal.
void CheckNormalCdf() {
  double worst = 0.0;
  ForFloats(15.0f, 2003, [&](float x) {
    const double expected = erfc(-static_cast<double>(x) / sqrt(2.0)) / 2;
    const double error = fabs(NormalCdfOf(x) - expected);
    if (expected < std::numeric_limits<float>::min()) {
      ASSERT_LE(error, 2 * 0x1p-149) << x;
      return;
    }
    ASSERT_LE(error, 0x1p-21 * expected) << x;
    worst = std::max(worst, error / expected);
  });
  testing::Test::RecordProperty("worst_relative", std::to_string(worst * 0x1p24) + " * 2^-24");
  const float inf = std::numeric_limits<float>::infinity(), max = std::numeric_limits<float>::max();
  EXPECT_EQ(NormalCdfOf(0.0f), 0.5f);
  EXPECT_EQ(NormalCdfOf(-0.0f), 0.5f);
  for (float x : {6.0f, 15.0f, 1e10f, max, inf}) EXPECT_EQ(NormalCdfOf(x), 1.0f) << x;
  for (float x : {-15.0f, -100.0f, -max, -inf}) EXPECT_EQ(NormalCdfOf(x), 0.0f) << x;
  const float nan = NormalCdfOf(NAN);
  EXPECT_TRUE(nan >= 0.0f && nan <= 1.0f) << nan;
}

// Bit for bit what core/half.h gives, wherever half precision does not overflow: every 13-bit pattern below its digits'
// end, ties among them, for many numbers, and numbers of all sizes.
void CheckHalf() {
  const auto check = [](float x) {
    const float expected = std::fabs(x) < 65520.0f ? ToFloat(ToF16(x)) : x;
    ASSERT_EQ(BitsOf(HalfOf(x)), BitsOf(expected)) << x;
  };
  ForFloats(std::numeric_limits<float>::max(), 10007, check);
  for (uint32_t start : {0x2F000000u, 0x33000000u, 0x337FE000u, 0x38000000u, 0x387FE000u, 0x3F800000u, 0x477FE000u}) {
    for (uint32_t i = 0; i < 3 * 8192; ++i) {
      check(FloatOf(start + i));
      check(FloatOf((start + i) | 0x80000000u));
    }
  }
  const float inf = std::numeric_limits<float>::infinity();
  for (float x : {0.0f, -0.0f, inf, -inf}) check(x);
  EXPECT_TRUE(std::isnan(HalfOf(NAN)));
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {
namespace {

HWY_EXPORT(CheckExp);
HWY_EXPORT(CheckSigmoid);
HWY_EXPORT(CheckTanh);
HWY_EXPORT(CheckNormalCdf);
HWY_EXPORT(CheckHalf);

WEFT_SIMD_TEST(MathTest);
TEST_P(MathTest, Exp) { HWY_DYNAMIC_DISPATCH(CheckExp)(); }
TEST_P(MathTest, Sigmoid) { HWY_DYNAMIC_DISPATCH(CheckSigmoid)(); }
TEST_P(MathTest, Tanh) { HWY_DYNAMIC_DISPATCH(CheckTanh)(); }
TEST_P(MathTest, NormalCdf) { HWY_DYNAMIC_DISPATCH(CheckNormalCdf)(); }
TEST_P(MathTest, RoundToHalf) { HWY_DYNAMIC_DISPATCH(CheckHalf)(); }

}  // namespace
}  // namespace weft
#endif  // HWY_ONCE
