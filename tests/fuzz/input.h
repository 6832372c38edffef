// What the harnesses share: choices made from the bytes of an input, and how a finding is told.
#ifndef WEFT_TESTS_FUZZ_INPUT_H_
#define WEFT_TESTS_FUZZ_INPUT_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace weft::fuzz {

// Says what is wrong and ends the program; libFuzzer keeps the input.
[[noreturn]] inline void Finding(const std::string& what) {
  std::fprintf(stderr, "FINDING: %s\n", what.c_str());
  std::abort();
}
inline void Expect(bool condition, const std::string& otherwise) {
  if (!condition) Finding(otherwise);
}

// Turns the bytes of an input into choices, front to back; when they are used up, into zeros. Small numbers, and what
// comes first in a list, are therefore what an input that is cut short gets: the usual case belongs there.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : next_(data), end_(data + size) {}

  size_t left() const { return static_cast<size_t>(end_ - next_); }
  uint8_t Byte() { return next_ == end_ ? 0 : *next_++; }
  // Little-endian.
  uint64_t Bits(size_t bytes) {
    uint64_t bits = 0;
    for (size_t i = 0; i < bytes; ++i) bits |= uint64_t{Byte()} << (8 * i);
    return bits;
  }
  // In [0, limit).
  size_t Below(size_t limit) {
    return static_cast<size_t>(Bits(limit <= 256 ? 1 : limit <= 65536 ? 2 : 8) % (limit == 0 ? 1 : limit));
  }
  // Once in `one_in` times (at most 256).
  bool Rarely(size_t one_in = 16) { return Below(one_in) == one_in - 1; }
  template <class T, size_t n>
  const T& Pick(const T (&list)[n]) {
    return list[Below(n)];
  }
  template <class T>
  const T& Pick(const std::vector<T>& list) {
    return list[Below(list.size())];
  }

  // A number that sums and products of sizes do not survive.
  uint64_t Extreme() {
    const size_t bit = Below(64);
    return (uint64_t{1} << bit) + static_cast<uint64_t>(static_cast<int8_t>(Byte()));
  }
  // In [low, high], now and then anything where `wild`.
  size_t Size(size_t low, size_t high, bool wild) {
    if (wild && Rarely()) return static_cast<size_t>(Extreme());
    return low + Below(high - low + 1);
  }
  // Mostly small numbers; also every other, infinities and NaN included.
  float Float() {
    const uint8_t kind = Byte();
    if (kind < 192) return static_cast<float>(static_cast<int>(kind) - 96) * 0.0625f;
    return std::bit_cast<float>(static_cast<uint32_t>(Bits(4)));
  }
  std::string Text(size_t most) {
    std::string text(Below(most + 1), '\0');
    for (char& c : text) c = static_cast<char>(Byte());
    return text;
  }
  std::string Rest() { return std::string(reinterpret_cast<const char*>(next_), left()); }

 private:
  const uint8_t* next_;
  const uint8_t* end_;
};

// A long sequence from a short seed: the contents of large buffers.
class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  uint32_t Bits() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state_ >> 32);
  }
  // In [-1, 1).
  float Uniform() { return static_cast<float>(static_cast<int32_t>(Bits())) * 0x1p-31f; }

 private:
  uint64_t state_;
};

}  // namespace weft::fuzz

// Inputs may ask for more memory than there is, which has to become an error in words.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }

#endif  // WEFT_TESTS_FUZZ_INPUT_H_
