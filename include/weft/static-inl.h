// weft for one target, chosen by the compiler's flags, with nothing to link: everything is in headers. For programs
// that are compiled for the machine they run on; others link runtime-dispatched kernels and include weft/weft.h.
//
//   // c++ -std=c++20 -O2 -march=native -DHWY_HEADER_ONLY ...
//   #include <weft/static-inl.h>
//   using Kernels = weft::Static<weft::Q8_0, weft::Q4_K>;   // the formats to compile
//   Kernels::MatMul(args, executor, workspace);
//
// Functions and arguments are those of weft/dispatch. All files of a program that include this, and any
// runtime-dispatched units beside them, must be compiled with the same machine flags, because they share inline
// functions.
#ifndef WEFT_STATIC_INL_H_
#define WEFT_STATIC_INL_H_

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/drivers/attention.h"
#include "weft/drivers/formats.h"
#include "weft/drivers/matmul.h"
#include "weft/drivers/ops.h"
#include "weft/drivers/store_kv.h"
#include "weft/formats/formats-inl.h"
#include "weft/formats/formats.h"
#include "weft/kernels/attention_table-inl.h"
#include "weft/kernels/format_table-inl.h"
#include "weft/kernels/op_table-inl.h"
#include "weft/kernels/tile_table-inl.h"

#ifdef HWY_TARGET_INCLUDE
#error "static-inl.h is for one target; in a foreach_target file include weft/kernels/*-inl.h instead"
#endif

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {

// The library with kernels for `Formats`, all static.
template <class... Formats>
class Static {
  static constexpr OpKernels kOps = MakeOpKernels();
  static constexpr AttentionKernels kAttention = MakeAttentionKernels();
  template <class Format>
  static constexpr FormatKernels kFormat = MakeFormatKernels<Format>();
  template <class Format>
  static constexpr PanelClass kClass[] = {PanelClassOf<Format, FormOf<Format>(Precision::kFast), kStaticProducts>(),
                                          PanelClassOf<Format, FormOf<Format>(Precision::kFine), kStaticProducts>()};
  // Two per format, the first of equal classes is found.
  static constexpr TileKernels kTiles[] = {MakeTileKernels<kClass<Formats>[0]>()...,
                                           MakeTileKernels<kClass<Formats>[1]>()...};

  static constexpr KernelSet MakeKernels() {
    KernelSet set;
    set.target = "static";
    ((set.formats[static_cast<size_t>(Formats::kType)] = &kFormat<Formats>), ...);
    set.tiles = kTiles;
    set.tile_count = 2 * sizeof...(Formats);
    set.ops = &kOps;
    set.attention = &kAttention;
    return set;
  }

 public:
  static const KernelSet& Kernels() {
    static constexpr KernelSet set = MakeKernels();
    return set;
  }

  static bool HasFormat(DType type) { return Kernels().Find(type) != nullptr; }
  static Status Dequantize(DType type, const void* blocks, float* y, size_t n, const Executor& executor = {}) {
    return driver::Dequantize(Kernels(), type, blocks, y, n, executor);
  }
  static Status Quantize(DType type, const float* x, void* blocks, size_t n, const Executor& executor = {}) {
    return driver::Quantize(Kernels(), type, x, blocks, n, executor);
  }
  static Status GetRows(const GetRowsArgs& args, const Executor& executor = {}) {
    return driver::GetRows(Kernels(), args, executor);
  }
  static Status Validate(const GetRowsArgs& args) { return driver::Validate(Kernels(), args); }
  static Status Validate(const MatMulArgs& args) { return driver::Validate(Kernels(), args); }
  template <class Args>
  static Status Validate(const Args& args) {
    return driver::Validate(args);
  }
  static size_t MatMulWorkspaceBytes(const MatMulArgs& args, uint32_t workers) {
    return driver::MatMulWorkspaceBytes(Kernels(), args, workers);
  }
  static Status PrepareActivations(ActivationSet* x, DType weights, const Executor& executor = {},
                                   Precision precision = Precision::kFast) {
    return driver::PrepareFor(Kernels(), x, weights, executor, precision);
  }
  static Status MatMul(const MatMulArgs& args, const Executor& executor, Workspace workspace) {
    return driver::MatMul(Kernels(), args, executor, workspace);
  }
  static Status Validate(const MatMulArgs* products, size_t count) {
    return driver::Validate(Kernels(), products, count);
  }
  static size_t MatMulWorkspaceBytes(const MatMulArgs* products, size_t count, uint32_t workers) {
    return driver::MatMulWorkspaceBytes(Kernels(), products, count, workers);
  }
  static Status MatMul(const MatMulArgs* products, size_t count, const Executor& executor, Workspace workspace) {
    return driver::MatMul(Kernels(), products, count, executor, workspace);
  }
  static Status Norm(const NormArgs& args, const Executor& executor = {}) {
    return driver::Norm(Kernels(), args, executor);
  }
  static Status RopeTable(const RopeTableArgs& args, const Executor& executor = {}) {
    return driver::RopeTable(args, executor);
  }
  static Status Rope(const RopeArgs& args, const Executor& executor = {}) {
    return driver::Rope(Kernels(), args, executor);
  }
  static Status Gated(const GatedArgs& args, const Executor& executor = {}) {
    return driver::Gated(Kernels(), args, executor);
  }
  static Status Softmax(const SoftmaxArgs& args, const Executor& executor = {}) {
    return driver::Softmax(Kernels(), args, executor);
  }
  static Status Elementwise(const ElementwiseArgs& args, const Executor& executor = {}) {
    return driver::Elementwise(Kernels(), args, executor);
  }
  static Status TopK(const TopKArgs& args, const Executor& executor = {}) {
    return driver::TopK(Kernels(), args, executor);
  }
  static Status StoreKv(const StoreKvArgs& args, const Executor& executor = {}) {
    return driver::StoreKv(Kernels(), args, executor);
  }
  static size_t AttentionWorkspaceBytes(const AttentionArgs& args, uint32_t workers) {
    return driver::AttentionWorkspaceBytes(Kernels(), args, workers);
  }
  static Status Attention(const AttentionArgs& args, const Executor& executor, Workspace workspace) {
    return driver::Attention(Kernels(), args, executor, workspace);
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE

using HWY_NAMESPACE::Static;

}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // WEFT_STATIC_INL_H_
