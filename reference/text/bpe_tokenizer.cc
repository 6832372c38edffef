#include "reference/text/bpe_tokenizer.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

#include "reference/gguf/printable.h"
#include "reference/text/byte_alphabet.h"

namespace weft::engine {
namespace {

constexpr std::string_view kPre = "tokenizer.ggml.pre";
// U+FFFD, which stands for what cannot be represented.
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
// Control tokens that end a turn of a conversation: files of chat models do not always name them as eos or eot.
constexpr std::string_view kTurnEnds[] = {"<|eot_id|>", "<|im_end|>", "<|end_of_text|>", "<|endoftext|>", "<|end|>"};

}  // namespace

// Encodes the words of one text. Words repeat, so what became of a word is looked up in the ids that are already there:
// the cache is a table of references into them, and nothing is allocated per word. A word has one place in the table;
// one whose place another has taken is merged again, so words of equal hashes cost no more than words without a cache.
class BpeTokenizer::Encoder {
 public:
  // The words given to Add must live as long as the Encoder.
  Encoder(const BpeTokenizer& tokenizer, size_t text_size, std::vector<TokenId>* ids)
      : tokenizer_(tokenizer),
        ids_(*ids),
        cache_(std::clamp(std::bit_ceil(text_size / 16), size_t{16}, size_t{1} << 14)) {}

  void Add(std::string_view word) {
    for (; word.size() > kLongestWord; word.remove_prefix(kLongestWord)) Merge(word.substr(0, kLongestWord));
    if (word.size() == 1 && tokenizer_.byte_ids_[static_cast<uint8_t>(word[0])]) {
      ids_.push_back(*tokenizer_.byte_ids_[static_cast<uint8_t>(word[0])]);
      return;
    }
    Known& known = cache_[std::hash<std::string_view>()(word) & (cache_.size() - 1)];
    if (known.word == word) {
      for (size_t i = 0; i < known.count; ++i) ids_.push_back(ids_[known.begin + i]);
      return;
    }
    const size_t begin = ids_.size();
    Merge(word);
    known = {word, begin, ids_.size() - begin};
  }

 private:
  static constexpr size_t kLongestWord = size_t{1} << 30;  // so that positions have 32 bits
  static constexpr uint32_t kNone = 0xFFFFFFFF;
  static constexpr TokenId kMerged = 0xFFFFFFFF;  // into the symbol before
  struct Known {
    std::string_view word;  // at `begin` in ids_, `count` of them
    size_t begin = 0, count = 0;
  };
  // The tokens of the word, a linked list in an array.
  struct Symbol {
    TokenId id;
    uint32_t previous, next;
  };

  void Merge(std::string_view word) {
    if (tokenizer_.whole_words_) {
      if (const auto id = tokenizer_.Find(word)) {
        ids_.push_back(*id);
        return;
      }
    }
    symbols_.clear();
    for (const char c : word) {
      if (const auto id = tokenizer_.byte_ids_[static_cast<uint8_t>(c)]) {
        symbols_.push_back({*id, 0, 0});
      } else {
        for (const TokenId part : tokenizer_.replacement_) symbols_.push_back({part, 0, 0});
      }
    }
    const uint32_t count = static_cast<uint32_t>(symbols_.size());
    for (uint32_t i = 0; i < count; ++i) {
      symbols_[i].previous = i - 1;  // kNone for the first
      symbols_[i].next = i + 1 < count ? i + 1 : kNone;
    }
    pairs_.clear();
    for (uint32_t i = 0; i + 1 < count; ++i) AddPair(i);
    std::make_heap(pairs_.begin(), pairs_.end(), std::greater<>());
    while (!pairs_.empty()) {
      std::pop_heap(pairs_.begin(), pairs_.end(), std::greater<>());
      const uint64_t pair = pairs_.back();
      pairs_.pop_back();
      MergePair(static_cast<uint32_t>(pair >> 32), static_cast<uint32_t>(pair));
    }
    for (uint32_t i = 0; i != kNone; i = symbols_[i].next) ids_.push_back(symbols_[i].id);
  }

  bool AddPair(uint32_t left) {
    const uint32_t rank = tokenizer_.merges_.Rank(symbols_[left].id, symbols_[symbols_[left].next].id);
    if (rank == MergeTable::kNoRank) return false;
    pairs_.push_back(uint64_t{rank} << 32 | left);
    return true;
  }
  void PushPair(uint32_t left) {
    if (AddPair(left)) std::push_heap(pairs_.begin(), pairs_.end(), std::greater<>());
  }

  void MergePair(uint32_t rank, uint32_t left_index) {
    const engine::Merge& merge = tokenizer_.merges_[rank];
    Symbol& left = symbols_[left_index];
    // Another merge may have taken one of the two since the pair was found.
    if (left.id != merge.left || left.next == kNone || symbols_[left.next].id != merge.right) return;
    Symbol& right = symbols_[left.next];
    left.id = merge.result;
    left.next = right.next;
    right.id = kMerged;
    if (left.next != kNone) {
      symbols_[left.next].previous = left_index;
      PushPair(left_index);
    }
    if (left.previous != kNone) PushPair(left.previous);
  }

  const BpeTokenizer& tokenizer_;
  std::vector<TokenId>& ids_;
  std::vector<Known> cache_;
  std::vector<Symbol> symbols_;
  std::vector<uint64_t> pairs_;  // rank and left symbol, a heap with the lowest on top
};

BpeTokenizer::BpeTokenizer(PreTokenizer pre_tokenizer, bool whole_words)
    : pre_tokenizer_(std::move(pre_tokenizer)), whole_words_(whole_words) {
  add_bos_ = false;
}

Result<std::unique_ptr<Tokenizer>> BpeTokenizer::Load(const Gguf& file) {
  const auto name = file.GetString(kPre);
  if (!name.ok()) return Error{name.error().kind, name.error().message + "; known are: " + KnownPreTokenizers()};
  const PreTokenizerKind* kind = FindPreTokenizer(*name);
  if (kind == nullptr) {
    return file.ErrorAt(ErrorKind::kUnsupported,
                        std::string(kPre) + " is '" + Printable(*name) + "'; known are: " + KnownPreTokenizers());
  }
  auto pre_tokenizer = PreTokenizer::Compile(kind->pattern);
  if (!pre_tokenizer.ok()) return pre_tokenizer.error();
  const auto vocabulary = Vocabulary::Load(file);
  if (!vocabulary.ok()) return vocabulary.error();

  auto tokenizer = std::make_unique<BpeTokenizer>(*std::move(pre_tokenizer), kind->whole_words);
  BpeTokenizer& t = *tokenizer;
  t.size_ = vocabulary->size();
  if (auto read = t.ReadSpecialTokens(file, *vocabulary, kind->add_bos); !read.ok()) return read.error();
  t.ReadTexts(*vocabulary);
  if (auto read = t.ReadBytes(file, *vocabulary); !read.ok()) return read.error();
  auto merges = MergeTable::Load(file, t.size_, [&](std::string_view bytes) { return t.Find(bytes); });
  if (!merges.ok()) return merges.error();
  t.merges_ = *std::move(merges);
  t.matcher_ = SpecialMatcher(*vocabulary);
  return std::unique_ptr<Tokenizer>(std::move(tokenizer));
}

// Byte-level vocabularies agree on no id, so none has a default.
Result<void> BpeTokenizer::ReadSpecialTokens(const Gguf& file, const Vocabulary& vocabulary, bool add_bos) {
  std::optional<TokenId> end_of_turn, end_of_message;
  const std::pair<std::string_view, std::optional<TokenId>*> keys[] = {{"tokenizer.ggml.bos_token_id", &bos_},
                                                                       {"tokenizer.ggml.eos_token_id", &eos_},
                                                                       {"tokenizer.ggml.eot_token_id", &end_of_turn},
                                                                       {"tokenizer.ggml.eom_token_id", &end_of_message},
                                                                       {"tokenizer.ggml.unknown_token_id", &unknown_}};
  for (const auto& [key, id] : keys) {
    const auto read = ReadSpecialToken(file, key, std::nullopt, size_);
    if (!read.ok()) return read.error();
    *id = *read;
  }
  const auto bos_first = file.GetBoolOr("tokenizer.ggml.add_bos_token", add_bos);
  if (!bos_first.ok()) return bos_first.error();
  add_bos_ = *bos_first && bos_.has_value();

  for (const auto& id : {eos_, end_of_turn, end_of_message}) {
    if (id) ends_of_text_.push_back(*id);
  }
  for (TokenId id = 0; id < size_; ++id) {
    if (vocabulary.type(id) != TokenType::kControl) continue;
    const bool ends = std::find(std::begin(kTurnEnds), std::end(kTurnEnds), vocabulary.text(id)) != std::end(kTurnEnds);
    if (ends) ends_of_text_.push_back(id);
  }
  return {};
}

void BpeTokenizer::ReadTexts(const Vocabulary& vocabulary) {
  texts_.resize(size_);
  for (TokenId id = 0; id < size_; ++id) {
    const std::string_view text = vocabulary.text(id);
    switch (vocabulary.type(id)) {
      case TokenType::kControl:
      case TokenType::kUnknown: break;
      case TokenType::kByte: texts_[id] = static_cast<char>(*ParseByteToken(text)); break;
      case TokenType::kUserDefined: texts_[id] = text; break;
      default: texts_[id] = FromByteAlphabet(text);
    }
  }
  // The lowest id of equal texts, but a user-defined token only where no other has its text.
  std::vector<TextTable<>::Entry> entries;
  entries.reserve(size_);
  for (const bool user_defined : {false, true}) {
    for (TokenId id = 0; id < size_; ++id) {
      const TokenType type = vocabulary.type(id);
      if (!CanBeText(type) || texts_[id].empty() || (type == TokenType::kUserDefined) != user_defined) continue;
      entries.push_back({texts_[id], id});
    }
  }
  ids_ = TextTable<>(entries);
}

Result<void> BpeTokenizer::ReadBytes(const Gguf& file, const Vocabulary& vocabulary) {
  for (TokenId id = 0; id < size_; ++id) {
    if (vocabulary.type(id) != TokenType::kByte) continue;
    auto& byte_id = byte_ids_[static_cast<uint8_t>(texts_[id][0])];
    if (!byte_id) byte_id = id;
  }
  for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    const char c = static_cast<char>(byte);
    if (const auto id = Find({&c, 1})) byte_ids_[byte] = id;
  }
  const auto missing = std::find(byte_ids_.begin(), byte_ids_.end(), std::nullopt);
  if (missing == byte_ids_.end()) return {};
  for (const char c : kReplacement) {
    if (const auto id = byte_ids_[static_cast<uint8_t>(c)]) replacement_.push_back(*id);
  }
  if (replacement_.size() == kReplacement.size()) return {};
  if (!unknown_) {
    return file.ErrorAt(
        ErrorKind::kBadFile,
        "the vocabulary has no token for the byte " + std::to_string(missing - byte_ids_.begin()) +
            ", and neither U+FFFD nor an unknown token (tokenizer.ggml.unknown_token_id) to replace it");
  }
  replacement_ = {*unknown_};
  return {};
}

std::optional<TokenId> BpeTokenizer::Find(std::string_view bytes) const { return ids_.Find(bytes); }

std::vector<TokenId> BpeTokenizer::EncodeFragments(std::span<const TextFragment> fragments, size_t bytes) const {
  std::vector<TokenId> ids;
  ids.reserve(bytes / 4 + 16);
  Encoder encoder(*this, bytes, &ids);
  for (const TextFragment& fragment : fragments) {
    if (fragment.special) {
      ids.push_back(fragment.token);
      continue;
    }
    PreTokenizer::Words words(pre_tokenizer_, fragment.text);
    for (std::string_view word; words.Next(&word);) encoder.Add(word);
  }
  return ids;
}

std::string BpeTokenizer::Piece(TokenId id, bool) const { return id < size_ ? texts_[id] : ""; }

bool BpeTokenizer::IsEndOfText(TokenId id) const {
  return std::find(ends_of_text_.begin(), ends_of_text_.end(), id) != ends_of_text_.end();
}

}  // namespace weft::engine
