// The matrix product y = x * W^T with weights in any format, read as they lie in the file.
#ifndef WEFT_DISPATCH_MATMUL_H_
#define WEFT_DISPATCH_MATMUL_H_

#include <stddef.h>

#include "weft/core/executor.h"
#include "weft/core/matmul_args.h"
#include "weft/core/status.h"

namespace weft {

// What is wrong with the arguments, if anything. MatMul calls it itself.
Status Validate(const MatMulArgs& args);

// The workspace that MatMul needs for these arguments (which may be incomplete: only w.type, w.cols, the presence of a
// gate, and row_count or, where it is 0, x->rows matter) and an executor with `workers` threads. Never less for more
// tokens or workers. 0 for weights that MatMul refuses, SIZE_MAX where the size does not fit.
size_t MatMulWorkspaceBytes(const MatMulArgs& args, uint32_t workers);

// Builds the activation form that the weights need, unless args.x has it, by the executor's threads.
Status PrepareActivations(ActivationSet* x, DType weights, const Executor& executor = {},
                          Precision precision = Precision::kFast);

// Computes y (see MatMulArgs for the formula and layout). Several products may share one ActivationSet, one after the
// other. The workspace, and the memory of the set, must not overlap each other or any argument. Error: every quantised
// activation is off by at most half a step; docs/numerics.md lists each rounding.
Status MatMul(const MatMulArgs& args, const Executor& executor, Workspace workspace);

// Up to kMostProducts products together, with the same bits as one after the other: threads share out the rows of all
// of them, so that none waits for the end of a small one, and what is packed for one serves the others (q, k and v). No
// y may overlap what another product reads or writes. The workspace is the sum of theirs.
Status Validate(const MatMulArgs* products, size_t count);
size_t MatMulWorkspaceBytes(const MatMulArgs* products, size_t count, uint32_t workers);
Status MatMul(const MatMulArgs* products, size_t count, const Executor& executor, Workspace workspace);

}  // namespace weft

#endif  // WEFT_DISPATCH_MATMUL_H_
