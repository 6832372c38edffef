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
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// v - n ln 2 for an integer n. ln 2 in two parts: the first has 15 significant bits, so n * first is exact.
template <class DF>
HWY_INLINE hn::Vec<DF> MinusLn2(DF df, hn::Vec<DF> v, hn::Vec<DF> n) {
  const auto r = hn::NegMulAdd(n, hn::Set(df, 0.693145751953125f), v);
  return hn::NegMulAdd(n, hn::Set(df, 1.42860682030941723e-6f), r);
}

// e^r for |r| up to ln 2 / 2 and a little: its Taylor polynomial of degree 7, whose remainder there is below 2^-27.
template <class DF>
HWY_INLINE hn::Vec<DF> ExpNearZero(DF df, hn::Vec<DF> r) {
  auto p = hn::Set(df, 1.0f / 5040.0f);
  p = hn::MulAdd(p, r, hn::Set(df, 1.0f / 720.0f));
  p = hn::MulAdd(p, r, hn::Set(df, 1.0f / 120.0f));
  p = hn::MulAdd(p, r, hn::Set(df, 1.0f / 24.0f));
  p = hn::MulAdd(p, r, hn::Set(df, 1.0f / 6.0f));
  p = hn::MulAdd(p, r, hn::Set(df, 0.5f));
  return hn::Add(hn::MulAdd(p, hn::Mul(r, r), r), hn::Set(df, 1.0f));
}

// e^(v - n ln 2) for n = v / ln 2 rounded to an integer.
template <class DF>
HWY_INLINE hn::Vec<DF> ExpOfRemainder(DF df, hn::Vec<DF> v, hn::Vec<DF> n) {
  return ExpNearZero(df, MinusLn2(df, v, n));
}

// p * 2^n in two factors, since n reaches beyond the exponents of float on both sides.
template <class DF>
HWY_INLINE hn::Vec<DF> TimesPowerOf2(DF df, hn::Vec<DF> p, hn::Vec<hn::RebindToSigned<DF>> n) {
  const hn::RebindToSigned<DF> di;
  const auto bias = hn::Set(di, 127);
  const auto n1 = hn::ShiftRight<1>(n);
  const auto n2 = hn::Sub(n, n1);
  const auto s1 = hn::BitCast(df, hn::ShiftLeft<23>(hn::Add(n1, bias)));
  const auto s2 = hn::BitCast(df, hn::ShiftLeft<23>(hn::Add(n2, bias)));
  return hn::Mul(hn::Mul(p, s1), s2);
}

// e^x, at most 2 ulp off where the result is normal; gradual underflow to 0, overflow to infinity, NaN stays NaN.
template <class DF>
HWY_INLINE hn::Vec<DF> Exp(DF df, hn::Vec<DF> x) {
  // Beyond these the result is 0 or infinity; the clamp keeps n in range. Comparisons are false for NaN, so it stays.
  const auto lowest = hn::Set(df, -104.0f), highest = hn::Set(df, 89.0f);
  auto v = hn::IfThenElse(hn::Lt(x, lowest), lowest, x);
  v = hn::IfThenElse(hn::Gt(v, highest), highest, v);
  const auto is_nan = hn::IsNaN(v);
  v = hn::IfThenZeroElse(is_nan, v);
  const auto n = hn::NearestInt(hn::Mul(v, hn::Set(df, 1.44269504088896341f)));
  const auto nf = hn::ConvertTo(df, n);
  return hn::IfThenElse(is_nan, x, TimesPowerOf2(df, ExpOfRemainder(df, v, nf), n));
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

// e^(-u^2 / 2) for u from 0 to 15, as Exp. u^2 / 2 rounded once would be off by up to 112 * 2^-24: u is cut into its
// first 12 digits, whose square is exact, and the rest.
template <class DF>
HWY_INLINE hn::Vec<DF> Gaussian(DF df, hn::Vec<DF> u) {
  const hn::RebindToUnsigned<DF> du;
  const auto head = hn::BitCast(df, hn::And(hn::BitCast(du, u), hn::Set(du, 0xFFFFF000u)));
  const auto half = hn::Set(df, -0.5f);
  const auto v = hn::Mul(hn::Mul(head, head), half);
  const auto rest = hn::Mul(hn::Mul(hn::Sub(u, head), hn::Add(u, head)), half);
  const auto n = hn::NearestInt(hn::Mul(v, hn::Set(df, 1.44269504088896341f)));
  const auto r = hn::Add(MinusLn2(df, v, hn::ConvertTo(df, n)), rest);
  return TimesPowerOf2(df, ExpNearZero(df, r), n);
}

// The normal distribution's (1 + erf(v / sqrt(2))) / 2, relative error below 2^-21, also where it is far below 1
// (v = -12: 1.8e-33); gradual underflow. NaN gives some number between 0 and 1.
//
// With u = |v| the tail is erfc(u / sqrt(2)) / 2 = e^(-u^2 / 2) * w * p(s), w = 1 / (u + 3.5), s = (u - 3.5) * w: what
// is left of it without the Gaussian falls off as 1 / u, so that p is smooth up to u = infinity (s = 1). p is the
// polynomial of least relative error (1e-8) for u up to 14.5, by Remez's algorithm. For v > 0 the tail, at most half,
// is subtracted from 1.
template <class DF>
HWY_INLINE hn::Vec<DF> NormalCdf(DF df, hn::Vec<DF> v) {
  const auto end = hn::Set(df, 15.0f), middle = hn::Set(df, 3.5f), one = hn::Set(df, 1.0f);
  auto u = hn::Abs(v);
  u = hn::IfThenElse(hn::Lt(u, end), u, end);  // NaN, too
  const auto w = hn::Div(one, hn::Add(u, middle));
  const auto s = hn::Mul(hn::Sub(u, middle), w);
  auto p = hn::Set(df, 1.10688595573e-4f);
  p = hn::MulAdd(p, s, hn::Set(df, 4.21896477856e-4f));
  p = hn::MulAdd(p, s, hn::Set(df, -4.94944046848e-4f));
  p = hn::MulAdd(p, s, hn::Set(df, -3.17531035993e-3f));
  p = hn::MulAdd(p, s, hn::Set(df, 6.49311639834e-3f));
  p = hn::MulAdd(p, s, hn::Set(df, 1.74063785848e-2f));
  p = hn::MulAdd(p, s, hn::Set(df, -1.16053040925e-1f));
  p = hn::MulAdd(p, s, hn::Set(df, 3.15425048675e-1f));
  p = hn::MulAdd(p, s, hn::Set(df, -5.65561745089e-1f));
  p = hn::MulAdd(p, s, hn::Set(df, 7.44416074142e-1f));
  const auto tail = hn::Mul(hn::Mul(p, w), Gaussian(df, u));
  return hn::IfThenElse(hn::Lt(v, hn::Zero(df)), tail, hn::Sub(one, tail));
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
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
