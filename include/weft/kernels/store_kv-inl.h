// Keys or values into a cache.

#if defined(WEFT_KERNELS_STORE_KV_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_STORE_KV_INL_H_
#undef WEFT_KERNELS_STORE_KV_INL_H_
#else
#define WEFT_KERNELS_STORE_KV_INL_H_
#endif

#include <stddef.h>
#include <stdint.h>

#include "hwy/highway.h"
#include "weft/core/store_kv_args.h"
#include "weft/formats/f32.h"
#include "weft/simd/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
HWY_NOINLINE void StoreTokens(const StoreKvArgs& args, size_t first, size_t count) {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  for (size_t token = first; token < first + count; ++token) {
    uint8_t* position = const_cast<uint8_t*>(args.cache.At(args.first_position + token, 0));
    for (size_t head = 0; head < args.heads; ++head) {
      const float* x = args.x + token * args.token_stride + head * args.head_stride;
      T* to = reinterpret_cast<T*>(position + head * args.cache.head_stride);
      size_t i = 0;
      for (; i + lanes <= args.size; i += lanes) StoreFloat(df, hn::LoadU(df, x + i), to + i);
      if (i < args.size) StoreFloatN(df, hn::LoadN(df, x + i, args.size - i), to + i, args.size - i);
    }
  }
}

// Tokens [first, first + count) of StoreKvArgs.
inline void StoreKvTokens(const StoreKvArgs& args, size_t first, size_t count) {
  switch (args.cache.type) {
    case DType::kF16: return StoreTokens<f16>(args, first, count);
    case DType::kBF16: return StoreTokens<bf16>(args, first, count);
    default: return StoreTokens<BlockF32>(args, first, count);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
