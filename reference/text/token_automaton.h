// Finds the places of a text where tokens end.
#ifndef WEFT_REFERENCE_TEXT_TOKEN_AUTOMATON_H_
#define WEFT_REFERENCE_TEXT_TOKEN_AUTOMATON_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "reference/text/token_id.h"

namespace weft::engine {

// The automaton of Aho and Corasick: a tree over the bytes of the texts, in which every node also knows the longest
// other node that it ends with. Nodes are numbered level by level, so that the children of each are neighbours, in
// order of their bytes, and a child is found by binary search: no choice of texts makes a step slow.
//
// Building takes time and memory in proportion to the bytes of the texts (fewer than 2^32 together), apart from sorting
// them. Reading n bytes takes at most 2 n steps.
class TokenAutomaton {
 public:
  // A text to be found, not empty.
  struct Token {
    std::string_view text;
    TokenId id;
  };
  // A token that ends where the automaton is. All that end there are one list, in order of falling length.
  struct Match {
    uint32_t length = 0;
    TokenId id = 0;
    uint32_t shorter = 0;  // the next in the list
    uint32_t jump = 0;     // one further on, so that the list is searched in logarithmic time
  };
  static constexpr uint32_t kRoot = 0;
  static constexpr uint32_t kNoMatch = 0;  // the end of every list, of length 0

  TokenAutomaton() = default;
  // Of equal texts the lowest id counts. The texts need not outlive the call.
  explicit TokenAutomaton(std::vector<Token> tokens);

  bool empty() const { return matches_.size() == 1; }
  bool Starts(char byte) const { return first_[static_cast<uint8_t>(byte)] != kRoot; }

  // The state after one more byte. What these functions visit is added to `steps`.
  uint32_t Next(uint32_t node, char byte, size_t& steps) const;
  // The longest token that ends in a state; kNoMatch: none.
  uint32_t Longest(uint32_t node) const { return nodes_[node].match; }
  // The longest of `match` and those after it in its list that is no longer than `limit`.
  uint32_t LongestUpTo(uint32_t match, size_t limit, size_t& steps) const;
  const Match& match(uint32_t index) const { return matches_[index]; }

 private:
  struct Node {
    uint32_t children = 0;  // the first; they end where those of the next node begin
    uint32_t fail = kRoot;  // the longest other node that this one ends with
    uint32_t match = kNoMatch;
  };
  uint32_t Child(uint32_t node, uint8_t byte) const;
  uint32_t AddMatch(const Token& token, uint32_t shorter, std::vector<uint32_t>* depths);

  std::vector<Node> nodes_ = std::vector<Node>(2);         // and one more at the end
  std::vector<uint8_t> labels_ = std::vector<uint8_t>(1);  // the last byte of every node
  std::vector<Match> matches_ = std::vector<Match>(1);
  std::array<uint32_t, 256> first_{};  // the children of the root
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_TEXT_TOKEN_AUTOMATON_H_
