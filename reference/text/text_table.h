// Finds a number by a text.
#ifndef WEFT_REFERENCE_TEXT_TEXT_TABLE_H_
#define WEFT_REFERENCE_TEXT_TEXT_TABLE_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

namespace weft::engine {

// A hash table whose buckets are sorted: as fast as any where hashes differ, and no slower than a sorted table where
// they do not. Whatever the n texts are, a search looks at 1 + log2 n of them at most, and building takes O(n log n)
// comparisons. So the hash need be neither secret nor good. Fewer than 2^32 texts, which must outlive the table.
template <class Hash = std::hash<std::string_view>>
class TextTable {
 public:
  struct Entry {
    std::string_view text;
    uint32_t value;
  };

  TextTable() = default;
  // Of equal texts the first counts.
  explicit TextTable(std::span<const Entry> entries)
      : begins_(std::bit_ceil(std::max<size_t>(entries.size(), 1)) + 1), slots_(entries.size()) {
    std::vector<size_t> hashes(entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
      hashes[i] = Hash()(entries[i].text);
      ++begins_[BucketOf(hashes[i]) + 1];
    }
    for (size_t bucket = 1; bucket < begins_.size(); ++bucket) begins_[bucket] += begins_[bucket - 1];
    std::vector<uint32_t> next(begins_.begin(), begins_.end() - 1);
    for (size_t i = 0; i < entries.size(); ++i) {
      slots_[next[BucketOf(hashes[i])]++] = {hashes[i], entries[i].text, entries[i].value, static_cast<uint32_t>(i)};
    }
    Finish();
  }

  // `looked_at`, if given, grows by the number of texts that were looked at.
  std::optional<uint32_t> Find(std::string_view text, size_t* looked_at = nullptr) const {
    const size_t hash = Hash()(text), bucket = BucketOf(hash);
    uint32_t begin = begins_[bucket], end = begins_[bucket + 1];
    while (begin < end) {
      const uint32_t middle = begin + (end - begin) / 2;
      const Slot& slot = slots_[middle];
      if (looked_at != nullptr) ++*looked_at;
      const int order = slot.hash != hash ? (slot.hash < hash ? -1 : 1) : slot.text.compare(text);
      if (order == 0) return slot.value;
      if (order < 0) {
        begin = middle + 1;
      } else {
        end = middle;
      }
    }
    return std::nullopt;
  }

 private:
  struct Slot {
    size_t hash;
    std::string_view text;
    uint32_t value;
    uint32_t place;  // among the entries
  };
  size_t BucketOf(size_t hash) const { return hash & (begins_.size() - 2); }

  // Sorts the buckets and drops all but the first of equal texts.
  void Finish() {
    const auto same = [](const Slot& a, const Slot& b) { return a.hash == b.hash && a.text == b.text; };
    auto out = slots_.begin();
    for (size_t bucket = 0; bucket + 1 < begins_.size(); ++bucket) {
      const auto begin = slots_.begin() + begins_[bucket], end = slots_.begin() + begins_[bucket + 1];
      std::sort(begin, end, [](const Slot& a, const Slot& b) {
        return std::tie(a.hash, a.text, a.place) < std::tie(b.hash, b.text, b.place);
      });
      begins_[bucket] = static_cast<uint32_t>(out - slots_.begin());
      out = std::move(begin, std::unique(begin, end, same), out);
    }
    begins_.back() = static_cast<uint32_t>(out - slots_.begin());
    slots_.erase(out, slots_.end());
  }

  // slots_[begins_[bucket]..begins_[bucket + 1]) by hash, then text. The number of buckets is a power of two.
  std::vector<uint32_t> begins_ = {0, 0};
  std::vector<Slot> slots_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_TEXT_TEXT_TABLE_H_
