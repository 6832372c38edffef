// The small operations of a transformer. Each is described by its arguments struct in weft/core/op_args.h or
// store_kv_args.h. They allocate nothing; a row, token or head is one thread's work, so that the bits do not depend on
// the executor. Arrays are aligned as floats are, nothing is read or written beyond what the formulas name. Validate
// tells what is wrong without computing anything.
#ifndef WEFT_DISPATCH_OPS_H_
#define WEFT_DISPATCH_OPS_H_

#include "weft/core/executor.h"
#include "weft/core/op_args.h"
#include "weft/core/status.h"
#include "weft/core/store_kv_args.h"

namespace weft {

Status Validate(const NormArgs& args);
Status Norm(const NormArgs& args, const Executor& executor = {});

// Computed in double precision and rounded once.
Status Validate(const RopeTableArgs& args);
Status RopeTable(const RopeTableArgs& args, const Executor& executor = {});

Status Validate(const RopeArgs& args);
Status Rope(const RopeArgs& args, const Executor& executor = {});

Status Validate(const ElementwiseArgs& args);
Status Elementwise(const ElementwiseArgs& args, const Executor& executor = {});

Status Validate(const GatedArgs& args);
Status Gated(const GatedArgs& args, const Executor& executor = {});

Status Validate(const SoftmaxArgs& args);
Status Softmax(const SoftmaxArgs& args, const Executor& executor = {});

Status Validate(const TopKArgs& args);
Status TopK(const TopKArgs& args, const Executor& executor = {});

Status Validate(const StoreKvArgs& args);
Status StoreKv(const StoreKvArgs& args, const Executor& executor = {});

}  // namespace weft

#endif  // WEFT_DISPATCH_OPS_H_
