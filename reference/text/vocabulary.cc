#include "reference/text/vocabulary.h"

#include <algorithm>

namespace weft::engine {
namespace {

constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
constexpr std::string_view kTypes = "tokenizer.ggml.token_type";
constexpr uint64_t kMaxBytes = 0xFFFFFFF0u;  // of all tokens: positions in them have 32 bits
constexpr uint64_t kNoToken = 0xFFFFFFFFu;

std::optional<uint8_t> HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'A' && c <= 'F') return static_cast<uint8_t>(c - 'A' + 10);
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  return std::nullopt;
}

}  // namespace

std::optional<uint8_t> ParseByteToken(std::string_view text) {
  if (text.size() != 6 || text.substr(0, 3) != "<0x" || text[5] != '>') return std::nullopt;
  const auto high = HexDigit(text[3]), low = HexDigit(text[4]);
  if (!high || !low) return std::nullopt;
  return static_cast<uint8_t>(*high << 4 | *low);
}

Result<Vocabulary> Vocabulary::Load(const Gguf& file) {
  auto texts = file.GetStrings(kTokens);
  if (!texts.ok()) return texts.error();
  const size_t size = texts->size();
  if (size == 0) return file.ErrorAt(ErrorKind::kBadFile, std::string(kTokens) + " is empty");
  if (size >= (size_t{1} << 31))
    return file.ErrorAt(ErrorKind::kBadFile, std::string(kTokens) + " has too many tokens");
  const bool has_types = file.Find(kTypes) != nullptr;
  const auto types =
      has_types ? file.GetInts(kTypes) : std::vector<int64_t>(size, static_cast<int64_t>(TokenType::kNormal));
  if (!types.ok()) return types.error();
  if (types->size() != size) {
    return file.ErrorAt(ErrorKind::kBadFile, std::string(kTypes) + " has " + std::to_string(types->size()) +
                                                 " elements, " + std::string(kTokens) + " has " + std::to_string(size));
  }

  Vocabulary vocabulary;
  vocabulary.offsets_.reserve(size + 1);
  vocabulary.types_.reserve(size);
  vocabulary.offsets_.push_back(0);
  for (size_t id = 0; id < size; ++id) {
    const std::string_view text = (*texts)[id];
    const int64_t type = (*types)[id];
    if (type < 0 || type > static_cast<int64_t>(TokenType::kByte)) {
      return file.ErrorAt(ErrorKind::kBadFile, std::string(kTypes) + ": token " + std::to_string(id) +
                                                   " has the unknown type " + std::to_string(type));
    }
    vocabulary.types_.push_back(static_cast<TokenType>(type));
    if (vocabulary.types_.back() == TokenType::kByte && !ParseByteToken(text)) {
      return file.ErrorAt(ErrorKind::kBadFile, std::string(kTokens) + ": token " + std::to_string(id) +
                                                   " is a byte token but not written <0xNN>");
    }
    vocabulary.bytes_ += text;
    vocabulary.offsets_.push_back(vocabulary.bytes_.size());
    if (vocabulary.bytes_.size() > kMaxBytes)
      return file.ErrorAt(ErrorKind::kBadFile, std::string(kTokens) + " has more than 4 GiB of text");
    vocabulary.longest_ = std::max(vocabulary.longest_, text.size());
  }
  return vocabulary;
}

Result<std::optional<TokenId>> ReadSpecialToken(const Gguf& file, std::string_view key, std::optional<TokenId> fallback,
                                                size_t size) {
  const auto id = file.GetUintOr(key, fallback ? *fallback : kNoToken);
  if (!id.ok()) return id.error();
  if (*id == kNoToken) return std::optional<TokenId>();
  if (*id >= size) {
    return file.ErrorAt(ErrorKind::kBadFile, std::string(key) + " is " + std::to_string(*id) +
                                                 (file.Find(key) == nullptr ? " by default" : "") +
                                                 ", but the vocabulary has " + std::to_string(size) + " tokens");
  }
  return std::optional<TokenId>(static_cast<TokenId>(*id));
}

}  // namespace weft::engine
