#include "reference/model/sequence.h"

#include <algorithm>
#include <new>
#include <string>

namespace weft::engine {

Result<Sequence> Sequence::Create(const ModelConfig& config, size_t context, DType kv_type) {
  if (context == 0 || context > kMaxContext) {
    return Error{ErrorKind::kBadArgument, "a context of " + std::to_string(context) +
                                              " tokens is not possible, expected 1 to " + std::to_string(kMaxContext)};
  }
  if (config.learned_positions && context > config.context) {
    return Error{ErrorKind::kBadArgument, "a context of " + std::to_string(context) +
                                              " tokens is not possible: the model has learned " +
                                              std::to_string(config.context) + " positions"};
  }
  if (kv_type != DType::kF32 && kv_type != DType::kF16 && kv_type != DType::kBF16) {
    return Error{ErrorKind::kBadArgument,
                 std::string("a key/value cache of ") + Name(kv_type) + " is not possible, expected F32, F16 or BF16"};
  }
  Sequence sequence;
  sequence.kv_type_ = kv_type;
  sequence.context_ = context;
  try {
    for (const LayerConfig& layer : config.layers) {
      const size_t heads = context * layer.kv_heads;  // at most 2^42, heads of at most 2^14 bytes
      sequence.layers_.push_back({.kv_heads = layer.kv_heads,
                                  .k_size = layer.k_size,
                                  .v_size = layer.v_size,
                                  .k = Buffer<uint8_t>(heads * RowBytes(kv_type, layer.k_size)),
                                  .v = Buffer<uint8_t>(heads * RowBytes(kv_type, layer.v_size))});
    }
  } catch (const std::bad_alloc&) {
    return Error{ErrorKind::kNoMemory,
                 "not enough memory for the keys and values of " + std::to_string(context) + " tokens"};
  }
  return sequence;
}

size_t Sequence::bytes() const {
  size_t bytes = 0;
  for (const LayerState& layer : layers_) bytes += layer.k.bytes() + layer.v.bytes();
  return bytes;
}

void Sequence::Truncate(size_t length) { length_ = std::min(length_, length); }

bool Sequence::Fits(const ModelConfig& config) const {
  return std::ranges::equal(layers_, config.layers, &LayerState::Fits) &&
         (!config.learned_positions || context_ <= config.context);
}

Status Sequence::Write(size_t layer, const float* k, const float* v, size_t tokens, const Executor& executor) {
  const size_t kv_heads = layers_[layer].kv_heads;
  const auto write = [&](const KvView& cache, const float* x, size_t size) {
    StoreKvArgs args;
    args.x = x;
    args.token_stride = kv_heads * size;
    args.head_stride = args.size = size;
    args.tokens = tokens;
    args.heads = kv_heads;
    args.cache = cache;
    args.first_position = length_;
    args.capacity = context_;
    return StoreKv(args, executor);
  };
  const Status status = write(Keys(layer), k, layers_[layer].k_size);
  return status.ok() ? write(Values(layer), v, layers_[layer].v_size) : status;
}

KvView Sequence::View(const Buffer<uint8_t>& state, size_t heads, size_t size) const {
  KvView view;
  view.data = state.data();
  view.type = kv_type_;
  view.head_stride = RowBytes(kv_type_, size);
  view.position_stride = heads * view.head_stride;
  return view;
}

}  // namespace weft::engine
