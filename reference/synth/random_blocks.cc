#include "reference/synth/random_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace weft::engine {
namespace {

constexpr size_t kPoolElements = 1 << 16;
constexpr size_t kRunElements = 256;  // a multiple of every block

}  // namespace

// Box and Muller.
double Random::Normal() {
  const double radius = std::sqrt(-2 * std::log(Uniform()));
  return radius * std::cos(2 * std::numbers::pi * Uniform());
}

RandomBlocks::RandomBlocks(DType type, float deviation, Random& random)
    : block_bytes_(LayoutOf(type).block_bytes),
      run_bytes_(RowBytes(type, kRunElements)),
      pool_(RowBytes(type, kPoolElements)) {
  std::vector<float> numbers(kPoolElements);
  for (float& number : numbers) number = deviation * static_cast<float>(random.Normal());
  // Cannot fail: the format has kernels and the size is a multiple of its block.
  static_cast<void>(Quantize(type, numbers.data(), pool_.data(), numbers.size()));
}

void RandomBlocks::Fill(std::span<uint8_t> bytes, Random& random) const {
  const size_t starts = (pool_.size() - run_bytes_) / block_bytes_ + 1;
  while (!bytes.empty()) {
    const size_t count = std::min(run_bytes_, bytes.size());
    std::memcpy(bytes.data(), &pool_[random.Next() % starts * block_bytes_], count);
    bytes = bytes.subspan(count);
  }
}

}  // namespace weft::engine
