// Attention over a batch of sequences.
#ifndef WEFT_DISPATCH_ATTENTION_H_
#define WEFT_DISPATCH_ATTENTION_H_

#include <stddef.h>

#include "weft/core/attention_args.h"
#include "weft/core/executor.h"
#include "weft/core/status.h"
#include "weft/dispatch/target.h"

namespace weft::inline WEFT_NAMESPACE {

template <class Library = Linked>
Status Validate(const AttentionArgs& args, const Kernels& kernels = Library::Active());

// Workspace that Attention needs for such a shape, or for these arguments, with an executor of `workers` threads;
// independent of the number of keys unless the backend is kStandard. 0 for heads and sizes that Attention refuses,
// SIZE_MAX where the size does not fit.
template <class Library = Linked>
size_t AttentionWorkspaceBytes(const AttentionShape& shape, uint32_t workers,
                               const Kernels& kernels = Library::Active());
template <class Library = Linked>
size_t AttentionWorkspaceBytes(const AttentionArgs& args, uint32_t workers, const Kernels& kernels = Library::Active());

// Computes out (formula, layout and masks: see AttentionArgs). Scores, the softmax state and the accumulator are
// float whatever the type of the cache. Same bits for any number of threads.
template <class Library = Linked>
Status Attention(const AttentionArgs& args, const Executor& executor, Workspace workspace,
                 const Kernels& kernels = Library::Active());

}  // namespace weft::inline WEFT_NAMESPACE

#endif  // WEFT_DISPATCH_ATTENTION_H_
