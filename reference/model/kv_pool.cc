#include "reference/model/kv_pool.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string>

namespace weft::engine {

Result<void> CheckContext(size_t context, size_t most) {
  if (context >= 1 && context <= most) return {};
  const std::string problem = "a context of " + std::to_string(context) + " tokens is not possible";
  if (context == 0 || most == kMaxContext)
    return Error{ErrorKind::kBadArgument, problem + ", expected 1 to " + std::to_string(most)};
  return Error{ErrorKind::kBadArgument, problem + ": the model has learned " + std::to_string(most) + " positions"};
}

Result<std::shared_ptr<KvPool>> KvPool::Create(const ModelConfig& config, size_t positions, DType type) {
  if (positions == 0 || positions > kMaxPositions) {
    return Error{ErrorKind::kBadArgument, "a key/value cache for " + std::to_string(positions) +
                                              " positions is not possible, expected 1 to " +
                                              std::to_string(kMaxPositions)};
  }
  if (type != DType::kF32 && type != DType::kF16 && type != DType::kBF16) {
    return Error{ErrorKind::kBadArgument,
                 std::string("a key/value cache of ") + Name(type) + " is not possible, expected F32, F16 or BF16"};
  }
  try {
    const std::shared_ptr<KvPool> pool(new KvPool);
    pool->type_ = type;
    pool->most_context_ = MostContext(config);
    pool->pages_ = PagesFor(positions);
    for (const LayerConfig& layer : config.layers) {
      const size_t rows = pool->pages_ * kPageLength * layer.kv_heads;  // at most 2^48, rows of at most 2^14 bytes
      const size_t k_bytes = RowBytes(type, layer.k_size), v_bytes = RowBytes(type, layer.v_size);
      pool->layers_.push_back({.heads = layer.kv_heads,
                               .k_size = layer.k_size,
                               .v_size = layer.v_size,
                               .k_bytes = k_bytes,
                               .v_bytes = v_bytes,
                               .k = Buffer<uint8_t>(rows * k_bytes),
                               .v = Buffer<uint8_t>(rows * v_bytes)});
    }
    pool->free_ = Buffer<uint32_t>(pool->pages_);
    pool->owners_ = Buffer<uint32_t>(pool->pages_);
    return pool;
  } catch (const std::bad_alloc&) {
    return Error{ErrorKind::kNoMemory,
                 "not enough memory for the keys and values of " + std::to_string(positions) + " tokens"};
  }
}

size_t KvPool::position_bytes() const {
  size_t bytes = 0;
  for (const Layer& layer : layers_) bytes += layer.heads * (layer.k_bytes + layer.v_bytes);
  return bytes;
}

bool KvPool::Fits(const ModelConfig& config) const {
  const auto fits = [](const Layer& layer, const LayerConfig& other) {
    return layer.heads == other.kv_heads && layer.k_size == other.k_size && layer.v_size == other.v_size;
  };
  return most_context_ <= MostContext(config) && std::ranges::equal(layers_, config.layers, fits);
}

uint32_t KvPool::Take() {
  const uint32_t page = free_count_ > 0 ? free_[--free_count_] : static_cast<uint32_t>(unused_++);
  owners_[page] = 1;
  return page;
}

void KvPool::Release(uint32_t page) {
  if (--owners_[page] == 0) free_[free_count_++] = page;
}

void KvPool::Copy(uint32_t from, uint32_t to, size_t positions) {
  for (Layer& layer : layers_) {
    const auto copy = [&](Buffer<uint8_t>& rows, size_t row_bytes) {
      const size_t position_bytes = layer.heads * row_bytes, page_bytes = kPageLength * position_bytes;
      std::memcpy(rows.data() + to * page_bytes, rows.data() + from * page_bytes, positions * position_bytes);
    };
    copy(layer.k, layer.k_bytes);
    copy(layer.v, layer.v_bytes);
  }
}

KvView KvPool::View(const Buffer<uint8_t>& rows, size_t row_bytes, const Layer& layer, uint32_t page) const {
  KvView view;
  view.type = type_;
  view.head_stride = row_bytes;
  view.position_stride = layer.heads * row_bytes;
  view.data = rows.data() + page * kPageLength * view.position_stride;
  return view;
}

}  // namespace weft::engine
