#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "reference/text/pre_tokenizer.h"
#include "reference/text/tokenizer.h"
#include "tests/engine/bpe_vocabulary.h"
#include "tests/engine/published_vocabulary.h"
#include "tests/engine/test_data.h"
#include "tests/engine/weft_program.h"

namespace weft::engine::test {
namespace {

struct Published {
  const char* file;
  size_t size;
  TokenId bos, eos;
  bool add_bos, all_bytes;
};
constexpr Published kPublished[] = {
    {"tokenizers/ggml-vocab-gpt-2.gguf", 50257, 50256, 50256, false, true},
    {"tokenizers/granite3.gguf", 49155, 0, 0, false, false},
    {"tokenizers/llama-bpe.gguf", 128256, 128000, 128001, true, true},
    {"tokenizers/qwen2.gguf", 151936, 151643, 151643, false, true},
};

// The definition, step by step, for a text that is one word: of all adjacent pairs that merge, merge the leftmost of
// the lowest rank, until there is none.
Ids Naive(const BpeVocabulary& vocabulary, const std::string& word) {
  std::map<std::string, TokenId> ids;
  for (TokenId id = 0; id < vocabulary.tokens.size(); ++id) ids.emplace(vocabulary.tokens[id], id);
  std::map<std::string, size_t> ranks;
  for (size_t rank = 0; rank < vocabulary.merges.size(); ++rank) ranks.emplace(vocabulary.merges[rank], rank);
  std::vector<std::string> pieces;
  for (const char c : word) pieces.push_back(ByteCharacter(static_cast<uint8_t>(c)));
  for (;;) {
    size_t best = pieces.size(), best_rank = vocabulary.merges.size();
    for (size_t i = 0; i + 1 < pieces.size(); ++i) {
      const auto found = ranks.find(pieces[i] + " " + pieces[i + 1]);
      if (found == ranks.end() || found->second >= best_rank) continue;
      best = i;
      best_rank = found->second;
    }
    if (best == pieces.size()) break;
    pieces[best] += pieces[best + 1];
    pieces.erase(pieces.begin() + static_cast<ptrdiff_t>(best) + 1);
  }
  Ids result;
  for (const std::string& piece : pieces) result.push_back(ids.at(piece));
  return result;
}

}  // namespace

TEST_CASE("BPE tokenizer: the published test texts of four vocabularies, there and back") {
  for (const Published& published : kPublished) {
    const auto path = SharedData(published.file);
    if (!path) continue;
    CAPTURE(published.file);
    const auto tokenizer = LoadShared(*path);
    CHECK(tokenizer->size() == published.size);
    CHECK(tokenizer->bos() == published.bos);
    CHECK(tokenizer->eos() == published.eos);
    CHECK(tokenizer->add_bos() == published.add_bos);
    const std::vector<Golden> goldens = ReadGoldens(*path);
    CHECK(goldens.size() == 46);
    for (const Golden& golden : goldens) {
      CAPTURE(golden.text);
      const Ids got = tokenizer->Encode(golden.text);
      CHECK(got == golden.ids);
      CHECK(Decode(*tokenizer, got) == golden.text);
    }
    // Any bytes come back, where there is a token for each; every text does.
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
      std::string text;
      for (size_t length = random() % 40; length > 0; --length) {
        if (published.all_bytes) text += static_cast<char>(random());
        text += goldens[random() % goldens.size()].text;
      }
      CHECK(Decode(*tokenizer, tokenizer->Encode(text)) == text);
    }
    CHECK(tokenizer->Encode("").empty());
    CHECK(tokenizer->IsEndOfText(published.eos));
  }
}

#ifdef WEFT_PROGRAM
TEST_CASE("weft tokenize: a text on standard input, the published ids on standard output") {
  std::vector<std::string> files = {"tokenizers/ggml-vocab-llama-spm.gguf"};
  for (const Published& published : kPublished) files.push_back(published.file);
  for (const std::string& file : files) {
    const auto path = SharedData(file);
    if (!path) continue;
    CAPTURE(file);
    const std::vector<Golden> goldens = ReadGoldens(*path);
    // Every 15th and the last, which is the longest: the program loads the vocabulary anew for each.
    for (size_t i = 0; i < goldens.size(); i += 15) {
      RunOptions options;
      options.input = goldens[i].text;
      const RunResult run = Weft({"tokenize", *path, "--ids", "--no-bos", "--file", "-"}, options);
      CAPTURE(goldens[i].text);
      CHECK(run.status == 0);
      CHECK(run.err == "");
      CHECK(ReadIds(run.out) == goldens[i].ids);
    }
  }
}
#endif

TEST_CASE("BPE tokenizer: the merge of the lowest rank comes first, the leftmost of equal ones") {
  BpeVocabulary v;
  const TokenId bc = v.Join("b", "c"), ab = v.Join("a", "b"), aa = v.Join("a", "a"), abc = v.Join("a", "bc");
  const TokenId space_a = v.Join(" ", "a");
  const auto tokenizer = MustLoad(v.Writer());
  CHECK(tokenizer->Encode("abd") == Ids{ab, 'd'});
  CHECK(tokenizer->Encode("abc") == Ids{abc});
  CHECK(tokenizer->Encode("ab c") == Ids{ab, ' ', 'c'});
  CHECK(tokenizer->Encode("aaa") == Ids{aa, 'a'});
  CHECK(tokenizer->Encode("aaaa bc a") == Ids{aa, aa, ' ', bc, space_a});
  CHECK(tokenizer->Encode("  a") == Ids{' ', space_a});
  CHECK(tokenizer->Encode("\xC3\xA9") == Ids{0xC3, 0xA9});
  CHECK(tokenizer->Piece(space_a, true) == " a");
  CHECK(tokenizer->Piece(0xC3, true) == "\xC3");
  CHECK(tokenizer->Piece(99999, true) == "");
  // A merge that no other leads to is dead, unless whole words count.
  v.Join("xy", "z");
  CHECK(ErrorOf(v.Writer()).find("'xy z', joins what is not a token") != std::string::npos);
  v.Add("xy");
  const TokenId xyz = static_cast<TokenId>(v.tokens.size() - 2);
  CHECK(MustLoad(v.Writer())->Encode("xyz") == Ids{'x', 'y', 'z'});
  v.pre = "llama-bpe";
  CHECK(MustLoad(v.Writer())->Encode("xyz xyz") == Ids{xyz, ' ', 'x', 'y', 'z'});
  CHECK(MustLoad(v.Writer())->Encode("xyz\nxyz") == Ids{xyz, '\n', xyz});
}

TEST_CASE("BPE tokenizer: random vocabularies and words agree with the definition, also where words repeat") {
  std::mt19937 random(6);
  for (int round = 0; round < 60; ++round) {
    BpeVocabulary v;
    std::vector<std::string> pieces = {"a", "b", "c", "\xC3", "\xA9"};
    for (int i = 0; i < 50; ++i) {
      const std::string left = pieces[random() % pieces.size()], right = pieces[random() % pieces.size()];
      v.Join(left, right);
      pieces.push_back(left + right);
    }
    const auto tokenizer = MustLoad(v.Writer());
    std::string text;
    Ids want;
    for (int i = 0; i < 60; ++i) {
      std::string word;
      for (size_t length = 1 + random() % (i == 0 ? 200 : 12); length > 0; --length) {
        word += random() % 4 == 0 ? std::string("\xC3\xA9") : std::string(1, "abc"[random() % 3]);
      }
      const Ids ids = Naive(v, word);
      for (int times = 1 + static_cast<int>(random() % 3); times > 0; --times) {
        text += word + "\n";  // gpt-2: words of letters, and line ends
        want.insert(want.end(), ids.begin(), ids.end());
        want.push_back('\n');
      }
    }
    CAPTURE(text);
    REQUIRE(tokenizer->Encode(text) == want);
  }
}

TEST_CASE("BPE tokenizer: special tokens, only where asked for") {
  BpeVocabulary v;
  const TokenId end = v.Add("<|im_end|>", 3), user = v.Add("[\u00e9 U]", 4), space_a = v.Join(" ", "a");
  const TokenId bos = v.Add("<s>", 3), eos = v.Add("</s>", 3), byte = v.Add("<0x41>", 6);
  GgufWriter writer = v.Writer();
  writer.AddUint("tokenizer.ggml.bos_token_id", bos).AddUint("tokenizer.ggml.eos_token_id", eos);
  writer.AddBool("tokenizer.ggml.add_bos_token", true);
  const auto tokenizer = MustLoad(std::move(writer));
  CHECK(tokenizer->Encode("x<s> a", true) == Ids{'x', bos, space_a});
  CHECK(tokenizer->Encode("<s>", false) == Ids{'<', 's', '>'});
  CHECK(tokenizer->Encode("x[\u00e9 U]x", false) == Ids{'x', user, 'x'});  // user-defined: always, and plain text
  CHECK(tokenizer->Piece(user, false) == "[\u00e9 U]");
  CHECK(tokenizer->Piece(bos, false) == "");
  CHECK(tokenizer->Piece(byte, false) == "A");
  CHECK(tokenizer->Encode("A") == Ids{'A'});
  CHECK(tokenizer->bos() == bos);
  CHECK(tokenizer->add_bos());
  for (TokenId id = 0; id < tokenizer->size(); ++id) CHECK(tokenizer->IsEndOfText(id) == (id == end || id == eos));

  // No id has a default, and a BOS that is expected but absent cannot be put in front.
  v.pre = "llama-bpe";
  const auto bare = MustLoad(v.Writer());
  CHECK_FALSE(bare->bos().has_value());
  CHECK_FALSE(bare->eos().has_value());
  CHECK_FALSE(bare->add_bos());
  writer = v.Writer();
  CHECK(MustLoad(std::move(writer.AddUint("tokenizer.ggml.bos_token_id", bos)))->add_bos());
}

TEST_CASE("BPE tokenizer: a byte without a token becomes U+FFFD, else the unknown token") {
  BpeVocabulary v;
  v.tokens[0xC0] = "unlike a byte";
  CHECK(MustLoad(v.Writer())->Encode("a\xC0\xC0") == Ids{'a', 0xEF, 0xBF, 0xBD, 0xEF, 0xBF, 0xBD});
  v.Add("<0xC0>", 6);
  CHECK(MustLoad(v.Writer())->Encode("\xC0") == Ids{256});
  v = BpeVocabulary();
  v.tokens[0xC0] = v.tokens[0xEF] = "unlike a byte";
  CHECK(ErrorOf(v.Writer()).find("no token for the byte 192") != std::string::npos);
  const TokenId unknown = v.Add("<unk>", 2);
  GgufWriter writer = v.Writer();
  writer.AddUint("tokenizer.ggml.unknown_token_id", unknown);
  CHECK(MustLoad(std::move(writer))->Encode("\xC0 a") == Ids{unknown, ' ', 'a'});
}

TEST_CASE("BPE tokenizer: equal texts, and a merge that the file lists twice") {
  BpeVocabulary v;
  v.Add("ab", 4);
  const TokenId ab = v.Join("a", "b");
  v.Join("a", "b");
  const TokenId abb = v.Join("ab", "b");
  const auto tokenizer = MustLoad(v.Writer());
  CHECK(tokenizer->Encode("abb", false).size() == 2);  // the user-defined token takes its text first
  v.types[256] = 5;
  CHECK(MustLoad(v.Writer())->Encode("abb") == Ids{abb});
  CHECK(MustLoad(v.Writer())->Encode("abab") == Ids{256, 256});
  v.types[256] = 3;
  CHECK(MustLoad(v.Writer())->Encode("abab") == Ids{ab, ab});
}

TEST_CASE("BPE tokenizer: hostile vocabularies are refused in words that name the key") {
  const auto check = [](GgufWriter writer, const std::string& text) {
    const std::string message = ErrorOf(std::move(writer));
    CAPTURE(message);
    CAPTURE(text);
    CHECK(message.starts_with("vocab.gguf: "));
    CHECK(message.find(text) != std::string::npos);
  };
  BpeVocabulary good;
  good.Join("a", "b");
  for (const char* merge : {"ab", "", " ", "a ", " b", "a  b", "a b c", "a b "}) {
    BpeVocabulary v = good;
    v.merges.push_back(merge);
    check(v.Writer(), "tokenizer.ggml.merges: element 1");
  }
  for (const char* merge : {"a c", "ab c", "abc a", "a \xFF", "<s> a", "a <s>"}) {  // control tokens are no text
    BpeVocabulary v = good;
    v.Add("<s>", 3);
    v.Add("<s>a", 3);
    v.merges.push_back(merge);
    check(v.Writer(), "what is not a token");
  }
  BpeVocabulary v = good;
  v.types.pop_back();
  check(v.Writer(), "tokenizer.ggml.token_type");
  for (const int type : {-1, 7, 1 << 30}) {
    v = good;
    v.types[5] = type;
    check(v.Writer(), "tokenizer.ggml.token_type");
  }
  for (const char* text : {"<0x-1>", "<0x0>", "<0xGG>", "A"}) {
    v = good;
    v.Add(text, 6);
    check(v.Writer(), "byte token");
  }
  v = good;
  v.tokens.clear(), v.types.clear();
  check(v.Writer(), "tokenizer.ggml.tokens");
  for (const char* key : {"bos", "eos", "eot", "eom", "unknown"}) {
    const std::string name = "tokenizer.ggml." + std::string(key) + "_token_id";
    for (const uint64_t id : {uint64_t{257}, uint64_t{0xFFFFFFFE}, uint64_t{1} << 32, ~uint64_t{0}}) {
      check(std::move(good.Writer().AddUint(name, id, GgufType::kU64)), name);
    }
    check(std::move(good.Writer().AddInt(name, -1)), name);
    check(std::move(good.Writer().AddString(name, "1")), name);
  }
  check(std::move(good.Writer().AddString("tokenizer.ggml.add_bos_token", "yes")), "tokenizer.ggml.add_bos_token");

  v = good;
  v.pre = "morse\ncode";
  check(v.Writer(), "tokenizer.ggml.pre is 'morse\\ncode'; known are: " + KnownPreTokenizers());
  GgufWriter writer;
  writer.AddString("tokenizer.ggml.model", "gpt2");
  check(writer, "tokenizer.ggml.pre");
  check(writer, KnownPreTokenizers());
  check(std::move(GgufWriter(writer).AddUint("tokenizer.ggml.pre", 1)), "tokenizer.ggml.pre");
  writer.AddString("tokenizer.ggml.pre", "qwen2");
  check(writer, "tokenizer.ggml.tokens");
  writer.AddStrings("tokenizer.ggml.tokens", good.tokens);
  check(writer, "tokenizer.ggml.merges");  // types are optional
  writer.AddInts("tokenizer.ggml.token_type", good.types);
  check(writer, "tokenizer.ggml.merges");
  check(std::move(GgufWriter(writer).AddInts("tokenizer.ggml.merges", {1})), "tokenizer.ggml.merges");
  check(std::move(GgufWriter(writer).AddString("tokenizer.ggml.merges", "a b")), "tokenizer.ggml.merges");
  CHECK(ErrorOf(std::move(writer.AddStrings("tokenizer.ggml.merges", {}))) == "no error");
}

TEST_CASE("BPE tokenizer: the time grows with the length of a word, not with its square") {
  BpeVocabulary v;
  for (std::string text = "a"; text.size() <= 64; text += text) v.Join(text, text);
  const auto tokenizer = MustLoad(v.Writer());
  const auto seconds = [&](size_t length) {
    const std::string text(length, 'a');
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 3; ++i) {
      const auto start = std::chrono::steady_clock::now();
      CHECK(tokenizer->Encode(text) == Ids(length / 128, static_cast<TokenId>(v.tokens.size() - 1)));
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
  };
  // 32 times the length: n log n gives 45 times the time and caches perhaps double that; n^2 gives 1024 times.
  CHECK(seconds(32 * 8192) / seconds(8192) < 250);
}

}  // namespace weft::engine::test
