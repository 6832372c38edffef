// Blocks of any format for tests, made without knowing how the format packs them.
#ifndef WEFT_TESTS_KERNELS_BLOCKS_H_
#define WEFT_TESTS_KERNELS_BLOCKS_H_

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <vector>

#include "tests/kernels/random.h"
#include "weft/scalar/decode.h"

namespace weft::test {

enum class Codes { kLowest, kHighest, kMixed };

template <class Format>
class UnitBlocks {
 public:
  static constexpr size_t kBytes = sizeof(typename Format::Block);

  UnitBlocks() {
    FindCodeBits();
    SimplifyScales();
  }

  // A block with all scales (and offsets, if any) 1 and the lowest, highest or random codes.
  std::vector<uint8_t> Make(Codes codes, Random& random) const {
    std::vector<uint8_t> block = base_;
    for (size_t bit = 0; bit < kBytes * 8; ++bit) {
      if (!is_code_[bit]) continue;
      if (codes == Codes::kMixed) {
        Set(block, bit, random.Bits() >> 40 & 1);
        continue;
      }
      std::vector<uint8_t> other = block;
      Set(other, bit, !Get(other, bit));
      const bool higher = CodeSum(other) > CodeSum(block);
      if (higher == (codes == Codes::kHighest)) block = other;
    }
    return block;
  }

 private:
  static Decoded<Format> Decode(const std::vector<uint8_t>& block) {
    Decoded<Format> decoded;
    Format::Decode(scalar::LoadBlock<Format>(block.data(), 0), decoded);
    return decoded;
  }
  static bool Get(const std::vector<uint8_t>& block, size_t bit) { return block[bit / 8] >> bit % 8 & 1; }
  static void Set(std::vector<uint8_t>& block, size_t bit, bool value) {
    const unsigned mask = 1u << bit % 8;
    block[bit / 8] = static_cast<uint8_t>(value ? block[bit / 8] | mask : block[bit / 8] & ~mask);
  }
  static int CodeSum(const std::vector<uint8_t>& block) {
    int sum = 0;
    for (uint8_t code : Decode(block).code) sum += code;
    return sum;
  }

  // Bits that change a code when flipped.
  void FindCodeBits() {
    base_ = Random(1).Bytes(kBytes);
    const Decoded<Format> decoded = Decode(base_);
    is_code_.resize(kBytes * 8);
    for (size_t bit = 0; bit < kBytes * 8; ++bit) {
      std::vector<uint8_t> flipped = base_;
      Set(flipped, bit, !Get(flipped, bit));
      is_code_[bit] = memcmp(Decode(flipped).code, decoded.code, sizeof(decoded.code)) != 0;
    }
  }

  // How far v is from 1: in powers of two, plus the bits of its mantissa.
  static double Distance(float v) {
    if (!isfinite(v) || v == 0.0f) return 1000;
    int exponent;
    const double mantissa = frexp(fabs(v), &exponent);
    return fabs(exponent - 1.0) + (v < 0 ? 1 : 0) + __builtin_popcount(static_cast<uint32_t>(ldexp(mantissa, 24))) - 1;
  }
  static double Distance(const std::vector<uint8_t>& block) {
    const Decoded<Format> decoded = Decode(block);
    double sum = 0;
    for (float scale : decoded.scale) sum += Distance(scale);
    for (float offset : decoded.offset) sum += Format::kHasOffset ? Distance(offset) : 0;
    return sum;
  }

  // The other bits, byte by byte to whatever brings the scales nearer to 1, until nothing does.
  void SimplifyScales() {
    double least = Distance(base_);
    for (bool better = true; better;) {
      better = false;
      for (size_t byte = 0; byte < kBytes; ++byte) {
        for (unsigned value = 0; value < 256; ++value) {
          std::vector<uint8_t> trial = base_;
          for (size_t i = 0; i < 8; ++i) {
            if (!is_code_[byte * 8 + i]) Set(trial, byte * 8 + i, value >> i & 1);
          }
          if (trial == base_ || Distance(trial) >= least) continue;
          least = Distance(trial);
          base_ = trial;
          better = true;
        }
      }
    }
  }

  std::vector<uint8_t> base_;
  std::vector<bool> is_code_;
};

// A block of random bytes whose scales and offsets are neither huge nor tiny.
template <class Format>
std::vector<uint8_t> OrdinaryBlock(Random& random) {
  const auto is_ordinary = [](float v) { return fabs(v) >= 0x1p-10f && fabs(v) <= 0x1p1f; };
  for (;;) {
    std::vector<uint8_t> bytes = random.Bytes(sizeof(typename Format::Block));
    Decoded<Format> decoded;
    Format::Decode(scalar::LoadBlock<Format>(bytes.data(), 0), decoded);
    bool good = false;  // not all of them: integers may be 0
    bool bad = false;
    for (size_t g = 0; g < kBlockGroups<Format>; ++g) {
      good |= is_ordinary(decoded.scale[g]);
      bad |= !(fabs(decoded.scale[g]) <= 0x1p4f) || !(fabs(decoded.offset[g]) <= 0x1p4f);
    }
    if (good && !bad) return bytes;
  }
}

// n elements of finite, ordinary weights: random numbers, encoded, or random blocks of formats that can only be read.
inline std::vector<uint8_t> RandomWeights(DType type, size_t n, Random& random) {
  std::vector<uint8_t> blocks(RowBytes(type, n));
  if (scalar::Quantize(type, random.Normals(n, 0.25f).data(), blocks.data(), n)) return blocks;
  scalar::VisitFormat(type, [&]<class Format>() {
    if constexpr (!kIsFloat<Format>) {
      // A few, repeated: they are found by trying.
      std::vector<std::vector<uint8_t>> some;
      for (size_t i = 0; i < 40; ++i) some.push_back(OrdinaryBlock<Format>(random));
      for (size_t i = 0; i < n / kBlockElements<Format>; ++i) {
        const std::vector<uint8_t>& block = some[random.Below(40)];
        memcpy(blocks.data() + i * block.size(), block.data(), block.size());
      }
    }
  });
  return blocks;
}

}  // namespace weft::test

#endif  // WEFT_TESTS_KERNELS_BLOCKS_H_
