// 16-bit float storage types. They hold bytes (alignment 1, as in a file) and convert through float, exactly.
// Kernels convert whole vectors with their target's instructions instead (simd/convert-inl.h).
#ifndef WEFT_CORE_HALF_H_
#define WEFT_CORE_HALF_H_

#include <stdint.h>
#include <string.h>

#include "weft/core/config.h"

namespace weft {

// IEEE 754 binary16: 1 sign, 5 exponent, 10 mantissa bits.
struct f16 {
  uint8_t bytes[2];
};
// The upper half of a binary32: 1 sign, 8 exponent, 7 mantissa bits.
struct bf16 {
  uint8_t bytes[2];
};
static_assert(sizeof(f16) == 2 && alignof(f16) == 1);
static_assert(sizeof(bf16) == 2 && alignof(bf16) == 1);

inline uint32_t BitsOf(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  return bits;
}
inline float FloatOf(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof(x));
  return x;
}
inline uint16_t BitsOf(f16 h) { return static_cast<uint16_t>(h.bytes[0] | (h.bytes[1] << 8)); }
inline uint16_t BitsOf(bf16 h) { return static_cast<uint16_t>(h.bytes[0] | (h.bytes[1] << 8)); }

// Exact for every value; a NaN keeps its sign and payload.
inline float ToFloat(f16 h) {
  const uint32_t bits = BitsOf(h);
  const uint32_t sign = (bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1Fu;
  const uint32_t mantissa = bits & 0x3FFu;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * FloatOf(0x33800000u);
    return FloatOf(sign | BitsOf(magnitude));
  }
  const uint32_t biased = exponent == 31 ? 255u : exponent + (127 - 15);
  return FloatOf(sign | (biased << 23) | (mantissa << 13));
}

// Exact for every value.
inline float ToFloat(bf16 h) { return FloatOf(static_cast<uint32_t>(BitsOf(h)) << 16); }

// Rounds to nearest, ties to even; overflow becomes infinity, a NaN a quiet NaN.
inline f16 ToF16(float x) {
  const uint32_t bits = BitsOf(x);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  uint32_t half;
  if (magnitude > 0x7F800000u) {
    half = 0x7E00u | ((magnitude >> 13) & 0x3FFu);
  } else if (magnitude >= 0x47800000u) {  // >= 65536, infinity included
    half = 0x7C00u;
  } else if (magnitude < 0x38800000u) {
    // Below 2^-14 the result is a multiple of 2^-24. Adding 0.5 (whose last mantissa bit weighs 2^-24) lets the
    // hardware round there; the mantissa that remains is the half's bits.
    half = BitsOf(FloatOf(magnitude) + 0.5f) - BitsOf(0.5f);
  } else {
    const uint32_t odd = (magnitude >> 13) & 1u;
    half = (magnitude - (112u << 23) + 0xFFFu + odd) >> 13;  // 65520 and above carry into infinity
  }
  half |= sign;
  return f16{{static_cast<uint8_t>(half), static_cast<uint8_t>(half >> 8)}};
}

// Rounds to nearest, ties to even; a NaN becomes a quiet NaN with the same sign and leading payload.
inline bf16 ToBF16(float x) {
  const uint32_t bits = BitsOf(x);
  uint32_t upper;
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) {
    upper = (bits >> 16) | 64u;
  } else {
    upper = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  }
  return bf16{{static_cast<uint8_t>(upper), static_cast<uint8_t>(upper >> 8)}};
}

}  // namespace weft

#endif  // WEFT_CORE_HALF_H_
