// Arguments of the small operations between matrix products. All strides count floats; rows are independent, and there
// may be none: then nothing is read or written, and pointers may be null.
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

// Normalises `rows` runs of `cols` floats: v = x, or x + residual where there is one (rounded to float, as a sum that
// is stored), and y = the formula of `kind` of v. Row r is the group (r / heads, r % heads) at x + (r / heads) * stride
// + (r % heads) * head_stride, so that per-head norms need no copy (heads = 1: whole rows); y, residual and sum use the
// same layout with strides of their own. weight and bias have `cols` floats; null stands for 1 and 0.
//
// `sum`, if there is one, receives v. A layer's "x += delta; y = norm(x)" is one pass:
//   args.x = x, args.residual = delta, args.sum = x, args.y = y
// with the same bits as an addition followed by Norm.
//
// y and sum must not overlap each other, weight or bias; either may be x or residual itself (same pointer and strides)
// and must not overlap them otherwise.
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
  const float* residual = nullptr;
  size_t residual_stride = 0, residual_head_stride = 0;
  float* sum = nullptr;  // only with a residual
  size_t sum_stride = 0, sum_head_stride = 0;
};

enum class RopeKind : uint8_t {
  kInterleaved,  // pairs (2i, 2i + 1)                    "NORM" in GGUF's terms; Llama
  kHalf,         // pairs (i, i + rotary / 2)             "NEOX"; Qwen, Phi, Gemma
};

// The angles of a batch, computed once and used by every layer and head:
//   table[(t * pairs + i) * 2 + {0, 1}] = magnitude * {cos, sin}(positions[t] * frequency[i])
// The table must not overlap the other two.
struct RopeTableArgs {
  const int32_t* positions = nullptr;
  size_t tokens = 0;
  const float* frequency = nullptr;  // radians per position, one per pair
  size_t pairs = 0;
  float magnitude = 1.0f;  // YaRN's attention factor
  float* table = nullptr;  // tokens * pairs * 2 floats
};

// Rotates the first 2 * pairs elements of every head of every token:
//   (a, b) -> (a cos - b sin, a sin + b cos), or with `inverse` (a cos + b sin, b cos - a sin)
// The inverse is the transpose: it undoes a rotation from a table of magnitude 1, and is the gradient of any.
// Token t, head h is at x + t * token_stride + h * head_stride; y likewise. y may be x itself (same pointer and
// strides) and must not overlap it otherwise, nor the table. Of the elements behind the rotated ones (partial
// rotation), those up to head_size are copied where y is not x; others are neither read nor written.
struct RopeArgs {
  const float* x = nullptr;
  size_t token_stride = 0, head_stride = 0;
  float* y = nullptr;
  size_t y_token_stride = 0, y_head_stride = 0;
  size_t tokens = 0, heads = 0;
  size_t pairs = 0;
  size_t head_size = 0;          // 0: 2 * pairs
  const float* table = nullptr;  // of the same tokens and pairs
  RopeKind kind = RopeKind::kInterleaved;
  bool inverse = false;
};

// y = activation(x), elementwise. y may be x itself (same pointer and stride) and must not overlap it otherwise.
struct ElementwiseArgs {
  const float* x = nullptr;
  float* y = nullptr;
  size_t stride = 0, y_stride = 0;
  size_t rows = 0, cols = 0;
  Activation activation = Activation::kSilu;
};

// y = activation(gate) * up, elementwise (SwiGLU with kSilu). y may be gate or up itself (same pointer and stride) and
// must not overlap them otherwise.
struct GatedArgs {
  const float* gate = nullptr;
  const float* up = nullptr;
  float* y = nullptr;
  size_t gate_stride = 0, up_stride = 0, y_stride = 0;
  size_t rows = 0, cols = 0;
  Activation activation = Activation::kSilu;
};

// y[r, :] = softmax(scale * x[r, :]). A row of -infinity gives zeros. y may be x itself (same pointer and stride) and
// must not overlap it otherwise.
struct SoftmaxArgs {
  const float* x = nullptr;
  float* y = nullptr;
  size_t stride = 0, y_stride = 0;
  size_t rows = 0, cols = 0;
  float scale = 1.0f;
};

// What TopK writes as index where a row has no more numbers.
inline constexpr uint32_t kNoIndex = UINT32_MAX;

// The k largest of every row (argmax: k = 1), largest first, of equal ones the lowest index first (0 equals -0). NaN is
// never chosen; where a row has fewer than k numbers, the rest are kNoIndex, with -infinity as their value.
//   indices[r * index_stride + i] = the column of the i-th largest of x[r * stride + c], c < cols; i < k <= cols
//   values[r * value_stride + i]  = that element; values may be null
// Nothing may overlap. For k far below cols one pass over the row: only what exceeds the k-th largest so far costs more
// than a comparison (up to log k steps; rows in ascending order are the worst case). A row is one thread's work.
struct TopKArgs {
  const float* x = nullptr;
  size_t stride = 0;
  size_t rows = 0, cols = 0;  // cols < 2^32
  size_t k = 1;
  uint32_t* indices = nullptr;
  size_t index_stride = 0;
  float* values = nullptr;
  size_t value_stride = 0;
};

}  // namespace weft

#endif  // WEFT_CORE_OP_ARGS_H_
