// The matrix product over a set of kernels: checks, activation forms, and the split into tasks. Plain C++, compiled
// once; the kernels behind `set` belong to one target.
#ifndef WEFT_DRIVERS_MATMUL_H_
#define WEFT_DRIVERS_MATMUL_H_

#include "weft/core/kernel_set.h"
#include "weft/core/status.h"
#include "weft/drivers/split.h"

namespace weft::driver {

// From this many tokens on, decoding weights to panels pays.
inline constexpr size_t kPanelTokens = 8;
// Weight rows per task without panels: large enough to hide a task's overhead, small enough to balance the threads.
inline constexpr size_t kDotRows = 32;

inline Status ValidateWeights(const KernelSet& set, const WeightView& w, const char* name) {
  const FormatKernels* format = set.Find(w.type);
  if (format == nullptr) return Error(Code::kUnsupported, name, static_cast<uint64_t>(w.type));
  if (w.data == nullptr) return Error(Code::kNull, name);
  if (w.rows == 0 || w.cols == 0) return Error(Code::kRange, name, 0, 1);
  if (w.cols % format->block_elements != 0) {
    return Error(Code::kMultiple, "w.cols", w.cols, format->block_elements);
  }
  if (w.row_bytes < w.cols / format->block_elements * format->block_bytes) {
    return Error(Code::kShape, "w.row_bytes", w.row_bytes, RowBytes(w.type, w.cols));
  }
  return Ok();
}

inline size_t WeightBytes(const WeightView& w) { return (w.rows - 1) * w.row_bytes + RowBytes(w.type, w.cols); }

inline Status ValidateEpilogue(const KernelSet& set, const MatMulArgs& args) {
  const Epilogue& e = args.epilogue;
  const size_t y_bytes = SpanBytes(args.tokens(), args.y_stride, args.w.rows);
  if (e.residual != nullptr) {
    if (e.residual_stride < args.w.rows) {
      return Error(Code::kShape, "epilogue.residual_stride", e.residual_stride, args.w.rows);
    }
    const bool same = e.residual == args.y && e.residual_stride == args.y_stride;
    const size_t bytes = SpanBytes(args.tokens(), e.residual_stride, args.w.rows);
    if (!same && Overlap(args.y, y_bytes, e.residual, bytes)) return Error(Code::kOverlap, "epilogue.residual");
  }
  if (e.gate == nullptr) {
    return e.gate_bias == nullptr ? Ok() : Error(Code::kNull, "epilogue.gate");
  }
  const WeightView& gate = *e.gate;
  if (const Status status = ValidateWeights(set, gate, "epilogue.gate"); !status.ok()) return status;
  if (gate.type != args.w.type) {
    return Error(Code::kShape, "epilogue.gate->type", static_cast<uint64_t>(gate.type),
                 static_cast<uint64_t>(args.w.type));
  }
  if (gate.rows != args.w.rows) return Error(Code::kShape, "epilogue.gate->rows", gate.rows, args.w.rows);
  if (gate.cols != args.w.cols) return Error(Code::kShape, "epilogue.gate->cols", gate.cols, args.w.cols);
  if (Overlap(args.y, y_bytes, gate.data, WeightBytes(gate))) return Error(Code::kOverlap, "y");
  return Ok();
}

inline Status Validate(const KernelSet& set, const MatMulArgs& args) {
  if (args.x == nullptr || args.x->x == nullptr) return Error(Code::kNull, "x");
  if (args.y == nullptr) return Error(Code::kNull, "y");
  const ActivationSet& x = *args.x;
  if (x.rows == 0) return Error(Code::kRange, "x.rows", 0, 1);
  if (x.stride < x.cols) return Error(Code::kShape, "x.stride", x.stride, x.cols);
  if (const Status status = ValidateWeights(set, args.w, "w"); !status.ok()) return status;
  if (x.cols != args.w.cols) return Error(Code::kShape, "x.cols", x.cols, args.w.cols);
  if (args.y_stride < args.w.rows) return Error(Code::kShape, "y_stride", args.y_stride, args.w.rows);
  if (args.tokens() == 0) return Error(Code::kRange, "row_count", 0, 1);
  if (args.row_index != nullptr) {
    for (size_t i = 0; i < args.row_count; ++i) {
      if (args.row_index[i] >= x.rows) return Error(Code::kRange, "row_index", args.row_index[i], x.rows - 1);
    }
  }
  const size_t y_bytes = SpanBytes(args.tokens(), args.y_stride, args.w.rows);
  if (Overlap(args.y, y_bytes, x.x, SpanBytes(x.rows, x.stride, x.cols)) ||
      Overlap(args.y, y_bytes, args.w.data, WeightBytes(args.w))) {
    return Error(Code::kOverlap, "y");
  }
  return ValidateEpilogue(set, args);
}

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

// What the threads share while a product runs.
struct MatMulPlan {
  const MatMulArgs& args;
  const FormatKernels& format;
  const TileKernels* tile;  // null: no panels
  ActivationView x;
  size_t matrices;  // 2 with a gate

  size_t TaskRows() const { return tile != nullptr ? tile->rows : kDotRows; }
  // Tokens whose raw products a worker holds at once.
  size_t RawTokens() const {
    if (tile != nullptr) return tile->tokens;
    return args.tokens() < kPanelTokens ? args.tokens() : kPanelTokens;
  }
  size_t PanelBytes() const { return tile != nullptr ? tile->panel_bytes(args.w.cols) : 0; }
  size_t WorkerBytes() const {
    const size_t bytes = Carver::Bytes<uint8_t>(PanelBytes()) + Carver::Bytes<float>(RawTokens() * TaskRows());
    return (bytes * matrices + Carver::kAlign - 1) / Carver::kAlign * Carver::kAlign;  // no cache line shared
  }
};

inline MatMulPlan PlanMatMul(const KernelSet& set, const MatMulArgs& args, const FormatKernels& format) {
  const bool panels = args.tokens() >= kPanelTokens && args.summation == Summation::kFastest;
  return {args, format, panels ? set.Find(format.panel) : nullptr, args.x->built[static_cast<size_t>(format.form)],
          args.epilogue.gate != nullptr ? size_t{2} : size_t{1}};
}

inline size_t MatMulWorkspaceBytes(const KernelSet& set, const MatMulArgs& args, uint32_t workers) {
  const FormatKernels* format = set.Find(args.w.type);
  if (format == nullptr || args.x == nullptr) return 0;
  MatMulPlan plan = PlanMatMul(set, args, *format);
  size_t bytes = plan.WorkerBytes();
  plan.tile = nullptr;  // what fewer tokens need, so that room for many is room for few
  if (plan.WorkerBytes() > bytes) bytes = plan.WorkerBytes();
  return Carver::kAlign + bytes * workers;
}

// Weight rows [first, first + rows) for all tokens, with one worker's memory.
inline void RunMatMulTask(const KernelSet& set, const MatMulPlan& plan, size_t first, size_t rows, Workspace memory) {
  const MatMulArgs& args = plan.args;
  const WeightView* weights[2] = {&args.w, args.epilogue.gate};
  Carver carver(memory);
  uint8_t* panel[2] = {};
  float* raw[2] = {};
  for (size_t i = 0; i < plan.matrices; ++i) {
    raw[i] = carver.Take<float>(plan.RawTokens() * plan.TaskRows());
    if (plan.tile == nullptr) continue;
    panel[i] = carver.Take<uint8_t>(plan.PanelBytes());
    plan.format.pack(PackTask{*weights[i], first, rows, 0, args.w.cols, panel[i]});
  }
  EpilogueTask epilogue;
  epilogue.raw = raw[0];
  epilogue.gate_raw = raw[1];
  epilogue.raw_stride = plan.TaskRows();
  epilogue.weight_scale = args.w.scale != nullptr ? *args.w.scale : 1.0f;
  if (plan.matrices == 2 && weights[1]->scale != nullptr) epilogue.gate_weight_scale = *weights[1]->scale;
  epilogue.epilogue = args.epilogue;
  epilogue.y = args.y;
  epilogue.y_stride = args.y_stride;
  epilogue.first_row = first;
  epilogue.rows = rows;
  for (size_t token = 0; token < args.tokens(); token += plan.RawTokens()) {
    const size_t left = args.tokens() - token;
    const TokenList tokens{plan.x, args.row_index, token, left < plan.RawTokens() ? left : plan.RawTokens()};
    for (size_t i = 0; i < plan.matrices; ++i) {
      if (plan.tile != nullptr) {
        plan.tile->tile(TileTask{tokens, panel[i], 0, args.w.cols, plan.format.zero, false, raw[i], plan.TaskRows()});
      } else {
        plan.format.dot(DotTask{tokens, *weights[i], first, rows, raw[i], plan.TaskRows()});
      }
    }
    epilogue.first_token = token;
    epilogue.tokens = tokens.count;
    set.ops->epilogue(epilogue);
  }
}

inline Status MatMul(const KernelSet& set, const MatMulArgs& args, const Executor& executor, Workspace workspace) {
  if (const Status status = Validate(set, args); !status.ok()) return status;
  const FormatKernels& format = *set.Find(args.w.type);
  const size_t needed = MatMulWorkspaceBytes(set, args, executor.workers);
  if (workspace.data == nullptr || workspace.bytes < needed) {
    return Error(Code::kWorkspace, "workspace", workspace.data != nullptr ? workspace.bytes : 0, needed);
  }
  if (const Status status = Prepare(set, *args.x, format.form, executor); !status.ok()) return status;
  const MatMulPlan plan = PlanMatMul(set, args, format);
  const size_t worker_bytes = plan.WorkerBytes();
  Carver carver(workspace);
  uint8_t* memory = carver.Take<uint8_t>(worker_bytes * executor.workers);
  const size_t step = plan.TaskRows();
  executor.For((args.w.rows + step - 1) / step, [&](size_t i, uint32_t worker) {
    const size_t first = i * step;
    const size_t rows = args.w.rows - first < step ? args.w.rows - first : step;
    RunMatMulTask(set, plan, first, rows, {memory + worker * worker_bytes, worker_bytes});
  });
  return Ok();
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_MATMUL_H_
