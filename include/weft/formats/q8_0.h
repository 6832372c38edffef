// Q8_0: 32 signed bytes and a half-precision scale, 8.5 bits per weight.
//
//   byte 0       2                                              34
//        | d f16 | q[0] q[1] ...                          q[31] |       w[i] = d * q[i]
//
// As a decoder: code = q + 128, zero = 128.
#ifndef WEFT_FORMATS_Q8_0_H_
#define WEFT_FORMATS_Q8_0_H_

#include <math.h>

#include "weft/formats/format.h"

namespace weft {

struct BlockQ8_0 {
  f16 d;
  uint8_t q[32];  // two's complement
};

struct Q8_0 {
  using Block = BlockQ8_0;
  static constexpr DType kType = DType::kQ8_0;
  static constexpr size_t kGroup = 32;
  static constexpr int kZero = 128;
  static constexpr int kMaxCode = 255;
  static constexpr bool kHasOffset = false;
  static constexpr bool kIntegerFactors = false;

  static void Decode(const Block& block, Decoded<Q8_0>& out) {
    out.scale[0] = ToFloat(block.d);
    out.offset[0] = 0.0f;
    for (size_t i = 0; i < 32; ++i) out.code[i] = static_cast<uint8_t>(block.q[i] ^ 0x80);
  }

  // d = max|x| / 127, q = x / d rounded to nearest, halves away from zero.
  static void Encode(const float* x, Block& block) {
    float peak = 0.0f;
    for (size_t i = 0; i < 32; ++i) peak = fmaxf(peak, fabsf(x[i]));
    const float d = peak / 127.0f;
    const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
    block.d = ToF16(d);
    for (size_t i = 0; i < 32; ++i) {
      const float q = roundf(x[i] * inverse);
      const float clamped = q > -127.0f ? (q < 127.0f ? q : 127.0f) : -127.0f;  // infinities and NaNs need it
      block.q[i] = static_cast<uint8_t>(static_cast<int>(clamped));
    }
  }
};
static_assert(IsValidFormat<Q8_0>());

template <>
struct FormatOf<DType::kQ8_0> {
  using type = Q8_0;
};
namespace formats {
using q8_0 = Q8_0;
}

}  // namespace weft

#endif  // WEFT_FORMATS_Q8_0_H_
