// Which tokens may come next.
#ifndef WEFT_REFERENCE_SAMPLING_TOKEN_MASK_H_
#define WEFT_REFERENCE_SAMPLING_TOKEN_MASK_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::engine {

// A bit for every token of a vocabulary; what lies beyond is not allowed.
class TokenMask {
 public:
  explicit TokenMask(size_t vocabulary, bool allowed = false)
      : size_(vocabulary), words_((vocabulary + 63) / 64, allowed ? ~uint64_t{0} : 0) {}
  // Those for which allowed(token).
  template <class F>
  static TokenMask Of(size_t vocabulary, const F& allowed) {
    TokenMask mask(vocabulary);
    for (uint32_t token = 0; token < vocabulary; ++token) mask.Set(token, allowed(token));
    return mask;
  }

  size_t size() const { return size_; }
  void SetAll(bool allowed) { words_.assign(words_.size(), allowed ? ~uint64_t{0} : 0); }
  // A token beyond the vocabulary changes nothing.
  void Set(uint32_t token, bool allowed) {
    if (token >= size_) return;
    const uint64_t bit = uint64_t{1} << token % 64;
    words_[token / 64] = allowed ? words_[token / 64] | bit : words_[token / 64] & ~bit;
  }
  bool Allows(uint32_t token) const { return token < size_ && (words_[token / 64] >> token % 64 & 1) != 0; }

 private:
  size_t size_;
  std::vector<uint64_t> words_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_SAMPLING_TOKEN_MASK_H_
