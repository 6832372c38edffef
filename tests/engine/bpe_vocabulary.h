// Byte-level vocabularies for tests of tokenizers.
#ifndef WEFT_TESTS_ENGINE_BPE_VOCABULARY_H_
#define WEFT_TESTS_ENGINE_BPE_VOCABULARY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/engine/gguf_writer.h"
#include "tests/engine/test_vocabulary.h"

namespace weft::engine::test {

// The character that a byte-level vocabulary writes for a byte.
inline std::string ByteCharacter(int byte) {
  int code = 0x100;
  const auto prints = [](int b) { return (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD); };
  for (int b = 0; b < byte; ++b) code += prints(b) ? 0 : 1;
  if (prints(byte)) code = byte;
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

inline std::string ByteCharacters(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) text += ByteCharacter(static_cast<uint8_t>(c));
  return text;
}

// A vocabulary as a test makes it: token i is byte i, then what Add and Join add.
struct BpeVocabulary {
  BpeVocabulary() {
    for (int byte = 0; byte < 256; ++byte) Add(ByteCharacter(byte));
  }
  TokenId Add(const std::string& text, int type = 1) {
    tokens.push_back(text);
    types.push_back(type);
    return static_cast<TokenId>(tokens.size() - 1);
  }
  // A merge of two texts (bytes), and the token that it makes.
  TokenId Join(const std::string& left, const std::string& right) {
    merges.push_back(ByteCharacters(left) + " " + ByteCharacters(right));
    return Add(ByteCharacters(left + right));
  }
  GgufWriter Writer() const {
    GgufWriter writer;
    writer.AddString("tokenizer.ggml.model", "gpt2").AddString("tokenizer.ggml.pre", pre);
    writer.AddStrings("tokenizer.ggml.tokens", tokens).AddInts("tokenizer.ggml.token_type", types);
    writer.AddStrings("tokenizer.ggml.merges", merges);
    return writer;
  }

  std::string pre = "gpt-2";
  std::vector<std::string> tokens, merges;
  std::vector<int64_t> types;
};

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_BPE_VOCABULARY_H_
