// The table that finds tokens by their texts.
#include "reference/text/text_table.h"

#include <doctest/doctest.h>

#include <bit>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace weft::engine::test {
namespace {

// The worst of all hashes: what a file that floods a table can come to at most.
struct SameForAll {
  size_t operator()(std::string_view) const { return 12345; }
};
struct FirstByte {
  size_t operator()(std::string_view text) const { return text.empty() ? 0 : static_cast<size_t>(text[0]) << 40; }
};

template <class Hash>
void CheckAgainstMap(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::string> texts(count);
  for (std::string& text : texts) {
    for (size_t left = random() % 6; left > 0; --left) text += static_cast<char>('a' + random() % 4);
  }
  std::vector<typename TextTable<Hash>::Entry> entries;
  std::map<std::string, uint32_t> expected;
  for (uint32_t i = 0; i < count; ++i) {
    entries.push_back({texts[i], i});
    expected.emplace(texts[i], i);  // of equal texts the first
  }
  const TextTable<Hash> table(entries);
  const size_t most = static_cast<size_t>(std::bit_width(count));
  for (size_t i = 0; i < 2 * count + 10; ++i) {
    std::string text = i < count ? texts[i] : "";
    for (size_t left = i < count ? 0 : random() % 7; left > 0; --left) text += static_cast<char>('a' + random() % 5);
    size_t looked_at = 0;
    const auto found = table.Find(text, &looked_at);
    REQUIRE(looked_at <= most);
    const auto known = expected.find(text);
    REQUIRE(found.has_value() == (known != expected.end()));
    if (found) REQUIRE(*found == known->second);
  }
}

}  // namespace

TEST_CASE("text table: finds the first of equal texts, whatever the hash") {
  CHECK_FALSE(TextTable<>().Find("a").has_value());
  for (const size_t count : {0, 1, 2, 3, 17, 1000, 5000}) {
    CAPTURE(count);
    CheckAgainstMap<std::hash<std::string_view>>(count, 1);
    CheckAgainstMap<SameForAll>(count, 2);
    CheckAgainstMap<FirstByte>(count, 3);
  }
}

TEST_CASE("text table: where all hashes are equal, a search looks at no more than log2 of the texts") {
  constexpr uint32_t kCount = 1 << 16;
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < kCount; ++i) texts.push_back("token " + std::to_string(i));
  std::vector<TextTable<SameForAll>::Entry> entries;
  for (uint32_t i = 0; i < kCount; ++i) entries.push_back({texts[i], i});
  const TextTable<SameForAll> table(entries);
  size_t most = 0;
  for (uint32_t i = 0; i < kCount; ++i) {
    size_t looked_at = 0;
    REQUIRE(table.Find(texts[i], &looked_at) == i);
    most = std::max(most, looked_at);
  }
  CHECK(most <= 17);
}

}  // namespace weft::engine::test
