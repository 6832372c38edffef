// Reproducible random data, the same on every platform.
#ifndef WEFT_TESTS_KERNELS_RANDOM_H_
#define WEFT_TESTS_KERNELS_RANDOM_H_

#include <stddef.h>
#include <stdint.h>

#include <random>
#include <vector>

namespace weft::test {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  uint64_t Bits() { return engine_(); }
  // Uniform in [0, limit).
  size_t Below(size_t limit) { return static_cast<size_t>(Bits() % limit); }
  // Uniform in [-1, 1).
  float Uniform() { return static_cast<float>(static_cast<int64_t>(Bits() >> 40) - (int64_t{1} << 23)) * 0x1p-23f; }
  // Roughly normal, standard deviation 1: the sum of twelve uniform numbers.
  float Normal() {
    float sum = 0.0f;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum * 0.5f;
  }

  std::vector<float> Normals(size_t n, float scale = 1.0f) {
    std::vector<float> values(n);
    for (float& value : values) value = Normal() * scale;
    return values;
  }
  std::vector<uint8_t> Bytes(size_t n) {
    std::vector<uint8_t> values(n);
    for (uint8_t& value : values) value = static_cast<uint8_t>(Bits() >> 32);
    return values;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace weft::test

#endif  // WEFT_TESTS_KERNELS_RANDOM_H_
