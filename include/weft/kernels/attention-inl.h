// Attention of some queries of one sequence. The query heads that share a KV head are computed together, so that keys
// and values are read once.

#if defined(WEFT_KERNELS_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_ATTENTION_INL_H_
#undef WEFT_KERNELS_ATTENTION_INL_H_
#else
#define WEFT_KERNELS_ATTENTION_INL_H_
#endif

#include <math.h>
#include <stddef.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/core/prefetch.h"
#include "weft/formats/f32.h"
#include "weft/kernels/softmax_state-inl.h"
#include "weft/simd/convert-inl.h"
#include "weft/simd/math-inl.h"
#include "weft/simd/unroll-inl.h"
#include "weft/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Keys per step of the online softmax: their scores and value pointers stay in L1, and the state is rescaled rarely.
inline constexpr size_t kKeyTile = 32;

// dots[h] = q[h][0, n) * k[0, n) for kHeads heads
template <size_t kHeads, class T>
HWY_INLINE void DotKey(const float* const* q, const T* HWY_RESTRICT k, size_t n, float* dots) {
  const hn::ScalableTag<float> df;
  hn::Vec<decltype(df)> sums[kHeads];
  WEFT_UNROLL(4) for (size_t h = 0; h < kHeads; ++h) sums[h] = hn::Zero(df);
  ForVectors(df, n, [&](size_t i, auto vector) HWY_ATTR {
    const auto key = vector.Load(df, k + i);
    WEFT_UNROLL(4) for (size_t h = 0; h < kHeads; ++h) {
      sums[h] = hn::MulAdd(vector.Load(df, q[h] + i), key, sums[h]);
    }
  });
  WEFT_UNROLL(4) for (size_t h = 0; h < kHeads; ++h) dots[h] = hn::ReduceSum(df, sums[h]);
}

// score = cap(scale * dot) + slope * (key - position)
HWY_INLINE float Score(const AttentionArgs& args, float dot, float slope, float distance) {
  float s = dot * args.scale;
  if (args.softcap > 0.0f) {
    const hn::CappedTag<float, 4> df;
    s = args.softcap * hn::GetLane(Tanh(df, hn::Set(df, s / args.softcap)));
  }
  return s + slope * distance;
}

// One query token and heads [first_head, first_head + heads), at most kHeadsTogether, which share a KV head.
struct AttentionGroup {
  const AttentionArgs& args;
  const AttentionSequence& sequence;
  size_t token = 0;      // row of q and out
  int64_t position = 0;  // of the query
  size_t first_head = 0, heads = 0;
  size_t kv_head = 0;
  KeyRange keys;
  float* scratch = nullptr;

  const float* Query(size_t h) const {
    return args.q + token * args.q_token_stride + (first_head + h) * args.q_head_stride;
  }
  float* Out(size_t h) const {
    return args.out + token * args.out_token_stride + (first_head + h) * args.out_head_stride;
  }
  const float* Sink(size_t h) const { return args.sinks != nullptr ? args.sinks + first_head + h : nullptr; }
};

// How many keys ahead a key is requested: with those of other heads between them, hardware does not foresee them well.
// While one is multiplied with four heads (some 100 cycles), memory takes several times as long to answer.
inline constexpr size_t kKeysAhead = 16;

// scores[h * stride + j] of keys first + j, j < n, for all heads of the group: every key is read once.
template <class TK>
HWY_NOINLINE void ScoreKeys(const AttentionGroup& group, size_t first, size_t n, float* scores, size_t stride) {
  const AttentionArgs& args = group.args;
  const size_t key_bytes = args.k_size * sizeof(TK), value_bytes = RowBytes(group.sequence.v.type, args.v_size);
  const float* queries[kHeadsTogether];
  for (size_t h = 0; h < group.heads; ++h) queries[h] = group.Query(h);
  for (size_t j = 0; j < n; ++j) {
    const auto* k = reinterpret_cast<const TK*>(group.sequence.k.At(first + j, group.kv_head));
    if (const size_t ahead = first + j + kKeysAhead; ahead < group.keys.end) {
      PrefetchLines(group.sequence.k.At(ahead, group.kv_head), key_bytes);
    }
    PrefetchLines(group.sequence.v.At(first + j, group.kv_head), value_bytes);  // wanted after the keys of the tile
    const float distance = static_cast<float>(static_cast<int64_t>(first + j) - group.position);
    float dots[kHeadsTogether];
    ForHeads(group.heads, [&]<size_t kHeads>(size_t first_head)
                              HWY_ATTR { DotKey<kHeads>(queries + first_head, k, args.k_size, dots + first_head); });
    for (size_t h = 0; h < group.heads; ++h) {
      const float slope = args.alibi_slopes != nullptr ? args.alibi_slopes[group.first_head + h] : 0.0f;
      scores[h * stride + j] = Score(args, dots[h], slope, distance);
    }
  }
}

template <class TV>
HWY_INLINE void FindValues(const AttentionGroup& group, size_t first, size_t n, const TV** values) {
  for (size_t j = 0; j < n; ++j) {
    values[j] = reinterpret_cast<const TV*>(group.sequence.v.At(first + j, group.kv_head));
  }
}

// Takes keys first + j, j < n <= kKeyTile, into the states of all heads; scores[h * kKeyTile + j] become weights.
template <class TV>
HWY_NOINLINE void UpdateHeads(const AttentionGroup& group, SoftmaxState* states, float* scores, size_t first,
                              size_t n) {
  const TV* values[kKeyTile];
  FindValues(group, first, n, values);
  Update(states, group.heads, scores, kKeyTile, values, n);
}

// acc[0, v_size) += weight * value of the key
template <class TV>
HWY_NOINLINE void AddValue(const AttentionGroup& group, size_t key, float weight, float* acc) {
  const TV* value;
  FindValues(group, key, 1, &value);
  const float* weights = &weight;
  Accumulate<1>(&acc, &weights, &value, 1, group.args.v_size);
}

// The steps that read a cache, by its type. Called once per tile of keys, so that the algorithms below are compiled
// once and not for every pair of types.
struct KeySteps {
  void (*score)(const AttentionGroup&, size_t, size_t, float*, size_t);
};
struct ValueSteps {
  void (*update)(const AttentionGroup&, SoftmaxState*, float*, size_t, size_t);
  void (*add)(const AttentionGroup&, size_t, float, float*);
};
inline KeySteps KeyStepsFor(DType type) {
  if (type == DType::kF16) return {ScoreKeys<f16>};
  if (type == DType::kBF16) return {ScoreKeys<bf16>};
  return {ScoreKeys<BlockF32>};
}
inline ValueSteps ValueStepsFor(DType type) {
  if (type == DType::kF16) return {UpdateHeads<f16>, AddValue<f16>};
  if (type == DType::kBF16) return {UpdateHeads<bf16>, AddValue<bf16>};
  return {UpdateHeads<BlockF32>, AddValue<BlockF32>};
}

// scratch: scores [kHeadsTogether][kKeyTile], accumulators [kHeadsTogether][v_size]
inline void FlashGroup(const AttentionGroup& group, KeySteps keys, ValueSteps values) {
  float* scores = group.scratch;
  SoftmaxState states[kHeadsTogether];
  for (size_t h = 0; h < group.heads; ++h) {
    states[h].acc = scores + kHeadsTogether * kKeyTile + h * group.args.v_size;
    states[h].size = group.args.v_size;
    Reset(states[h]);
  }
  for (size_t key = group.keys.begin; key < group.keys.end; key += kKeyTile) {
    const size_t n = group.keys.end - key < kKeyTile ? group.keys.end - key : kKeyTile;
    keys.score(group, key, n, scores, kKeyTile);
    values.update(group, states, scores, key, n);
  }
  for (size_t h = 0; h < group.heads; ++h) Finish(states[h], group.Sink(h), group.Out(h));
}

// All scores first, then their softmax in two passes, then the weighted sum, head by head and key by key.
// scratch: scores [kHeadsTogether][keys], one accumulator [v_size]
inline void StandardGroup(const AttentionGroup& group, KeySteps keys, ValueSteps values) {
  const size_t n = group.keys.end - group.keys.begin;
  float* scores = group.scratch;
  keys.score(group, group.keys.begin, n, scores, n);
  for (size_t h = 0; h < group.heads; ++h, scores += n) {
    float* acc = group.scratch + kHeadsTogether * group.sequence.kv_length;
    float max = group.Sink(h) != nullptr ? *group.Sink(h) : -INFINITY;
    for (size_t j = 0; j < n; ++j) max = fmaxf(max, scores[j]);
    float sum = group.Sink(h) != nullptr ? ExpScalar(*group.Sink(h) - max) : 0.0f;
    for (size_t i = 0; i < group.args.v_size; ++i) acc[i] = 0.0f;
    for (size_t j = 0; j < n; ++j) {
      const float weight = max == -INFINITY ? 0.0f : ExpScalar(scores[j] - max);
      sum += weight;
      values.add(group, group.keys.begin + j, weight, acc);
    }
    const float factor = sum > 0.0f ? 1.0f / sum : 0.0f;
    for (size_t i = 0; i < group.args.v_size; ++i) group.Out(h)[i] = acc[i] * factor;
  }
}

// See AttentionTask.
inline void Attend(const AttentionTask& task) {
  const AttentionArgs& args = *task.args;
  const AttentionSequence& seq = *task.sequence;
  const KeySteps keys = KeyStepsFor(seq.k.type);
  const ValueSteps values = ValueStepsFor(seq.v.type);
  const size_t shared = args.heads / args.kv_heads;
  for (size_t query = task.first_query; query < task.first_query + task.queries; ++query) {
    const int64_t position = seq.first_position + static_cast<int64_t>(query);
    const size_t end = task.first_head + task.heads;
    for (size_t head = task.first_head; head < end;) {
      size_t count = shared - head % shared;  // up to the end of the group, of the task, of a turn
      if (count > end - head) count = end - head;
      if (count > kHeadsTogether) count = kHeadsTogether;
      const AttentionGroup group{args,  seq,           seq.first_query + query,          position,    head,
                                 count, head / shared, VisibleKeys(args, seq, position), task.scratch};
      if (args.backend == AttentionBackend::kStandard) {
        StandardGroup(group, keys, values);
      } else {
        FlashGroup(group, keys, values);
      }
      head += count;
    }
  }
}

// Floats of scratch that a task needs.
inline size_t AttentionScratch(const AttentionArgs& args) {
  if (args.backend != AttentionBackend::kStandard) return kHeadsTogether * (kKeyTile + args.v_size);
  size_t keys = 0;
  for (size_t i = 0; i < args.sequence_count; ++i) {
    if (args.sequences[i].kv_length > keys) keys = args.sequences[i].kv_length;
  }
  return kHeadsTogether * keys + args.v_size;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
