// Q4_0: 32 nibbles and a half-precision scale, 4.5 bits per weight.
//
//   byte 0       2                                18
//        | d f16 | q[0] q[1] ...            q[15] |       low nibble of q[i]: code[i], high nibble: code[i + 16]
//
//   w[i] = d * (code[i] - 8)
#ifndef WEFT_FORMATS_Q4_0_H_
#define WEFT_FORMATS_Q4_0_H_

#include "weft/formats/encode_search.h"
#include "weft/formats/format.h"

namespace weft {

struct BlockQ4_0 {
  f16 d;
  uint8_t q[16];
};

struct Q4_0 {
  using Block = BlockQ4_0;
  static constexpr DType kType = DType::kQ4_0;
  static constexpr size_t kGroup = 32;
  static constexpr int kZero = 8;
  static constexpr int kMaxCode = 15;
  static constexpr bool kHasOffset = false;
  static constexpr bool kIntegerFactors = false;

  static void Decode(const Block& block, Decoded<Q4_0>& out) {
    out.scale[0] = ToFloat(block.d);
    out.offset[0] = 0.0f;
    for (size_t i = 0; i < 16; ++i) {
      out.code[i] = block.q[i] & 15;
      out.code[i + 16] = block.q[i] >> 4;
    }
  }

  // The value of largest magnitude (the first of equals) becomes code 0, that is -8 * d.
  static void Encode(const float* x, Block& block) {
    const float d = ExtremeOf(x, 32) / -8.0f;
    const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
    block.d = ToF16(d);
    const auto code = [inverse](float v) {
      // Rounded before the addition: a fused multiply-add would give other codes.
      const float c = static_cast<float>(static_cast<double>(v) * inverse) + 8.5f;
      return static_cast<uint8_t>(c > 0.0f ? (c < 15.0f ? c : 15.0f) : 0.0f);
    };
    for (size_t i = 0; i < 16; ++i) block.q[i] = static_cast<uint8_t>(code(x[i]) | (code(x[i + 16]) << 4));
  }
};
static_assert(IsValidFormat<Q4_0>());

template <>
struct FormatOf<DType::kQ4_0> {
  using type = Q4_0;
};
namespace formats {
using q4_0 = Q4_0;
}

}  // namespace weft

#endif  // WEFT_FORMATS_Q4_0_H_
