// The memory of a forward pass, sized once for a model and a batch.
#ifndef WEFT_REFERENCE_MODEL_SCRATCH_H_
#define WEFT_REFERENCE_MODEL_SCRATCH_H_

#include <cstddef>
#include <cstdint>

#include "reference/model/buffer.h"
#include "reference/model/model.h"
#include "weft/weft.h"

namespace weft::engine {

// Everything that does not depend on the tokens of an attention call.
AttentionArgs AttentionShape(const ModelConfig& config, AttentionBackend backend, Summation summation);

// Rows are tokens. Throws std::bad_alloc.
struct Scratch {
  struct Sizes {
    size_t tokens, logits, context;
    uint32_t workers;
    AttentionBackend backend;
    Summation summation;
  };
  Scratch(const Model& model, const Sizes& sizes);
  size_t bytes() const;

  Buffer<float> x;         // [tokens, width]                the residual stream
  Buffer<float> normed;    // [tokens, width]
  Buffer<float> q;         // [tokens, heads * k_size]
  Buffer<float> k, v;      // [tokens, kv_heads * k_size], [tokens, kv_heads * v_size]
  Buffer<float> attended;  // [tokens, heads * v_size]
  Buffer<float> hidden;    // [tokens, ffn_width]
  Buffer<float> gate;      // [tokens, ffn_width], empty where every gate is fused
  Buffer<float> rope;      // [tokens, pairs, 2]
  Buffer<float> logits;    // [logits, vocabulary]

  Buffer<uint8_t> activations, matmul, attention;  // workspaces
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_SCRATCH_H_
