// Vocabularies for tests of tokenizers.
#ifndef WEFT_TESTS_ENGINE_TEST_VOCABULARY_H_
#define WEFT_TESTS_ENGINE_TEST_VOCABULARY_H_

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reference/gguf/gguf.h"
#include "reference/text/tokenizer.h"
#include "tests/engine/gguf_writer.h"

namespace weft::engine::test {

inline const std::string kSpace = "\xE2\x96\x81";
using Ids = std::vector<TokenId>;

// A vocabulary as a test makes it: <unk>, <s>, </s>, by default the 256 bytes, then what Add adds.
struct TestVocabulary {
  explicit TestVocabulary(bool bytes = true) {
    Add("<unk>", 0, 2);
    Add("<s>", 0, 3);
    Add("</s>", 0, 3);
    for (int byte = 0; bytes && byte < 256; ++byte) {
      char text[8];
      std::snprintf(text, sizeof(text), "<0x%02X>", byte);
      Add(text, 0, 6);
    }
  }
  TokenId Add(const std::string& text, float score, int type = 1) {
    tokens.push_back(text);
    scores.push_back(score);
    types.push_back(type);
    return static_cast<TokenId>(tokens.size() - 1);
  }
  GgufWriter Writer() const {
    GgufWriter writer;
    writer.AddString("tokenizer.ggml.model", "llama").AddStrings("tokenizer.ggml.tokens", tokens);
    writer.AddFloats("tokenizer.ggml.scores", scores).AddInts("tokenizer.ggml.token_type", types);
    return writer;
  }

  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<int64_t> types;
};

inline Result<std::unique_ptr<Tokenizer>> LoadFrom(GgufWriter writer) {
  const Bytes bytes = writer.Finish();  // the tokenizer must not need them afterwards
  const auto file = Gguf::Parse(bytes, "vocab.gguf");
  REQUIRE_MESSAGE(file.ok(), file.error().message);
  return Tokenizer::Load(*file);
}

inline std::unique_ptr<Tokenizer> MustLoad(GgufWriter writer) {
  auto tokenizer = LoadFrom(std::move(writer));
  REQUIRE_MESSAGE(tokenizer.ok(), tokenizer.error().message);
  REQUIRE(*tokenizer != nullptr);
  return *std::move(tokenizer);
}

inline std::string ErrorOf(GgufWriter writer) {
  const auto tokenizer = LoadFrom(std::move(writer));
  return tokenizer.ok() ? "no error" : tokenizer.error().message;
}

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_TEST_VOCABULARY_H_
