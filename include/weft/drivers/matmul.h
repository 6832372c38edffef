// The matrix product over a set of kernels: checks, activation forms, and the split into tasks. Plain C++, compiled
// once; the kernels behind `set` belong to one target.
#ifndef WEFT_DRIVERS_MATMUL_H_
#define WEFT_DRIVERS_MATMUL_H_

#include <string.h>

#include "weft/core/kernel_set.h"
#include "weft/core/prefetch.h"
#include "weft/core/status.h"
#include "weft/drivers/matmul_validate.h"
#include "weft/drivers/split.h"

namespace weft::driver {

// From this many tokens on, decoding weights to panels pays.
inline constexpr size_t kPanelTokens = 9;
// Weight rows without panels: a run has a multiple of the first number, small enough to balance the threads, and at
// most as many as the second are multiplied at once, so many that switching between two matrices costs little.
inline constexpr size_t kDotStep = 32, kDotRows = 256;

// The form of x that the format multiplies with, built by the executor's threads unless it is there.
inline Status Prepare(const KernelSet& set, ActivationSet& x, ActivationForm form, const Executor& executor) {
  ActivationView& view = x.built[static_cast<size_t>(form)];
  if (view.values != nullptr) return Ok();
  ActivationView built;
  built.form = form;
  built.rows = x.rows;
  built.cols = x.cols;
  if (form == ActivationForm::kF32) {
    built.values = x.x;
    built.value_stride = x.stride;
    view = built;
    return Ok();
  }
  const size_t padded = PaddedCols(form, x.cols);
  built.value_stride = padded;
  Carver carver(x.memory);
  bool fits;
  if (IsQuantized(form)) {
    built.scale_stride = padded / GroupOf(form);
    built.sum_stride = padded / kSumGroup;
    int8_t* codes = carver.Take<int8_t>(x.rows * padded);
    float* scales = carver.Take<float>(x.rows * built.scale_stride);
    int16_t* sums = carver.Take<int16_t>(x.rows * built.sum_stride);
    fits = codes != nullptr && scales != nullptr && sums != nullptr;
    built.values = codes;
    built.scales = scales;
    built.sums = sums;
  } else {
    built.values = carver.Take<uint16_t>(x.rows * padded);
    fits = built.values != nullptr;
  }
  if (!fits) return Error(Code::kWorkspace, "x.memory", x.memory.bytes, FormBytes(form, x.rows, x.cols));
  const auto activate = set.ops->activate[static_cast<size_t>(form)];
  ForRuns(executor, x.rows, padded, [&](size_t first, size_t count) {
    activate(ActivateTask{x.x, x.stride, first, count, built});
  });
  x.memory = carver.Rest();
  view = built;
  return Ok();
}

// The same by the type of the weights, for callers who want it done at a time of their choosing.
inline Status PrepareFor(const KernelSet& set, ActivationSet* x, DType weights, const Executor& executor) {
  const FormatKernels* format = set.Find(weights);
  if (format == nullptr) return Error(Code::kUnsupported, "weights", static_cast<uint64_t>(weights));
  if (x == nullptr || x->x == nullptr) return Error(Code::kNull, "x");
  if (x->stride < x->cols) return Error(Code::kShape, "x.stride", x->stride, x->cols);
  return Prepare(set, *x, format->form, executor);
}

// The tokens of a product as tiles of nearly equal size, in units of TileKernels::token_step. Only the last unit may be
// incomplete; where tokens are packed or summed it counts as full.
struct TokenTiles {
  size_t tokens = 0, step = 1, units = 0, tiles = 1;
  size_t shorter = 0, longer = 0;  // units of most tiles, and how many tiles, the first ones, have one more

  TokenTiles() = default;
  TokenTiles(const TileKernels& tile, size_t count) : tokens(count), step(tile.token_step) {
    const size_t most = tile.tokens / tile.token_step;
    units = (count + step - 1) / step;
    tiles = (units + most - 1) / most;
    shorter = units / tiles;
    longer = units % tiles;
  }
  size_t Padded() const { return units * step; }
  // The first token of tile i; of the one after the last: Padded().
  size_t Begin(size_t i) const { return (i * shorter + (i < longer ? i : longer)) * step; }
};

// What the threads share while a product runs.
struct MatMulPlan {
  const MatMulArgs* args = nullptr;
  const FormatKernels* format = nullptr;
  const TileKernels* tile = nullptr;  // null: no panels
  ActivationView x;
  size_t matrices = 1;  // 2 with a gate
  TokenTiles tiles;
  const uint8_t* packed = nullptr;  // tokens, chunk by chunk, tile by tile

  // Rows that runs are cut by, and rows of a task.
  size_t StepRows() const { return tile != nullptr ? tile->rows : kDotStep; }
  size_t TaskRows() const { return tile != nullptr ? tile->rows : kDotRows; }
  // Tiles whose raw products a worker holds at once: a panel is decoded anew for every such run.
  size_t RunTiles() const {
    const size_t runs = (tiles.Padded() + kRunTokens - 1) / kRunTokens;
    return (tiles.tiles + runs - 1) / runs;
  }
  // Tokens whose raw products a worker holds at once.
  size_t RawTokens() const {
    if (tile == nullptr) return args->tokens() < kPanelTokens ? args->tokens() : kPanelTokens;
    const size_t most = RunTiles() * tile->tokens;
    return tiles.Padded() < most ? tiles.Padded() : most;
  }
  size_t Chunk() const { return args->w.cols < tile->chunk ? args->w.cols : tile->chunk; }
  size_t ChunkCols(size_t col) const { return args->w.cols - col < Chunk() ? args->w.cols - col : Chunk(); }
  // Packed tokens of tile i and columns from `col` on.
  size_t PackedAt(size_t col, size_t i) const {
    return tiles.Padded() * tile->token_bytes(col) + tiles.Begin(i) * tile->token_bytes(ChunkCols(col));
  }
  // Of one token for the kernels without panels; 0 where they take it as it is.
  size_t LaneBytes() const { return format->lane_bytes != nullptr ? format->lane_bytes(args->w.cols) : 0; }
  size_t PackedBytes() const {
    return tile != nullptr ? tiles.Padded() * tile->token_bytes(args->w.cols) : args->tokens() * LaneBytes();
  }
  size_t PanelBytes() const { return tile != nullptr ? tile->panel_bytes(Chunk()) : 0; }
  size_t WorkerBytes() const {
    const size_t raw = Carver::Bytes<float>(RawTokens() * TaskRows()) * matrices;
    return (raw + Carver::Bytes<uint8_t>(PanelBytes()) + kLine - 1) / kLine * kLine;  // no cache line shared
  }
  size_t Bytes(uint32_t workers) const {
    return Carver::Bytes<uint8_t>(PackedBytes()) + Carver::Bytes<uint8_t>(WorkerBytes() * workers);
  }

  // Tokens that a worker keeps sums of: 96 KiB of them with panels of 32 rows, beside the tokens' current chunk of
  // columns (512 to 680 bytes each) in a second-level cache.
  static constexpr size_t kRunTokens = 768;
  static constexpr size_t kLine = Carver::kAlign;
};

inline MatMulPlan PlanMatMul(const KernelSet& set, const MatMulArgs& args, const FormatKernels& format) {
  const bool panels = args.tokens() >= kPanelTokens && args.summation == Summation::kFastest;
  const TileKernels* tile = panels ? set.Find(format.panel) : nullptr;
  return {&args,
          &format,
          tile,
          args.x->built[static_cast<size_t>(format.form)],
          args.epilogue.gate != nullptr ? size_t{2} : size_t{1},
          tile != nullptr ? TokenTiles(*tile, args.tokens()) : TokenTiles()};
}

inline size_t MatMulWorkspaceBytes(const KernelSet& set, const MatMulArgs& args, uint32_t workers) {
  const FormatKernels* format = set.Find(args.w.type);
  if (format == nullptr || args.x == nullptr || args.tokens() == 0) return 0;
  MatMulPlan plan = PlanMatMul(set, args, *format);
  size_t bytes = plan.Bytes(workers);
  plan.tile = nullptr;  // what fewer tokens need, so that room for many is room for few
  if (plan.Bytes(workers) > bytes) bytes = plan.Bytes(workers);
  return bytes;
}

inline void PackTiles(const MatMulPlan& plan, uint8_t* packed, const Executor& executor) {
  const size_t cols = plan.args->w.cols;
  ForRuns(executor, plan.tiles.tiles, plan.tile->tokens * cols, [&](size_t first, size_t count) {
    for (size_t i = first; i < first + count; ++i) {
      const size_t token = plan.tiles.Begin(i), padded = plan.tiles.Begin(i + 1) - token;
      const size_t left = plan.args->tokens() - token;
      const TokenList tokens{plan.x, plan.args->row_index, token, left < padded ? left : padded};
      for (size_t col = 0; col < cols; col += plan.Chunk()) {
        plan.tile->pack_tokens(PackTokensTask{tokens, col, plan.ChunkCols(col), padded, plan.format->zero,
                                              packed + plan.PackedAt(col, i)});
      }
    }
  });
}

inline void PackLanes(const MatMulPlan& plan, uint8_t* packed, const Executor& executor) {
  ForRuns(executor, plan.args->tokens(), plan.args->w.cols, [&](size_t first, size_t count) {
    const TokenList tokens{plan.x, plan.args->row_index, first, count};
    plan.format->pack_lanes(
        PackTokensTask{tokens, 0, plan.args->w.cols, count, plan.format->zero, packed + first * plan.LaneBytes()});
  });
}

// Bytes that are wanted before long, requested from memory a little at a time.
class Stream {
 public:
  // Rows [first, first + rows) as far as they exist, to be requested in `shares` shares.
  Stream(const WeightView& w, size_t first, size_t rows, size_t shares) {
    if (first >= w.rows) return;
    const size_t bytes = (w.rows - first < rows ? w.rows - first : rows) * w.row_bytes;
    next_ = static_cast<const uint8_t*>(w.data) + first * w.row_bytes;
    end_ = next_ + bytes;
    share_ = (bytes / shares + kLineBytes) / kLineBytes * kLineBytes;
  }

  void RequestShare() {
    const size_t left = static_cast<size_t>(end_ - next_), share = share_ < left ? share_ : left;
    PrefetchLines(next_, share);
    next_ += share;
  }

 private:
  const uint8_t* next_ = nullptr;
  const uint8_t* end_ = nullptr;
  size_t share_ = 0;
};

// raw = products of the tiles [begin, end) with weight rows [first, first + rows), a panel of them: one chunk of
// columns after the other is decoded and, while it is in the first-level cache, multiplied with all tokens.
// finish(tile, raw) is called for each tile that is complete.
template <class F>
void MultiplyPanel(const MatMulPlan& plan, const WeightView& w, size_t first, size_t rows, size_t begin, size_t end,
                   uint8_t* panel, float* raw, Stream& next, const F& finish) {
  const TileKernels& tile = *plan.tile;
  for (size_t col = 0; col < w.cols; col += plan.Chunk()) {
    const size_t cols = plan.ChunkCols(col), token_bytes = tile.token_bytes(cols);
    const bool last = col + cols == w.cols;
    plan.format->pack(PackTask{w, first, rows, col, cols, panel});
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

// Weight rows [first, first + rows) for all tokens, with one worker's memory.
inline void RunMatMulTask(const KernelSet& set, const MatMulPlan& plan, size_t first, size_t rows, Workspace memory) {
  const MatMulArgs& args = *plan.args;
  const WeightView* weights[2] = {&args.w, args.epilogue.gate};
  Carver carver(memory);
  float* raw[2] = {};
  for (size_t i = 0; i < plan.matrices; ++i) raw[i] = carver.Take<float>(plan.RawTokens() * plan.TaskRows());
  EpilogueTask epilogue;
  epilogue.raw_stride = plan.TaskRows();
  epilogue.weight_scale = args.w.scale != nullptr ? *args.w.scale : 1.0f;
  if (plan.matrices == 2 && weights[1]->scale != nullptr) epilogue.gate_weight_scale = *weights[1]->scale;
  epilogue.epilogue = args.epilogue;
  epilogue.y = args.y;
  epilogue.y_stride = args.y_stride;
  epilogue.first_row = first;
  epilogue.rows = rows;
  // Raw products of `tokens` tokens from `token` on lie `offset` floats into the worker's memory.
  const auto finish = [&](size_t token, size_t tokens, size_t offset) {
    epilogue.raw = raw[0] + offset;
    epilogue.gate_raw = raw[1] != nullptr ? raw[1] + offset : nullptr;
    epilogue.first_token = token;
    epilogue.tokens = tokens;
    set.ops->epilogue(epilogue);
  };

  if (plan.tile == nullptr) {
    for (size_t token = 0; token < args.tokens(); token += plan.RawTokens()) {
      const size_t left = args.tokens() - token;
      const TokenList tokens{plan.x, args.row_index, token, left < plan.RawTokens() ? left : plan.RawTokens()};
      for (size_t i = 0; i < plan.matrices; ++i) {
        plan.format->dot(
            DotTask{tokens, plan.packed + token * plan.LaneBytes(), *weights[i], first, rows, raw[i], plan.TaskRows()});
      }
      finish(token, tokens.count, 0);
    }
    return;
  }
  uint8_t* panel = carver.Take<uint8_t>(plan.PanelBytes());
  const size_t chunks = (args.w.cols + plan.Chunk() - 1) / plan.Chunk(), run = plan.RunTiles();
  for (size_t begin = 0; begin < plan.tiles.tiles; begin += run) {
    const size_t end = begin + run < plan.tiles.tiles ? begin + run : plan.tiles.tiles;
    for (size_t i = 0; i < plan.matrices; ++i) {
      const bool last = i + 1 == plan.matrices;
      const size_t shares = chunks * (end - begin);
      Stream stream = last ? Stream(*weights[0], first + rows, rows, shares) : Stream(*weights[1], first, rows, shares);
      MultiplyPanel(plan, *weights[i], first, rows, begin, end, panel, raw[i], stream, [&](size_t tile, float* at) {
        if (!last) return;
        const size_t token = plan.tiles.Begin(tile), stop = plan.tiles.Begin(tile + 1);
        finish(token, (stop < args.tokens() ? stop : args.tokens()) - token, static_cast<size_t>(at - raw[i]));
      });
    }
  }
}

// One of several products that are computed together.
struct MatMulJob {
  MatMulPlan plan;
  uint8_t* memory = nullptr;  // of the workers, worker_bytes each
  size_t worker_bytes = 0;
  size_t steps = 0, runs = 0;  // the rows in steps of StepRows(), and into how many runs these are cut

  MatMulJob() = default;
  MatMulJob(const MatMulPlan& planned, Carver& carver, uint32_t workers)
      : plan(planned),
        worker_bytes(plan.WorkerBytes()),
        steps((plan.args->w.rows + plan.StepRows() - 1) / plan.StepRows()) {
    memory = carver.Take<uint8_t>(worker_bytes * workers);
  }

  // Of weights.
  double Bytes() const {
    const WeightView& w = plan.args->w;
    return static_cast<double>(w.rows) * static_cast<double>(w.row_bytes) * static_cast<double>(plan.matrices);
  }
  // Whether the tokens that were packed for `other` serve here.
  bool Shares(const MatMulJob& other) const {
    const MatMulArgs &a = *plan.args, &b = *other.plan.args;
    const bool same_layout = plan.tile != nullptr
                                 ? plan.tile == other.plan.tile && plan.format->zero == other.plan.format->zero
                                 : other.plan.tile == nullptr && plan.format == other.plan.format;
    return same_layout && a.x == b.x && a.row_index == b.row_index && a.row_count == b.row_count;
  }
  void Run(const KernelSet& set, size_t run, uint32_t worker) const {
    const MatMulArgs& args = *plan.args;
    const size_t row_end = steps * (run + 1) / runs * plan.StepRows();
    const size_t end = row_end < args.w.rows ? row_end : args.w.rows;
    for (size_t first = steps * run / runs * plan.StepRows(); first < end; first += plan.TaskRows()) {
      const size_t rows = end - first < plan.TaskRows() ? end - first : plan.TaskRows();
      RunMatMulTask(set, plan, first, rows, {memory + worker * worker_bytes, worker_bytes});
    }
  }
};

inline size_t MatMulWorkspaceBytes(const KernelSet& set, const MatMulArgs* products, size_t count, uint32_t workers) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes += MatMulWorkspaceBytes(set, products[i], workers);
  return bytes;
}

inline Status MatMul(const KernelSet& set, const MatMulArgs* products, size_t count, const Executor& executor,
                     Workspace workspace) {
  if (const Status status = Validate(set, products, count); !status.ok()) return status;
  const size_t needed = MatMulWorkspaceBytes(set, products, count, executor.workers);
  if (workspace.data == nullptr || workspace.bytes < needed) {
    return Error(Code::kWorkspace, "workspace", workspace.data != nullptr ? workspace.bytes : 0, needed);
  }
  MatMulJob jobs[kMostProducts];
  Carver carver(workspace);
  size_t steps = 0;
  double bytes = 0.0;
  for (size_t i = 0; i < count; ++i) {
    const MatMulArgs& args = products[i];
    const FormatKernels& format = *set.Find(args.w.type);
    if (const Status status = Prepare(set, *args.x, format.form, executor); !status.ok()) return status;
    MatMulPlan plan = PlanMatMul(set, args, format);
    uint8_t* packed = carver.Take<uint8_t>(plan.PackedBytes());
    jobs[i] = MatMulJob(plan, carver, executor.workers);
    for (size_t j = 0; j < i && jobs[i].plan.packed == nullptr; ++j) {
      if (jobs[i].Shares(jobs[j])) jobs[i].plan.packed = jobs[j].plan.packed;
    }
    if (jobs[i].plan.packed == nullptr) {
      if (plan.tile != nullptr) {
        PackTiles(plan, packed, executor);
      } else if (format.pack_lanes != nullptr) {
        PackLanes(plan, packed, executor);
      }
      jobs[i].plan.packed = packed;
    }
    steps += jobs[i].steps;
    bytes += jobs[i].Bytes();
  }

  // Runs of about as many bytes each.
  const double wanted = static_cast<double>(RunsFor(executor, steps, products[0].tokens()));
  size_t runs = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto share = static_cast<size_t>(wanted * jobs[i].Bytes() / bytes + 0.5);
    jobs[i].runs = share < 1 ? 1 : share < jobs[i].steps ? share : jobs[i].steps;
    runs += jobs[i].runs;
  }
  RunDealer dealer(runs, executor.workers);
  executor.For(runs, [&](size_t, uint32_t worker) {
    size_t run = dealer.Take(worker), job = 0;
    for (; run >= jobs[job].runs; ++job) run -= jobs[job].runs;
    jobs[job].Run(set, run, worker);
  });
  return Ok();
}
inline Status MatMul(const KernelSet& set, const MatMulArgs& args, const Executor& executor, Workspace workspace) {
  return MatMul(set, &args, 1, executor, workspace);
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_MATMUL_H_
