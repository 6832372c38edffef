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

// The memory that the operations of a pass work in, one after the other: the most that any asks for, found by measuring
// the pass (Transformer::Impl::Measure).
struct WorkspaceBytes {
  size_t activations = 0, matmul = 0, attention = 0;
};

// Rows are tokens; the widths of layers are those of the widest, each. Throws std::bad_alloc.
struct Scratch {
  Scratch(const Model& model, size_t tokens, size_t logits);
  void AllocateWorkspaces(const WorkspaceBytes& bytes);
  size_t bytes() const;

  Buffer<float> x;         // [tokens, width]                the residual stream
  Buffer<float> normed;    // [tokens, width]
  Buffer<float> q, k, v;   // [tokens, q_width], [tokens, k_width], [tokens, v_width]
  Buffer<float> attended;  // [tokens, attended_width]
  Buffer<float> hidden;    // [tokens, ffn_width]
  Buffer<float> gate;      // [tokens, ffn_width], empty where every gate is fused
  Buffer<float> logits;    // [logits, vocabulary]

  std::vector<Buffer<float>> rope;  // of every rotation: [tokens, pairs, 2]

  Buffer<uint8_t> activations, matmul, attention;  // workspaces; empty until they are allocated
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_SCRATCH_H_
