// Tokenizers of both kinds, from a vocabulary that the input makes up, on a text that it makes of the vocabulary's own
// tokens and of bytes.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reference/text/byte_alphabet.h"
#include "reference/text/pre_tokenizer.h"
#include "reference/text/tokenizer.h"
#include "tests/engine/gguf_writer.h"
#include "tests/fuzz/input.h"

namespace weft::fuzz {
namespace {

using engine::TokenId;
using engine::Tokenizer;
using engine::test::GgufWriter;

constexpr char kSpace[] = "\xE2\x96\x81";

std::string ByteCharacter(unsigned byte) {
  const auto prints = [](unsigned b) { return (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD); };
  unsigned code = 0x100;
  for (unsigned b = 0; b < byte; ++b) code += prints(b) ? 0 : 1;
  if (prints(byte)) code = byte;
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

// The keys of a vocabulary, and whether every text has to come back from its tokens.
struct Words {
  std::vector<std::string> tokens, merges;
  std::vector<int64_t> types;
  std::vector<float> scores;
  bool spm = false;
  bool complete = true;  // all bytes, and (SentencePiece) nothing but normal tokens and the space

  void Add(const std::string& text, int64_t type, float score = 0.0f) {
    tokens.push_back(text);
    types.push_back(type);
    scores.push_back(score);
  }

  explicit Words(Input& input) : spm(input.Below(2) == 0) {
    if (spm) {
      for (const char* text : {"<unk>", "<s>", "</s>"}) Add(text, text[1] == 'u' ? 2 : 3);
    }
    const bool bytes = !input.Rarely(8);
    for (unsigned byte = 0; bytes && byte < 256; ++byte) {
      char text[8];
      std::snprintf(text, sizeof(text), "<0x%02X>", byte);
      Add(spm ? text : ByteCharacter(byte), spm ? 6 : 1);
    }
    complete = bytes;
    if (spm && !input.Rarely(8)) {
      Add(kSpace, 1);
    } else if (spm) {
      complete = false;
    }
    for (size_t count = input.Below(40); count > 0; --count) More(input);
  }

  // One more token: two that are there put together, or any text.
  void More(Input& input) {
    const size_t kind = input.Below(8);
    if (kind < 5 && !tokens.empty()) {
      const std::string left = input.Pick(tokens), right = input.Pick(tokens);
      if (!spm) merges.push_back(left + " " + right);
      Add(left + right, 1, input.Float());
      return;
    }
    if (kind == 5) {
      constexpr int64_t kTypes[] = {1, 4, 3, 2, 5, 0, 6, 7};
      const int64_t type = input.Pick(kTypes);
      complete = complete && (spm ? type == 1 : type != 3 && type != 2 && type != 0 && type != 5);
      Add(input.Text(6), type, input.Float());
    } else if (kind == 6) {
      std::string text;
      for (size_t count = 1 + input.Below(3); count > 0; --count) {
        text += spm ? std::string(1, static_cast<char>('a' + input.Below(4))) : ByteCharacter(input.Byte());
      }
      Add(text, 1, input.Float());
    } else if (!spm) {
      merges.push_back(tokens.empty() || input.Rarely(4) ? input.Text(6) : input.Pick(tokens) + " a");
    }
  }

  std::vector<uint8_t> Write(Input& input) {
    GgufWriter writer;
    writer.AddString("tokenizer.ggml.model", spm ? "llama" : "gpt2");
    if (!spm) {
      constexpr const char* kPre[] = {"gpt-2", "llama-bpe", "qwen2", "refact", "smollm", "no such"};
      writer.AddString("tokenizer.ggml.pre", input.Pick(kPre));
    }
    if (input.Rarely(32)) types.resize(input.Below(types.size() + 2));
    if (input.Rarely(32)) scores.resize(input.Below(scores.size() + 2));
    writer.AddStrings("tokenizer.ggml.tokens", tokens);
    if (input.Rarely(32)) {
      complete = false;  // without types all tokens are normal, those of bytes, too
    } else {
      writer.AddInts("tokenizer.ggml.token_type", types);
    }
    if (spm && !input.Rarely(32)) writer.AddFloats("tokenizer.ggml.scores", scores);
    if (!spm && !input.Rarely(32)) writer.AddStrings("tokenizer.ggml.merges", merges);
    for (const char* name : {"bos", "eos", "unknown", "eot"}) {
      if (!input.Rarely(8)) continue;
      writer.AddUint(std::string("tokenizer.ggml.") + name + "_token_id",
                     input.Rarely(8) ? input.Extreme() : input.Below(tokens.size() + 1));
    }
    if (input.Rarely(4)) writer.AddBool("tokenizer.ggml.add_space_prefix", input.Below(2) != 0);
    if (input.Rarely(4)) writer.AddBool("tokenizer.ggml.add_bos_token", input.Below(2) != 0);
    return writer.Finish();
  }

  // Tokens as the text that they stand for, and bytes.
  std::string Text(Input& input) const {
    std::string text;
    for (size_t count = input.Below(24); count > 0; --count) {
      if (tokens.empty() || input.Rarely(3)) {
        text += input.Text(4);
      } else {
        const std::string& token = input.Pick(tokens);
        text += spm ? (token == kSpace ? " " : token) : engine::FromByteAlphabet(token);
      }
    }
    return text + input.Rest();
  }
};

std::string Decoded(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::string text;
  for (size_t i = 0; i < ids.size(); ++i) text += tokenizer.Piece(ids[i], i == 0);
  return text;
}

void Check(const Tokenizer& tokenizer, const Words& words, const std::string& text) {
  Expect(tokenizer.size() == words.tokens.size(), "another number of tokens");
  for (const auto& id : {tokenizer.bos(), tokenizer.eos()}) {
    Expect(!id || *id < tokenizer.size(), "a special token lies beyond the vocabulary");
  }
  for (TokenId id = 0; id < tokenizer.size(); ++id) {
    static_cast<void>(tokenizer.Piece(id, false).size() + tokenizer.IsEndOfText(id));
  }
  Expect(tokenizer.Piece(static_cast<TokenId>(tokenizer.size()), true).empty(), "a token beyond the vocabulary");
  for (const bool parse_special : {false, true}) {
    const std::vector<TokenId> ids = tokenizer.Encode(text, parse_special);
    Expect(std::all_of(ids.begin(), ids.end(), [&](TokenId id) { return id < tokenizer.size(); }),
           "an id beyond the vocabulary");
    Expect(tokenizer.Encode(text, parse_special) == ids, "the same text has other tokens the second time");
    const std::string_view all = text;
    const size_t cut = text.size() / 3;
    const engine::TextSegment same[] = {{all.substr(0, cut), parse_special}, {all.substr(cut), parse_special}};
    Expect(tokenizer.Encode(same) == ids, "a text has other tokens where it is cut into segments");
    // SentencePiece writes spaces as U+2581, which is then a space, too.
    const bool ambiguous = words.spm && text.find(kSpace) != std::string::npos;
    if (words.complete && !parse_special && !ambiguous) {
      Expect(Decoded(tokenizer, ids) == text, "a text does not come back from its tokens");
    }
  }
}

}  // namespace
}  // namespace weft::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft::fuzz;  // NOLINT
  Input input(data, size);
  Words words(input);
  const std::vector<uint8_t> bytes = words.Write(input);
  const auto file = weft::engine::Gguf::Parse(bytes, "fuzzed.gguf");
  Expect(file.ok(), "a good file is not read");
  const auto tokenizer = Tokenizer::Load(*file);
  if (!tokenizer.ok()) {
    Expect(tokenizer.error().message.starts_with("fuzzed.gguf: "), "an error that does not name the file");
    return 0;
  }
  Check(**tokenizer, words, words.Text(input));
  return 0;
}
