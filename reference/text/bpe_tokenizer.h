// Byte-level vocabularies (`tokenizer.ggml.model` = "gpt2"): byte-pair merging by rank inside the words of a text.
#ifndef WEFT_REFERENCE_TEXT_BPE_TOKENIZER_H_
#define WEFT_REFERENCE_TEXT_BPE_TOKENIZER_H_

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reference/text/merge_table.h"
#include "reference/text/pre_tokenizer.h"
#include "reference/text/text_table.h"
#include "reference/text/tokenizer.h"
#include "reference/text/vocabulary.h"

namespace weft::engine {

// A text is cut into words as `tokenizer.ggml.pre` says. A word starts as its bytes; of the adjacent pairs of tokens
// that merge the one of the lowest rank (the leftmost such pair) does so, until none does.
class BpeTokenizer : public Tokenizer {
 public:
  static Result<std::unique_ptr<Tokenizer>> Load(const Gguf& file);
  BpeTokenizer(PreTokenizer pre_tokenizer, bool whole_words);

  std::string Piece(TokenId id, bool first) const override;
  bool IsEndOfText(TokenId id) const override;

 private:
  class Encoder;
  std::vector<TokenId> EncodeFragments(std::span<const TextFragment> fragments, size_t bytes) const override;
  Result<void> ReadSpecialTokens(const Gguf& file, const Vocabulary& vocabulary, bool add_bos);
  void ReadTexts(const Vocabulary& vocabulary);
  Result<void> ReadBytes(const Gguf& file, const Vocabulary& vocabulary);
  std::optional<TokenId> Find(std::string_view bytes) const;

  PreTokenizer pre_tokenizer_;
  bool whole_words_;
  std::vector<std::string> texts_;  // bytes; empty for control tokens
  TextTable<> ids_;                 // of texts_, of those that a text can become
  std::array<std::optional<TokenId>, 256> byte_ids_;
  std::vector<TokenId> replacement_;  // for a byte that has no token
  MergeTable merges_;
  std::optional<TokenId> unknown_;
  std::vector<TokenId> ends_of_text_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_TEXT_BPE_TOKENIZER_H_
