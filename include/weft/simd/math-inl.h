// Elementary functions on float vectors.

#if defined(WEFT_SIMD_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_SIMD_MATH_INL_H_
#undef WEFT_SIMD_MATH_INL_H_
#else
#define WEFT_SIMD_MATH_INL_H_
#endif

#include "hwy/highway.h"
#include "weft/core/strict_math.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// e^(v - n ln 2) for n = v / ln 2 rounded to an integer: the argument r is at most ln 2 / 2, and e^r its Taylor
// polynomial of degree 7, whose remainder there is below 2^-27.
template <class DF>
HWY_INLINE hn::Vec<DF> ExpOfRemainder(DF df, hn::Vec<DF> v, hn::Vec<DF> n) {
  // ln 2 in two parts: the first has 15 significant bits, so n * first is exact.
  auto r = hn::NegMulAdd(n, hn::Set(df, 0.693145751953125f), v);
  r = hn::NegMulAdd(n, hn::Set(df, 1.42860682030941723e-6f), r);
  auto p = hn::Set(df, 1.0f / 5040.0f);
  p = hn::MulAdd(p, r, hn::Set(df, 1.0f / 720.0f));
  p = hn::MulAdd(p, r, hn::Set(df, 1.0f / 120.0f));
  p = hn::MulAdd(p, r, hn::Set(df, 1.0f / 24.0f));
  p = hn::MulAdd(p, r, hn::Set(df, 1.0f / 6.0f));
  p = hn::MulAdd(p, r, hn::Set(df, 0.5f));
  return hn::Add(hn::MulAdd(p, hn::Mul(r, r), r), hn::Set(df, 1.0f));
}

// e^x, at most 2 ulp off where the result is normal; gradual underflow to 0, overflow to infinity, NaN stays NaN.
template <class DF>
HWY_INLINE hn::Vec<DF> Exp(DF df, hn::Vec<DF> x) {
  const hn::RebindToSigned<DF> di;
  // Beyond these the result is 0 or infinity; the clamp keeps n in range. Comparisons are false for NaN, so it stays.
  const auto lowest = hn::Set(df, -104.0f), highest = hn::Set(df, 89.0f);
  auto v = hn::IfThenElse(hn::Lt(x, lowest), lowest, x);
  v = hn::IfThenElse(hn::Gt(v, highest), highest, v);
  const auto is_nan = hn::IsNaN(v);
  v = hn::IfThenZeroElse(is_nan, v);
  const auto n = hn::NearestInt(hn::Mul(v, hn::Set(df, 1.44269504088896341f)));
  const auto nf = hn::ConvertTo(df, n);
  const auto p = ExpOfRemainder(df, v, nf);
  // 2^n in two factors, since n reaches beyond the exponents of float on both sides.
  const auto bias = hn::Set(di, 127);
  const auto n1 = hn::ShiftRight<1>(n);
  const auto n2 = hn::Sub(n, n1);
  const auto s1 = hn::BitCast(df, hn::ShiftLeft<23>(hn::Add(n1, bias)));
  const auto s2 = hn::BitCast(df, hn::ShiftLeft<23>(hn::Add(n2, bias)));
  return hn::IfThenElse(is_nan, x, hn::Mul(hn::Mul(p, s1), s2));
}

// 1 / (1 + e^-x)
template <class DF>
HWY_INLINE hn::Vec<DF> Sigmoid(DF df, hn::Vec<DF> x) {
  const auto one = hn::Set(df, 1.0f);
  return hn::Div(one, hn::Add(one, Exp(df, hn::Neg(x))));
}

// e^x for x <= 0, as Exp; results below 2^-126 are 0, as for x = -infinity. NaN stays NaN. For softmax, half the work.
template <class DF>
HWY_INLINE hn::Vec<DF> ExpOrZero(DF df, hn::Vec<DF> x) {
  const hn::RebindToSigned<DF> di;
  const auto lowest = hn::Set(df, -87.0f);
  const auto zero = hn::Lt(x, lowest);
  const auto v = hn::IfThenElse(zero, lowest, x);
  // Adding 1.5 * 2^23 rounds to an integer, which its low bits then are.
  const auto magic = hn::Set(df, 12582912.0f);
  const auto shifted = hn::MulAdd(v, hn::Set(df, 1.44269504088896341f), magic);
  const auto nf = hn::Sub(shifted, magic);
  const auto p = ExpOfRemainder(df, v, nf);
  const auto n = hn::Sub(hn::BitCast(di, shifted), hn::BitCast(di, magic));
  const auto power = hn::BitCast(df, hn::ShiftLeft<23>(hn::Add(n, hn::Set(di, 127))));
  return hn::IfThenZeroElse(zero, hn::Mul(p, power));
}

// tanh, absolute error below 2e-7.
template <class DF>
HWY_INLINE hn::Vec<DF> Tanh(DF df, hn::Vec<DF> x) {
  const auto one = hn::Set(df, 1.0f);
  const auto e = Exp(df, hn::Mul(hn::Set(df, -2.0f), hn::Abs(x)));  // in [0, 1]
  return hn::CopySign(hn::Div(hn::Sub(one, e), hn::Add(one, e)), x);
}

// x rounded to the nearest number of half precision, ties to even. From 65520 on, where half precision overflows, and
// NaN: x itself. With bits and additions, so that the same code serves all targets.
template <class DF>
HWY_INLINE hn::Vec<DF> RoundToHalf(DF df, hn::Vec<DF> x) {
  const hn::RebindToUnsigned<DF> du;
  const auto bits = hn::BitCast(du, x);
  const auto odd = hn::And(hn::ShiftRight<13>(bits), hn::Set(du, 1u));
  const auto up = hn::Add(bits, hn::Add(odd, hn::Set(du, 0xFFFu)));
  const auto normal = hn::BitCast(df, hn::AndNot(hn::Set(du, 0x1FFFu), up));
  // Below 2^-14 the result is a multiple of 2^-24, the last digit of numbers from 0.5 to 1.
  const auto anchor = hn::Set(df, 0.75f);
  const auto small = hn::CopySign(hn::Sub(hn::Add(x, anchor), anchor), x);
  const auto size = hn::Abs(x);
  const auto rounded = hn::IfThenElse(hn::Lt(size, hn::Set(df, 6.103515625e-5f)), small, normal);
  return hn::IfThenElse(hn::Lt(size, hn::Set(df, 65520.0f)), rounded, x);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
