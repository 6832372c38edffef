// Finds tokens that stand for themselves (<s>, <|user|>, ...) in a text.
#ifndef WEFT_REFERENCE_TEXT_SPECIAL_MATCHER_H_
#define WEFT_REFERENCE_TEXT_SPECIAL_MATCHER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "reference/text/tokenizer.h"
#include "reference/text/vocabulary.h"

namespace weft::engine {

// A piece of a text: a special token, or the text between two of them.
struct TextFragment {
  std::string_view text;
  bool special = false;
  TokenId token = 0;  // where special
};

class SpecialMatcher {
 public:
  SpecialMatcher() = default;
  explicit SpecialMatcher(const Vocabulary& vocabulary);

  // Cuts `text`; the fragments are not empty and follow each other without gaps. Where matches overlap, the longest
  // wins, then the one with the lowest id, then the leftmost. User-defined tokens always match, control and unknown
  // tokens only if `parse_special`.
  std::vector<TextFragment> Split(std::string_view text, bool parse_special) const;

 private:
  // A tree over the bytes of the tokens: node and byte -> node. Node 0 is the root, which no byte leads to.
  struct Node {
    bool ends_user_defined = false, ends_special = false;
    TokenId user_defined = 0, special = 0;
  };
  uint32_t Child(uint32_t node, uint8_t byte) const;
  void Insert(std::string_view text, TokenId token, bool user_defined);

  std::vector<Node> nodes_;
  std::unordered_map<uint64_t, uint32_t> edges_;
  std::array<bool, 256> starts_{};  // whether a token starts with the byte; most of a text's do not
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_TEXT_SPECIAL_MATCHER_H_
