// Attention over a batch of sequences.
#ifndef WEFT_DISPATCH_ATTENTION_H_
#define WEFT_DISPATCH_ATTENTION_H_

#include <stddef.h>

#include "weft/core/attention_args.h"
#include "weft/core/executor.h"
#include "weft/core/status.h"

namespace weft {

Status Validate(const AttentionArgs& args);

// Workspace that Attention needs for these arguments and an executor with `workers` threads; independent of the
// number of keys unless the backend is kStandard. 0 for heads and sizes that Attention refuses, SIZE_MAX where the size
// does not fit.
size_t AttentionWorkspaceBytes(const AttentionArgs& args, uint32_t workers);

// Computes out (formula, layout and masks: see AttentionArgs). Scores, the softmax state and the accumulator are
// float whatever the type of the cache. Same bits for any number of threads.
Status Attention(const AttentionArgs& args, const Executor& executor, Workspace workspace);

}  // namespace weft

#endif  // WEFT_DISPATCH_ATTENTION_H_
