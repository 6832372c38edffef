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

#include <string.h>

#include "weft/formats/encode_search.h"
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
  static constexpr ActivationForm kForm = ActivationForm::kA256;

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

  static void Encode(const float* x, Block& block) {
    constexpr CodeRange kCodes{-kZero, kMaxCode - kZero}, kScales{-128, 127};
    GroupFit fit[16];
    float scales[16];
    for (size_t g = 0; g < 16; ++g) {
      fit[g] = FitGroup<false>(x + g * 16, 16, kCodes);
      scales[g] = fit[g].scale;
    }
    block.d = CommonFactor(ExtremeOf(scales, 16), kScales.lowest);
    const GroupFit unit{ToFloat(block.d), 0.0f};
    memset(block.ql, 0, sizeof(block.ql));
    memset(block.qh, 0, sizeof(block.qh));
    for (size_t g = 0; g < 16; ++g) {
      block.scales[g] = static_cast<int8_t>(RoundFit<false>(x + g * 16, 16, fit[g], unit, kCodes, kScales).scale);
      const GroupFit final{unit.scale * static_cast<float>(block.scales[g]), 0.0f};
      const float inverse = final.Inverse();
      for (size_t e = g * 16; e < g * 16 + 16; ++e) {
        const size_t half = e / 128, quarter = e % 128 / 32, i = e % 32;
        const unsigned code = static_cast<unsigned>(kCodes.Nearest(x[e] * inverse) + kZero);
        block.ql[half * 64 + quarter % 2 * 32 + i] |= static_cast<uint8_t>((code & 15) << (quarter < 2 ? 0 : 4));
        block.qh[half * 32 + i] |= static_cast<uint8_t>((code >> 4) << (2 * quarter));
      }
    }
  }
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
