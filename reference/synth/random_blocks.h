// Random numbers in a weight format, fast.
#ifndef WEFT_REFERENCE_SYNTH_RANDOM_BLOCKS_H_
#define WEFT_REFERENCE_SYNTH_RANDOM_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "weft/weft.h"

namespace weft::engine {

// Splitmix64: small, fast, and the same everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t x = state_ += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
  }
  // In (0, 1].
  double Uniform() { return static_cast<double>((Next() >> 11) + 1) * 0x1p-53; }
  double Normal();

 private:
  uint64_t state_;
};

// A pool of normal numbers, encoded once, from which any amount is put together at random.
class RandomBlocks {
 public:
  // `type` must have kernels. Numbers of mean 0.
  RandomBlocks(DType type, float deviation, Random& random);

  // Fills `bytes`, a whole number of blocks.
  void Fill(std::span<uint8_t> bytes, Random& random) const;

 private:
  size_t block_bytes_, run_bytes_;  // what is copied at a time
  std::vector<uint8_t> pool_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_SYNTH_RANDOM_BLOCKS_H_
