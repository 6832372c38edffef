// Arguments of the small operations between matrix products. All strides count floats; rows are independent.
#ifndef WEFT_CORE_OP_ARGS_H_
#define WEFT_CORE_OP_ARGS_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/matmul_args.h"

namespace weft {

enum class NormKind : uint8_t {
  kRms,    // y = x / sqrt(mean(x^2) + epsilon) * weight + bias
  kLayer,  // y = (x - mean) / sqrt(variance + epsilon) * weight + bias
};

// Normalises `rows` runs of `cols` floats: row r is the group (r / heads, r % heads) at
// x + (r / heads) * stride + (r % heads) * head_stride, so that per-head norms need no copy (heads = 1: whole rows).
// weight and bias have `cols` floats; null stands for 1 and 0. y uses the same layout with its own strides; y == x is
// fine.
struct NormArgs {
  const float* x = nullptr;
  size_t stride = 0, head_stride = 0;
  float* y = nullptr;
  size_t y_stride = 0, y_head_stride = 0;
  size_t rows = 0, heads = 1, cols = 0;  // rows counts tokens * heads
  const float* weight = nullptr;
  const float* bias = nullptr;
  float epsilon = 1e-5f;
  NormKind kind = NormKind::kRms;
};

enum class RopeKind : uint8_t {
  kInterleaved,  // pairs (2i, 2i + 1)                    "NORM" in GGUF's terms; Llama
  kHalf,         // pairs (i, i + rotary / 2)             "NEOX"; Qwen, Phi, Gemma
};

// The angles of a batch, computed once and used by every layer and head:
//   table[(t * pairs + i) * 2 + {0, 1}] = magnitude * {cos, sin}(positions[t] * frequency[i])
struct RopeTableArgs {
  const int32_t* positions = nullptr;
  size_t tokens = 0;
  const float* frequency = nullptr;  // radians per position, one per pair
  size_t pairs = 0;
  float magnitude = 1.0f;  // YaRN's attention factor
  float* table = nullptr;  // tokens * pairs * 2 floats
};

// Rotates in place the first 2 * pairs elements of every head of every token; the others stay (partial rotation):
//   (a, b) -> (a cos - b sin, a sin + b cos)
struct RopeArgs {
  float* x = nullptr;  // token t, head h at x + t * token_stride + h * head_stride
  size_t tokens = 0, heads = 0;
  size_t token_stride = 0, head_stride = 0;
  size_t pairs = 0;
  const float* table = nullptr;  // of the same tokens and pairs
  RopeKind kind = RopeKind::kInterleaved;
};

// y = activation(gate) * up, elementwise (SwiGLU with kSilu). y may be gate or up.
struct GatedArgs {
  const float* gate = nullptr;
  const float* up = nullptr;
  float* y = nullptr;
  size_t gate_stride = 0, up_stride = 0, y_stride = 0;
  size_t rows = 0, cols = 0;
  Activation activation = Activation::kSilu;
};

// y[r, :] = softmax(scale * x[r, :]); y may be x. A row of -infinity gives zeros.
struct SoftmaxArgs {
  const float* x = nullptr;
  float* y = nullptr;
  size_t stride = 0, y_stride = 0;
  size_t rows = 0, cols = 0;
  float scale = 1.0f;
};

}  // namespace weft

#endif  // WEFT_CORE_OP_ARGS_H_
