#include "reference/text/pre_tokenizer.h"

#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "reference/text/utf8.h"

namespace weft::engine::test {
namespace {

using Strings = std::vector<std::string>;

PreTokenizer MustCompile(std::string_view pattern) {
  auto compiled = PreTokenizer::Compile(pattern);
  REQUIRE_MESSAGE(compiled.ok(), compiled.error().message);
  return *std::move(compiled);
}

PreTokenizer Named(std::string_view name) {
  const PreTokenizerKind* kind = FindPreTokenizer(name);
  REQUIRE(kind != nullptr);
  return MustCompile(kind->pattern);
}

Strings WordsOf(const PreTokenizer& pre_tokenizer, std::string_view text) {
  Strings words;
  PreTokenizer::Words all(pre_tokenizer, text);
  for (std::string_view word; all.Next(&word);) {
    REQUIRE_FALSE(word.empty());
    words.emplace_back(word);
  }
  return words;
}

// A text of characters that the patterns tell apart, with bytes that are not UTF-8 if `invalid`.
std::string RandomText(std::mt19937& random, bool invalid) {
  static const Strings kParts = {"a", "B",  "\u00e9", "\u6211", "1",      "9",          "\u0663", " ",
                                 " ", "\n", "\r",     "\t",     "\u00a0", "'",          ".",      "-",
                                 "s", "'s", "'LL",    "'re",    "\u2028", "\U0001F600", "\u17be"};
  static const Strings kBroken = {"\xFF", "\xC3", "\xE2\x96", "\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC0\xAF"};
  std::string text;
  for (size_t length = random() % 24; length > 0; --length) {
    const Strings& parts = invalid && random() % 6 == 0 ? kBroken : kParts;
    text += parts[random() % parts.size()];
  }
  return text;
}

std::string Joined(const Strings& words) {
  std::string text;
  for (const std::string& word : words) text += word;
  return text;
}

}  // namespace

TEST_CASE("Pre-tokenizers: contractions, spaces, digits and line ends as each pattern cuts them") {
  const std::string text = "I'm he'LL  42 12345,\n\n  x\t\t";
  CHECK(WordsOf(Named("gpt-2"), text) ==
        Strings{"I", "'m", " he", "'", "LL", " ", " 42", " 12345", ",", "\n\n ", " x", "\t\t"});
  CHECK(WordsOf(Named("refact"), text) ==
        Strings{"I", "'m", " he", "'", "LL", "  ", "4", "2", " ", "1", "2", "3", "4", "5", ",", "\n\n ", " x", "\t\t"});
  CHECK(WordsOf(Named("llama-bpe"), text) ==
        Strings{"I", "'m", " he", "'LL", " ", " ", "42", " ", "123", "45", ",\n\n", " ", " x", "\t\t"});
  CHECK(WordsOf(Named("qwen2"), text) ==
        Strings{"I", "'m", " he", "'LL", " ", " ", "4", "2", " ", "1", "2", "3", "4", "5", ",\n\n", " ", " x", "\t\t"});
}

TEST_CASE("Pre-tokenizers: letters, digits and spaces are Unicode's") {
  // U+180E stands inside Mongolian words and is no white space; U+0663 is a digit; U+017F is no s.
  CHECK(WordsOf(Named("gpt-2"), "\u1820\u180e\u1820 \u0663'\u017f") ==
        Strings{"\u1820", "\u180e", "\u1820", " \u0663", "'", "\u017f"});
  CHECK(WordsOf(Named("llama-bpe"), "a\u2003\u3000b\u00851") == Strings{"a", "\u2003", "\u3000b", "\u0085", "1"});
}

TEST_CASE("Pre-tokenizers: one pattern that isolates digits does what the two of its definition do in turn") {
  const PreTokenizer digits = Named("refact"), gpt2 = Named("gpt-2"), digit = MustCompile(R"(\p{N})");
  std::mt19937 random(3);
  for (int round = 0; round < 20000; ++round) {
    const std::string text = RandomText(random, false);
    Strings want;
    for (const std::string& piece : WordsOf(digit, text)) {
      for (const std::string& word : WordsOf(gpt2, piece)) want.push_back(word);
    }
    CAPTURE(text);
    REQUIRE(WordsOf(digits, text) == want);
  }
}

TEST_CASE("Pre-tokenizers: bytes that are not UTF-8 are words of their own, and no byte is lost") {
  const PreTokenizer gpt2 = Named("gpt-2");
  CHECK(WordsOf(gpt2, "ab\xFF\xC3 c") == Strings{"ab", "\xFF\xC3", " c"});
  CHECK(WordsOf(gpt2, "\xE2\x96") == Strings{"\xE2\x96"});
  CHECK(WordsOf(gpt2, "a  \xED\xA0\x80") == Strings{"a", "  ", "\xED\xA0\x80"});
  CHECK(WordsOf(gpt2, "").empty());
  CHECK(WordsOf(gpt2, {"\0a\0", 3}) == Strings{{"\0", 1}, "a", {"\0", 1}});
  std::mt19937 random(4);
  for (const char* name : {"gpt-2", "refact", "llama-bpe", "qwen2"}) {
    const PreTokenizer pre_tokenizer = Named(name);
    for (int round = 0; round < 5000; ++round) {
      const std::string text = RandomText(random, true);
      const Strings words = WordsOf(pre_tokenizer, text);
      REQUIRE(Joined(words) == text);
      for (const std::string& word : words) {  // all UTF-8, or none of it
        const bool valid = ValidUtf8Length(word) != 0;
        for (size_t at = 0, length; at < word.size(); at += length == 0 ? 1 : length) {
          length = ValidUtf8Length(std::string_view(word).substr(at));
          REQUIRE((length != 0) == valid);
        }
      }
    }
  }
}

TEST_CASE("Pre-tokenizers: names") {
  CHECK(FindPreTokenizer("llama3") != nullptr);
  for (const char* name : {"", "gpt2", "GPT-2", "default", "qwen"}) CHECK(FindPreTokenizer(name) == nullptr);
  for (const char* name : {"gpt-2", "llama-bpe", "qwen2", "refact"}) {
    CHECK(KnownPreTokenizers().find(name) != std::string::npos);
  }
  const auto bad = PreTokenizer::Compile("a(");
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error().message.find("a(") != std::string::npos);
}

TEST_CASE("Pre-tokenizers: the time grows with the length of the text, not with its square") {
  const auto seconds = [](const PreTokenizer& pre_tokenizer, const std::string& part, size_t length) {
    std::string text;
    while (text.size() < length) text += part;
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 3; ++i) {
      const auto start = std::chrono::steady_clock::now();
      PreTokenizer::Words words(pre_tokenizer, text);
      size_t bytes = 0;
      for (std::string_view word; words.Next(&word);) bytes += word.size();
      CHECK(bytes == text.size());
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
  };
  const std::string spaces(4000, ' ');
  for (const char* name : {"gpt-2", "refact", "llama-bpe", "qwen2"}) {
    const PreTokenizer pre_tokenizer = Named(name);
    for (const std::string& part : {std::string("a"), std::string(" "), std::string("\n"), std::string("\xFF"),
                                    std::string("-\xFF"), spaces + "a", std::string("\u6211"), std::string("' ")}) {
      CAPTURE(name);
      CAPTURE(part);
      // 64 times the length; the square would take 4096 times the time.
      CHECK(seconds(pre_tokenizer, part, 64 * 16384) / seconds(pre_tokenizer, part, 16384) < 640);
    }
  }
}

}  // namespace weft::engine::test
