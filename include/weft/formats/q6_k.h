// Q6_K: 256 six-bit codes in 16 groups of 16 with an 8-bit scale each; 6.5625 bits per weight.
//
//   byte 0        128      192         208     210
//        | ql[128] | qh[64] | scales[16] | d f16 |
//
//   Half h = 0, 1 of the block (128 elements) owns ql[64 h ..] and qh[32 h ..]. Its elements, i = 0..31:
//     element i        low 4 bits: ql[i] & 15        high 2 bits: qh[i] bits 0-1
//     element i + 32               ql[i + 32] & 15                      bits 2-3
//     element i + 64               ql[i] >> 4                           bits 4-5
//     element i + 96               ql[i + 32] >> 4                      bits 6-7
//
//   w = (d * scales[g]) * (code - 32), scales signed
#ifndef WEFT_FORMATS_Q6_K_H_
#define WEFT_FORMATS_Q6_K_H_

#include "weft/formats/encode_groups.h"
#include "weft/formats/format.h"

namespace weft {

struct BlockQ6_K {
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];
  f16 d;
};

struct Q6_K {
  using Block = BlockQ6_K;
  static constexpr DType kType = DType::kQ6_K;
  static constexpr size_t kGroup = 16;
  static constexpr int kZero = 32;
  static constexpr int kMaxCode = 63;
  static constexpr bool kHasOffset = false;
  static constexpr bool kIntegerFactors = true;

  static void Decode(const Block& block, Decoded<Q6_K>& out) {
    const float d = ToFloat(block.d);
    for (size_t g = 0; g < 16; ++g) {
      out.scale[g] = d * static_cast<float>(block.scales[g]);
      out.offset[g] = 0.0f;
    }
    for (size_t e = 0; e < 256; ++e) {
      const size_t half = e / 128, quarter = e % 128 / 32, i = e % 32;
      const uint8_t low = block.ql[half * 64 + quarter % 2 * 32 + i];
      const uint8_t high = block.qh[half * 32 + i];
      out.code[e] = static_cast<uint8_t>((quarter < 2 ? low & 15 : low >> 4) | (((high >> (2 * quarter)) & 3) << 4));
    }
  }

  static constexpr CodeRange kScales{-128, 127};
  static void Pack(const Encoded<Q6_K>& from, Block& block) {
    block.d = from.scale_factor;
    for (size_t g = 0; g < 16; ++g) block.scales[g] = from.scale[g];
    for (size_t half = 0; half < 2; ++half) {
      const uint8_t* code = from.code + half * 128;
      for (size_t i = 0; i < 64; ++i) {
        block.ql[half * 64 + i] = static_cast<uint8_t>((code[i] & 15) | ((code[i + 64] & 15) << 4));
      }
      for (size_t i = 0; i < 32; ++i) {
        block.qh[half * 32 + i] = static_cast<uint8_t>((code[i] >> 4) | ((code[i + 32] >> 4) << 2) |
                                                       ((code[i + 64] >> 4) << 4) | ((code[i + 96] >> 4) << 6));
      }
    }
  }
  static void Encode(const float* x, Block& block) { SearchAndPack<Q6_K>(x, block); }
};
static_assert(IsValidFormat<Q6_K>());

template <>
struct FormatOf<DType::kQ6_K> {
  using type = Q6_K;
};
namespace formats {
using q6_k = Q6_K;
}

}  // namespace weft

#endif  // WEFT_FORMATS_Q6_K_H_
