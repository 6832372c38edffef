// Text to token ids and back, as a GGUF file's `tokenizer.ggml.*` keys describe it. One interface for every kind of
// vocabulary.
#ifndef WEFT_REFERENCE_TEXT_TOKENIZER_H_
#define WEFT_REFERENCE_TEXT_TOKENIZER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reference/base/result.h"
#include "reference/gguf/gguf.h"
#include "reference/text/special_matcher.h"
#include "reference/text/token_id.h"

namespace weft::engine {

// A piece of a text by one author: what a program's template writes may contain special tokens, what a user wrote may
// only spell them.
struct TextSegment {
  std::string_view text;
  bool parse_special = false;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // The tokenizer of a file; null inside the Result where the file has none (`tokenizer.ggml.model` absent or
  // "no_vocab"). Hostile vocabularies (ids out of range, bad byte tokens, arrays of unequal length) are errors.
  static Result<std::unique_ptr<Tokenizer>> Load(const Gguf& file);

  size_t size() const { return size_; }                // vocabulary
  std::optional<TokenId> bos() const { return bos_; }  // always < size()
  std::optional<TokenId> eos() const { return eos_; }
  bool add_bos() const { return add_bos_; }  // whether the model expects BOS at the start

  // The ids of `text`, without BOS. Special tokens in the text are recognised only if `parse_special`.
  std::vector<TokenId> Encode(std::string_view text, bool parse_special = false) const {
    const TextSegment segment = {text, parse_special};
    return Encode({&segment, 1});
  }
  // The ids of the segments, one after the other, as one text: words and other tokens go across the ends of segments,
  // and a space that the vocabulary puts in front of a text does not come between them. A special token is recognised
  // only where all of it comes from segments with `parse_special`. So segments of one kind that follow each other are
  // the same as one, wherever the text is cut, and no segment without it can make or complete a special token.
  std::vector<TokenId> Encode(std::span<const TextSegment> segments) const;
  // The bytes that a token adds to the text; control tokens add none. `first`: the token starts the text (where
  // SentencePiece vocabularies drop the space they put in front).
  virtual std::string Piece(TokenId id, bool first) const = 0;
  virtual bool IsEndOfText(TokenId id) const { return eos_ && id == *eos_; }

 protected:
  // The ids of a text of `bytes` bytes, of which matcher_ has made the fragments.
  virtual std::vector<TokenId> EncodeFragments(std::span<const TextFragment> fragments, size_t bytes) const = 0;

  SpecialMatcher matcher_;
  size_t size_ = 0;
  std::optional<TokenId> bos_, eos_;
  bool add_bos_ = true;
};

// Joins the pieces of a stream of tokens and hands them out only at UTF-8 character boundaries. Bytes that can not
// become a valid character are passed on as they are.
class Utf8Stream {
 public:
  std::string Push(std::string_view piece);  // what may be printed now
  std::string Flush();                       // the rest, at the end

 private:
  std::string held_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_TEXT_TOKENIZER_H_
