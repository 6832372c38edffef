// Memory for the keys and values of many sequences.
#ifndef WEFT_REFERENCE_MODEL_KV_POOL_H_
#define WEFT_REFERENCE_MODEL_KV_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "reference/base/result.h"
#include "reference/model/buffer.h"
#include "reference/model/config.h"
#include "weft/weft.h"

namespace weft::engine {

// An error where no sequence can have `context` positions; `most`: KvPool::MostContext.
Result<void> CheckContext(size_t context, size_t most);

// A fixed number of pages, each with room for the keys and values of kPageLength positions in all layers. Sequences
// (sequence.h) are lists of pages; a page that several of them have in common is counted once for each.
//
// A layer's keys are [pages][kPageLength][kv_heads][k_size] in one block of memory, its values likewise, so that the
// same list of pages serves all layers as the block table of a KvView. Memory that was never written costs nothing:
// what a pool takes grows page by page, up to bytes(). A pool and its sequences belong to one thread at a time.
class KvPool {
 public:
  // What a sequence wastes is half a page on average, and what a fork copies is a page at most: shorter is better. A
  // page is a run of memory per layer that is read in one go, 128 KiB for 8 heads of 128 in f16, and attention takes 32
  // keys at a time: longer gains nothing.
  static constexpr size_t kPageLength = 64;
  static constexpr size_t kMaxPositions = size_t{1} << 36;

  // Room for `positions` positions of this model, in whole pages; `type` is F32, F16 or BF16.
  static Result<std::shared_ptr<KvPool>> Create(const ModelConfig& config, size_t positions, DType type = DType::kF32);
  // Of a sequence: what the model has learned, or kMaxContext.
  static size_t MostContext(const ModelConfig& config) {
    return config.learned_positions ? config.context : kMaxContext;
  }
  static constexpr size_t PagesFor(size_t positions) { return (positions + kPageLength - 1) / kPageLength; }

  DType type() const { return type_; }
  size_t pages() const { return pages_; }
  size_t free_pages() const { return free_count_ + (pages_ - unused_); }
  size_t position_bytes() const;  // of one position in all layers
  size_t page_bytes() const { return kPageLength * position_bytes(); }
  size_t bytes() const { return pages_ * page_bytes(); }

  // Whether sequences of this pool are of a model like this one.
  bool Fits(const ModelConfig& config) const;

 private:
  friend class Sequence;
  // What a layer keeps of a position: `heads` rows of keys and as many of values, of these numbers of bytes.
  struct Layer {
    size_t heads, k_size, v_size;
    size_t k_bytes, v_bytes;
    Buffer<uint8_t> k, v;
  };

  KvPool() = default;
  // A page of its own for one owner; there must be a free one.
  uint32_t Take();
  // One owner more, or less: a page without owners is free.
  void Share(uint32_t page) { ++owners_[page]; }
  void Release(uint32_t page);
  void Copy(uint32_t from, uint32_t to, size_t positions);
  // Of all pages; `page`: of those from this one on.
  KvView Keys(const Layer& layer, uint32_t page = 0) const { return View(layer.k, layer.k_bytes, layer, page); }
  KvView Values(const Layer& layer, uint32_t page = 0) const { return View(layer.v, layer.v_bytes, layer, page); }
  KvView View(const Buffer<uint8_t>& rows, size_t row_bytes, const Layer& layer, uint32_t page) const;

  DType type_ = DType::kF32;
  size_t most_context_ = 0;
  std::vector<Layer> layers_;
  size_t pages_ = 0;
  size_t unused_ = 0;        // the first page that was never taken
  size_t free_count_ = 0;    // pages that were returned, in free_
  Buffer<uint32_t> free_;    // the last one returned is the first one taken
  Buffer<uint32_t> owners_;  // of every page that was ever taken
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_KV_POOL_H_
