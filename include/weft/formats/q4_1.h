// Q4_1: 32 nibbles, a half-precision scale and a half-precision minimum, 5 bits per weight.
//
//   byte 0       2       4                                20
//        | d f16 | m f16 | q[0] q[1] ...            q[15] |       low nibble of q[i]: code[i], high: code[i + 16]
//
//   w[i] = d * code[i] + m, that is scale d and offset -m
#ifndef WEFT_FORMATS_Q4_1_H_
#define WEFT_FORMATS_Q4_1_H_

#include "weft/formats/format.h"

namespace weft {

struct BlockQ4_1 {
  f16 d, m;
  uint8_t q[16];
};

struct Q4_1 {
  using Block = BlockQ4_1;
  static constexpr DType kType = DType::kQ4_1;
  static constexpr size_t kGroup = 32;
  static constexpr int kZero = 0;
  static constexpr int kMaxCode = 15;
  static constexpr bool kHasOffset = true;
  static constexpr bool kIntegerFactors = false;

  static void Decode(const Block& block, Decoded<Q4_1>& out) {
    out.scale[0] = ToFloat(block.d);
    out.offset[0] = -ToFloat(block.m);
    for (size_t i = 0; i < 16; ++i) {
      out.code[i] = block.q[i] & 15;
      out.code[i + 16] = block.q[i] >> 4;
    }
  }

  // The codes span the block's range: 0 is its minimum, 15 its maximum.
  static void Encode(const float* x, Block& block) {
    float low = x[0], high = x[0];
    for (size_t i = 1; i < 32; ++i) {
      if (x[i] < low) low = x[i];
      if (x[i] > high) high = x[i];
    }
    const float d = (high - low) / 15.0f;
    const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
    block.d = ToF16(d);
    block.m = ToF16(low);
    const auto code = [low, inverse](float v) {
      // Rounded before the addition: a fused multiply-add would give other codes.
      const float c = static_cast<float>(static_cast<double>(v - low) * inverse) + 0.5f;
      return static_cast<uint8_t>(c > 0.0f ? (c < 15.0f ? c : 15.0f) : 0.0f);
    };
    for (size_t i = 0; i < 16; ++i) block.q[i] = static_cast<uint8_t>(code(x[i]) | (code(x[i + 16]) << 4));
  }
};
static_assert(IsValidFormat<Q4_1>());

template <>
struct FormatOf<DType::kQ4_1> {
  using type = Q4_1;
};
namespace formats {
using q4_1 = Q4_1;
}

}  // namespace weft

#endif  // WEFT_FORMATS_Q4_1_H_
