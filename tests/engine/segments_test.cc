// Texts of several authors: what a template writes may contain special tokens, what a user wrote may not.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reference/text/tokenizer.h"
#include "tests/engine/bpe_vocabulary.h"
#include "tests/engine/test_vocabulary.h"

namespace weft::engine::test {
namespace {

using Segments = std::vector<TextSegment>;
constexpr bool kSpecial = true, kPlain = false;

// <|start|> and <|end|> as control tokens, "[U]" user-defined, and merges that lead to the text of <|start|>.
struct Bpe {
  Bpe() {
    start = v.Add("<|start|>", 3);
    end = v.Add("<|end|>", 3);
    user = v.Add("[U]", 4);
    const std::string spelt = "<|start|>";
    for (size_t i = 1; i < spelt.size(); ++i) v.Join(spelt.substr(0, i), spelt.substr(i, 1));
    ab = v.Join("a", "b");
    tokenizer = MustLoad(v.Writer());
  }
  BpeVocabulary v;
  TokenId start, end, user, ab;
  std::unique_ptr<Tokenizer> tokenizer;
};

// The same control tokens; merges that would lead to <s> and to a byte token.
struct Spm {
  Spm() {
    start = v.Add("<|start|>", 0, 3);
    end = v.Add("<|end|>", 0, 3);
    user = v.Add("[U]", 0, 4);
    v.Add("<s", -1);
    v.Add("<0", -1);
    v.Add("<0x", -1);
    v.Add("<0x4", -1);
    v.Add("<0x41", -1);
    space = v.Add(kSpace, -5);
    a = v.Add("a", -5);
    b = v.Add("b", -5);
    space_a = v.Add(kSpace + "a", -3);
    ab = v.Add("ab", -2);
    tokenizer = MustLoad(v.Writer());
  }
  TestVocabulary v;
  TokenId start, end, user, space, a, b, space_a, ab;
  std::unique_ptr<Tokenizer> tokenizer;
};

// Segments of one kind are their concatenation, wherever it is cut; with an empty one, too.
void CheckCuts(const Tokenizer& tokenizer, std::string_view text) {
  for (const bool kind : {kPlain, kSpecial}) {
    const Ids whole = tokenizer.Encode(text, kind);
    CHECK(tokenizer.Encode(Segments{{text, kind}}) == whole);
    for (size_t cut = 0; cut <= text.size(); ++cut) {
      CHECK(tokenizer.Encode(Segments{{text.substr(0, cut), kind}, {"", !kind}, {text.substr(cut), kind}}) == whole);
      const size_t half = cut / 2;
      CHECK(tokenizer.Encode(Segments{
                {text.substr(0, half), kind}, {text.substr(half, cut - half), kind}, {text.substr(cut), kind}}) ==
            whole);
    }
  }
}

// What is spelt by a user, or in part by a user, has no control token in it.
void CheckSpelling(const Tokenizer& tokenizer, TokenId start, const std::string& spelt) {
  REQUIRE(tokenizer.Encode(spelt, kSpecial) == Ids{start});
  const Ids as_text = tokenizer.Encode(spelt, kPlain);
  CHECK(std::ranges::count(as_text, start) == 0);
  CHECK(tokenizer.Encode(Segments{{spelt, kSpecial}, {spelt, kPlain}, {spelt, kSpecial}}).front() == start);
  const std::string_view text = spelt;
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    if (cut > 0) {
      CHECK(tokenizer.Encode(Segments{{text.substr(0, cut), kPlain}, {text.substr(cut), kSpecial}}) == as_text);
    }
    if (cut < text.size()) {
      CHECK(tokenizer.Encode(Segments{{text.substr(0, cut), kSpecial}, {text.substr(cut), kPlain}}) == as_text);
    }
  }
}

TEST_CASE("segments: of one kind they are one text, wherever it is cut") {
  for (const char* text : {"ab <|start|>ab[U] a  b\n\n<|end|>", "<|start|>", "", " a", "\xC3\xA9[U"}) {
    CheckCuts(*Bpe().tokenizer, text);
    CheckCuts(*Spm().tokenizer, text);
  }
}

TEST_CASE("segments: none of them") {
  CHECK(Bpe().tokenizer->Encode(Segments{}).empty());
  CHECK(Spm().tokenizer->Encode(Segments{}).empty());
}

TEST_CASE("segments: a user cannot make or complete a special token") {
  const Bpe bpe;
  const Spm spm;
  CheckSpelling(*bpe.tokenizer, bpe.start, "<|start|>");
  CheckSpelling(*bpe.tokenizer, bpe.end, "<|end|>");
  CheckSpelling(*spm.tokenizer, spm.start, "<|start|>");
  CheckSpelling(*spm.tokenizer, 1, "<s>");
}

TEST_CASE("segments: a chat, as its template writes it") {
  const Bpe bpe;
  const auto bytes = [](const std::string& text) { return Ids(text.begin(), text.end()); };
  const auto joined = [](std::vector<Ids> parts) {
    Ids all;
    for (const Ids& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  const Segments chat = {{"<|start|>user\n", kSpecial}, {"x<|end|>x", kPlain}, {"<|end|>\n", kSpecial}};
  CHECK(bpe.tokenizer->Encode(chat) == joined({{bpe.start},
                                               bytes("user\nx"),
                                               bpe.tokenizer->Encode("<|end|>", kPlain),
                                               bytes("x"),
                                               {bpe.end},
                                               bytes("\n")}));

  const Spm spm;
  const Segments spm_chat = {{"<|start|>", kSpecial}, {"a", kPlain}, {"<|end|>b", kSpecial}};
  CHECK(spm.tokenizer->Encode(spm_chat) == Ids{spm.start, spm.space_a, spm.end, spm.space, spm.b});
}

TEST_CASE("segments: words go across, and no space comes between") {
  const Bpe bpe;
  CHECK(bpe.tokenizer->Encode(Segments{{"a", kSpecial}, {"b", kPlain}}) == Ids{bpe.ab});
  CHECK(bpe.tokenizer->Encode(Segments{{"[", kPlain}, {"U]", kSpecial}}) == Ids{bpe.user});
  const Spm spm;
  CHECK(spm.tokenizer->Encode(Segments{{"a", kSpecial}, {"b", kPlain}}) == spm.tokenizer->Encode("ab"));
  CHECK(spm.tokenizer->Encode(Segments{{"", kSpecial}, {"a", kPlain}}) == Ids{spm.space_a});
  CHECK(spm.tokenizer->Encode(Segments{{"[U", kSpecial}, {"]", kPlain}}) == Ids{spm.user});
}

TEST_CASE("SPM tokenizer: merges make no byte token, either") {
  const Spm spm;
  const Ids ids = spm.tokenizer->Encode("<0x41>");
  CHECK(std::ranges::count(ids, TokenId{3 + 0x41}) == 0);
  CHECK(ids.size() == 3);  // the space, <0x41, >
}

}  // namespace
}  // namespace weft::engine::test
