// The merges of a byte-pair vocabulary.
#ifndef WEFT_REFERENCE_TEXT_MERGE_TABLE_H_
#define WEFT_REFERENCE_TEXT_MERGE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "reference/base/result.h"
#include "reference/gguf/gguf.h"
#include "reference/text/token_id.h"

namespace weft::engine {

// Two tokens that become one. Its rank is its place in the file: the lower, the earlier it happens.
struct Merge {
  TokenId left, right, result;
};

class MergeTable {
 public:
  static constexpr uint32_t kNoRank = 0xFFFFFFFF;

  // Reads `tokenizer.ggml.merges`: "LEFT RIGHT", each and both together the text of a token, which `find` knows (ids
  // < vocabulary_size). Of equal pairs the first counts. Errors: absent, of another type or shape, no such token.
  static Result<MergeTable> Load(const Gguf& file, size_t vocabulary_size,
                                 const std::function<std::optional<TokenId>(std::string_view bytes)>& find);

  // The rank of a pair of tokens; kNoRank: they do not merge.
  uint32_t Rank(TokenId left, TokenId right) const {
    if (left >= begins_.size() - 1) return kNoRank;
    uint32_t begin = begins_[left], end = begins_[left + 1];
    while (begin < end) {
      const uint32_t middle = begin + (end - begin) / 2;
      if (entries_[middle].right == right) return entries_[middle].rank;
      if (entries_[middle].right < right) {
        begin = middle + 1;
      } else {
        end = middle;
      }
    }
    return kNoRank;
  }
  const Merge& operator[](uint32_t rank) const { return merges_[rank]; }

 private:
  // The pairs in order of left, then right: entries_[begins_[left]..begins_[left + 1]). Sorted rather than hashed, so
  // that no choice of merges makes a vocabulary slow; it is as fast, because half the size.
  struct Entry {
    TokenId right;
    uint32_t rank;
  };
  std::vector<Merge> merges_;
  std::vector<uint32_t> begins_ = {0};
  std::vector<Entry> entries_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_TEXT_MERGE_TABLE_H_
