// Q4_K: 256 nibbles in 8 groups of 32, each with a 6-bit scale and a 6-bit minimum; 4.5 bits per weight.
//
//   byte 0       2          4            16                                        144
//        | d f16 | dmin f16 | scales[12] | q[128]                                  |
//
//   q: group pair p = 0..3 owns bytes q[32 p .. 32 p + 31]; low nibbles are group 2p, high nibbles group 2p + 1.
//   scales: the 6-bit scale s and minimum m of groups 0..3 and the low 4 bits of groups 4..7:
//     byte j     (0..3)   s[j]   in bits 0-5, top two bits of s[j + 4] in bits 6-7
//     byte j + 4 (0..3)   m[j]   in bits 0-5, top two bits of m[j + 4] in bits 6-7
//     byte j + 8 (0..3)   low 4 bits of s[j + 4] in bits 0-3, of m[j + 4] in bits 4-7
//
//   w = (d * s[g]) * code - dmin * m[g]
#ifndef WEFT_FORMATS_Q4_K_H_
#define WEFT_FORMATS_Q4_K_H_

#include "weft/formats/encode_groups.h"
#include "weft/formats/format.h"

namespace weft {

struct BlockQ4_K {
  f16 d, dmin;
  uint8_t scales[12];
  uint8_t q[128];
};

// The packing of eight 6-bit scales and minimums that Q4_K (and Q5_K) use.
inline void UnpackScalesK(const uint8_t packed[12], uint8_t scale[8], uint8_t minimum[8]) {
  for (size_t j = 0; j < 4; ++j) {
    scale[j] = packed[j] & 63;
    minimum[j] = packed[j + 4] & 63;
    scale[j + 4] = static_cast<uint8_t>((packed[j + 8] & 15) | ((packed[j] >> 6) << 4));
    minimum[j + 4] = static_cast<uint8_t>((packed[j + 8] >> 4) | ((packed[j + 4] >> 6) << 4));
  }
}
inline void PackScalesK(const uint8_t scale[8], const uint8_t minimum[8], uint8_t packed[12]) {
  for (size_t j = 0; j < 4; ++j) {
    packed[j] = static_cast<uint8_t>(scale[j] | ((scale[j + 4] >> 4) << 6));
    packed[j + 4] = static_cast<uint8_t>(minimum[j] | ((minimum[j + 4] >> 4) << 6));
    packed[j + 8] = static_cast<uint8_t>((scale[j + 4] & 15) | ((minimum[j + 4] & 15) << 4));
  }
}

struct Q4_K {
  using Block = BlockQ4_K;
  static constexpr DType kType = DType::kQ4_K;
  static constexpr size_t kGroup = 32;
  static constexpr int kZero = 0;
  static constexpr int kMaxCode = 15;
  static constexpr bool kHasOffset = true;
  static constexpr bool kIntegerFactors = true;

  static void Decode(const Block& block, Decoded<Q4_K>& out) {
    uint8_t scale[8], minimum[8];
    UnpackScalesK(block.scales, scale, minimum);
    const float d = ToFloat(block.d), dmin = ToFloat(block.dmin);
    for (size_t g = 0; g < 8; ++g) {
      out.scale[g] = d * static_cast<float>(scale[g]);
      out.offset[g] = dmin * static_cast<float>(minimum[g]);
      for (size_t i = 0; i < 32; ++i) {
        const uint8_t byte = block.q[g / 2 * 32 + i];
        out.code[g * 32 + i] = g % 2 == 0 ? byte & 15 : byte >> 4;
      }
    }
  }

  static constexpr CodeRange kScales{0, 63};
  static void Pack(const Encoded<Q4_K>& from, Block& block) {
    block.d = from.scale_factor;
    block.dmin = from.offset_factor;
    uint8_t scale[8], minimum[8];
    for (size_t g = 0; g < 8; ++g) {
      scale[g] = static_cast<uint8_t>(from.scale[g]);
      minimum[g] = static_cast<uint8_t>(from.offset[g]);
    }
    PackScalesK(scale, minimum, block.scales);
    for (size_t i = 0; i < 128; ++i) {
      const size_t low = i / 32 * 64 + i % 32;
      block.q[i] = static_cast<uint8_t>(from.code[low] | (from.code[low + 32] << 4));
    }
  }
  static void Encode(const float* x, Block& block) { SearchAndPack<Q4_K>(x, block); }
};
static_assert(IsValidFormat<Q4_K>());

template <>
struct FormatOf<DType::kQ4_K> {
  using type = Q4_K;
};
namespace formats {
using q4_k = Q4_K;
}

}  // namespace weft

#endif  // WEFT_FORMATS_Q4_K_H_
