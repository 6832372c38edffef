// What a model remembers of the text it has read so far.
#ifndef WEFT_REFERENCE_MODEL_SEQUENCE_H_
#define WEFT_REFERENCE_MODEL_SEQUENCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "reference/base/result.h"
#include "reference/model/kv_pool.h"
#include "weft/weft.h"

namespace weft::engine {

// The keys and values of one sequence in every layer: pages of a pool, which it takes as it grows and returns when it
// is truncated or destroyed. The pool lives as long as its sequences. `length` positions are filled.
class Sequence {
 public:
  // At most `context` positions (no more than the model has learned, if it learns them) from `pool`, none of which are
  // set aside: a pass that finds the pool full is an error.
  static Result<Sequence> Create(std::shared_ptr<KvPool> pool, size_t context);
  // The only sequence of a pool of its own, with room for `context` positions.
  static Result<Sequence> Create(const ModelConfig& config, size_t context, DType kv_type = DType::kF32);

  Sequence(Sequence&& other) noexcept = default;
  Sequence& operator=(Sequence&& other) noexcept;
  ~Sequence() { ReturnPages(0); }

  // A sequence that has read the first `length` tokens of this one (<= length()) and shares their pages, with room for
  // `context` (>= length) or as much as this one. Whichever of the two first continues in the middle of a shared page
  // copies that page.
  Result<Sequence> Fork(size_t length, size_t context) const;
  Result<Sequence> Fork(size_t length) const { return Fork(length, context_); }

  size_t length() const { return length_; }
  size_t context() const { return context_; }
  const KvPool& pool() const { return *pool_; }
  size_t pages() const { return pages_.size(); }
  // How many pages of the pool `tokens` more take: those that are new, and a copy of the last one where it is shared.
  size_t PagesToGrow(size_t tokens) const;
  void Clear() { Truncate(0); }
  // Forgets everything from position `length` on (<= length(), larger values change nothing).
  void Truncate(size_t length);

 private:
  friend class BatchPlan;

  Sequence(std::shared_ptr<KvPool> pool, size_t context);
  // How many others see the page that the next token goes to.
  size_t SharersOfLastPage() const {
    return length_ % KvPool::kPageLength != 0 ? pool_->owners_[pages_.back()] - 1 : 0;
  }
  // Takes the pages for `tokens` more; there are PagesToGrow(tokens) free ones.
  void Grow(size_t tokens);
  void Append(uint32_t page);
  // All but the first `kept`.
  void ReturnPages(size_t kept);
  // Writes `tokens` positions of a layer from `length()` on: k is [tokens][kv_heads * k_size], v likewise.
  Status Write(size_t layer, const float* k, const float* v, size_t tokens, const Executor& executor);
  KvView Keys(size_t layer) const;
  KvView Values(size_t layer) const;
  // Where positions are found. Pages that lie one after the other need no table.
  bool IsContiguous() const { return run_ == pages_.size(); }
  KvView WithTable(KvView view) const;

  std::shared_ptr<KvPool> pool_;
  size_t context_ = 0, length_ = 0;
  std::vector<uint32_t> pages_;  // never more than it was made for
  size_t run_ = 0;               // how many of the first pages lie one after the other
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_SEQUENCE_H_
