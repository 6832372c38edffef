#include "reference/text/token_automaton.h"

#include <algorithm>
#include <tuple>

namespace weft::engine {

TokenAutomaton::TokenAutomaton(std::vector<Token> tokens) {
  std::ranges::sort(tokens,
                    [](const Token& a, const Token& b) { return std::tie(a.text, a.id) < std::tie(b.text, b.id); });
  const auto repeated = std::ranges::unique(tokens, {}, &Token::text);
  tokens.erase(repeated.begin(), repeated.end());

  // Each node stands for the tokens that begin with it: a range, since they are sorted.
  struct Range {
    size_t begin, end, depth;
  };
  std::vector<Range> ranges = {{0, tokens.size(), 0}};
  std::vector<uint32_t> depths = {0};  // of the matches, in their lists
  nodes_.resize(1);
  for (uint32_t node = 0; node < nodes_.size(); ++node) {
    auto [begin, end, depth] = ranges[node];
    nodes_[node].children = static_cast<uint32_t>(nodes_.size());
    nodes_[node].match = nodes_[nodes_[node].fail].match;
    if (depth > 0 && tokens[begin].text.size() == depth) {
      nodes_[node].match = AddMatch(tokens[begin++], nodes_[node].match, &depths);
    }
    while (begin < end) {
      const char byte = tokens[begin].text[depth];
      const size_t first = begin;
      while (begin < end && tokens[begin].text[depth] == byte) ++begin;
      size_t steps = 0;
      const uint32_t fail = node == kRoot ? kRoot : Next(nodes_[node].fail, byte, steps);
      if (node == kRoot) first_[static_cast<uint8_t>(byte)] = static_cast<uint32_t>(nodes_.size());
      nodes_.push_back({.children = 0, .fail = fail, .match = kNoMatch});
      labels_.push_back(static_cast<uint8_t>(byte));
      ranges.push_back({first, begin, depth + 1});
    }
  }
  nodes_.push_back({.children = static_cast<uint32_t>(nodes_.size()), .fail = kRoot, .match = kNoMatch});
}

// Jumps as in a skew-binary list (Myers): twice as far where the last two jumps were equally far.
uint32_t TokenAutomaton::AddMatch(const Token& token, uint32_t shorter, std::vector<uint32_t>* depths) {
  const auto depth = [&](uint32_t match) { return (*depths)[match]; };
  const uint32_t jump = matches_[shorter].jump, second = matches_[jump].jump;
  const bool doubles = depth(shorter) - depth(jump) == depth(jump) - depth(second);
  const uint32_t index = static_cast<uint32_t>(matches_.size());
  matches_.push_back({.length = static_cast<uint32_t>(token.text.size()),
                      .id = token.id,
                      .shorter = shorter,
                      .jump = doubles ? second : shorter});
  depths->push_back(depth(shorter) + 1);
  return index;
}

uint32_t TokenAutomaton::Child(uint32_t node, uint8_t byte) const {
  if (node == kRoot) return first_[byte];
  const auto begin = labels_.begin() + nodes_[node].children, end = labels_.begin() + nodes_[node + 1].children;
  const auto found = std::lower_bound(begin, end, byte);
  return found != end && *found == byte ? static_cast<uint32_t>(found - labels_.begin()) : kRoot;
}

uint32_t TokenAutomaton::Next(uint32_t node, char byte, size_t& steps) const {
  for (;; node = nodes_[node].fail) {
    ++steps;
    const uint32_t child = Child(node, static_cast<uint8_t>(byte));
    if (child != kRoot || node == kRoot) return child;
  }
}

uint32_t TokenAutomaton::LongestUpTo(uint32_t match, size_t limit, size_t& steps) const {
  for (; matches_[match].length > limit; ++steps) {
    const Match& m = matches_[match];
    match = matches_[m.jump].length > limit ? m.jump : m.shorter;
  }
  return match;
}

}  // namespace weft::engine
