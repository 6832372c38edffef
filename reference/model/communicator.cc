#include "reference/model/communicator.h"

#include <algorithm>

namespace weft::engine {

class InProcessGroup::Member : public Communicator {
 public:
  Member(InProcessGroup* group, size_t index) : group_(*group), index_(index) {}

  size_t shards() const override { return group_.parts_.size(); }

  // Each shard adds up a slice of all parts and writes it to all of them.
  Result<void> Sum(std::span<float> x) override {
    const std::vector<std::span<float>>& parts = group_.parts_;
    if (!group_.Meet(index_, &x)) return Lost();
    // All shards see the same sizes, so that all leave here or none does.
    const auto differs = [&](std::span<float> part) { return part.size() != x.size(); };
    if (std::ranges::any_of(parts, differs)) {
      Leave();
      return Error{ErrorKind::kInternal, "the shards of the model do not compute the same batch"};
    }
    const size_t end = x.size() * (index_ + 1) / parts.size();
    for (size_t i = x.size() * index_ / parts.size(); i < end; ++i) {
      float sum = parts[0][i];
      for (size_t shard = 1; shard < parts.size(); ++shard) sum += parts[shard][i];
      for (const std::span<float> part : parts) part[i] = sum;
    }
    if (!group_.Meet(index_, nullptr)) return Lost();
    return {};
  }

  void Leave() override { group_.Leave(); }

 private:
  static Error Lost() { return {ErrorKind::kInternal, "another shard of the model has failed"}; }

  InProcessGroup& group_;
  size_t index_;
};

InProcessGroup::InProcessGroup(size_t shards) : parts_(shards) {
  for (size_t i = 0; i < shards; ++i) members_.push_back(std::make_unique<Member>(this, i));
}

bool InProcessGroup::Meet(size_t index, const std::span<float>* part) {
  std::unique_lock lock(mutex_);
  if (broken_) return false;
  if (part != nullptr) parts_[index] = *part;
  const uint64_t meeting = meetings_;
  if (++waiting_ == parts_.size()) {
    waiting_ = 0;
    ++meetings_;
    all_here_.notify_all();
    return true;
  }
  all_here_.wait(lock, [&] { return meetings_ != meeting || broken_; });
  return meetings_ != meeting;
}

void InProcessGroup::Leave() {
  const std::lock_guard lock(mutex_);
  broken_ = true;
  all_here_.notify_all();
}

}  // namespace weft::engine
