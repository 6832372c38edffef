#include "reference/model/profile.h"

namespace weft::engine {

ProfileEntry* Profile::Find(std::string_view name, bool product, DType type) {
  for (ProfileEntry& entry : entries_) {
    if (entry.name == name && entry.product == product && entry.type == type) return &entry;
  }
  entries_.push_back({.name = name, .product = product, .type = type});
  return &entries_.back();
}

ProfileEntry* Profile::FindProduct(std::string_view name, std::span<const WeightView* const> weights, size_t tokens) {
  ProfileEntry* entry = Find(name, /*product=*/true, weights.front()->type);
  for (const WeightView* w : weights) {
    const double rows = static_cast<double>(w->rows);
    entry->macs += rows * static_cast<double>(w->cols) * static_cast<double>(tokens);
    entry->bytes += rows * static_cast<double>(w->row_bytes);
  }
  return entry;
}

}  // namespace weft::engine
