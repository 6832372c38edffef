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
namespace weft {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The pairs [0, pairs) of one head: (x[2i], x[2i + 1]) or (x[i], x[i + pairs]), angles {cos, sin} per pair, to y, which
// may be x. Forwards by the angles, or backwards.
template <RopeKind kKind, bool kInverse>
HWY_INLINE void RotateHead(const float* x, float* y, const float* HWY_RESTRICT angles, size_t pairs) {
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
      hn::StoreInterleaved2(u, v, df, y + 2 * i);
    } else {
      hn::StoreU(u, df, y + i);
      hn::StoreU(v, df, y + i + pairs);
    }
  }
  for (; i < pairs; ++i) {
    const size_t first = kKind == RopeKind::kInterleaved ? 2 * i : i;
    const size_t second = kKind == RopeKind::kInterleaved ? 2 * i + 1 : i + pairs;
    const float a = x[first], b = x[second];
    const float cosine = angles[2 * i], sine = kInverse ? -angles[2 * i + 1] : angles[2 * i + 1];
    y[first] = a * cosine - b * sine;
    y[second] = a * sine + b * cosine;
  }
}

template <RopeKind kKind, bool kInverse>
HWY_INLINE void RotateTokens(const RopeArgs& args, size_t first, size_t count) {
  const size_t rotated = 2 * args.pairs;
  const size_t rest = args.head_size > rotated && args.y != args.x ? args.head_size - rotated : 0;
  for (size_t token = first; token < first + count; ++token) {
    const float* angles = args.table + token * rotated;
    for (size_t head = 0; head < args.heads; ++head) {
      const float* x = args.x + token * args.token_stride + head * args.head_stride;
      float* y = args.y + token * args.y_token_stride + head * args.y_head_stride;
      RotateHead<kKind, kInverse>(x, y, angles, args.pairs);
      if (rest != 0) memcpy(y + rotated, x + rotated, rest * sizeof(float));
    }
  }
}

// Tokens [first, first + count) of RopeArgs.
inline void RopeTokens(const RopeArgs& args, size_t first, size_t count) {
  if (args.kind == RopeKind::kInterleaved) {
    args.inverse ? RotateTokens<RopeKind::kInterleaved, true>(args, first, count)
                 : RotateTokens<RopeKind::kInterleaved, false>(args, first, count);
  } else {
    args.inverse ? RotateTokens<RopeKind::kHalf, true>(args, first, count)
                 : RotateTokens<RopeKind::kHalf, false>(args, first, count);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif  // toggle
