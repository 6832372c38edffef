// The vocabulary that a GGUF file's `tokenizer.ggml.*` keys hold, checked: what all kinds of tokenizers share.
#ifndef WEFT_REFERENCE_TEXT_VOCABULARY_H_
#define WEFT_REFERENCE_TEXT_VOCABULARY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reference/base/result.h"
#include "reference/gguf/gguf.h"
#include "reference/text/token_id.h"

namespace weft::engine {

enum class TokenType : uint8_t {
  kUndefined = 0,
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,      // <s>: never text
  kUserDefined = 4,  // text that is always a token of its own
  kUnused = 5,
  kByte = 6,  // <0x0A>: one byte
};

// Token id -> text and type. The texts are copies: the file need not outlive them.
class Vocabulary {
 public:
  // Reads `tokenizer.ggml.tokens` and `tokenizer.ggml.token_type` (where that is absent, all are normal). Errors:
  // absent, empty or too large (2^31 tokens, 4 GiB of text), of another type or unequal length, an unknown token type,
  // a byte token that is not written <0xNN>.
  static Result<Vocabulary> Load(const Gguf& file);

  size_t size() const { return types_.size(); }
  // id < size() for all of these.
  std::string_view text(TokenId id) const {
    return std::string_view(bytes_).substr(offsets_[id], offsets_[id + 1] - offsets_[id]);
  }
  TokenType type(TokenId id) const { return types_[id]; }
  size_t longest() const { return longest_; }  // bytes of the longest text

 private:
  std::string bytes_;
  std::vector<size_t> offsets_;  // size() + 1
  std::vector<TokenType> types_;
  size_t longest_ = 0;
};

// Whether a text that merges into the text of such a token becomes it. Control, unknown and byte tokens are not made
// so: a text that spells "<s>" or "<0x0A>" is that text.
inline bool CanBeText(TokenType type) {
  return type != TokenType::kControl && type != TokenType::kUnknown && type != TokenType::kByte;
}

// The byte that "<0xNN>" (two hexadecimal digits) means; nothing for any other text.
std::optional<uint8_t> ParseByteToken(std::string_view text);

// A special token's id: from `key`, else `fallback`. 2^32 - 1 means "none" there, as files are written that way. An id
// outside a vocabulary of `size`, given or by default, is an error.
Result<std::optional<TokenId>> ReadSpecialToken(const Gguf& file, std::string_view key, std::optional<TokenId> fallback,
                                                size_t size);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_TEXT_VOCABULARY_H_
