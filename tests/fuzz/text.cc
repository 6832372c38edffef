// Everything that handles text byte by byte: UTF-8 streams, stop filters, the byte alphabet, what messages quote, and
// the search for special tokens; each against the plainest way to compute the same.
#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "reference/gguf/printable.h"
#include "reference/text/byte_alphabet.h"
#include "reference/text/special_matcher.h"
#include "reference/text/stop_filter.h"
#include "reference/text/tokenizer.h"
#include "reference/text/utf8.h"
#include "tests/engine/gguf_writer.h"
#include "tests/fuzz/input.h"

namespace weft::fuzz {
namespace {

using namespace engine;  // NOLINT: all of this is the engine's

// `text` in pieces as the input says, some of them empty.
std::vector<std::string_view> Pieces(Input& input, std::string_view text) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    pieces.push_back(text.substr(0, input.left() == 0 ? 1 : input.Below(9)));
    text.remove_prefix(pieces.back().size());
  }
  return pieces;
}

// Bytes at the end of `text` that begin a character: valid so far, and not complete.
size_t Unfinished(std::string_view text) {
  for (size_t size = std::min<size_t>(3, text.size()); size > 0; --size) {
    const std::string tail(text.substr(text.size() - size));
    for (size_t length = size + 1; length <= 4; ++length) {
      // Whether some continuation makes it a character.
      for (const char* rest :
           {"\x80\x80\x80", "\xBF\xBF\xBF", "\x9F\x80\x80", "\xA0\x80\x80", "\x8F\x80\x80", "\x90\x80\x80"}) {
        if (ValidUtf8Length(tail + std::string(rest, length - size)) == length) return size;
      }
    }
  }
  return 0;
}

void Stream(Input& input, std::string_view text) {
  Utf8Stream stream;
  std::string out;
  size_t fed = 0;
  for (const std::string_view piece : Pieces(input, text)) {
    out += stream.Push(piece);
    fed += piece.size();
    Expect(out == text.substr(0, out.size()), "the stream changed the text");
    Expect(fed - out.size() == Unfinished(text.substr(0, fed)),
           "the stream holds back another end than the unfinished");
  }
  Expect(out + stream.Flush() == text, "the stream lost its end");
  Expect(stream.Flush().empty(), "the stream flushes twice");
}

// The text up to the stop string that is complete first (of those: that began first), found by looking at every end.
std::string UpToStop(const std::string& text, const std::vector<std::string>& stops, bool* stopped) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops) {
      if (stop.size() <= end && text.compare(end - stop.size(), stop.size(), stop) == 0) {
        longest = std::max(longest, stop.size());
      }
    }
    if (longest == 0) continue;
    *stopped = true;
    return text.substr(0, end - longest);
  }
  *stopped = false;
  return text;
}

void Stops(Input& input, const std::string& text) {
  std::vector<std::string> stops;
  for (size_t count = input.Below(4) + 1; stops.size() < count;) {
    // Often a part of the text, so that there is something to find.
    const size_t begin = input.Below(text.size() + 1);
    stops.push_back(input.Rarely(4) ? input.Text(5) : text.substr(begin, input.Below(6)));
  }
  bool stopped = false;
  const std::string expected = UpToStop(text, stops, &stopped);
  StopFilter filter(stops);
  std::string out;
  size_t longest = 1, fed = 0;
  for (const std::string& stop : stops) longest = std::max(longest, stop.size());
  for (const std::string_view piece : Pieces(input, text)) {
    out += filter.Push(piece);
    fed += piece.size();
    Expect(out == expected.substr(0, out.size()), "the filter lets more than the text before the stop pass");
    Expect(filter.stopped() || fed - out.size() < longest, "the filter holds back more than a stop string");
  }
  out += filter.Flush();
  Expect(out == expected && filter.stopped() == stopped, "the filter stops at another place");
}

std::string Character(unsigned code) {
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

void Alphabet(std::string_view text) {
  std::string written;
  for (const char c : text) {
    const auto prints = [](unsigned b) { return (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD); };
    const unsigned byte = static_cast<uint8_t>(c);
    unsigned code = 0x100;
    for (unsigned b = 0; b < byte; ++b) code += prints(b) ? 0 : 1;
    written += Character(prints(byte) ? byte : code);
  }
  Expect(FromByteAlphabet(written) == text, "the byte alphabet does not give back what it wrote");
  const std::string read = FromByteAlphabet(text);
  Expect(read.size() <= text.size(), "the byte alphabet made a text longer");
}

void Quoted(Input& input, std::string_view text) {
  const size_t limit = input.Below(64);
  const std::string out = Printable(text, limit);
  Expect(out.size() <= 4 * limit + 3, "a quotation is longer than its limit");
  for (size_t at = 0; at < out.size();) {
    const size_t length = ValidUtf8Length(std::string_view(out).substr(at));
    const unsigned byte = static_cast<uint8_t>(out[at]);
    Expect(length > 0 && byte >= 0x20 && byte != 0x7F, "a quotation does not print");
    Expect(byte != 0xC2 || static_cast<uint8_t>(out[at + 1]) >= 0xA0, "a quotation has a control character");
    at += length;
  }
  const std::string all = Printable(text, text.size());
  Expect(Printable(all, all.size()) == all, "a quotation is changed by quoting it");
}

// Every match, longest first, then lowest id, then leftmost; each taken unless it overlaps one before.
std::vector<TextFragment> SplitPlainly(const Vocabulary& vocabulary, std::string_view text, bool parse_special) {
  struct Match {
    size_t begin, length;
    TokenId token;
  };
  std::vector<Match> matches;
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const TokenType type = vocabulary.type(id);
    const bool special = type == TokenType::kControl || type == TokenType::kUnknown;
    if (type != TokenType::kUserDefined && !(special && parse_special)) continue;
    const std::string_view token = vocabulary.text(id);
    for (size_t begin = 0; !token.empty() && begin + token.size() <= text.size(); ++begin) {
      if (text.substr(begin, token.size()) == token) matches.push_back({begin, token.size(), id});
    }
  }
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
    return std::tuple(b.length, a.token, a.begin) < std::tuple(a.length, b.token, b.begin);
  });
  std::vector<Match> kept;
  for (const Match& match : matches) {
    if (std::none_of(kept.begin(), kept.end(), [&](const Match& other) {
          return match.begin < other.begin + other.length && other.begin < match.begin + match.length;
        })) {
      kept.push_back(match);
    }
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

void Specials(Input& input, std::string_view text) {
  std::vector<std::string> tokens;
  std::vector<int64_t> types;
  for (size_t count = input.Below(8) + 1; tokens.size() < count;) {
    constexpr int64_t kTypes[] = {4, 3, 2, 1};  // user-defined, control, unknown, normal
    types.push_back(input.Pick(kTypes));
    const size_t begin = input.Below(text.size() + 1);
    tokens.push_back(input.Rarely(4) ? input.Text(6) : std::string(text.substr(begin, input.Below(12))));
  }
  engine::test::GgufWriter writer;
  writer.AddStrings("tokenizer.ggml.tokens", tokens).AddInts("tokenizer.ggml.token_type", types);
  const std::vector<uint8_t> bytes = writer.Finish();
  const auto file = Gguf::Parse(bytes, "fuzzed.gguf");
  Expect(file.ok(), "a good file is not read");
  const auto vocabulary = Vocabulary::Load(*file);
  Expect(vocabulary.ok(), "a good vocabulary is not read");
  const SpecialMatcher matcher(*vocabulary);
  for (const bool parse_special : {false, true}) {
    const std::vector<TextFragment> fragments = matcher.Split(text, parse_special);
    const std::vector<TextFragment> expected = SplitPlainly(*vocabulary, text, parse_special);
    const bool same = std::equal(fragments.begin(), fragments.end(), expected.begin(), expected.end(),
                                 [](const TextFragment& a, const TextFragment& b) {
                                   return a.text.data() == b.text.data() && a.text.size() == b.text.size() &&
                                          a.special == b.special && a.token == b.token;
                                 });
    Expect(same, "the matcher cuts a text at other places");
  }
}

}  // namespace
}  // namespace weft::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft::fuzz;  // NOLINT
  Input input(data, size);
  const size_t kind = input.Below(5);
  const std::string text = input.Text(200);
  switch (kind) {
    case 0: Stream(input, text); break;
    case 1: Stops(input, text); break;
    case 2: Alphabet(text); break;
    case 3: Quoted(input, text); break;
    default: Specials(input, text);
  }
  return 0;
}
