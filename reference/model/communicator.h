// Where the shards of a split model (split.h) meet.
#ifndef WEFT_REFERENCE_MODEL_COMMUNICATOR_H_
#define WEFT_REFERENCE_MODEL_COMMUNICATOR_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "reference/base/result.h"

namespace weft::engine {

// What one shard sees of the others.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual size_t shards() const = 0;

  // Makes `x` the sum of what all shards pass, added in the order of the shards, so that all have the same bits every
  // time. All shards must call it, equally often and with equally many elements, each from a thread or process of its
  // own; it returns when the sum is there. Error: a shard has left, or passes another number of elements.
  virtual Result<void> Sum(std::span<float> x) = 0;

  // This shard has failed and does not come to Sum any more: every call of the others, also one that waits, is an error
  // from now on.
  virtual void Leave() = 0;
};

// Shards that are threads of one process. Allocates in the constructor only.
class InProcessGroup {
 public:
  explicit InProcessGroup(size_t shards);

  // Must not outlive the group.
  Communicator& shard(size_t i) { return *members_[i]; }

 private:
  class Member;
  // Waits for all shards; false: one has left. `part`, if given, is what shard `index` brings.
  bool Meet(size_t index, const std::span<float>* part);
  void Leave();

  std::vector<std::unique_ptr<Communicator>> members_;
  std::vector<std::span<float>> parts_;  // what each shard has passed to the present Sum
  std::mutex mutex_;
  std::condition_variable all_here_;
  size_t waiting_ = 0;
  uint64_t meetings_ = 0;
  bool broken_ = false;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_COMMUNICATOR_H_
