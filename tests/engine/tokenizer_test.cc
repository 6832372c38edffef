#include "reference/text/tokenizer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/engine/published_vocabulary.h"
#include "tests/engine/test_data.h"
#include "tests/engine/test_vocabulary.h"

namespace weft::engine::test {
namespace {

// The definition, step by step: of all adjacent pairs that make a token, merge the one with the highest score, the
// leftmost of equal ones, until there is none. For texts of ASCII and vocabularies with bytes.
Ids Naive(const TestVocabulary& vocabulary, const std::string& text) {
  const auto find = [&](const std::string& piece) -> int {
    for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
      if (vocabulary.tokens[i] == piece) return static_cast<int>(i);
    }
    return -1;
  };
  std::vector<std::string> pieces = {kSpace};
  for (const char c : text) pieces.push_back(c == ' ' ? kSpace : std::string(1, c));
  for (;;) {
    int best = -1;
    float best_score = 0;
    for (size_t i = 0; i + 1 < pieces.size(); ++i) {
      const int id = find(pieces[i] + pieces[i + 1]);
      if (id >= 0 && (best < 0 || vocabulary.scores[id] > best_score)) {
        best = static_cast<int>(i);
        best_score = vocabulary.scores[id];
      }
    }
    if (best < 0) break;
    pieces[best] += pieces[best + 1];
    pieces.erase(pieces.begin() + best + 1);
  }
  Ids ids;
  for (const std::string& piece : pieces) {
    if (const int id = find(piece); id >= 0) {
      ids.push_back(static_cast<TokenId>(id));
    } else {
      for (const char c : piece) ids.push_back(3 + static_cast<uint8_t>(c));
    }
  }
  return ids;
}

}  // namespace

TEST_CASE("SPM tokenizer: the published test texts of the Llama vocabulary, there and back") {
  const auto path = SharedData("tokenizers/ggml-vocab-llama-spm.gguf");
  if (!path) return;
  const auto tokenizer = LoadShared(*path);
  CHECK(tokenizer->size() == 32000);
  CHECK(tokenizer->bos() == 1);
  CHECK(tokenizer->eos() == 2);
  CHECK(tokenizer->add_bos());

  const std::vector<Golden> goldens = ReadGoldens(*path);
  CHECK(goldens.size() == 46);
  for (const Golden& golden : goldens) {
    CAPTURE(golden.text);
    const Ids got = tokenizer->Encode(golden.text);
    CHECK(got == golden.ids);
    CHECK(Decode(*tokenizer, got) == golden.text);
  }
}

TEST_CASE("SPM tokenizer: stories260K, the ids of the published sentence") {
  const auto path = SharedData("stories260K/stories260K.gguf");
  const auto json = SharedData("stories260K/expected.json");
  if (!path || !json) return;
  const std::string text = ReadWhole(*json);
  const size_t list = text.find('[', text.find("\"sentence_tokens\""));
  REQUIRE(list != std::string::npos);
  std::string numbers = text.substr(list + 1, text.find(']', list) - list - 1);
  std::replace(numbers.begin(), numbers.end(), ',', ' ');
  const Ids want = ReadIds(numbers);

  const auto tokenizer = LoadShared(*path);
  const std::string sentence = "One day, a clever fox found a shiny key under the old oak tree.";
  Ids got = tokenizer->Encode(sentence);
  CHECK(Decode(*tokenizer, got) == sentence);
  got.insert(got.begin(), *tokenizer->bos());
  CHECK(got == want);
  CHECK(got.size() == 35);
}

TEST_CASE("SPM tokenizer: the merge with the highest score comes first, the leftmost of equal ones") {
  TestVocabulary v;
  for (const char* text : {"a", "b", "c", "d"}) v.Add(text, -100);
  const TokenId space = v.Add(kSpace, -100);
  const TokenId ab = v.Add("ab", -2), bc = v.Add("bc", -1), aa = v.Add("aa", -3), abc = v.Add("abc", -50);
  const auto tokenizer = MustLoad(v.Writer());
  const TokenId a = 259, d = 262;
  CHECK(tokenizer->Encode("abd") == Ids{space, ab, d});
  CHECK(tokenizer->Encode("abc") == Ids{space, abc});  // a, bc, then abc
  CHECK(tokenizer->Encode("bca") == Ids{space, bc, a});
  CHECK(tokenizer->Encode("aaa") == Ids{space, aa, a});
  CHECK(tokenizer->Encode("aaaa") == Ids{space, aa, aa});
  CHECK(tokenizer->Encode("") == Ids{});
  CHECK(tokenizer->Encode(" ") == Ids{space, space});
}

TEST_CASE("SPM tokenizer: random vocabularies and texts agree with the definition") {
  std::mt19937 random(5);
  for (int round = 0; round < 40; ++round) {
    TestVocabulary v;
    std::vector<std::string> pieces = {kSpace, "a", "b", "c"};
    for (const std::string& piece : pieces) v.Add(piece, -1000);
    for (int i = 0; i < 60; ++i) {
      const std::string piece = pieces[random() % pieces.size()] + pieces[random() % pieces.size()];
      if (piece.size() > 12 || std::count(pieces.begin(), pieces.end(), piece) > 0) continue;
      pieces.push_back(piece);
      v.Add(piece, -static_cast<float>(random() % 20));  // with ties
    }
    const auto tokenizer = MustLoad(v.Writer());
    for (int i = 0; i < 30; ++i) {
      std::string text;
      for (size_t n = random() % 60; n > 0; --n) text += "aabbc x"[random() % 7];
      CAPTURE(text);
      if (!text.empty()) CHECK(tokenizer->Encode(text) == Naive(v, text));
      CHECK(Decode(*tokenizer, tokenizer->Encode(text)) == text);
    }
  }
}

TEST_CASE("SPM tokenizer: what is not in the vocabulary is spelt in bytes; any bytes come back") {
  TestVocabulary v;
  const TokenId space = v.Add(kSpace, -1);
  const auto tokenizer = MustLoad(v.Writer());
  CHECK(tokenizer->Encode("\xC3\xA4\xFF") == Ids{space, 3 + 0xC3, 3 + 0xA4, 3 + 0xFF});
  CHECK(tokenizer->Encode("\xF0\x9F ") == Ids{space, 3 + 0xF0, 3 + 0x9F, space});  // a cut character
  CHECK(tokenizer->Piece(3 + 0xC3, false) == "\xC3");
  CHECK(tokenizer->Piece(3, false) == std::string(1, '\0'));
  std::mt19937 random(6);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (size_t n = random() % 20; n > 0; --n) text += static_cast<char>(random() % 3 == 0 ? ' ' : random() % 256);
    CAPTURE(text);
    REQUIRE(Decode(*tokenizer, tokenizer->Encode(text)) == text);
  }
}

TEST_CASE("SPM tokenizer: without byte tokens, the unknown token") {
  TestVocabulary v(/*bytes=*/false);
  const TokenId space = v.Add(kSpace, -1), a = v.Add("a", -1), ring = v.Add("<0x41>", 0, 6);
  const auto tokenizer = MustLoad(v.Writer());
  CHECK(tokenizer->Encode("a\xC3\xA4"
                          "a") == Ids{space, a, 0, a});
  CHECK(tokenizer->Encode("A") == Ids{space, ring});
  CHECK(tokenizer->Piece(0, false) == "");

  GgufWriter none = v.Writer();
  none.AddUint("tokenizer.ggml.unknown_token_id", 0xFFFFFFFF);
  CHECK(ErrorOf(std::move(none)).find("unknown") != std::string::npos);
}

TEST_CASE("SPM tokenizer: the space in front") {
  TestVocabulary v;
  const TokenId space = v.Add(kSpace, -1), a = v.Add("a", -1), space_a = v.Add(kSpace + "a", 5);
  {
    const auto tokenizer = MustLoad(v.Writer());
    CHECK(tokenizer->Encode("a") == Ids{space_a});
    CHECK(tokenizer->Encode(" a") == Ids{space, space_a});
    CHECK(tokenizer->Piece(space_a, true) == "a");
    CHECK(tokenizer->Piece(space_a, false) == " a");
    CHECK(tokenizer->Piece(space, true) == "");
    CHECK(tokenizer->Piece(a, true) == "a");
  }
  {
    GgufWriter writer = v.Writer();
    writer.AddBool("tokenizer.ggml.add_space_prefix", false);
    const auto tokenizer = MustLoad(std::move(writer));
    CHECK(tokenizer->Encode("a") == Ids{a});
    CHECK(tokenizer->Encode(" a") == Ids{space_a});
    CHECK(tokenizer->Piece(space_a, true) == " a");
  }
}

TEST_CASE("SPM tokenizer: special tokens, only where asked for, the longest first") {
  TestVocabulary v;
  const TokenId space = v.Add(kSpace, -1), a = v.Add("a", -1);
  const TokenId user = v.Add("[U]", 0, 4), control = v.Add("[U][C]", 0, 3), other = v.Add("][C", 0, 3);
  const auto tokenizer = MustLoad(v.Writer());
  CHECK(tokenizer->Encode("a<s>a", true) == Ids{space, a, 1, space, a});
  CHECK(tokenizer->Encode("<s>", true) == Ids{1});
  CHECK(tokenizer->Encode("<s></s>", true) == Ids{1, 2});
  CHECK(tokenizer->Encode("<s", true) == Ids{space, 3 + '<', 3 + 's'});
  // <s> is text here. It is in the vocabulary, but no merges lead to it.
  CHECK(tokenizer->Encode("<s>", false) == Ids{space, 3 + '<', 3 + 's', 3 + '>'});
  CHECK(tokenizer->Encode("a[U]a", false) == Ids{space, a, user, space, a});  // user-defined: always
  CHECK(tokenizer->Encode("[U][C]", true) == Ids{control});
  CHECK(tokenizer->Encode("[U][C]", false)[0] == user);
  CHECK(tokenizer->Encode("a][C", true) == Ids{space, a, other});
  CHECK(tokenizer->Piece(control, false) == "");
  CHECK(tokenizer->Piece(user, false) == "[U]");
  CHECK(tokenizer->Piece(9999, false) == "");
  CHECK(tokenizer->IsEndOfText(2));
  CHECK_FALSE(tokenizer->IsEndOfText(1));
}

TEST_CASE("SPM tokenizer: special tokens that are absent, equal texts, empty texts") {
  TestVocabulary v;
  const TokenId first = v.Add("x", -1);
  v.Add("x", 5);
  v.Add("", 7);
  v.Add("<0x41>", 0, 6);  // a second token for a byte
  GgufWriter writer = v.Writer();
  writer.AddUint("tokenizer.ggml.bos_token_id", 0xFFFFFFFF).AddUint("tokenizer.ggml.eos_token_id", 0xFFFFFFFF);
  writer.AddUint("tokenizer.ggml.eot_token_id", first).AddBool("tokenizer.ggml.add_space_prefix", false);
  const auto tokenizer = MustLoad(std::move(writer));
  CHECK_FALSE(tokenizer->bos().has_value());
  CHECK_FALSE(tokenizer->eos().has_value());
  CHECK_FALSE(tokenizer->add_bos());
  CHECK(tokenizer->IsEndOfText(first));
  CHECK_FALSE(tokenizer->IsEndOfText(0));
  CHECK(tokenizer->Encode("xA") == Ids{first, 3 + 'A'});
}

TEST_CASE("Tokenizer: files without one, and kinds that are not known") {
  GgufWriter none;
  none.AddString("general.architecture", "llama");
  const auto absent = LoadFrom(std::move(none));
  REQUIRE(absent.ok());
  CHECK(*absent == nullptr);
  GgufWriter no_vocab;
  no_vocab.AddString("tokenizer.ggml.model", "no_vocab");
  const auto said = LoadFrom(std::move(no_vocab));
  REQUIRE(said.ok());
  CHECK(*said == nullptr);
  GgufWriter strange;
  strange.AddString("tokenizer.ggml.model", "alphabet\nsoup");
  CHECK(ErrorOf(std::move(strange)) == "vocab.gguf: tokenizer.ggml.model is 'alphabet\\nsoup'; known are: llama, gpt2");
}

TEST_CASE("SPM tokenizer: hostile vocabularies are refused in words that name the key") {
  const auto check = [](const TestVocabulary& v, const std::string& key) {
    const std::string message = ErrorOf(v.Writer());
    CAPTURE(message);
    CHECK(message.starts_with("vocab.gguf: "));
    CHECK(message.find(key) != std::string::npos);
  };
  TestVocabulary v;
  v.scores.pop_back();
  check(v, "tokenizer.ggml.scores");
  v = TestVocabulary();
  v.scores.push_back(0);
  check(v, "tokenizer.ggml.scores");
  v = TestVocabulary();
  v.scores[5] = std::numeric_limits<float>::quiet_NaN();
  check(v, "tokenizer.ggml.scores");
  v = TestVocabulary();
  v.types.pop_back();
  check(v, "tokenizer.ggml.token_type");
  v = TestVocabulary();
  for (const int type : {-1, 7, 1 << 30}) {
    v.types[5] = type;
    check(v, "tokenizer.ggml.token_type");
  }
  for (const char* text : {"<0x0>", "<0x000>", "<0xGG>", "<0x+1>", "<0x 1>", "0x01", "<0X01>", "<0x01", "x", ""}) {
    v = TestVocabulary();
    v.Add(text, 0, 6);
    check(v, "byte token");
  }
  v = TestVocabulary();
  v.tokens.clear(), v.scores.clear(), v.types.clear();
  check(v, "tokenizer.ggml.tokens");
  for (const size_t size : {1, 2}) {  // too small for the default ids
    v = TestVocabulary(false);
    v.tokens.resize(size), v.scores.resize(size), v.types.resize(size);
    check(v, size == 1 ? "tokenizer.ggml.bos_token_id" : "tokenizer.ggml.eos_token_id");
  }

  for (const char* key : {"bos", "eos", "unknown", "eot"}) {
    const std::string name = "tokenizer.ggml." + std::string(key) + "_token_id";
    for (const uint64_t id : {uint64_t{259}, uint64_t{0xFFFFFFFE}, uint64_t{1} << 32, ~uint64_t{0}}) {
      GgufWriter writer = TestVocabulary().Writer();
      writer.AddUint(name, id, GgufType::kU64);
      CHECK(ErrorOf(std::move(writer)).find(name) != std::string::npos);
    }
    GgufWriter text = TestVocabulary().Writer();
    text.AddString(name, "1");
    CHECK(ErrorOf(std::move(text)).find(name) != std::string::npos);
  }

  // Absent or of another type.
  const std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  const auto begin = [] {
    GgufWriter writer;
    writer.AddString("tokenizer.ggml.model", "llama");
    return writer;
  };
  CHECK(ErrorOf(begin()).find("tokenizer.ggml.tokens") != std::string::npos);
  CHECK(ErrorOf(begin().AddInts("tokenizer.ggml.tokens", {1, 2, 3})).find("tokenizer.ggml.tokens") !=
        std::string::npos);
  GgufWriter no_types = begin().AddStrings("tokenizer.ggml.tokens", tokens);
  CHECK(ErrorOf(no_types).find("no error") != std::string::npos);  // types and scores are optional
  GgufWriter bad_types = no_types;
  CHECK(ErrorOf(bad_types.AddStrings("tokenizer.ggml.token_type", tokens)).find("tokenizer.ggml.token_type") !=
        std::string::npos);
  GgufWriter no_scores = no_types.AddInts("tokenizer.ggml.token_type", {2, 3, 3});
  CHECK(ErrorOf(no_scores).find("no error") != std::string::npos);
  CHECK(ErrorOf(no_scores.AddStrings("tokenizer.ggml.scores", tokens)).find("tokenizer.ggml.scores") !=
        std::string::npos);
  GgufWriter not_bool = TestVocabulary().Writer();
  not_bool.AddString("tokenizer.ggml.add_bos_token", "yes");
  CHECK(ErrorOf(std::move(not_bool)).find("tokenizer.ggml.add_bos_token") != std::string::npos);
}

TEST_CASE("SPM tokenizer: the time grows with the length of the text, not with its square") {
  TestVocabulary v;
  v.Add(kSpace, -1000);
  for (std::string text = "a"; text.size() <= 64; text += text) v.Add(text, -static_cast<float>(text.size() % 3));
  const auto tokenizer = MustLoad(v.Writer());
  const auto seconds = [&](size_t length) {
    const std::string text(length, 'a');
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 3; ++i) {
      const auto start = std::chrono::steady_clock::now();
      CHECK(tokenizer->Encode(text).size() >= length / 64);
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
  };
  // 32 times the length: n log n gives 45 times the time and caches perhaps double that; n^2 gives 1024 times.
  const double small = seconds(8192), large = seconds(32 * 8192);
  CHECK(large / small < 250);
}

}  // namespace weft::engine::test
