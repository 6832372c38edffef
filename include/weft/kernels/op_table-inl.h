// This target's operations that no weight format has a part in, as a plain table (core/kernel_set.h).

#if defined(WEFT_KERNELS_OP_TABLE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_OP_TABLE_INL_H_
#undef WEFT_KERNELS_OP_TABLE_INL_H_
#else
#define WEFT_KERNELS_OP_TABLE_INL_H_
#endif

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/kernels/activate-inl.h"
#include "weft/kernels/elementwise-inl.h"
#include "weft/kernels/norm-inl.h"
#include "weft/kernels/rope-inl.h"
#include "weft/kernels/store_kv-inl.h"
#include "weft/kernels/top_k-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {

constexpr OpKernels MakeOpKernels() {
  OpKernels k;
  k.activate[static_cast<size_t>(ActivationForm::kBF16)] = Activate<ActivationForm::kBF16>;
  k.activate[static_cast<size_t>(ActivationForm::kA16)] = Activate<ActivationForm::kA16>;
  k.activate[static_cast<size_t>(ActivationForm::kA32)] = Activate<ActivationForm::kA32>;
  k.activate[static_cast<size_t>(ActivationForm::kA256)] = Activate<ActivationForm::kA256>;
  k.epilogue = RunEpilogue;
  k.norm = NormRows;
  k.rope = RopeTokens;
  k.gated = GatedRows;
  k.softmax = SoftmaxRows;
  k.elementwise = ElementwiseRows;
  k.top_k = TopKRows;
  k.store_kv = StoreKvTokens;
  return k;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
