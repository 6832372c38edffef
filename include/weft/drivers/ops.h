// The small operations over a set of kernels.
#ifndef WEFT_DRIVERS_OPS_H_
#define WEFT_DRIVERS_OPS_H_

#include <math.h>

#include "weft/core/kernel_set.h"
#include "weft/core/status.h"
#include "weft/drivers/split.h"

namespace weft::driver {

inline Status Validate(const NormArgs& args) {
  if (args.x == nullptr) return Error(Code::kNull, "x");
  if (args.y == nullptr) return Error(Code::kNull, "y");
  if (args.rows == 0 || args.cols == 0) return Error(Code::kRange, args.rows == 0 ? "rows" : "cols", 0, 1);
  if (args.heads == 0) return Error(Code::kRange, "heads", 0, 1);
  if (args.rows % args.heads != 0) return Error(Code::kMultiple, "rows", args.rows, args.heads);
  const size_t strides[] = {args.stride, args.y_stride}, head_strides[] = {args.head_stride, args.y_head_stride};
  for (size_t i = 0; i < 2; ++i) {
    const size_t needed = args.heads > 1 ? args.cols : 0;
    if (head_strides[i] < needed)
      return Error(Code::kShape, i ? "y_head_stride" : "head_stride", head_strides[i], needed);
    const bool one = args.rows == args.heads;  // the stride between tokens is not used
    if (!one && strides[i] < args.cols) return Error(Code::kShape, i ? "y_stride" : "stride", strides[i], args.cols);
  }
  return Ok();
}

inline Status Norm(const KernelSet& set, const NormArgs& args, const Executor& executor) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  return ForRuns(executor, args.rows, args.cols,
                 [&](size_t first, size_t count) { set.ops->norm(args, first, count); });
}

inline Status Validate(const RopeTableArgs& args) {
  if (args.positions == nullptr) return Error(Code::kNull, "positions");
  if (args.frequency == nullptr) return Error(Code::kNull, "frequency");
  if (args.table == nullptr) return Error(Code::kNull, "table");
  if (args.tokens == 0 || args.pairs == 0) return Error(Code::kRange, args.tokens == 0 ? "tokens" : "pairs", 0, 1);
  return Ok();
}

inline Status RopeTable(const RopeTableArgs& args, const Executor& executor) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  // A sine costs as much as some 16 floats of other work.
  return ForRuns(executor, args.tokens, args.pairs * 32, [&](size_t first, size_t count) {
    for (size_t t = first; t < first + count; ++t) {
      float* row = args.table + t * args.pairs * 2;
      for (size_t i = 0; i < args.pairs; ++i) {
        const double angle = static_cast<double>(args.positions[t]) * static_cast<double>(args.frequency[i]);
        row[2 * i] = static_cast<float>(args.magnitude * cos(angle));
        row[2 * i + 1] = static_cast<float>(args.magnitude * sin(angle));
      }
    }
  });
}

inline Status Validate(const RopeArgs& args) {
  if (args.x == nullptr) return Error(Code::kNull, "x");
  if (args.table == nullptr) return Error(Code::kNull, "table");
  if (args.tokens == 0 || args.heads == 0 || args.pairs == 0) {
    return Error(Code::kRange, args.tokens == 0 ? "tokens" : args.heads == 0 ? "heads" : "pairs", 0, 1);
  }
  const size_t head = 2 * args.pairs;
  if (args.heads > 1 && args.head_stride < head) return Error(Code::kShape, "head_stride", args.head_stride, head);
  if (args.tokens > 1 && args.token_stride < head) return Error(Code::kShape, "token_stride", args.token_stride, head);
  return Ok();
}

inline Status Rope(const KernelSet& set, const RopeArgs& args, const Executor& executor) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  return ForRuns(executor, args.tokens, args.heads * args.pairs * 2,
                 [&](size_t first, size_t count) { set.ops->rope(args, first, count); });
}

inline Status Validate(const GatedArgs& args) {
  if (args.gate == nullptr) return Error(Code::kNull, "gate");
  if (args.up == nullptr) return Error(Code::kNull, "up");
  if (args.y == nullptr) return Error(Code::kNull, "y");
  if (args.rows == 0 || args.cols == 0) return Error(Code::kRange, args.rows == 0 ? "rows" : "cols", 0, 1);
  if (args.rows > 1) {
    if (args.gate_stride < args.cols) return Error(Code::kShape, "gate_stride", args.gate_stride, args.cols);
    if (args.up_stride < args.cols) return Error(Code::kShape, "up_stride", args.up_stride, args.cols);
    if (args.y_stride < args.cols) return Error(Code::kShape, "y_stride", args.y_stride, args.cols);
  }
  return Ok();
}

inline Status Gated(const KernelSet& set, const GatedArgs& args, const Executor& executor) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  return ForRuns(executor, args.rows, args.cols,
                 [&](size_t first, size_t count) { set.ops->gated(args, first, count); });
}

inline Status Validate(const SoftmaxArgs& args) {
  if (args.x == nullptr) return Error(Code::kNull, "x");
  if (args.y == nullptr) return Error(Code::kNull, "y");
  if (args.rows == 0 || args.cols == 0) return Error(Code::kRange, args.rows == 0 ? "rows" : "cols", 0, 1);
  if (args.rows > 1) {
    if (args.stride < args.cols) return Error(Code::kShape, "stride", args.stride, args.cols);
    if (args.y_stride < args.cols) return Error(Code::kShape, "y_stride", args.y_stride, args.cols);
  }
  return Ok();
}

inline Status Softmax(const KernelSet& set, const SoftmaxArgs& args, const Executor& executor) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  return ForRuns(executor, args.rows, args.cols,
                 [&](size_t first, size_t count) { set.ops->softmax(args, first, count); });
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_OPS_H_
