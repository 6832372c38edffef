// The functions of weft/dispatch over those of weft::driver. Included where they are compiled: once for a program that
// links them (instantiate/registry.inc), or wherever weft/static-inl.h is.
#ifndef WEFT_DRIVERS_LIBRARY_H_
#define WEFT_DRIVERS_LIBRARY_H_

#include "weft/core/kernel_set.h"
#include "weft/dispatch/attention.h"
#include "weft/dispatch/formats.h"
#include "weft/dispatch/matmul.h"
#include "weft/dispatch/ops.h"
#include "weft/drivers/attention.h"
#include "weft/drivers/formats.h"
#include "weft/drivers/matmul.h"
#include "weft/drivers/ops.h"
#include "weft/drivers/store_kv.h"

namespace weft::inline WEFT_NAMESPACE {

template <class Library>
bool HasFormat(DType type, const Kernels& kernels) {
  return kernels.Find(type) != nullptr;
}
template <class Library>
Status Dequantize(DType type, const void* blocks, float* y, size_t n, const Executor& executor,
                  const Kernels& kernels) {
  return driver::Dequantize(kernels, type, blocks, y, n, executor);
}
template <class Library>
Status Quantize(DType type, const float* x, void* blocks, size_t n, const Executor& executor, const Kernels& kernels) {
  return driver::Quantize(kernels, type, x, blocks, n, executor);
}
template <class Library>
Status Validate(const GetRowsArgs& args, const Kernels& kernels) {
  return driver::Validate(kernels, args);
}
template <class Library>
Status GetRows(const GetRowsArgs& args, const Executor& executor, const Kernels& kernels) {
  return driver::GetRows(kernels, args, executor);
}
template <class Library>
Status Validate(const MatMulArgs& args, const Kernels& kernels) {
  return driver::Validate(kernels, args);
}
template <class Library>
Status Validate(const MatMulArgs* products, size_t count, const Kernels& kernels) {
  return driver::Validate(kernels, products, count);
}
template <class Library>
size_t ActivationBytes(DType weights, size_t rows, size_t cols, Precision precision, const Kernels& kernels) {
  return driver::ActivationBytes(kernels, &weights, 1, rows, cols, precision);
}
template <class Library>
size_t ActivationBytes(const DType* weights, size_t count, size_t rows, size_t cols, Precision precision,
                       const Kernels& kernels) {
  return driver::ActivationBytes(kernels, weights, count, rows, cols, precision);
}
template <class Library>
size_t MatMulWorkspaceBytes(const MatMulShape* products, size_t count, uint32_t workers, const Kernels& kernels) {
  return driver::MatMulWorkspaceBytes(kernels, products, count, workers);
}
template <class Library>
size_t MatMulWorkspaceBytes(const MatMulShape& product, uint32_t workers, const Kernels& kernels) {
  return driver::MatMulWorkspaceBytes(kernels, &product, 1, workers);
}
template <class Library>
size_t MatMulWorkspaceBytes(const MatMulArgs* products, size_t count, uint32_t workers, const Kernels& kernels) {
  return driver::MatMulWorkspaceBytes(kernels, products, count, workers);
}
template <class Library>
size_t MatMulWorkspaceBytes(const MatMulArgs& args, uint32_t workers, const Kernels& kernels) {
  return driver::MatMulWorkspaceBytes(kernels, &args, 1, workers);
}
template <class Library>
Status PrepareActivations(ActivationSet* x, DType weights, const Executor& executor, Precision precision,
                          const Kernels& kernels) {
  return driver::PrepareFor(kernels, x, weights, executor, precision);
}
template <class Library>
Status MatMul(const MatMulArgs& args, const Executor& executor, Workspace workspace, const Kernels& kernels) {
  return driver::MatMul(kernels, &args, 1, executor, workspace);
}
template <class Library>
Status MatMul(const MatMulArgs* products, size_t count, const Executor& executor, Workspace workspace,
              const Kernels& kernels) {
  return driver::MatMul(kernels, products, count, executor, workspace);
}
template <class Library>
Status Validate(const NormArgs& args, const Kernels&) {
  return driver::Validate(args);
}
template <class Library>
Status Norm(const NormArgs& args, const Executor& executor, const Kernels& kernels) {
  return driver::Norm(kernels, args, executor);
}
template <class Library>
Status Validate(const RopeTableArgs& args, const Kernels&) {
  return driver::Validate(args);
}
template <class Library>
Status RopeTable(const RopeTableArgs& args, const Executor& executor, const Kernels&) {
  return driver::RopeTable(args, executor);
}
template <class Library>
Status Validate(const RopeArgs& args, const Kernels&) {
  return driver::Validate(args);
}
template <class Library>
Status Rope(const RopeArgs& args, const Executor& executor, const Kernels& kernels) {
  return driver::Rope(kernels, args, executor);
}
template <class Library>
Status Validate(const ElementwiseArgs& args, const Kernels&) {
  return driver::Validate(args);
}
template <class Library>
Status Elementwise(const ElementwiseArgs& args, const Executor& executor, const Kernels& kernels) {
  return driver::Elementwise(kernels, args, executor);
}
template <class Library>
Status Validate(const GatedArgs& args, const Kernels&) {
  return driver::Validate(args);
}
template <class Library>
Status Gated(const GatedArgs& args, const Executor& executor, const Kernels& kernels) {
  return driver::Gated(kernels, args, executor);
}
template <class Library>
Status Validate(const SoftmaxArgs& args, const Kernels&) {
  return driver::Validate(args);
}
template <class Library>
Status Softmax(const SoftmaxArgs& args, const Executor& executor, const Kernels& kernels) {
  return driver::Softmax(kernels, args, executor);
}
template <class Library>
Status Validate(const TopKArgs& args, const Kernels&) {
  return driver::Validate(args);
}
template <class Library>
Status TopK(const TopKArgs& args, const Executor& executor, const Kernels& kernels) {
  return driver::TopK(kernels, args, executor);
}
template <class Library>
Status Validate(const StoreKvArgs& args, const Kernels&) {
  return driver::Validate(args);
}
template <class Library>
Status StoreKv(const StoreKvArgs& args, const Executor& executor, const Kernels& kernels) {
  return driver::StoreKv(kernels, args, executor);
}
template <class Library>
Status Validate(const AttentionArgs& args, const Kernels&) {
  return driver::Validate(args);
}
template <class Library>
size_t AttentionWorkspaceBytes(const AttentionShape& shape, uint32_t workers, const Kernels& kernels) {
  return driver::AttentionWorkspaceBytes(kernels, shape, workers);
}
template <class Library>
size_t AttentionWorkspaceBytes(const AttentionArgs& args, uint32_t workers, const Kernels& kernels) {
  return driver::AttentionWorkspaceBytes(kernels, args, workers);
}
template <class Library>
Status Attention(const AttentionArgs& args, const Executor& executor, Workspace workspace, const Kernels& kernels) {
  return driver::Attention(kernels, args, executor, workspace);
}

}  // namespace weft::inline WEFT_NAMESPACE

#endif  // WEFT_DRIVERS_LIBRARY_H_
