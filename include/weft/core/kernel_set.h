// The kernels of one target as plain tables of functions. Leaves: they compute the piece they are told, on the calling
// thread, without checking arguments (the drivers have) and without allocating.
#ifndef WEFT_CORE_KERNEL_SET_H_
#define WEFT_CORE_KERNEL_SET_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/activations.h"
#include "weft/core/attention_args.h"
#include "weft/core/dtype.h"
#include "weft/core/matmul_args.h"
#include "weft/core/op_args.h"
#include "weft/core/precision.h"
#include "weft/core/store_kv_args.h"
#include "weft/core/views.h"

namespace weft {

// In which shape the groups of a panel have their scales, or their offsets.
enum class GroupNumbers : uint8_t {
  kNone,
  kFloat,    // a float
  kInteger,  // a small integer, times one float per 256 elements
};

// The layouts that weight panels are decoded to, by what a tile kernel must know and no more: formats whose classes are
// equal on a target share one compiled kernel there.
struct PanelClass {
  ActivationForm form = ActivationForm::kF32;
  uint16_t group = 1;                          // elements per scale; 1: panels of floats, or of pairs of bf16
  GroupNumbers scales = GroupNumbers::kNone;   // of quantised panels: never kNone
  GroupNumbers offsets = GroupNumbers::kNone;  // what is subtracted per group
  bool owes_zero = false;    // operands are unsigned codes of a format with a zero: sums start from what that owes
  uint8_t pair_sums = 0;     // how many sums of two products of a code and an activation add up within 16 bits; 1
                             // where the target's dots do not use it
  uint8_t dropped_bits = 0;  // where scales are multiplied in integers: of a group's sum, so that totals fit
  friend constexpr bool operator==(PanelClass, PanelClass) = default;
};

// The tokens of a product: t(m) as in MatMulArgs.
struct TokenList {
  ActivationView x;
  const uint32_t* row_index = nullptr;
  size_t begin = 0, count = 0;  // m in [begin, begin + count)

  size_t Row(size_t i) const { return row_index != nullptr ? row_index[begin + i] : begin + i; }
};

// raw[i * raw_stride + r] = dot(token i, weight row first_row + r)
struct DotTask {
  TokenList tokens;
  const void* packed = nullptr;  // quantised formats: what pack_lanes makes of the tokens of the list
  WeightView w;
  size_t first_row = 0, rows = 0;
  float* raw = nullptr;
  size_t raw_stride = 0;
};

// Decodes columns [first_col, first_col + cols) of weight rows [first_row, first_row + rows) to `panel`; rows that are
// missing to a full panel become zeros. Columns start and end on multiples of max(block, GroupOf(form)), or where the
// matrix ends.
struct PackTask {
  WeightView w;
  size_t first_row = 0, rows = 0;
  size_t first_col = 0, cols = 0;
  void* panel = nullptr;
};

// Interleaves columns [first_col, first_col + cols) of some tokens, so that a tile kernel finds the same few columns of
// all of them side by side. Columns as in PackTask. See kernels/pack_tokens-inl.h.
struct PackTokensTask {
  TokenList tokens;
  size_t first_col = 0, cols = 0;
  size_t padded = 0;  // tokens to write, at least tokens.count and at most a tile's: the last one repeats
  int32_t zero = 0;   // the weight format's zero point
  void* out = nullptr;
};

// raw[i * raw_stride + r] += the products of packed tokens with the rows of a panel, over the panel's columns.
struct TileTask {
  const void* tokens = nullptr;
  size_t token_count = 0;  // a multiple of TileKernels::token_step, up to TileKernels::tokens
  const void* panel = nullptr;
  size_t cols = 0;
  float* raw = nullptr;  // 64-byte aligned, as is the stride; for a full panel of rows
  size_t raw_stride = 0;
};

// Products of a format's weights with one form of activations.
struct ProductKernels {
  ActivationForm form = ActivationForm::kF32;
  PanelClass panel;
  int32_t zero = 0;  // of the format
  void (*dot)(const DotTask&) = nullptr;
  size_t (*lane_bytes)(size_t cols) = nullptr;  // of one token for `dot`; null: it takes them as they are
  void (*pack_lanes)(const PackTokensTask&) = nullptr;
  void (*pack)(const PackTask&) = nullptr;
};

struct FormatKernels {
  DType type = DType::kF32;
  uint32_t block_elements = 0, block_bytes = 0;
  void (*decode)(const void* blocks, float* y, size_t n) = nullptr;
  void (*encode)(const float* x, void* blocks, size_t n) = nullptr;  // null: the format can only be read
  ProductKernels products[kPrecisions];                              // equal where precision makes no difference

  const ProductKernels& Product(Precision precision) const { return products[static_cast<size_t>(precision)]; }
};

struct TileKernels {
  PanelClass panel;
  uint32_t tokens = 0, rows = 0;  // of a full tile
  uint32_t token_step = 1;        // tiles have a multiple of this many tokens
  uint32_t chunk = 0;             // columns per panel, so that it stays in the first-level cache
  bool integer_scales = false;    // whether groups' sums are multiplied by scales in integers (docs/numerics.md)
  uint32_t dropped_bits = 0;      // then: a group's sum is rounded to a multiple of 2 to the power of this
  uint32_t scale_one = 0;         // then: what the largest scale of 256 columns is rounded to; 0: they are integers
  size_t (*panel_bytes)(size_t cols) = nullptr;
  size_t (*token_bytes)(size_t cols) = nullptr;  // of one packed token
  void (*pack_tokens)(const PackTokensTask&) = nullptr;
  void (*tile)(const TileTask&) = nullptr;
};

// Rows [first_row, first_row + rows) of the activations x (floats) to the same rows of `out`.
struct ActivateTask {
  const float* x = nullptr;
  size_t stride = 0;
  size_t first_row = 0, rows = 0;
  ActivationView out;
};

// Turns raw products into outputs (see Epilogue): rows x cols of them, `first_row`: index of the first weight row.
struct EpilogueTask {
  const float* raw = nullptr;
  const float* gate_raw = nullptr;  // null without a gate
  size_t raw_stride = 0;            // of both
  float weight_scale = 1.0f, gate_weight_scale = 1.0f;
  Epilogue epilogue;
  float* y = nullptr;
  size_t y_stride = 0;
  size_t first_token = 0, tokens = 0;
  size_t first_row = 0, rows = 0;
};

// Query tokens [first, first + count) of one sequence, query heads [first_head, first_head + heads).
struct AttentionTask {
  const AttentionArgs* args = nullptr;
  const AttentionSequence* sequence = nullptr;
  size_t first_query = 0, queries = 0;  // within the sequence
  size_t first_head = 0, heads = 0;
  float* scratch = nullptr;  // as many floats as AttentionKernels says, 64-byte aligned
};

struct OpKernels {
  void (*activate[kActivationForms])(const ActivateTask&) = {};
  void (*epilogue)(const EpilogueTask&) = nullptr;
  void (*norm)(const NormArgs&, size_t first, size_t count) = nullptr;
  void (*rope)(const RopeArgs&, size_t first_token, size_t count) = nullptr;
  void (*gated)(const GatedArgs&, size_t first, size_t count) = nullptr;
  void (*softmax)(const SoftmaxArgs&, size_t first, size_t count) = nullptr;
  void (*elementwise)(const ElementwiseArgs&, size_t first, size_t count) = nullptr;
  void (*top_k)(const TopKArgs&, size_t first, size_t count) = nullptr;
  void (*store_kv)(const StoreKvArgs&, size_t first_token, size_t count) = nullptr;
};

struct AttentionKernels {
  size_t (*scratch_floats)(const AttentionArgs&) = nullptr;
  void (*attend)(const AttentionTask&) = nullptr;
  // For many queries of a sequence at once, with all heads of a KV head.
  size_t (*tile_queries)(const AttentionArgs&) = nullptr;  // how many a task may have
  size_t (*tile_scratch_floats)(const AttentionArgs&) = nullptr;
  void (*attend_tile)(const AttentionTask&) = nullptr;
};

// Everything one target offers. Formats that were not compiled in are null.
struct KernelSet {
  const char* target = "";
  const FormatKernels* formats[kDTypeEnd] = {};
  const TileKernels* tiles = nullptr;
  size_t tile_count = 0;
  const OpKernels* ops = nullptr;
  const AttentionKernels* attention = nullptr;

  const FormatKernels* Find(DType type) const {
    const size_t id = static_cast<size_t>(type);
    return id < kDTypeEnd ? formats[id] : nullptr;
  }
  const TileKernels* Find(PanelClass panel) const {
    for (size_t i = 0; i < tile_count; ++i) {
      if (tiles[i].panel == panel) return &tiles[i];
    }
    return nullptr;
  }
};

}  // namespace weft

#endif  // WEFT_CORE_KERNEL_SET_H_
