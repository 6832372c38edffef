// Special tokens in texts: what is found, and how much work that takes.
#include "reference/text/special_matcher.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "reference/text/vocabulary.h"
#include "tests/engine/gguf_writer.h"

namespace weft::engine::test {
namespace {

constexpr int64_t kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4;

struct Tokens {
  std::vector<std::string> texts;
  std::vector<int64_t> types;

  void Add(const std::string& text, int64_t type = kUserDefined) {
    texts.push_back(text);
    types.push_back(type);
  }
  SpecialMatcher Matcher() const {
    GgufWriter writer;
    writer.AddStrings("tokenizer.ggml.tokens", texts).AddInts("tokenizer.ggml.token_type", types);
    const Bytes bytes = writer.Finish();
    const auto file = Gguf::Parse(bytes, "vocab.gguf");
    REQUIRE(file.ok());
    const auto vocabulary = Vocabulary::Load(*file);
    REQUIRE_MESSAGE(vocabulary.ok(), vocabulary.error().message);
    return SpecialMatcher(*vocabulary);
  }
};

// "text" or "text=id" for every fragment.
std::vector<std::string> Fragments(const std::vector<TextFragment>& fragments) {
  std::vector<std::string> texts;
  for (const TextFragment& fragment : fragments) {
    texts.push_back(std::string(fragment.text) + (fragment.special ? "=" + std::to_string(fragment.token) : ""));
  }
  return texts;
}

// The rule as it is written: all matches, longest first, then the lowest id, then the leftmost, each taken where it
// overlaps none that is. Control and unknown tokens match within a run that asks for them.
std::vector<std::string> ByTheRule(const Tokens& tokens, const std::string& text, const std::vector<TextRun>& runs) {
  const auto in_special_run = [&](size_t begin, size_t end) {
    size_t run_begin = 0;
    for (const auto& [run_end, parse_special] : runs) {
      if (parse_special && begin >= run_begin && end <= run_end) return true;
      run_begin = run_end;
    }
    return false;
  };
  struct Match {
    size_t begin, length, id;
  };
  std::vector<Match> matches;
  for (size_t id = 0; id < tokens.texts.size(); ++id) {
    const bool special = tokens.types[id] == kControl || tokens.types[id] == kUnknown;
    if (tokens.texts[id].empty() || !(tokens.types[id] == kUserDefined || special)) continue;
    for (size_t at = text.find(tokens.texts[id]); at != std::string::npos; at = text.find(tokens.texts[id], at + 1)) {
      const size_t length = tokens.texts[id].size();
      if (!special || in_special_run(at, at + length)) matches.push_back({at, length, id});
    }
  }
  std::ranges::sort(matches, [](const Match& a, const Match& b) {
    return std::tuple(b.length, a.id, a.begin) < std::tuple(a.length, b.id, b.begin);
  });
  std::vector<Match> taken;
  for (const Match& match : matches) {
    if (std::ranges::none_of(taken, [&](const Match& other) {
          return match.begin < other.begin + other.length && other.begin < match.begin + match.length;
        })) {
      taken.push_back(match);
    }
  }
  std::ranges::sort(taken, {}, &Match::begin);
  std::vector<std::string> fragments;
  size_t done = 0;
  for (const Match& match : taken) {
    if (match.begin > done) fragments.push_back(text.substr(done, match.begin - done));
    fragments.push_back(tokens.texts[match.id] + "=" + std::to_string(match.id));
    done = match.begin + match.length;
  }
  if (done < text.size()) fragments.push_back(text.substr(done));
  return fragments;
}

std::string RandomText(std::mt19937& random, size_t length, int letters) {
  std::string text;
  for (size_t i = 0; i < length; ++i) text += static_cast<char>('a' + random() % static_cast<uint32_t>(letters));
  return text;
}

double Log2(size_t n) { return static_cast<double>(std::bit_width(n)); }

// What the header promises: two steps per byte, and for every place where tokens end as many turns as the longest token
// halves, each with a search of that place's list.
double MostSteps(size_t text, size_t longest, size_t tokens) {
  return static_cast<double>(text) * (2 + (1 + Log2(longest)) * (1 + 2 * Log2(tokens)));
}

}  // namespace

TEST_CASE("special tokens: the longest wins, then the lowest id, then the leftmost") {
  Tokens tokens;
  tokens.Add("ab");
  tokens.Add("bc");
  tokens.Add("abcd", kControl);
  tokens.Add("x", kNormal);
  tokens.Add("ab", kControl);
  const SpecialMatcher matcher = tokens.Matcher();
  using Texts = std::vector<std::string>;
  CHECK(Fragments(matcher.Split("xabcx", false)) == Texts{"x", "ab=0", "cx"});
  CHECK(Fragments(matcher.Split("abcd", false)) == Texts{"ab=0", "cd"});
  CHECK(Fragments(matcher.Split("abcd", true)) == Texts{"abcd=2"});
  CHECK(Fragments(matcher.Split("bcab", true)) == Texts{"bc=1", "ab=0"});
  CHECK(Fragments(matcher.Split("nothing", true)) == Texts{"nothing"});
  CHECK(matcher.Split("", true).empty());
  CHECK(Fragments(SpecialMatcher().Split("abc", true)) == Texts{"abc"});
}

TEST_CASE("special tokens: random ones in random texts, as the rule says") {
  std::mt19937 random(1);
  size_t special = 0;
  for (int round = 0; round < 3000; ++round) {
    const int letters = 1 + static_cast<int>(random() % 3);
    Tokens tokens;
    const size_t count = 1 + random() % 12;
    const size_t longest = 1 + random() % 12;
    for (size_t i = 0; i < count; ++i) {
      tokens.Add(RandomText(random, random() % (longest + 1), letters), kNormal + static_cast<int64_t>(random() % 4));
    }
    const SpecialMatcher matcher = tokens.Matcher();
    const std::string text = RandomText(random, random() % 200, letters);
    std::vector<TextRun> several;
    for (size_t end = 0, i = round % 2; end < text.size(); ++i) {
      end = std::min(text.size(), end + random() % 30);
      several.push_back({end, i % 2 != 0});
    }
    for (const std::vector<TextRun>& runs : {{{text.size(), false}}, {{text.size(), true}}, several}) {
      size_t steps = 0;
      const std::vector<TextFragment> fragments = matcher.Split(text, runs, &steps);
      const std::vector<std::string> expected = ByTheRule(tokens, text, runs);
      CAPTURE(text);
      REQUIRE(Fragments(fragments) == expected);
      REQUIRE(static_cast<double>(steps) <= (runs.size() > 1 ? 2 : 1) * MostSteps(text.size(), longest, count));
      special += static_cast<size_t>(std::ranges::count_if(fragments, &TextFragment::special));
    }
  }
  CHECK(special > 10000);
}

TEST_CASE("special tokens: the work does not grow with how deep they nest") {
  constexpr size_t kText = 20000;
  const std::string letters(kText, 'a');
  // Matches end everywhere; with the letter b now and then, they also reach into each other at every distance.
  std::string mixed = letters;
  std::mt19937 random(3);
  for (size_t i = 0; i < kText; i += 1 + random() % 3000) mixed[i] = 'b';
  for (const size_t depth : {10, 100, 1000, 4000}) {
    Tokens tokens;
    for (size_t length = 1; length <= depth; ++length) {
      tokens.Add(std::string(length, 'a'));
      tokens.Add("b" + std::string(length, 'a'));
    }
    const SpecialMatcher matcher = tokens.Matcher();
    for (const std::string& text : {letters, mixed}) {
      CAPTURE(depth);
      size_t steps = 0;
      const std::vector<TextFragment> fragments = matcher.Split(text, false, &steps);
      CHECK(fragments.size() >= kText / (depth + 1));
      CHECK(static_cast<double>(steps) <= MostSteps(kText, depth + 1, 2 * depth));
      CHECK(steps <= 24 * kText);  // today's are 4 to 20; there are up to 4000 matches for every place
    }
  }
}

// Gaps between the longest matches, in which every shorter one is in the way of the next: what makes places wait again.
TEST_CASE("special tokens: matches that are in each other's way") {
  for (const auto& [depth, size] : {std::pair<size_t, size_t>{12, 600}, {500, 30000}}) {
    Tokens tokens;
    for (size_t length = 1; length <= depth; ++length) {
      tokens.Add(std::string(length, 'a') + "b");
      tokens.Add("b" + std::string(length, 'a'));
      tokens.Add(std::string(length, 'a') + "b" + std::string(length, 'a'));
    }
    std::mt19937 random(5);
    std::string text;
    while (text.size() < size) text += std::string(1 + random() % (depth + 5), 'a') + "b";
    size_t steps = 0;
    const SpecialMatcher matcher = tokens.Matcher();
    const std::vector<std::string> found = Fragments(matcher.Split(text, false, &steps));
    CHECK(static_cast<double>(steps) <= MostSteps(text.size(), 2 * depth + 1, tokens.texts.size()));
    CHECK(steps <= 24 * text.size());
    if (depth == 12) CHECK(found == ByTheRule(tokens, text, {{text.size(), false}}));
  }
}

}  // namespace weft::engine::test
