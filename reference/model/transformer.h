// The forward pass.
#ifndef WEFT_REFERENCE_MODEL_TRANSFORMER_H_
#define WEFT_REFERENCE_MODEL_TRANSFORMER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "reference/base/result.h"
#include "reference/model/model.h"
#include "weft/weft.h"

namespace weft::engine {

// What the layers remember of one sequence: for every layer its keys and values, [context][kv_heads][size], allocated
// once. `length` positions are filled.
class Sequence {
 public:
  Sequence(const ModelConfig& config, size_t context, DType kv_type = DType::kF32);

  size_t length() const { return length_; }
  size_t context() const { return context_; }
  size_t bytes() const;
  void Clear() { length_ = 0; }
  // Forgets everything from position `length` on (<= length()).
  void Truncate(size_t length);

 private:
  friend class Transformer;
  struct LayerState {
    std::vector<uint8_t> k, v;
  };
  std::vector<LayerState> layers_;
  DType kv_type_;
  size_t context_ = 0, length_ = 0;
};

// A piece of a batch: tokens that continue one sequence. Sequences in a batch must be distinct.
struct BatchItem {
  Sequence* sequence = nullptr;
  std::span<const uint32_t> tokens;
  bool all_logits = false;  // logits for every token, not for the last one only
};

// Runs batches of up to `max_batch` tokens. Allocates everything here; Forward allocates nothing.
class Transformer {
 public:
  // `model` and the executor's threads must outlive the object.
  Transformer(const Model& model, Executor executor, size_t max_batch = 512, size_t max_context = 0);
  ~Transformer();

  // Feeds the tokens, extends the sequences, and returns the logits that were asked for, item by item and token by
  // token, [n, vocabulary] (valid until the next call). Errors (nothing changes): too many tokens, a token outside
  // the vocabulary, a full context.
  Result<std::span<const float>> Forward(std::span<const BatchItem> batch);

  size_t max_batch() const;
  size_t bytes() const;  // of all buffers

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_TRANSFORMER_H_
