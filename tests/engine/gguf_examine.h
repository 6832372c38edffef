// Does to a file that is not trusted everything that the engine would do with it, for the tests and the fuzzer.
#ifndef WEFT_TESTS_ENGINE_GGUF_EXAMINE_H_
#define WEFT_TESTS_ENGINE_GGUF_EXAMINE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reference/gguf/gguf.h"
#include "reference/model/model.h"
#include "reference/model/transformer.h"
#include "reference/text/tokenizer.h"

namespace weft::engine::test {

inline constexpr std::string_view kExaminedName = "examined.gguf";

// Parses the bytes; where that succeeds, checks that all that the parse hands out lies within the bytes, calls every
// getter on every key, reads every tensor, loads model and tokenizer, encodes and decodes text, and runs a few tokens.
// Every error on the way must be a sentence that starts with the file's name.
class Examination {
 public:
  explicit Examination(std::span<const uint8_t> bytes) : bytes_(bytes) {
    const Result<Gguf> file = Gguf::Parse(bytes, std::string(kExaminedName));
    if (!Succeeded(file)) return;
    parsed = true;
    Values(*file);
    Tensors(*file);
    if (defect.empty()) Load(*file);
  }

  bool parsed = false;         // Gguf::Parse accepted it
  bool has_model = false;      // and so did LoadModel
  bool has_tokenizer = false;  // and Tokenizer::Load found one
  std::string message;         // the first error of parsing or loading; empty where there was none
  std::string defect;          // the first thing that the engine did wrong; empty where it did nothing wrong

 private:
  void Expect(bool condition, const std::string& otherwise) {
    if (!condition && defect.empty()) defect = otherwise;
  }
  // Whether there is a value; an error is checked to be a sentence about this file.
  template <class T>
  bool Succeeded(const Result<T>& result) {
    if (result.ok()) return true;
    const std::string& text = result.error().message;
    const std::string start = std::string(kExaminedName) + ": ";
    Expect(text.size() > start.size() && text.starts_with(start), "an error that does not name the file: " + text);
    for (const char c : text) Expect(static_cast<uint8_t>(c) >= 0x20, "an error with control characters: " + text);
    Expect(text.size() < 1000, "an endless error: " + text);
    if (message.empty()) message = text;
    return false;
  }
  // Reads all of it.
  void Touch(const void* data, uint64_t size, const std::string& what) {
    const uint8_t* first = static_cast<const uint8_t*>(data);
    const bool inside = size == 0 || (first >= bytes_.data() && size <= bytes_.size() &&
                                      first <= bytes_.data() + (bytes_.size() - size));
    Expect(inside, what + " is not within the file");
    for (uint64_t i = 0; inside && i < size; ++i) seen_ = static_cast<uint8_t>(seen_ + first[i]);
  }

  void Values(const Gguf& file) {
    for (const auto& [key, value] : file.values()) {
      const std::string what = "key " + std::string(key);
      Touch(key.data(), key.size(), what);
      Expect(file.Find(key) == &value, what + " is not found");
      const std::string_view type = Name(value.type);
      Expect(type != "unknown", what + " has a type that does not exist");
      if (value.type == GgufType::kArray) Touch(value.array.data, value.array.bytes, what);
      if (value.type == GgufType::kString) Touch(value.data, value.length, what);
      const std::string first_message = message;
      Getters(file, key, value);
      message = first_message;  // a getter of another type has to fail
    }
  }

  void Getters(const Gguf& file, std::string_view key, const GgufValue& value) {
    const std::string what = "key " + std::string(key);
    const bool array = value.type == GgufType::kArray;
    const auto strings = file.GetStrings(key);
    const auto floats = file.GetFloats(key);
    const auto ints = file.GetInts(key);
    if (Succeeded(strings)) {
      Expect(array && strings->size() == value.array.count, what + " has another number of strings");
      for (const std::string_view text : *strings) Touch(text.data(), text.size(), what);
    }
    if (Succeeded(floats)) Expect(array && floats->size() == value.array.count, what + " has another number of floats");
    if (Succeeded(ints)) Expect(array && ints->size() == value.array.count, what + " has another number of integers");
    const auto text = file.GetString(key);
    if (Succeeded(text)) Touch(text->data(), text->size(), what);
    const int scalars = Succeeded(file.GetUint(key)) + Succeeded(file.GetFloat(key)) +
                        Succeeded(file.GetBoolOr(key, false)) + text.ok();
    Expect(scalars <= (array ? 0 : 1), what + " is of several types at once");
  }

  void Tensors(const Gguf& file) {
    for (const GgufTensor& tensor : file.tensors()) {
      const std::string what = "tensor " + std::string(tensor.name);
      Touch(tensor.name.data(), tensor.name.size(), what);
      Expect(file.FindTensor(tensor.name) == &tensor, what + " is not found");
      const DTypeLayout layout = LayoutOf(tensor.type);
      if (layout.name == nullptr || tensor.dimensions > 4) return Expect(false, what + " is of an impossible kind");
      Expect(tensor.elements() > 0 && tensor.shape[0] % layout.block_elements == 0 &&
                 tensor.elements() / layout.block_elements * layout.block_bytes == tensor.bytes,
             what + " has another size than its shape");
      Touch(tensor.data, tensor.bytes, what);
    }
  }

  void Load(const Gguf& file) {
    const auto tokenizer = Tokenizer::Load(file);
    if (Succeeded(tokenizer) && *tokenizer != nullptr) {
      has_tokenizer = true;
      Text(**tokenizer);
    }
    const auto model = LoadModel(file);
    if (Succeeded(model)) {
      has_model = true;
      Run(*model);
    }
  }

  void Text(const Tokenizer& tokenizer) {
    for (const TokenId id : tokenizer.Encode("ab ba\n\xC3\xA9\xFF <s>", true)) {
      Expect(id < tokenizer.size(), "the tokenizer made an id beyond its vocabulary");
    }
    Utf8Stream stream;
    std::string text;
    for (TokenId id = 0; id < tokenizer.size(); ++id) text += stream.Push(tokenizer.Piece(id, id == 0));
    text += stream.Flush();
    Expect(!tokenizer.bos() || *tokenizer.bos() < tokenizer.size(), "BOS lies beyond the vocabulary");
    Expect(!tokenizer.eos() || *tokenizer.eos() < tokenizer.size(), "EOS lies beyond the vocabulary");
  }

  void Run(const Model& model) {
    auto sequence = Sequence::Create(model.config, 4);
    auto transformer = Transformer::Create(model, Executor{}, {.max_batch = 4, .max_context = 4});
    if (!sequence.ok()) return Expect(!sequence.error().message.empty(), "an error without words");
    if (!transformer.ok()) return Expect(!transformer.error().message.empty(), "an error without words");
    const std::vector<uint32_t> tokens = {0, static_cast<uint32_t>(model.config.vocabulary - 1)};
    const BatchItem item = {.sequence = &*sequence, .tokens = tokens, .all_logits = true};
    const auto logits = transformer->Forward({&item, 1});
    if (!logits.ok()) return Expect(!logits.error().message.empty(), "an error without words");
    Expect(logits->size() == tokens.size() * model.config.vocabulary, "another number of logits");
  }

  std::span<const uint8_t> bytes_;
  volatile uint8_t seen_ = 0;
};

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_GGUF_EXAMINE_H_
