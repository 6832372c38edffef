#include "reference/text/special_matcher.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <tuple>

namespace weft::engine {
namespace {

// Numbers below a limit, as bits; above them, level by level, bits that say which words have any.
class PositionSet {
 public:
  explicit PositionSet(size_t limit) {
    do {
      limit = (limit + 63) / 64;
      levels_.emplace_back(limit);
    } while (limit > 1);
  }

  bool Contains(size_t i) const { return (levels_[0][i / 64] >> (i % 64) & 1) != 0; }

  void Insert(size_t i) {
    for (std::vector<uint64_t>& level : levels_) {
      uint64_t& word = level[i / 64];
      const bool known_above = word != 0;
      word |= uint64_t{1} << (i % 64);
      if (known_above) return;
      i /= 64;
    }
  }

  // The largest that is at most `i`.
  std::optional<size_t> UpTo(size_t i) const {
    for (size_t level = 0;; ++level) {
      const uint64_t word = levels_[level][i / 64] & (~uint64_t{0} >> (63 - i % 64));
      if (word != 0) {
        i = i / 64 * 64 + Highest(word);
        while (level-- > 0) i = i * 64 + Highest(levels_[level][i]);
        return i;
      }
      if (i < 64) return std::nullopt;
      i = i / 64 - 1;
    }
  }

 private:
  static size_t Highest(uint64_t word) { return 63 - static_cast<size_t>(std::countl_zero(word)); }

  std::vector<std::vector<uint64_t>> levels_;
};

// A match of one of `tokens` that ends before text[end].
struct Candidate {
  const TokenAutomaton* tokens;
  size_t end;
  uint32_t match;

  const TokenAutomaton::Match& Get() const { return tokens->match(match); }
  size_t begin() const { return end - Get().length; }
};

// Adds, for every place of text[begin, end) where tokens that lie in it end, the longest.
void FindLongest(const TokenAutomaton& tokens, std::string_view text, size_t begin, size_t end,
                 std::vector<Candidate>* found, size_t& steps) {
  uint32_t state = TokenAutomaton::kRoot;
  for (size_t i = begin; i < end; ++i) {
    if (state == TokenAutomaton::kRoot && !tokens.Starts(text[i])) continue;  // most bytes of most texts
    state = tokens.Next(state, text[i], steps);
    const uint32_t match = tokens.Longest(state);
    if (match != TokenAutomaton::kNoMatch) found->push_back({&tokens, i + 1, match});
  }
}

// Those that are to be, in order of their places.
std::vector<Candidate> Choose(std::vector<Candidate> waiting, size_t text_size, size_t& steps) {
  const auto later = [](const Candidate& a, const Candidate& b) {
    const TokenAutomaton::Match &x = a.Get(), &y = b.Get();
    return std::tie(x.length, y.id, b.end) < std::tie(y.length, x.id, a.end);
  };
  std::ranges::make_heap(waiting, later);
  PositionSet taken(text_size);
  std::vector<Candidate> chosen;
  for (; !waiting.empty(); ++steps) {
    std::ranges::pop_heap(waiting, later);
    Candidate& candidate = waiting.back();
    const size_t begin = candidate.begin();
    if (taken.Contains(candidate.end - 1)) {
      waiting.pop_back();
    } else if (!taken.Contains(begin)) {
      // Matches come longest first, so one that overlaps a match already taken would have an end inside it.
      for (size_t i = begin; i < candidate.end; ++i) taken.Insert(i);
      chosen.push_back(candidate);
      waiting.pop_back();
    } else {
      const size_t room = candidate.end - 1 - *taken.UpTo(candidate.end - 1);
      candidate.match = candidate.tokens->LongestUpTo(candidate.match, room, steps);
      if (candidate.match == TokenAutomaton::kNoMatch) {
        waiting.pop_back();
      } else {
        std::ranges::push_heap(waiting, later);
      }
    }
  }
  std::ranges::sort(chosen, {}, &Candidate::end);
  return chosen;
}

}  // namespace

SpecialMatcher::SpecialMatcher(const Vocabulary& vocabulary) {
  std::vector<TokenAutomaton::Token> user_defined, all;
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const TokenAutomaton::Token token{vocabulary.text(id), id};
    const TokenType type = vocabulary.type(id);
    if (token.text.empty()) continue;
    if (type == TokenType::kUserDefined) user_defined.push_back(token);
    if (type == TokenType::kUserDefined || type == TokenType::kControl || type == TokenType::kUnknown) {
      all.push_back(token);
    }
  }
  user_defined_ = TokenAutomaton(std::move(user_defined));
  all_ = TokenAutomaton(std::move(all));
}

std::vector<TextFragment> SpecialMatcher::Split(std::string_view text, std::span<const TextRun> runs,
                                                size_t* steps) const {
  size_t counted = 0;
  std::vector<Candidate> matches;
  // User-defined tokens may lie across the ends of runs. Those within a run of all tokens are among these.
  if (runs.size() != 1 || !runs[0].parse_special) FindLongest(user_defined_, text, 0, text.size(), &matches, counted);
  size_t begin = 0;
  for (const TextRun& run : runs) {
    if (run.parse_special) FindLongest(all_, text, begin, run.end, &matches, counted);
    begin = run.end;
  }
  if (!matches.empty()) matches = Choose(std::move(matches), text.size(), counted);
  if (steps != nullptr) *steps = counted;

  std::vector<TextFragment> fragments;
  size_t done = 0;
  for (const Candidate& candidate : matches) {
    const size_t first = candidate.begin();
    if (first > done) fragments.push_back({text.substr(done, first - done), false, 0});
    fragments.push_back({text.substr(first, candidate.end - first), true, candidate.Get().id});
    done = candidate.end;
  }
  if (done < text.size()) fragments.push_back({text.substr(done), false, 0});
  return fragments;
}

}  // namespace weft::engine
