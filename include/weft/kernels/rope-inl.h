// Rotary position embedding, from a table of angles.

#if defined(WEFT_KERNELS_ROPE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_ROPE_INL_H_
#undef WEFT_KERNELS_ROPE_INL_H_
#else
#define WEFT_KERNELS_ROPE_INL_H_
#endif

#include <stddef.h>
#include <string.h>

#include "hwy/highway.h"
#include "weft/core/op_args.h"
#include "weft/core/strict_math.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The pairs [0, pairs) of one head: (x[2i], x[2i + 1]) or (x[i], x[i + pairs]), angles {cos, sin} per pair; forwards by
// the angles, or backwards.
template <RopeKind kKind, bool kInverse>
HWY_INLINE void RotateHead(float* HWY_RESTRICT x, const float* HWY_RESTRICT angles, size_t pairs) {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  size_t i = 0;
  for (; i + lanes <= pairs; i += lanes) {
    hn::Vec<decltype(df)> cosine, sine, a, b;
    hn::LoadInterleaved2(df, angles + 2 * i, cosine, sine);
    if constexpr (kInverse) sine = hn::Neg(sine);
    if constexpr (kKind == RopeKind::kInterleaved) {
      hn::LoadInterleaved2(df, x + 2 * i, a, b);
    } else {
      a = hn::LoadU(df, x + i);
      b = hn::LoadU(df, x + i + pairs);
    }
    const auto u = hn::NegMulAdd(b, sine, hn::Mul(a, cosine));
    const auto v = hn::MulAdd(a, sine, hn::Mul(b, cosine));
    if constexpr (kKind == RopeKind::kInterleaved) {
      hn::StoreInterleaved2(u, v, df, x + 2 * i);
    } else {
      hn::StoreU(u, df, x + i);
      hn::StoreU(v, df, x + i + pairs);
    }
  }
  for (; i < pairs; ++i) {
    float& a = kKind == RopeKind::kInterleaved ? x[2 * i] : x[i];
    float& b = kKind == RopeKind::kInterleaved ? x[2 * i + 1] : x[i + pairs];
    const float cosine = angles[2 * i], sine = kInverse ? -angles[2 * i + 1] : angles[2 * i + 1];
    const float u = a * cosine - b * sine;
    b = a * sine + b * cosine;
    a = u;
  }
}

// The heads of a token, in place.
template <RopeKind kKind, bool kInverse>
HWY_INLINE void RotateHeads(float* x, size_t heads, size_t stride, const float* angles, size_t pairs) {
  for (size_t head = 0; head < heads; ++head) RotateHead<kKind, kInverse>(x + head * stride, angles, pairs);
}

// Tokens [first, first + count) of RopeArgs. What goes elsewhere is copied there first.
inline void RopeTokens(const RopeArgs& args, size_t first, size_t count) {
  const size_t heads = args.heads, pairs = args.pairs, stride = args.y_head_stride;
  const size_t size = args.head_size != 0 ? args.head_size : 2 * pairs;
  for (size_t token = first; token < first + count; ++token) {
    const float* angles = args.table + token * pairs * 2;
    float* y = args.y + token * args.y_token_stride;
    if (args.y != args.x) {
      const float* x = args.x + token * args.token_stride;
      for (size_t head = 0; head < heads; ++head) {
        memcpy(y + head * stride, x + head * args.head_stride, size * sizeof(float));
      }
    }
    if (args.kind == RopeKind::kInterleaved) {
      args.inverse ? RotateHeads<RopeKind::kInterleaved, true>(y, heads, stride, angles, pairs)
                   : RotateHeads<RopeKind::kInterleaved, false>(y, heads, stride, angles, pairs);
    } else {
      args.inverse ? RotateHeads<RopeKind::kHalf, true>(y, heads, stride, angles, pairs)
                   : RotateHeads<RopeKind::kHalf, false>(y, heads, stride, angles, pairs);
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
