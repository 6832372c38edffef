#include "reference/text/merge_table.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "reference/gguf/printable.h"
#include "reference/text/byte_alphabet.h"

namespace weft::engine {
namespace {

constexpr std::string_view kMerges = "tokenizer.ggml.merges";

}  // namespace

Result<MergeTable> MergeTable::Load(const Gguf& file, size_t vocabulary_size,
                                    const std::function<std::optional<TokenId>(std::string_view bytes)>& find) {
  const auto texts = file.GetStrings(kMerges);
  if (!texts.ok()) return texts.error();
  if (texts->size() >= kNoRank)
    return file.ErrorAt(ErrorKind::kBadFile, std::string(kMerges) + " has too many elements");

  MergeTable table;
  table.merges_.reserve(texts->size());
  for (const std::string_view text : *texts) {
    const auto error = [&](const std::string& message) {
      return file.ErrorAt(ErrorKind::kBadFile, std::string(kMerges) + ": element " +
                                                   std::to_string(table.merges_.size()) + ", '" + Printable(text) +
                                                   "', " + message);
    };
    const size_t space = text.find(' ');
    if (space == 0 || space == std::string_view::npos || space + 1 == text.size() || text.rfind(' ') != space) {
      return error("is not two texts with a space between");
    }
    const std::string left = FromByteAlphabet(text.substr(0, space));
    const std::string right = FromByteAlphabet(text.substr(space + 1));
    const auto left_id = find(left), right_id = find(right), result_id = find(left + right);
    if (!left_id || !right_id) return error("joins what is not a token");
    if (!result_id) return error("makes what is not a token");
    table.merges_.push_back({*left_id, *right_id, *result_id});
  }

  std::vector<uint32_t> ranks(table.merges_.size());
  for (uint32_t rank = 0; rank < ranks.size(); ++rank) ranks[rank] = rank;
  const auto key = [&](uint32_t rank) { return std::tuple(table[rank].left, table[rank].right, rank); };
  std::sort(ranks.begin(), ranks.end(), [&](uint32_t a, uint32_t b) { return key(a) < key(b); });
  table.begins_.assign(vocabulary_size + 1, 0);
  table.entries_.reserve(ranks.size());
  const Merge* last = nullptr;
  for (const uint32_t rank : ranks) {
    const Merge& merge = table[rank];
    if (last != nullptr && last->left == merge.left && last->right == merge.right) continue;
    table.entries_.push_back({merge.right, rank});
    ++table.begins_[merge.left + 1];
    last = &merge;
  }
  for (size_t i = 0; i < vocabulary_size; ++i) table.begins_[i + 1] += table.begins_[i];
  return table;
}

}  // namespace weft::engine
