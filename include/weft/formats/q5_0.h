// Q5_0: 32 codes of five bits and a half-precision scale, 5.5 bits per weight.
//
//   byte 0       2       6                                22
//        | d f16 | qh[4] | q[0] q[1] ...            q[15] |       low nibble of q[i]: code[i] & 15, high: code[i + 16]
//
//   qh, little-endian: bit i is the fifth bit of code[i]
//   w[i] = d * (code[i] - 16)
#ifndef WEFT_FORMATS_Q5_0_H_
#define WEFT_FORMATS_Q5_0_H_

#include "weft/formats/encode_search.h"
#include "weft/formats/format.h"

namespace weft {

struct BlockQ5_0 {
  f16 d;
  uint8_t qh[4];
  uint8_t q[16];
};

// Codes of five bits as Q5_0 and Q5_1 lay them out.
inline void UnpackFiveBits(const uint8_t qh[4], const uint8_t q[16], uint8_t code[32]) {
  for (size_t i = 0; i < 32; ++i) {
    const unsigned nibble = i < 16 ? q[i] & 15u : q[i - 16] >> 4;
    code[i] = static_cast<uint8_t>(nibble | (qh[i / 8] >> i % 8 & 1u) << 4);
  }
}
inline void PackFiveBits(const uint8_t code[32], uint8_t qh[4], uint8_t q[16]) {
  for (size_t i = 0; i < 4; ++i) qh[i] = 0;
  for (size_t i = 0; i < 32; ++i) qh[i / 8] = static_cast<uint8_t>(qh[i / 8] | (code[i] >> 4) << i % 8);
  for (size_t i = 0; i < 16; ++i) q[i] = static_cast<uint8_t>((code[i] & 15) | (code[i + 16] & 15) << 4);
}

struct Q5_0 {
  using Block = BlockQ5_0;
  static constexpr DType kType = DType::kQ5_0;
  static constexpr size_t kGroup = 32;
  static constexpr int kZero = 16;
  static constexpr int kMaxCode = 31;
  static constexpr bool kHasOffset = false;
  static constexpr bool kIntegerFactors = false;

  static void Decode(const Block& block, Decoded<Q5_0>& out) {
    out.scale[0] = ToFloat(block.d);
    out.offset[0] = 0.0f;
    UnpackFiveBits(block.qh, block.q, out.code);
  }

  // The value of largest magnitude (the first of equals) becomes code 0, that is -16 * d.
  static void Encode(const float* x, Block& block) {
    const float d = ExtremeOf(x, 32) / -16.0f;
    const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
    block.d = ToF16(d);
    uint8_t code[32];
    for (size_t i = 0; i < 32; ++i) {
      // Rounded before the addition: a fused multiply-add would give other codes.
      const float c = static_cast<float>(static_cast<double>(x[i]) * inverse) + 16.5f;
      code[i] = static_cast<uint8_t>(c > 0.0f ? (c < 31.0f ? c : 31.0f) : 0.0f);
    }
    PackFiveBits(code, block.qh, block.q);
  }
};
static_assert(IsValidFormat<Q5_0>());

template <>
struct FormatOf<DType::kQ5_0> {
  using type = Q5_0;
};
namespace formats {
using q5_0 = Q5_0;
}

}  // namespace weft

#endif  // WEFT_FORMATS_Q5_0_H_
