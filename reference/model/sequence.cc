#include "reference/model/sequence.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

namespace weft::engine {
namespace {

constexpr size_t kPageLength = KvPool::kPageLength;

}  // namespace

Result<Sequence> Sequence::Create(std::shared_ptr<KvPool> pool, size_t context) {
  if (auto checked = CheckContext(context, pool->most_context_); !checked.ok()) return checked.error();
  try {
    return Sequence(std::move(pool), context);
  } catch (const std::bad_alloc&) {
    return Error{ErrorKind::kNoMemory, "not enough memory for a sequence of " + std::to_string(context) + " tokens"};
  }
}

Result<Sequence> Sequence::Create(const ModelConfig& config, size_t context, DType kv_type) {
  if (auto checked = CheckContext(context, KvPool::MostContext(config)); !checked.ok()) return checked.error();
  auto pool = KvPool::Create(config, context, kv_type);
  if (!pool.ok()) return pool.error();
  return Create(*std::move(pool), context);
}

Sequence::Sequence(std::shared_ptr<KvPool> pool, size_t context) : pool_(std::move(pool)), context_(context) {
  pages_.reserve(std::min(KvPool::PagesFor(context), pool_->pages()));
}

Sequence& Sequence::operator=(Sequence&& other) noexcept {
  if (this == &other) return *this;
  ReturnPages(0);
  pool_ = std::move(other.pool_);
  context_ = other.context_;
  length_ = other.length_;
  pages_ = std::move(other.pages_);
  run_ = other.run_;
  return *this;
}

Result<Sequence> Sequence::Fork(size_t length, size_t context) const {
  if (length > length_ || length > context) {
    return Error{ErrorKind::kBadArgument, "a fork of " + std::to_string(length) +
                                              " tokens is not possible: the sequence has " + std::to_string(length_) +
                                              ", the fork room for " + std::to_string(context)};
  }
  Result<Sequence> fork = Create(pool_, context);
  if (!fork.ok()) return fork;
  for (size_t i = 0; i < KvPool::PagesFor(length); ++i) {
    pool_->Share(pages_[i]);
    fork->Append(pages_[i]);
  }
  fork->length_ = length;
  return fork;
}

size_t Sequence::PagesToGrow(size_t tokens) const {
  if (tokens == 0) return 0;
  return KvPool::PagesFor(length_ + tokens) - pages_.size() + (SharersOfLastPage() > 0 ? 1 : 0);
}

void Sequence::Truncate(size_t length) {
  length_ = std::min(length_, length);
  ReturnPages(KvPool::PagesFor(length_));
}

void Sequence::Grow(size_t tokens) {
  if (SharersOfLastPage() > 0) {
    const uint32_t copy = pool_->Take(), original = pages_.back();
    pool_->Copy(original, copy, length_ % kPageLength);
    ReturnPages(pages_.size() - 1);
    Append(copy);
  }
  const size_t pages = KvPool::PagesFor(length_ + tokens);
  while (pages_.size() < pages) Append(pool_->Take());
}

void Sequence::Append(uint32_t page) {
  if (IsContiguous() && (pages_.empty() || page == pages_.back() + 1)) ++run_;
  pages_.push_back(page);
}

// The last one first: taken again, they come in the order in which they were.
void Sequence::ReturnPages(size_t kept) {
  while (pages_.size() > kept) {
    pool_->Release(pages_.back());
    pages_.pop_back();
  }
  run_ = std::min(run_, kept);
}

Status Sequence::Write(size_t layer, const float* k, const float* v, size_t tokens, const Executor& executor) {
  const KvPool::Layer& rows = pool_->layers_[layer];
  const auto write = [&](const KvView& cache, const float* x, size_t size) {
    StoreKvArgs args;
    args.x = x;
    args.token_stride = rows.heads * size;
    args.head_stride = args.size = size;
    args.tokens = tokens;
    args.heads = rows.heads;
    args.cache = cache;
    args.first_position = length_;
    args.capacity = pages_.size() * kPageLength;
    return StoreKv(args, executor);
  };
  const Status status = write(Keys(layer), k, rows.k_size);
  return status.ok() ? write(Values(layer), v, rows.v_size) : status;
}

KvView Sequence::Keys(size_t layer) const {
  return WithTable(pool_->Keys(pool_->layers_[layer], IsContiguous() ? pages_.front() : 0));
}

KvView Sequence::Values(size_t layer) const {
  return WithTable(pool_->Values(pool_->layers_[layer], IsContiguous() ? pages_.front() : 0));
}

KvView Sequence::WithTable(KvView view) const {
  if (IsContiguous()) return view;
  view.block_table = pages_.data();
  view.block_length = kPageLength;
  return view;
}

}  // namespace weft::engine
