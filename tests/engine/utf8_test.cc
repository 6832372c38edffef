#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "reference/text/stop_filter.h"
#include "reference/text/tokenizer.h"

namespace weft::engine {
namespace {

// Whether `text` is valid UTF-8: an independent check, by decoding.
bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t at) { return static_cast<uint32_t>(static_cast<uint8_t>(text[at])); };
    const size_t length = byte(i) < 0x80 ? 1 : byte(i) >= 0xF0 ? 4 : byte(i) >= 0xE0 ? 3 : byte(i) >= 0xC0 ? 2 : 0;
    if (length == 0 || i + length > text.size()) return false;
    uint32_t code = length == 1 ? byte(i) : byte(i) & (0x7Fu >> length);
    for (size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0) != 0x80) return false;
      code = code << 6 | (byte(i + k) & 0x3F);
    }
    const uint32_t least = length == 1 ? 0 : length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
    if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    i += length;
  }
  return true;
}

const char kText[] = "a\u00DF\u0800\uD7FF\uE000\uFFFD\U00010000\U0010FFFF\u4E2D\U0001F680 z";

}  // namespace

TEST_CASE("UTF-8 stream: text cut at any two places comes out whole and never inside a character") {
  const std::string text = kText;
  REQUIRE(IsUtf8(text));
  for (size_t first = 0; first <= text.size(); ++first) {
    for (size_t second = first; second <= text.size(); ++second) {
      Utf8Stream stream;
      std::string all;
      for (const std::string& piece :
           {text.substr(0, first), text.substr(first, second - first), text.substr(second)}) {
        const std::string out = stream.Push(piece);
        CHECK(IsUtf8(out));
        all += out;
        // All that is complete has been passed on: at most three bytes of a character are missing.
        CHECK(text.substr(0, all.size()) == all);
      }
      CHECK(all == text);
      CHECK(stream.Flush() == "");
    }
  }
}

TEST_CASE("UTF-8 stream: byte by byte, a character comes with its last byte") {
  const std::string text = kText;
  Utf8Stream stream;
  std::string all;
  for (size_t i = 0; i < text.size(); ++i) {
    all += stream.Push(text.substr(i, 1));
    const bool complete = IsUtf8(text.substr(0, i + 1));
    CHECK((all.size() == i + 1) == complete);
  }
}

TEST_CASE("UTF-8 stream: bytes that cannot become a character are not held back") {
  for (const std::string bytes :
       {"\x80", "\xBF\xBF", "\xC0", "\xC1", "\xF5", "\xFF", "\xE0\x80", "\xE0\x9F", "\xED\xA0", "\xF0\x8F", "\xF4\x90",
        "\xC3(", "\xE2\x82(", "\xF0\x9F\x9A(", "\x80\x80\x80\x80"}) {
    CAPTURE(bytes);
    Utf8Stream stream;
    CHECK(stream.Push(bytes) == bytes);
  }
  // What can is, until the end.
  for (const std::string bytes :
       {"\xC2", "\xDF", "\xE0", "\xE0\xA0", "\xED\x9F", "\xF0\x90", "\xF4\x8F\xBF", "\xE2\x96"}) {
    CAPTURE(bytes);
    Utf8Stream stream;
    CHECK(stream.Push("ok" + bytes) == "ok");
    CHECK(stream.Flush() == bytes);
    CHECK(stream.Flush() == "");
  }
}

TEST_CASE("UTF-8 stream: any bytes come out as they went in") {
  uint32_t state = 1;
  std::string all, out;
  Utf8Stream stream;
  for (int i = 0; i < 20000; ++i) {
    std::string piece;
    for (uint32_t n = (state >> 28) % 4; n > 0; --n) {
      state = state * 1664525u + 1013904223u;
      piece += static_cast<char>(state >> 24);
    }
    state = state * 1664525u + 1013904223u;
    all += piece;
    out += stream.Push(piece);
    CHECK(all.size() - out.size() <= 3);
  }
  CHECK(out + stream.Flush() == all);
}

TEST_CASE("Stop filter: every split of a text gives what comes before the first stop string") {
  struct Case {
    std::vector<std::string> stops;
    std::string text, expected;
    bool stopped;
  };
  const std::vector<Case> cases = {
      {{}, "abc", "abc", false},
      {{""}, "abc", "abc", false},
      {{"b"}, "abc", "a", true},
      {{"abc"}, "abc", "", true},
      {{"bcd"}, "abc", "abc", false},
      {{"aab"}, "aaaab", "aa", true},
      {{"abab"}, "aababab", "a", true},
      {{"\n\n", "END"}, "one\ntwo EN\nENDthree\n\n", "one\ntwo EN\n", true},
      {{"cd", "bcdef"}, "abcdef", "ab", true},  // "cd" is complete before "bcdef" is
      {{"cd", "bcd"}, "abcdef", "a", true},     // both at once: the one that began first
      {{"\xF0\x9F\x9A\x80"}, "go \xF0\x9F\x9A\x80 on", "go ", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    for (size_t first = 0; first <= c.text.size(); ++first) {
      for (size_t second = first; second <= c.text.size(); ++second) {
        StopFilter filter(c.stops);
        std::string out;
        for (const std::string& piece :
             {c.text.substr(0, first), c.text.substr(first, second - first), c.text.substr(second)}) {
          out += filter.Push(piece);
          CHECK(c.expected.substr(0, out.size()) == out);  // nothing is taken back later
        }
        out += filter.Flush();
        CHECK(out == c.expected);
        CHECK(filter.stopped() == c.stopped);
      }
    }
  }
}

TEST_CASE("Stop filter: only what may become a stop string is held back") {
  StopFilter filter({"stop", "tango"});
  CHECK(filter.Push("abc") == "abc");
  CHECK(filter.Push("des") == "de");
  CHECK(filter.Push("t") == "");
  CHECK(filter.Push("a") == "s");  // "ta" may become "tango"
  CHECK(filter.Push("x") == "tax");
  CHECK(filter.Push("sto") == "");
  CHECK(filter.Flush() == "sto");
  CHECK_FALSE(filter.stopped());
}

}  // namespace weft::engine
