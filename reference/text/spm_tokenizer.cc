#include "reference/text/spm_tokenizer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>

namespace weft::engine {
namespace {

constexpr std::string_view kSpace = "\xE2\x96\x81";  // U+2581
constexpr std::string_view kScores = "tokenizer.ggml.scores";

// The length of the UTF-8 character that `text` starts with; 1 where it starts with none. (Not the length that the
// first byte announces, whatever follows: a space after a cut character must stay a space.)
size_t CharacterLength(std::string_view text) {
  const uint8_t first = static_cast<uint8_t>(text.front());
  const size_t length = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (length > text.size()) return 1;
  const bool complete = std::all_of(text.begin() + 1, text.begin() + static_cast<ptrdiff_t>(length),
                                    [](char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; });
  return complete ? length : 1;
}

std::string Replace(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  result.reserve(text.size());
  for (size_t begin = 0;;) {
    const size_t found = text.find(from, begin);
    result += text.substr(begin, found - begin);
    if (found == std::string_view::npos) return result;
    result += to;
    begin = found + from.size();
  }
}

}  // namespace

// Merges one text. Symbols are a linked list in an array; a merge extends the left one and empties the right one.
// Candidate pairs wait in a heap; one that a merge has made stale is recognised by its length.
class SpmTokenizer::Merger {
 public:
  Merger(const SpmTokenizer& tokenizer, std::string_view text) : tokenizer_(tokenizer), text_(text) {}

  void Run(std::vector<TokenId>* ids) {
    for (size_t begin = 0; begin < text_.size();) {
      const size_t length = CharacterLength(text_.substr(begin));
      symbols_.push_back({begin, length, symbols_.size() - 1, symbols_.size() + 1});
      begin += length;
    }
    if (symbols_.empty()) return;
    symbols_.front().previous = symbols_.back().next = kNone;

    for (size_t i = 0; i + 1 < symbols_.size(); ++i) AddPair(i, i + 1);
    while (!pairs_.empty()) {
      const Pair pair = pairs_.top();
      pairs_.pop();
      Merge(pair);
    }
    for (size_t i = 0; i != kNone; i = symbols_[i].next) Output(Text(symbols_[i]), ids);
  }

 private:
  static constexpr size_t kNone = std::numeric_limits<size_t>::max();
  struct Symbol {
    size_t begin, length;  // length 0: merged into the symbol before
    size_t previous, next;
  };
  struct Pair {
    size_t left, right;
    float score;
    size_t length;  // of both together when the pair was found
    bool operator<(const Pair& other) const {
      return score < other.score || (score == other.score && left > other.left);
    }
  };

  std::string_view Text(const Symbol& symbol) const { return text_.substr(symbol.begin, symbol.length); }

  void AddPair(size_t left, size_t right) {
    if (left == kNone || right == kNone) return;
    const size_t length = symbols_[left].length + symbols_[right].length;
    const auto id = tokenizer_.Find(text_.substr(symbols_[left].begin, length));
    if (id) pairs_.push({left, right, tokenizer_.scores_[*id], length});
  }

  void Merge(const Pair& pair) {
    Symbol& left = symbols_[pair.left];
    Symbol& right = symbols_[pair.right];
    if (left.length == 0 || right.length == 0 || left.length + right.length != pair.length) return;
    left.length = pair.length;
    right.length = 0;
    left.next = right.next;
    if (right.next != kNone) symbols_[right.next].previous = pair.left;
    AddPair(left.previous, pair.left);
    AddPair(pair.left, left.next);
  }

  void Output(std::string_view symbol, std::vector<TokenId>* ids) const {
    if (const auto id = tokenizer_.Find(symbol)) {
      ids->push_back(*id);
      return;
    }
    const auto byte_id = [&](char c) { return tokenizer_.byte_ids_[static_cast<uint8_t>(c)]; };
    if (std::all_of(symbol.begin(), symbol.end(), [&](char c) { return byte_id(c).has_value(); })) {
      for (const char c : symbol) ids->push_back(*byte_id(c));
    } else {
      ids->push_back(*tokenizer_.unknown_);
    }
  }

  const SpmTokenizer& tokenizer_;
  std::string_view text_;
  std::vector<Symbol> symbols_;
  std::priority_queue<Pair> pairs_;
};

Result<std::unique_ptr<Tokenizer>> SpmTokenizer::Load(const Gguf& file) {
  auto tokenizer = std::make_unique<SpmTokenizer>();
  SpmTokenizer& t = *tokenizer;
  auto vocabulary = Vocabulary::Load(file);
  if (!vocabulary.ok()) return vocabulary.error();
  t.vocabulary_ = *std::move(vocabulary);
  t.size_ = t.vocabulary_.size();

  auto scores = file.Find(kScores) != nullptr ? file.GetFloats(kScores) : std::vector<float>(t.size_);  // all equal
  if (!scores.ok()) return scores.error();
  if (scores->size() != t.size_) {
    return file.ErrorAt(ErrorKind::kBadFile, std::string(kScores) + " has " + std::to_string(scores->size()) +
                                                 " elements, for " + std::to_string(t.size_) + " tokens");
  }
  const auto nan = std::find_if(scores->begin(), scores->end(), [](float score) { return std::isnan(score); });
  if (nan != scores->end()) {
    return file.ErrorAt(ErrorKind::kBadFile, std::string(kScores) + ": the score of token " +
                                                 std::to_string(nan - scores->begin()) + " is not a number");
  }
  t.scores_ = *std::move(scores);

  struct Special {
    std::string_view key;
    std::optional<TokenId> fallback;
    std::optional<TokenId>* id;
  };
  for (const Special& special :
       {Special{"tokenizer.ggml.bos_token_id", 1, &t.bos_}, Special{"tokenizer.ggml.eos_token_id", 2, &t.eos_},
        Special{"tokenizer.ggml.unknown_token_id", 0, &t.unknown_},
        Special{"tokenizer.ggml.eot_token_id", std::nullopt, &t.end_of_turn_}}) {
    const auto id = ReadSpecialToken(file, special.key, special.fallback, t.size_);
    if (!id.ok()) return id.error();
    *special.id = *id;
  }
  const auto add_bos = file.GetBoolOr("tokenizer.ggml.add_bos_token", true);
  if (!add_bos.ok()) return add_bos.error();
  t.add_bos_ = *add_bos && t.bos_.has_value();
  const auto add_space_prefix = file.GetBoolOr("tokenizer.ggml.add_space_prefix", true);
  if (!add_space_prefix.ok()) return add_space_prefix.error();
  t.add_space_prefix_ = *add_space_prefix;

  std::vector<TextTable<>::Entry> entries;
  entries.reserve(t.size_);
  for (TokenId id = 0; id < t.size_; ++id) {
    const std::string_view text = t.vocabulary_.text(id);
    if (!text.empty() && CanBeText(t.vocabulary_.type(id))) entries.push_back({text, id});
    if (t.vocabulary_.type(id) != TokenType::kByte) continue;
    auto& byte_id = t.byte_ids_[*ParseByteToken(text)];
    if (!byte_id) byte_id = id;
  }
  t.ids_ = TextTable<>(entries);
  const bool all_bytes = std::all_of(t.byte_ids_.begin(), t.byte_ids_.end(), [](const auto& id) { return !!id; });
  if (!all_bytes && !t.unknown_) {
    return file.ErrorAt(ErrorKind::kBadFile,
                        "the vocabulary has neither an unknown token (tokenizer.ggml.unknown_token_id) nor all bytes");
  }
  t.matcher_ = SpecialMatcher(t.vocabulary_);
  return std::unique_ptr<Tokenizer>(std::move(tokenizer));
}

std::optional<TokenId> SpmTokenizer::Find(std::string_view text) const {
  if (text.size() > vocabulary_.longest()) return std::nullopt;
  return ids_.Find(text);
}

std::vector<TokenId> SpmTokenizer::EncodeFragments(std::span<const TextFragment> fragments, size_t) const {
  std::vector<TokenId> ids;
  bool starts_text = true;  // also after a special token
  for (const TextFragment& fragment : fragments) {
    if (fragment.special) {
      ids.push_back(fragment.token);
      starts_text = true;
      continue;
    }
    std::string escaped(add_space_prefix_ && starts_text ? kSpace : std::string_view());
    escaped += Replace(fragment.text, " ", kSpace);
    Merger(*this, escaped).Run(&ids);
    starts_text = false;
  }
  return ids;
}

std::string SpmTokenizer::Piece(TokenId id, bool first) const {
  if (id >= size_) return "";
  const std::string_view text = vocabulary_.text(id);
  switch (vocabulary_.type(id)) {
    case TokenType::kControl:
    case TokenType::kUnknown: return "";
    case TokenType::kByte: return std::string(1, static_cast<char>(*ParseByteToken(text)));
    case TokenType::kUserDefined: return std::string(text);
    default: break;
  }
  std::string piece = Replace(text, kSpace, " ");
  if (first && add_space_prefix_ && !piece.empty() && piece.front() == ' ') piece.erase(0, 1);
  return piece;
}

bool SpmTokenizer::IsEndOfText(TokenId id) const { return id == eos_ || id == end_of_turn_; }

}  // namespace weft::engine
