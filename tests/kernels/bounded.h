// Numbers that carry a bound on how far float arithmetic may be off: tests write a kernel's formula once more over
// these and get the tolerance from the data.
//
// `value` is exact up to double rounding; a float computation of the same formula is within `error` of it, in any order
// of summation, fused or not: every operation adds half a unit in the last place (kRoundoff) of what it may have got.
#ifndef WEFT_TESTS_KERNELS_BOUNDED_H_
#define WEFT_TESTS_KERNELS_BOUNDED_H_

#include <gtest/gtest.h>
#include <math.h>
#include <stddef.h>

#include <iterator>
#include <vector>

#include "weft/core/matmul_args.h"
#include "weft/scalar/matmul.h"

namespace weft::test {

inline constexpr double kRoundoff = 0x1p-24;    // of one float operation, relative
inline constexpr double kUnderflow = 0x1p-149;  // and absolute
// simd/math-inl.h: Exp is at most 2 units in the last place off, also where the result is subnormal (tests/simd).
inline constexpr double kExpRoundoff = 4 * kRoundoff;
inline constexpr double kExpUnderflow = 2 * kUnderflow;

// The relative error of n float operations in a row.
inline double Gamma(size_t n) {
  const double nu = static_cast<double>(n) * kRoundoff;
  return nu / (1 - nu);
}

struct Bounded {
  double value = 0.0;
  double error = 0.0;

  Bounded(double v = 0.0, double e = 0.0) : value(v), error(e) {}  // NOLINT: a float is a number without error

  double Magnitude() const { return fabs(value) + error; }
  // After one rounding.
  static Bounded Rounded(double v, double e, double roundoff = kRoundoff) {
    return {v, e + roundoff * (fabs(v) + e) + kUnderflow};
  }
};

inline Bounded operator+(Bounded a, Bounded b) { return Bounded::Rounded(a.value + b.value, a.error + b.error); }
inline Bounded operator-(Bounded a, Bounded b) { return Bounded::Rounded(a.value - b.value, a.error + b.error); }
inline Bounded operator*(Bounded a, Bounded b) {
  return Bounded::Rounded(a.value * b.value, a.Magnitude() * b.error + a.error * fabs(b.value));
}
// Without a bound where b may be zero.
inline Bounded operator/(Bounded a, Bounded b) {
  const double least = fabs(b.value) - b.error;
  const double quotient = a.value / b.value;
  if (!(least > 0)) return {quotient, INFINITY};
  return Bounded::Rounded(quotient, (a.error + fabs(quotient) * b.error) / least);
}
inline Bounded Sqrt(Bounded a) {
  const double root = sqrt(a.value);
  const double error = a.error < a.value ? a.error / (root + sqrt(a.value - a.error)) : sqrt(a.error);
  return Bounded::Rounded(root, error);
}
inline Bounded Exp(Bounded a) {
  const double e = exp(a.value);
  const double error = a.error < 1 ? e * expm1(a.error) : exp(a.value + a.error);
  Bounded result = Bounded::Rounded(e, error, kExpRoundoff);
  result.error += kExpUnderflow;
  return result;
}

// A sum in any order.
inline Bounded SumOf(const std::vector<Bounded>& terms) {
  Bounded sum;
  double magnitude = 0.0;
  for (const Bounded& term : terms) {
    sum.value += term.value;
    sum.error += term.error;
    magnitude += term.Magnitude();
  }
  sum.error += Gamma(terms.size()) * magnitude + kUnderflow;
  return sum;
}

// v * sigmoid(factor), sigmoid(u) = 1 / (1 + e^-u).
inline Bounded TimesSigmoid(Bounded v, Bounded u) {
  // Where e^-u overflows float the quotient is 0, which the true one is near enough to.
  if (u.value < -88.0) return {v.value * exp(u.value) / (1 + exp(u.value)), v.Magnitude() * exp(u.value + u.error)};
  return v * (Bounded(1.0) / (Bounded(1.0) + Exp(Bounded(-u.value, u.error))));
}

inline constexpr Activation kEveryActivation[] = {
    Activation::kNone,        Activation::kSilu,    Activation::kGeluTanh,  Activation::kRelu,
    Activation::kGeluTanhF16, Activation::kGeluErf, Activation::kGeluQuick, Activation::kSigmoid};
static_assert(std::size(kEveryActivation) == kActivations);

inline Bounded Activate(Activation activation, Bounded v) {
  if (activation == Activation::kSilu) return TimesSigmoid(v, v);
  if (activation == Activation::kGeluTanh) {
    // (1 + tanh(u)) / 2 = sigmoid(2u); the constants are rounded, too.
    const Bounded cubic = v + v * v * v * Bounded(0.044715, 0.044715 * kRoundoff);
    const double c = 2 * sqrt(2 / M_PI);
    return TimesSigmoid(v, cubic * Bounded(c, c * kRoundoff));
  }
  if (activation == Activation::kGeluTanhF16) {
    // Rounding to half precision: half a unit in the last of 11 digits, or 2^-25.
    const auto half = [](double value) { return ldexp(fabs(value), -11) + ldexp(1.0, -25); };
    v.error += half(v.Magnitude());
    Bounded gelu = Activate(Activation::kGeluTanh, v);
    gelu.error += half(gelu.Magnitude());
    return gelu;
  }
  if (activation == Activation::kRelu) return {v.value > 0 ? v.value : 0.0, v.error};
  if (activation == Activation::kGeluErf) {
    // v * NormalCdf(v), whose error simd/math-inl.h states; GELU is nowhere steeper than 1.13.
    const double gelu = v.value / 2 * erfc(-v.value / sqrt(2));
    return Bounded::Rounded(gelu, 1.13 * v.error + 0x1p-21 * fabs(gelu) + 2 * kUnderflow * v.Magnitude());
  }
  if (activation == Activation::kGeluQuick) return TimesSigmoid(v, v * Bounded(1.702, 1.702 * kRoundoff));
  if (activation == Activation::kSigmoid) return TimesSigmoid(1.0, v);
  return v;
}

// tanh by e^-2|x|, as simd/math-inl.h does; its documented absolute error.
inline Bounded Tanh(Bounded a) { return Bounded::Rounded(tanh(a.value), a.error + 2e-7); }

// Whether a float result is as close to the expected one as its formula allows.
inline ::testing::AssertionResult IsWithin(float actual, Bounded expected) {
  const double difference = fabs(static_cast<double>(actual) - expected.value);
  if (difference <= expected.error) return ::testing::AssertionSuccess();  // false for NaN
  return ::testing::AssertionFailure() << "got " << actual << ", expected " << expected.value << " +- "
                                       << expected.error << ", off by " << difference;
}

}  // namespace weft::test

#endif  // WEFT_TESTS_KERNELS_BOUNDED_H_
