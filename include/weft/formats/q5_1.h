// Q5_1: 32 codes of five bits, a half-precision scale and a half-precision minimum, 6 bits per weight.
//
//   byte 0       2       4       8                                24
//        | d f16 | m f16 | qh[4] | q[0] q[1] ...            q[15] |       qh and q: as in Q5_0
//
//   w[i] = d * code[i] + m, that is scale d and offset -m
#ifndef WEFT_FORMATS_Q5_1_H_
#define WEFT_FORMATS_Q5_1_H_

#include "weft/formats/format.h"
#include "weft/formats/q5_0.h"

namespace weft {

struct BlockQ5_1 {
  f16 d, m;
  uint8_t qh[4];
  uint8_t q[16];
};

struct Q5_1 {
  using Block = BlockQ5_1;
  static constexpr DType kType = DType::kQ5_1;
  static constexpr size_t kGroup = 32;
  static constexpr int kZero = 0;
  static constexpr int kMaxCode = 31;
  static constexpr bool kHasOffset = true;
  static constexpr bool kIntegerFactors = false;

  static void Decode(const Block& block, Decoded<Q5_1>& out) {
    out.scale[0] = ToFloat(block.d);
    out.offset[0] = -ToFloat(block.m);
    UnpackFiveBits(block.qh, block.q, out.code);
  }

  // The codes span the block's range: 0 is its minimum, 31 its maximum.
  static void Encode(const float* x, Block& block) {
    float low = x[0], high = x[0];
    for (size_t i = 1; i < 32; ++i) {
      if (x[i] < low) low = x[i];
      if (x[i] > high) high = x[i];
    }
    const float d = (high - low) / 31.0f;
    const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
    block.d = ToF16(d);
    block.m = ToF16(low);
    uint8_t code[32];
    for (size_t i = 0; i < 32; ++i) {
      // Rounded before the addition: a fused multiply-add would give other codes.
      const float c = static_cast<float>(static_cast<double>(x[i] - low) * inverse) + 0.5f;
      code[i] = static_cast<uint8_t>(c > 0.0f ? (c < 31.0f ? c : 31.0f) : 0.0f);
    }
    PackFiveBits(code, block.qh, block.q);
  }
};
static_assert(IsValidFormat<Q5_1>());

template <>
struct FormatOf<DType::kQ5_1> {
  using type = Q5_1;
};
namespace formats {
using q5_1 = Q5_1;
}

}  // namespace weft

#endif  // WEFT_FORMATS_Q5_1_H_
