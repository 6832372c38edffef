// Vocabularies that are published as files, with texts and their tokens.
#ifndef WEFT_TESTS_ENGINE_PUBLISHED_VOCABULARY_H_
#define WEFT_TESTS_ENGINE_PUBLISHED_VOCABULARY_H_

#include <doctest/doctest.h>

#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "reference/gguf/mapped_file.h"
#include "reference/text/tokenizer.h"
#include "tests/engine/child_process.h"
#include "tests/engine/test_vocabulary.h"

namespace weft::engine::test {

inline std::unique_ptr<Tokenizer> LoadShared(const std::string& path) {
  const auto mapped = MappedFile::Open(path);
  REQUIRE_MESSAGE(mapped.ok(), mapped.error().message);
  const auto file = Gguf::Parse(mapped->bytes(), path);
  REQUIRE_MESSAGE(file.ok(), file.error().message);
  auto tokenizer = Tokenizer::Load(*file);
  REQUIRE_MESSAGE(tokenizer.ok(), tokenizer.error().message);
  REQUIRE(*tokenizer != nullptr);
  return *std::move(tokenizer);
}

// Numbers with blanks between them.
inline Ids ReadIds(const std::string& text) {
  std::istringstream numbers(text);
  return {std::istream_iterator<TokenId>(numbers), {}};
}

inline std::string Decode(const Tokenizer& tokenizer, const Ids& ids) {
  std::string text;
  for (size_t i = 0; i < ids.size(); ++i) text += tokenizer.Piece(ids[i], i == 0);
  return text;
}

// A text and its published ids.
struct Golden {
  std::string text;
  Ids ids;
};

// Of PATH.inp and PATH.out, which belong to the vocabulary PATH.
inline std::vector<Golden> ReadGoldens(const std::string& path) {
  const std::string input = ReadWhole(path + ".inp"), separator = "\n__ggml_vocab_test__\n";
  std::istringstream expected(ReadWhole(path + ".out"));
  std::vector<Golden> goldens;
  for (size_t begin = 0; begin < input.size();) {  // a separator ends every text
    const size_t end = input.find(separator, begin);
    REQUIRE(end != std::string::npos);
    std::string line;
    REQUIRE(std::getline(expected, line));
    goldens.push_back({input.substr(begin, end - begin), ReadIds(line)});
    begin = end + separator.size();
  }
  return goldens;
}

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_PUBLISHED_VOCABULARY_H_
