// The matrix product y = x * W^T with weights in any format, read as they lie in the file.
#ifndef WEFT_DISPATCH_MATMUL_H_
#define WEFT_DISPATCH_MATMUL_H_

#include <stddef.h>

#include "weft/core/executor.h"
#include "weft/core/matmul_args.h"
#include "weft/core/status.h"
#include "weft/dispatch/target.h"

namespace weft::inline WEFT_NAMESPACE {

// What is wrong with the arguments, if anything; of several products, Status::product tells with which. MatMul calls it
// itself.
template <class Library = Linked>
Status Validate(const MatMulArgs& args, const Kernels& kernels = Library::Active());
template <class Library = Linked>
Status Validate(const MatMulArgs* products, size_t count, const Kernels& kernels = Library::Active());

// Memory for the activation forms that weights of this type, or of these types, multiply with; SIZE_MAX where the size
// does not fit. 0 where the floats serve as they are. Never less for more rows, columns or types.
template <class Library = Linked>
size_t ActivationBytes(DType weights, size_t rows, size_t cols, Precision precision = Precision::kFast,
                       const Kernels& kernels = Library::Active());
template <class Library = Linked>
size_t ActivationBytes(const DType* weights, size_t count, size_t rows, size_t cols,
                       Precision precision = Precision::kFast, const Kernels& kernels = Library::Active());

// The workspace that MatMul needs for products of these shapes and an executor with `workers` threads:
//   the largest of what one worker takes for each product, times workers (a worker runs one product at a time)
//   + what each product's packed tokens take, but for those that share them with an earlier one (MatMulShape::input)
//   + some 200 bytes per product
// Room for one call is room for any call with fewer or smaller products; so the largest of the sizes of some calls is
// an arena for all of them. Independent of the order of sums. Shapes that MatMul refuses, and those without rows or
// tokens, count for nothing; SIZE_MAX where the size does not fit.
template <class Library = Linked>
size_t MatMulWorkspaceBytes(const MatMulShape* products, size_t count, uint32_t workers,
                            const Kernels& kernels = Library::Active());
template <class Library = Linked>
size_t MatMulWorkspaceBytes(const MatMulShape& product, uint32_t workers, const Kernels& kernels = Library::Active());
// The same of products that are there.
template <class Library = Linked>
size_t MatMulWorkspaceBytes(const MatMulArgs* products, size_t count, uint32_t workers,
                            const Kernels& kernels = Library::Active());
template <class Library = Linked>
size_t MatMulWorkspaceBytes(const MatMulArgs& args, uint32_t workers, const Kernels& kernels = Library::Active());

// Builds the activation form that the weights need, unless args.x has it, by the executor's threads.
template <class Library = Linked>
Status PrepareActivations(ActivationSet* x, DType weights, const Executor& executor = {},
                          Precision precision = Precision::kFast, const Kernels& kernels = Library::Active());

// Computes y (see MatMulArgs for the formula and layout). Several products may share one ActivationSet, one after the
// other. The workspace, and the memory of the set, must not overlap each other or any argument. Error: every quantised
// activation is off by at most half a step; docs/numerics.md lists each rounding.
template <class Library = Linked>
Status MatMul(const MatMulArgs& args, const Executor& executor, Workspace workspace,
              const Kernels& kernels = Library::Active());

// Any number of products together, with the same bits as one after the other: threads share out the rows of all of
// them, so that none waits for the end of a small one, and what is packed for one serves the others (q, k and v). No y
// may overlap what another product reads or writes.
template <class Library = Linked>
Status MatMul(const MatMulArgs* products, size_t count, const Executor& executor, Workspace workspace,
              const Kernels& kernels = Library::Active());

}  // namespace weft::inline WEFT_NAMESPACE

#endif  // WEFT_DISPATCH_MATMUL_H_
