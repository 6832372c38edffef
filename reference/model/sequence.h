// What a model remembers of the text it has read so far.
#ifndef WEFT_REFERENCE_MODEL_SEQUENCE_H_
#define WEFT_REFERENCE_MODEL_SEQUENCE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "reference/base/result.h"
#include "reference/model/buffer.h"
#include "reference/model/config.h"
#include "weft/weft.h"

namespace weft::engine {

// The state of every layer for one sequence: its keys and values, [context][kv_heads][size], the layer's own sizes,
// allocated once.
// `length` positions are filled.
class Sequence {
 public:
  // Room for `context` positions (no more than the model has learned, if it learns them); `kv_type` is F32, F16 or
  // BF16.
  static Result<Sequence> Create(const ModelConfig& config, size_t context, DType kv_type = DType::kF32);

  size_t length() const { return length_; }
  size_t context() const { return context_; }
  size_t bytes() const;
  void Clear() { length_ = 0; }
  // Forgets everything from position `length` on (<= length(), larger values change nothing).
  void Truncate(size_t length);

 private:
  friend class BatchPlan;
  struct LayerState {
    bool Fits(const LayerConfig& layer) const {
      return kv_heads == layer.kv_heads && k_size == layer.k_size && v_size == layer.v_size;
    }
    size_t kv_heads, k_size, v_size;
    Buffer<uint8_t> k, v;
  };

  Sequence() = default;
  bool Fits(const ModelConfig& config) const;
  // Writes `tokens` positions of a layer from `length()` on: k is [tokens][kv_heads * k_size], v likewise.
  Status Write(size_t layer, const float* k, const float* v, size_t tokens, const Executor& executor);
  KvView Keys(size_t layer) const { return View(layers_[layer].k, layers_[layer].kv_heads, layers_[layer].k_size); }
  KvView Values(size_t layer) const { return View(layers_[layer].v, layers_[layer].kv_heads, layers_[layer].v_size); }
  KvView View(const Buffer<uint8_t>& state, size_t heads, size_t size) const;

  std::vector<LayerState> layers_;
  DType kv_type_ = DType::kF32;
  size_t context_ = 0, length_ = 0;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_SEQUENCE_H_
