// How byte-level vocabularies cut a text into words, in which merges then happen.
#ifndef WEFT_REFERENCE_TEXT_PRE_TOKENIZER_H_
#define WEFT_REFERENCE_TEXT_PRE_TOKENIZER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "reference/base/result.h"

struct pcre2_real_code_8;
struct pcre2_real_match_context_8;
struct pcre2_real_match_data_8;

namespace weft::engine {

// What a value of `tokenizer.ggml.pre` means.
struct PreTokenizerKind {
  std::string_view name;
  // A word is a match, or what lies between two matches. Nothing in it looks back. White space is \s in brackets.
  std::string_view pattern;
  bool whole_words;  // a word that is a token needs no merges that lead to it
  bool add_bos;      // unless the file says otherwise
};

// Null: not known.
const PreTokenizerKind* FindPreTokenizer(std::string_view name);
std::string KnownPreTokenizers();  // "a, b, c"

class PreTokenizer {
 public:
  // Errors: the pattern is none, or PCRE2 has been built without Unicode.
  static Result<PreTokenizer> Compile(std::string_view pattern);

  // Goes through the words of a text, which must outlive it, as must the PreTokenizer. The words follow each other
  // without gaps. Bytes that are not UTF-8 end a word; a run of them is a word of its own.
  class Words {
   public:
    Words(const PreTokenizer& pre_tokenizer, std::string_view text);
    bool Next(std::string_view* word);  // false: no more words

   private:
    void Match();
    void FindValidRun();

    struct DataDeleter {
      void operator()(pcre2_real_match_data_8* data) const;
    };
    const PreTokenizer& pre_tokenizer_;
    std::string_view text_;
    size_t at_ = 0;
    size_t run_end_ = 0;                      // of the valid UTF-8 that the next word is in
    size_t match_begin_ = 0, match_end_ = 0;  // the last match
    std::unique_ptr<pcre2_real_match_data_8, DataDeleter> data_;
  };

 private:
  PreTokenizer() = default;

  struct CodeDeleter {
    void operator()(pcre2_real_code_8* code) const;
  };
  struct ContextDeleter {
    void operator()(pcre2_real_match_context_8* context) const;
  };
  std::unique_ptr<pcre2_real_code_8, CodeDeleter> code_;
  std::unique_ptr<pcre2_real_match_context_8, ContextDeleter> context_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_TEXT_PRE_TOKENIZER_H_
