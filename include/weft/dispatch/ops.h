// The small operations of a transformer. Each is described by its arguments struct in weft/core/op_args.h.
#ifndef WEFT_DISPATCH_OPS_H_
#define WEFT_DISPATCH_OPS_H_

#include "weft/core/executor.h"
#include "weft/core/op_args.h"
#include "weft/core/status.h"

namespace weft {

Status Validate(const NormArgs& args);
Status Norm(const NormArgs& args, const Executor& executor = {});

// Computed in double precision and rounded once.
Status Validate(const RopeTableArgs& args);
Status RopeTable(const RopeTableArgs& args, const Executor& executor = {});

Status Validate(const RopeArgs& args);
Status Rope(const RopeArgs& args, const Executor& executor = {});

Status Validate(const GatedArgs& args);
Status Gated(const GatedArgs& args, const Executor& executor = {});

Status Validate(const SoftmaxArgs& args);
Status Softmax(const SoftmaxArgs& args, const Executor& executor = {});

}  // namespace weft

#endif  // WEFT_DISPATCH_OPS_H_
