// Compiled with -ffast-math, as a caller of weft.h may be: the conversions of 16-bit floats are exact all the same.
#include <stdio.h>
#include <weft/weft.h>

namespace {

int failures = 0;

void Expect(const char* what, uint32_t input, uint32_t got, uint32_t want) {
  if (got == want) return;
  if (++failures <= 10) printf("%s of 0x%08x: 0x%08x, expected 0x%08x\n", what, input, got, want);
}

weft::f16 Half(uint32_t bits) { return {{static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8)}}; }
weft::bf16 Brain(uint32_t bits) { return {{static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8)}}; }

// The binary32 of a binary16, by integers alone.
uint32_t Widened(uint32_t half) {
  const uint32_t sign = (half & 0x8000u) << 16;
  uint32_t exponent = (half >> 10) & 31u, mantissa = half & 0x3FFu;
  if (exponent == 31) return sign | 0x7F800000u | mantissa << 13;
  if (exponent == 0) {
    if (mantissa == 0) return sign;
    for (exponent = 1; (mantissa & 0x400u) == 0; --exponent) mantissa <<= 1;
    mantissa &= 0x3FFu;
  }
  return sign | (exponent + 112) << 23 | mantissa << 13;
}

}  // namespace

int main() {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const uint32_t wide = Widened(bits);
    Expect("ToFloat(f16)", bits, weft::BitsOf(weft::ToFloat(Half(bits))), wide);
    Expect("ToFloat(bf16)", bits, weft::BitsOf(weft::ToFloat(Brain(bits))), bits << 16);
    const bool nan = (bits & 0x7FFFu) > 0x7C00u, brain_nan = (bits & 0x7FFFu) > 0x7F80u;
    Expect("ToF16", wide, weft::BitsOf(weft::ToF16(weft::FloatOf(wide))), nan ? bits | 0x200u : bits);
    Expect("ToBF16", bits << 16, weft::BitsOf(weft::ToBF16(weft::FloatOf(bits << 16))), brain_nan ? bits | 64u : bits);
    // Half way to the next one, ties to even, and one bit above.
    if ((bits & 0x7FFFu) >= 0x400u && (bits & 0x7FFFu) < 0x7C00u) {
      const uint32_t half_way = wide + 0x1000u, even = bits + (bits & 1u);
      Expect("ToF16", half_way, weft::BitsOf(weft::ToF16(weft::FloatOf(half_way))), even);
      Expect("ToF16", half_way + 1, weft::BitsOf(weft::ToF16(weft::FloatOf(half_way + 1))), bits + 1);
    }
  }
  // Below the smallest half, where rounding is the addition's: 2^-25 is a tie, subnormal floats are zero.
  Expect("ToF16", 0x33000000u, weft::BitsOf(weft::ToF16(weft::FloatOf(0x33000000u))), 0);
  Expect("ToF16", 0x33000001u, weft::BitsOf(weft::ToF16(weft::FloatOf(0x33000001u))), 1);
  Expect("ToF16", 0x33C00000u, weft::BitsOf(weft::ToF16(weft::FloatOf(0x33C00000u))), 2);
  Expect("ToF16", 0x80000001u, weft::BitsOf(weft::ToF16(weft::FloatOf(0x80000001u))), 0x8000u);
  if (failures != 0) printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
