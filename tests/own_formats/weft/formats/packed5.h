// Of the tests: codes of five bits end to end in 20 bytes, of which no code of a vector begins on a byte of its own; a
// zero together with an offset.   w[i] = d * (code[i] - 7) + m
#ifndef WEFT_FORMATS_PACKED5_H_
#define WEFT_FORMATS_PACKED5_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/formats/format.h"

namespace weft {

struct BlockPacked5 {
  f16 d, m;
  uint8_t bits[20];
};

struct Packed5 {
  using Block = BlockPacked5;
  static constexpr DType kType = DType::kQ5_1;
  static constexpr size_t kGroup = 32;
  static constexpr int kZero = 7;
  static constexpr int kMaxCode = 31;
  static constexpr bool kHasOffset = true;
  static constexpr bool kIntegerFactors = false;

  static uint8_t CodeAt(const Block& block, size_t i) {
    const size_t bit = 5 * i, byte = bit / 8;
    const unsigned two = block.bits[byte] | (byte + 1 < 20 ? block.bits[byte + 1] : 0u) << 8;
    return static_cast<uint8_t>(two >> bit % 8 & 31);
  }
  static void Decode(const Block& block, Decoded<Packed5>& out) {
    out.scale[0] = ToFloat(block.d);
    out.offset[0] = -ToFloat(block.m);
    for (size_t i = 0; i < 32; ++i) out.code[i] = CodeAt(block, i);
  }
};
static_assert(IsValidFormat<Packed5>());

template <>
struct FormatOf<Packed5::kType> {
  using type = Packed5;
};
namespace formats {
using packed5 = Packed5;
}

}  // namespace weft

#endif  // WEFT_FORMATS_PACKED5_H_
