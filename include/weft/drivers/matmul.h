// The matrix product over a set of kernels: the split into tasks, and what a task does. Plain C++, compiled once; the
// kernels behind `set` belong to one target.
#ifndef WEFT_DRIVERS_MATMUL_H_
#define WEFT_DRIVERS_MATMUL_H_

#include <string.h>

#include <new>
#include <span>

#include "weft/core/kernel_set.h"
#include "weft/core/prefetch.h"
#include "weft/core/status.h"
#include "weft/drivers/activations.h"
#include "weft/drivers/matmul_plan.h"
#include "weft/drivers/matmul_validate.h"
#include "weft/drivers/split.h"

namespace weft::driver {

inline Status PackTiles(const MatMulPlan& plan, uint8_t* packed, const Executor& executor) {
  const size_t cols = plan.args->w.cols;
  return ForRuns(executor, plan.tiles.tiles, plan.tile->tokens * cols, [&](size_t first, size_t count) {
    for (size_t i = first; i < first + count; ++i) {
      const size_t token = plan.tiles.Begin(i), padded = plan.tiles.Begin(i + 1) - token;
      const size_t left = plan.tokens - token;
      const TokenList tokens{plan.x, plan.args->row_index, token, left < padded ? left : padded};
      for (size_t col = 0; col < cols; col += plan.Chunk()) {
        plan.tile->pack_tokens(PackTokensTask{tokens, col, plan.ChunkCols(col), padded, plan.format->zero,
                                              packed + plan.PackedAt(col, i)});
      }
    }
  });
}

inline Status PackLanes(const MatMulPlan& plan, uint8_t* packed, const Executor& executor) {
  return ForRuns(executor, plan.tokens, plan.args->w.cols, [&](size_t first, size_t count) {
    const TokenList tokens{plan.x, plan.args->row_index, first, count};
    plan.format->pack_lanes(
        PackTokensTask{tokens, 0, plan.args->w.cols, count, plan.format->zero, packed + first * plan.LaneBytes()});
  });
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
  const WeightView* weights[2] = {&args.w, &args.epilogue.gate};
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
    for (size_t token = 0; token < plan.tokens; token += plan.RawTokens()) {
      const size_t left = plan.tokens - token;
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
        finish(token, (stop < plan.tokens ? stop : plan.tokens) - token, static_cast<size_t>(at - raw[i]));
      });
    }
  }
}

// Of weights.
inline double BytesOf(const MatMulPlan& plan) {
  const WeightView& w = plan.args->w;
  return static_cast<double>(w.rows) * static_cast<double>(RowBytes(w.type, w.cols)) *
         static_cast<double>(plan.matrices);
}

// Whether the tokens that were packed for `other` serve `plan`.
inline bool SharesTokens(const KernelSet& set, const MatMulPlan& plan, const MatMulPlan& other) {
  const bool panels = plan.tile != nullptr;
  return panels == (other.tile != nullptr) && SameInput(*plan.args, *other.args) &&
         SameLayout(set, *plan.format, *other.format, panels);
}

// A run of a job's rows, with one worker's memory.
inline void RunMatMulJob(const KernelSet& set, const MatMulJob& job, size_t run, Workspace memory) {
  const MatMulPlan& plan = job.plan;
  const size_t row_end = job.steps * (run + 1) / job.runs * plan.StepRows(), rows = plan.args->w.rows;
  const size_t end = row_end < rows ? row_end : rows;
  for (size_t first = job.steps * run / job.runs * plan.StepRows(); first < end; first += plan.TaskRows()) {
    RunMatMulTask(set, plan, first, end - first < plan.TaskRows() ? end - first : plan.TaskRows(), memory);
  }
}

// Whether handing a product to threads, and getting ready for that, would take as long as the product. It has no
// panels.
inline bool IsSmall(const MatMulArgs& args) {
  return args.tokens() < kPanelTokens && args.w.rows <= kDotRows && args.w.cols <= kWorthSharing / kDotRows;
}

// A small product, on the calling thread.
inline Status MatMulAlone(const KernelSet& set, const MatMulArgs& args, Workspace workspace) {
  const FormatKernels& format = *set.Find(args.w.type);
  if (const Status status = Prepare(set, *args.x, format.form, {}); !status.ok()) return status;
  MatMulPlan plan = PlanMatMul(set, args, args.tokens(), format, false);
  Carver carver(workspace);
  if (format.pack_lanes != nullptr) {
    uint8_t* packed = carver.Take<uint8_t>(static_cast<size_t>(plan.PackedBytes().value()));
    plan.packed = packed;
    if (const Status status = PackLanes(plan, packed, {}); !status.ok()) return status;
  }
  RunMatMulTask(set, plan, 0, args.w.rows, carver.Rest());
  return Ok();
}

inline size_t JobsOf(std::span<const MatMulArgs> products) {
  size_t jobs = 0;
  for (const MatMulArgs& args : products) jobs += IsEmpty(args) ? 0 : 1;
  return jobs;
}

inline Status MatMul(const KernelSet& set, const MatMulArgs* products, size_t count, const Executor& executor,
                     Workspace workspace) {
  if (const Status status = Validate(set, products, count); !status.ok()) return status;
  if (const Status status = ValidateExecutor(executor); !status.ok()) return status;
  const size_t needed = MatMulWorkspaceBytes(set, products, count, executor.workers);
  if (needed == 0) return Ok();
  if (workspace.data == nullptr || workspace.bytes < needed) {
    return Error(Code::kWorkspace, "workspace", workspace.data != nullptr ? workspace.bytes : 0, needed);
  }
  if (const Status status = ValidateMemory(set, {products, count}, workspace, needed); !status.ok()) return status;
  if (count == 1 && IsSmall(products[0])) return MatMulAlone(set, products[0], workspace);
  Carver carver(workspace);
  MatMulJob* const all = carver.Take<MatMulJob>(JobsOf({products, count}));
  size_t planned = 0, steps = 0, worker_bytes = 0;
  double bytes = 0.0;
  for (size_t i = 0; i < count; ++i) {
    const MatMulArgs& args = products[i];
    if (IsEmpty(args)) continue;
    const FormatKernels& format = *set.Find(args.w.type);
    if (const Status status = Prepare(set, *args.x, format.form, executor); !status.ok()) return status;
    const bool panels = args.summation == Summation::kFastest;
    MatMulPlan plan = PlanMatMul(set, args, args.tokens(), format, panels);
    for (size_t j = 0; j < planned && plan.packed == nullptr; ++j) {
      if (SharesTokens(set, plan, all[j].plan)) plan.packed = all[j].plan.packed;
    }
    if (plan.packed == nullptr) {
      uint8_t* packed = carver.Take<uint8_t>(static_cast<size_t>(plan.PackedBytes().value()));
      Status status;
      if (plan.tile != nullptr) {
        status = PackTiles(plan, packed, executor);
      } else if (format.pack_lanes != nullptr) {
        status = PackLanes(plan, packed, executor);
      }
      if (!status.ok()) return status;
      plan.packed = packed;
    }
    const auto own = static_cast<size_t>(plan.WorkerBytes().value());
    worker_bytes = own > worker_bytes ? own : worker_bytes;
    const MatMulJob& job =
        *new (all + planned++) MatMulJob{plan, (args.w.rows + plan.StepRows() - 1) / plan.StepRows()};
    steps += job.steps;
    bytes += BytesOf(plan);
  }
  const std::span<MatMulJob> jobs(all, planned);
  uint8_t* const memory = carver.Take<uint8_t>(worker_bytes * executor.workers);

  // Runs of about as many bytes each.
  const double wanted = static_cast<double>(RunsFor(executor, steps, jobs.front().plan.tokens));
  size_t runs = 0;
  for (MatMulJob& job : jobs) {
    const auto share = static_cast<size_t>(wanted * BytesOf(job.plan) / bytes + 0.5);
    job.runs = share < 1 ? 1 : share < job.steps ? share : job.steps;
    runs += job.runs;
  }
  return ForEachRun(executor, runs, executor.workers, [&](size_t run, uint32_t worker) {
    const MatMulJob* job = jobs.data();
    for (; run >= job->runs; ++job) run -= job->runs;
    RunMatMulJob(set, *job, run, {memory + worker * worker_bytes, worker_bytes});
  });
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_MATMUL_H_
