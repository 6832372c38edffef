// SentencePiece-style vocabularies (`tokenizer.ggml.model` = "llama"): byte-pair merging by score.
#ifndef WEFT_REFERENCE_TEXT_SPM_TOKENIZER_H_
#define WEFT_REFERENCE_TEXT_SPM_TOKENIZER_H_

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reference/text/text_table.h"
#include "reference/text/tokenizer.h"
#include "reference/text/vocabulary.h"

namespace weft::engine {

// Spaces are written U+2581. A text starts as its UTF-8 characters; the adjacent pair whose concatenation is the token
// with the highest score (the leftmost such pair) is merged until no pair makes a token. What is not a token then is
// spelt in byte tokens, or, in a vocabulary without them, becomes the unknown token.
class SpmTokenizer : public Tokenizer {
 public:
  static Result<std::unique_ptr<Tokenizer>> Load(const Gguf& file);

  std::string Piece(TokenId id, bool first) const override;
  bool IsEndOfText(TokenId id) const override;

 private:
  class Merger;
  std::vector<TokenId> EncodeFragments(std::span<const TextFragment> fragments, size_t bytes) const override;
  std::optional<TokenId> Find(std::string_view text) const;

  Vocabulary vocabulary_;
  std::vector<float> scores_;
  TextTable<> ids_;  // of the texts that a text can become; the lowest id of equal texts
  std::array<std::optional<TokenId>, 256> byte_ids_;
  std::optional<TokenId> unknown_, end_of_turn_;
  bool add_space_prefix_ = true;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_TEXT_SPM_TOKENIZER_H_
