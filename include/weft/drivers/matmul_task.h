// The ways of a product: how tokens are packed, and what a task does.
#ifndef WEFT_DRIVERS_MATMUL_TASK_H_
#define WEFT_DRIVERS_MATMUL_TASK_H_

#include <string.h>

#include "weft/core/kernel_set.h"
#include "weft/core/prefetch.h"
#include "weft/core/status.h"
#include "weft/drivers/matmul_plan.h"
#include "weft/drivers/split.h"

namespace weft::inline WEFT_NAMESPACE::driver {

inline Status PackTokens(const PanelPlan& plan, uint8_t* packed, const Executor& executor) {
  const size_t cols = plan.args->w.cols;
  return ForRuns(executor, plan.tiles.tiles, plan.tile->tokens * cols, [&](size_t first, size_t count) {
    for (size_t i = first; i < first + count; ++i) {
      const size_t token = plan.tiles.Begin(i), padded = plan.tiles.Begin(i + 1) - token;
      const size_t left = plan.tokens - token;
      const TokenList tokens{plan.x, plan.args->row_index, token, left < padded ? left : padded};
      for (size_t col = 0; col < cols; col += plan.Chunk()) {
        plan.tile->pack_tokens(PackTokensTask{tokens, col, plan.ChunkCols(col), padded, plan.kernels->zero,
                                              packed + plan.PackedAt(col, i)});
      }
    }
  });
}

inline Status PackTokens(const DotPlan& plan, uint8_t* packed, const Executor& executor) {
  if (plan.kernels->pack_lanes == nullptr) return Ok();
  return ForRuns(executor, plan.tokens, plan.args->w.cols, [&](size_t first, size_t count) {
    const TokenList tokens{plan.x, plan.args->row_index, first, count};
    plan.kernels->pack_lanes(
        PackTokensTask{tokens, 0, plan.args->w.cols, count, plan.kernels->zero, packed + first * plan.LaneBytes()});
  });
}

// The raw products of a task, as many tokens' as the plan holds at once, in one worker's memory, and what turns them
// into outputs.
class RawProducts {
 public:
  template <class Plan>
  RawProducts(const KernelSet& set, const Plan& plan, size_t first, size_t rows, Carver& carver) : set_(set) {
    const MatMulArgs& args = *plan.args;
    for (size_t i = 0; i < plan.matrices; ++i) raw_[i] = carver.Take<float>(plan.RawTokens() * plan.TaskRows());
    task_.raw_stride = plan.TaskRows();
    task_.weight_scale = ScaleOf(args.w);
    if (plan.matrices == 2) task_.gate_weight_scale = ScaleOf(args.epilogue.gate);
    task_.epilogue = args.epilogue;
    task_.y = args.y;
    task_.y_stride = args.y_stride;
    task_.first_row = first;
    task_.rows = rows;
  }

  float* of(size_t matrix) const { return raw_[matrix]; }
  // Those of `tokens` tokens from `token` on, which lie `offset` floats from the start, are complete.
  void Finish(size_t token, size_t tokens, size_t offset) {
    task_.raw = raw_[0] + offset;
    task_.gate_raw = raw_[1] != nullptr ? raw_[1] + offset : nullptr;
    task_.first_token = token;
    task_.tokens = tokens;
    set_.ops->epilogue(task_);
  }

 private:
  static float ScaleOf(const WeightView& w) { return w.scale != nullptr ? *w.scale : 1.0f; }

  const KernelSet& set_;
  float* raw_[2] = {};
  EpilogueTask task_;
};

// Weight rows [first, first + rows) for all tokens, with one worker's memory.
inline void RunMatMulTask(const KernelSet& set, const DotPlan& plan, size_t first, size_t rows, Workspace memory) {
  const MatMulArgs& args = *plan.args;
  const WeightView* weights[2] = {&args.w, &args.epilogue.gate};
  Carver carver(memory);
  RawProducts raw(set, plan, first, rows, carver);
  for (size_t token = 0; token < plan.tokens; token += plan.RawTokens()) {
    const size_t left = plan.tokens - token;
    const TokenList tokens{plan.x, args.row_index, token, left < plan.RawTokens() ? left : plan.RawTokens()};
    for (size_t i = 0; i < plan.matrices; ++i) {
      plan.kernels->dot(DotTask{tokens, plan.packed + token * plan.LaneBytes(), *weights[i], first, rows, raw.of(i),
                                plan.TaskRows()});
    }
    raw.Finish(token, tokens.count, 0);
  }
}

// Bytes that are wanted before long, requested from memory a little at a time.
class Stream {
 public:
  // Rows [first, first + rows) as far as they exist, to be requested in `shares` shares; nothing between rows.
  Stream(const WeightView& w, size_t first, size_t rows, size_t shares) {
    if (first >= w.rows) return;
    rows_ = w.rows - first < rows ? w.rows - first : rows;
    used_ = RowBytes(w.type, w.cols);
    stride_ = w.row_bytes;
    next_ = static_cast<const uint8_t*>(w.data) + first * stride_;
    const size_t bytes = rows_ * used_;
    if (used_ == stride_) {  // all in one
      used_ = bytes;
      rows_ = 1;
    }
    left_ = used_;
    share_ = (bytes / shares + kLineBytes) / kLineBytes * kLineBytes;
  }

  void RequestShare() {
    for (size_t share = share_; share != 0 && rows_ != 0;) {
      const size_t bytes = share < left_ ? share : left_;
      PrefetchLines(next_, bytes);
      next_ += bytes;
      left_ -= bytes;
      share -= bytes;
      if (left_ != 0) continue;
      if (--rows_ != 0) next_ += stride_ - used_;
      left_ = used_;
    }
  }

 private:
  const uint8_t* next_ = nullptr;
  size_t rows_ = 0, used_ = 0, stride_ = 0;  // rows that are left, and of each what is used
  size_t left_ = 0, share_ = 0;              // of the current row, and at a time
};

// raw = products of the tiles [begin, end) with weight rows [first, first + rows), a panel of them: one chunk of
// columns after the other is decoded and, while it is in the first-level cache, multiplied with all tokens.
// finish(tile, raw) is called for each tile that is complete.
template <class F>
void MultiplyPanel(const PanelPlan& plan, const WeightView& w, size_t first, size_t rows, size_t begin, size_t end,
                   uint8_t* panel, float* raw, Stream& next, const F& finish) {
  const TileKernels& tile = *plan.tile;
  for (size_t col = 0; col < w.cols; col += plan.Chunk()) {
    const size_t cols = plan.ChunkCols(col), token_bytes = tile.token_bytes(cols);
    const bool last = col + cols == w.cols;
    plan.kernels->pack(PackTask{w, first, rows, col, cols, panel});
    const uint8_t* packed = plan.packed + plan.PackedAt(col, begin);
    float* to = raw;
    for (size_t i = begin; i < end; ++i) {
      const size_t tokens = plan.tiles.Begin(i + 1) - plan.tiles.Begin(i);
      if (col == 0) memset(to, 0, tokens * tile.rows * sizeof(float));
      next.RequestShare();
      tile.tile(TileTask{packed, tokens, panel, cols, to, tile.rows});
      if (last) finish(i, to);
      packed += tokens * token_bytes;
      to += tokens * tile.rows;
    }
  }
}

// Weight rows [first, first + rows), a panel of them, for all tokens, with one worker's memory.
inline void RunMatMulTask(const KernelSet& set, const PanelPlan& plan, size_t first, size_t rows, Workspace memory) {
  const MatMulArgs& args = *plan.args;
  const WeightView* weights[2] = {&args.w, &args.epilogue.gate};
  Carver carver(memory);
  RawProducts raw(set, plan, first, rows, carver);
  uint8_t* panel = carver.Take<uint8_t>(plan.PanelBytes());
  const size_t chunks = (args.w.cols + plan.Chunk() - 1) / plan.Chunk(), run = plan.RunTiles();
  for (size_t begin = 0; begin < plan.tiles.tiles; begin += run) {
    const size_t end = begin + run < plan.tiles.tiles ? begin + run : plan.tiles.tiles;
    for (size_t i = 0; i < plan.matrices; ++i) {
      const bool last = i + 1 == plan.matrices;
      const size_t shares = chunks * (end - begin);
      Stream stream = last ? Stream(*weights[0], first + rows, rows, shares) : Stream(*weights[1], first, rows, shares);
      MultiplyPanel(plan, *weights[i], first, rows, begin, end, panel, raw.of(i), stream, [&](size_t tile, float* at) {
        if (!last) return;
        const size_t token = plan.tiles.Begin(tile), stop = plan.tiles.Begin(tile + 1);
        raw.Finish(token, (stop < plan.tokens ? stop : plan.tokens) - token, static_cast<size_t>(at - raw.of(i)));
      });
    }
  }
}

}  // namespace weft::inline WEFT_NAMESPACE::driver

#endif  // WEFT_DRIVERS_MATMUL_TASK_H_
