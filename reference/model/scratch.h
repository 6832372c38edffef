// The memory of a forward pass, sized once for a model and a batch.
#ifndef WEFT_REFERENCE_MODEL_SCRATCH_H_
#define WEFT_REFERENCE_MODEL_SCRATCH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "reference/model/buffer.h"
#include "reference/model/model.h"
#include "weft/weft.h"

namespace weft::engine {

// Everything that does not depend on the tokens of an attention call.
AttentionArgs AttentionShape(const LayerConfig& layer, AttentionBackend backend, Summation summation);

// Rows are tokens; the widths of layers are those of the widest, each. Throws std::bad_alloc.
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
  Buffer<float> q, k, v;   // [tokens, q_width], [tokens, k_width], [tokens, v_width]
  Buffer<float> attended;  // [tokens, attended_width]
  Buffer<float> hidden;    // [tokens, ffn_width]
  Buffer<float> gate;      // [tokens, ffn_width], empty where every gate is fused
  Buffer<float> logits;    // [logits, vocabulary]

  std::vector<Buffer<float>> rope;  // of every rotation: [tokens, pairs, 2]

  Buffer<uint8_t> activations, matmul, attention;  // workspaces
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_SCRATCH_H_
