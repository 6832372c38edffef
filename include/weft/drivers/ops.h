// The small operations over a set of kernels.
#ifndef WEFT_DRIVERS_OPS_H_
#define WEFT_DRIVERS_OPS_H_

#include <math.h>

#include "weft/core/kernel_set.h"
#include "weft/core/status.h"
#include "weft/drivers/ops_validate.h"
#include "weft/drivers/split.h"

namespace weft::inline WEFT_NAMESPACE::driver {

inline Status Norm(const KernelSet& set, const NormArgs& args, const Executor& executor) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  return ForRuns(executor, args.rows, args.cols,
                 [&](size_t first, size_t count) { set.ops->norm(args, first, count); });
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

inline Status Rope(const KernelSet& set, const RopeArgs& args, const Executor& executor) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  return ForRuns(executor, args.tokens, args.heads * args.pairs * 2,
                 [&](size_t first, size_t count) { set.ops->rope(args, first, count); });
}

inline Status Elementwise(const KernelSet& set, const ElementwiseArgs& args, const Executor& executor) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  return ForRuns(executor, args.rows, args.cols,
                 [&](size_t first, size_t count) { set.ops->elementwise(args, first, count); });
}

inline Status Gated(const KernelSet& set, const GatedArgs& args, const Executor& executor) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  return ForRuns(executor, args.rows, args.cols,
                 [&](size_t first, size_t count) { set.ops->gated(args, first, count); });
}

inline Status Softmax(const KernelSet& set, const SoftmaxArgs& args, const Executor& executor) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  return ForRuns(executor, args.rows, args.cols,
                 [&](size_t first, size_t count) { set.ops->softmax(args, first, count); });
}

inline Status TopK(const KernelSet& set, const TopKArgs& args, const Executor& executor) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  return ForRuns(executor, args.rows, args.cols,
                 [&](size_t first, size_t count) { set.ops->top_k(args, first, count); });
}

}  // namespace weft::inline WEFT_NAMESPACE::driver

#endif  // WEFT_DRIVERS_OPS_H_
