#include "reference/text/special_matcher.h"

#include <algorithm>
#include <tuple>

namespace weft::engine {

SpecialMatcher::SpecialMatcher(const Vocabulary& vocabulary) {
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const TokenType type = vocabulary.type(id);
    if (vocabulary.text(id).empty()) continue;
    if (type == TokenType::kUserDefined) Insert(vocabulary.text(id), id, true);
    if (type == TokenType::kControl || type == TokenType::kUnknown) Insert(vocabulary.text(id), id, false);
  }
}

uint32_t SpecialMatcher::Child(uint32_t node, uint8_t byte) const {
  const auto edge = edges_.find(uint64_t{node} << 8 | byte);
  return edge == edges_.end() ? 0 : edge->second;
}

void SpecialMatcher::Insert(std::string_view text, TokenId token, bool user_defined) {
  if (nodes_.empty()) nodes_.emplace_back();
  starts_[static_cast<uint8_t>(text.front())] = true;
  uint32_t node = 0;
  for (const char c : text) {
    const uint8_t byte = static_cast<uint8_t>(c);
    uint32_t child = Child(node, byte);
    if (child == 0) {
      child = static_cast<uint32_t>(nodes_.size());
      nodes_.emplace_back();
      edges_.emplace(uint64_t{node} << 8 | byte, child);
    }
    node = child;
  }
  Node& end = nodes_[node];
  bool& ends = user_defined ? end.ends_user_defined : end.ends_special;
  if (!ends) (user_defined ? end.user_defined : end.special) = token;
  ends = true;
}

std::vector<TextFragment> SpecialMatcher::Split(std::string_view text, bool parse_special) const {
  struct Match {
    size_t begin, length;
    TokenId token;
  };
  std::vector<Match> matches;
  if (!nodes_.empty()) {
    for (size_t begin = 0; begin < text.size(); ++begin) {
      if (!starts_[static_cast<uint8_t>(text[begin])]) continue;
      uint32_t node = 0;
      for (size_t i = begin; i < text.size(); ++i) {
        node = Child(node, static_cast<uint8_t>(text[i]));
        if (node == 0) break;
        const Node& n = nodes_[node];
        if (n.ends_user_defined || (parse_special && n.ends_special)) {
          const bool special = parse_special && n.ends_special && (!n.ends_user_defined || n.special < n.user_defined);
          matches.push_back({begin, i + 1 - begin, special ? n.special : n.user_defined});
        }
      }
    }
  }
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
    return std::tuple(b.length, a.token, a.begin) < std::tuple(a.length, b.token, b.begin);
  });
  // Matches come longest first, so one that overlaps a match already taken has an end inside it.
  std::vector<bool> taken(matches.empty() ? 0 : text.size(), false);
  std::vector<Match> kept;
  for (const Match& match : matches) {
    if (taken[match.begin] || taken[match.begin + match.length - 1]) continue;
    std::fill_n(taken.begin() + static_cast<ptrdiff_t>(match.begin), match.length, true);
    kept.push_back(match);
  }
  std::sort(kept.begin(), kept.end(), [](const Match& a, const Match& b) { return a.begin < b.begin; });

  std::vector<TextFragment> fragments;
  size_t done = 0;
  for (const Match& match : kept) {
    if (match.begin > done) fragments.push_back({text.substr(done, match.begin - done), false, 0});
    fragments.push_back({text.substr(match.begin, match.length), true, match.token});
    done = match.begin + match.length;
  }
  if (done < text.size()) fragments.push_back({text.substr(done), false, 0});
  return fragments;
}

}  // namespace weft::engine
