// The small operations of a transformer. Each is described by its arguments struct in weft/core/op_args.h or
// store_kv_args.h. They allocate nothing; a row, token or head is one thread's work, so that the bits do not depend on
// the executor. Without rows or tokens nothing is read or written. Arrays are aligned as floats are, nothing is read or
// written beyond what the formulas name. Validate tells what is wrong without computing anything.
#ifndef WEFT_DISPATCH_OPS_H_
#define WEFT_DISPATCH_OPS_H_

#include "weft/core/executor.h"
#include "weft/core/op_args.h"
#include "weft/core/status.h"
#include "weft/core/store_kv_args.h"
#include "weft/dispatch/target.h"

namespace weft::inline WEFT_NAMESPACE {

template <class Library = Linked>
Status Validate(const NormArgs& args, const Kernels& kernels = Library::Active());
template <class Library = Linked>
Status Norm(const NormArgs& args, const Executor& executor = {}, const Kernels& kernels = Library::Active());

// Computed in double precision and rounded once.
template <class Library = Linked>
Status Validate(const RopeTableArgs& args, const Kernels& kernels = Library::Active());
template <class Library = Linked>
Status RopeTable(const RopeTableArgs& args, const Executor& executor = {}, const Kernels& kernels = Library::Active());

template <class Library = Linked>
Status Validate(const RopeArgs& args, const Kernels& kernels = Library::Active());
template <class Library = Linked>
Status Rope(const RopeArgs& args, const Executor& executor = {}, const Kernels& kernels = Library::Active());

template <class Library = Linked>
Status Validate(const ElementwiseArgs& args, const Kernels& kernels = Library::Active());
template <class Library = Linked>
Status Elementwise(const ElementwiseArgs& args, const Executor& executor = {},
                   const Kernels& kernels = Library::Active());

template <class Library = Linked>
Status Validate(const GatedArgs& args, const Kernels& kernels = Library::Active());
template <class Library = Linked>
Status Gated(const GatedArgs& args, const Executor& executor = {}, const Kernels& kernels = Library::Active());

template <class Library = Linked>
Status Validate(const SoftmaxArgs& args, const Kernels& kernels = Library::Active());
template <class Library = Linked>
Status Softmax(const SoftmaxArgs& args, const Executor& executor = {}, const Kernels& kernels = Library::Active());

template <class Library = Linked>
Status Validate(const TopKArgs& args, const Kernels& kernels = Library::Active());
template <class Library = Linked>
Status TopK(const TopKArgs& args, const Executor& executor = {}, const Kernels& kernels = Library::Active());

template <class Library = Linked>
Status Validate(const StoreKvArgs& args, const Kernels& kernels = Library::Active());
template <class Library = Linked>
Status StoreKv(const StoreKvArgs& args, const Executor& executor = {}, const Kernels& kernels = Library::Active());

}  // namespace weft::inline WEFT_NAMESPACE

#endif  // WEFT_DISPATCH_OPS_H_
