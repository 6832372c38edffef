// Attention of many queries of one sequence, as two matrix products per block of keys: the tile kernel of float weights
// multiplies both. Rows are pairs of a query and a head, all heads of one KV head; lanes are rows, so that the maximum
// and the sum of a row's weights, and the rescaling, need nothing across lanes.
//
//   scores [keys][rows]  = keys * queries^T        panel: the queries [k_size][rows]      "tokens": a block's keys
//   weights              = exp(scores - max)       the online softmax of softmax_state-inl.h, a lane per row
//   acc [v_size][rows]  += values^T * weights      panel: the weights [keys][rows]        "tokens": elements of values
//
// Blocks of keys begin at multiples of kKeyBlock, whatever the queries: a row's result does not depend on the others.

#if defined(WEFT_KERNELS_ATTENTION_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_ATTENTION_TILE_INL_H_
#undef WEFT_KERNELS_ATTENTION_TILE_INL_H_
#else
#define WEFT_KERNELS_ATTENTION_TILE_INL_H_
#endif

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hwy/highway.h"
#include "weft/core/kernel_set.h"
#include "weft/formats/f32.h"
#include "weft/kernels/pack_tokens-inl.h"
#include "weft/kernels/softmax_state-inl.h"
#include "weft/kernels/tile-inl.h"
#include "weft/simd/convert-inl.h"
#include "weft/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::inline WEFT_NAMESPACE {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr PanelClass kFloatPanel{};
inline constexpr size_t kScoreTile = TileTokens(ActivationForm::kF32);
inline constexpr size_t kScoreStep = TileTokenStep(ActivationForm::kF32);
inline constexpr size_t kKeyBlock = kVectorRegisters == 32 ? 96 : 32;  // sums depend on it
static_assert(kKeyBlock % kScoreStep == 0);
// Rows of a task: with 64 elements per key and value, their queries and accumulators take 128 KiB.
inline constexpr size_t kAttentionRows = 256;

constexpr size_t RoundUp(size_t n, size_t step) { return (n + step - 1) / step * step; }

// Panels of rows; each has its own piece of the scratch.
struct RowPanel {
  float *query, *acc, *max, *sum;   // [k_size], [padded v_size], 1, 1 times [kPanelRows]
  float *slope, *sink;              // [kPanelRows]
  int32_t *position, *begin, *end;  // of the query; the keys that it sees
  int32_t first_begin = 0, last_begin = 0, first_end = 0, last_end = 0;  // over the rows

  static size_t Floats(const AttentionArgs& args) {
    return kPanelRows * (args.k_size + RoundUp(args.v_size, kScoreStep) + 7);
  }
};

// How many queries a task may have.
inline size_t AttentionTileQueries(const AttentionArgs& args) {
  const size_t queries = kAttentionRows / (args.heads / args.kv_heads);
  return queries > 0 ? queries : 1;
}

inline size_t AttentionTileScratch(const AttentionArgs& args) {
  const size_t rows = AttentionTileQueries(args) * (args.heads / args.kv_heads);
  const size_t widest = args.k_size > args.v_size ? args.k_size : args.v_size;
  return RoundUp(rows, kPanelRows) / kPanelRows * RowPanel::Floats(args) +
         kKeyBlock * (RoundUp(args.k_size, 16) + RoundUp(args.v_size, 16) + kPanelRows) +
         kScoreTile * RoundUp(widest, 16);
}

// to[0, padded) = n elements at `from` as floats, then zeros.
template <class T>
HWY_INLINE void ToFloats(const T* from, size_t n, float* HWY_RESTRICT to, size_t padded) {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(LoadFloat(df, from + i), df, to + i);
  if (i < n) hn::StoreN(LoadFloatN(df, from + i, n - i), df, to + i, n - i);
  for (i = n; i < padded; ++i) to[i] = 0.0f;
}

// Keys [first, first + n) as tokens of the score tiles: tiles of kScoreTile keys, the last one of a multiple of
// kScoreStep, filled up with zeros.
template <class T>
HWY_NOINLINE void PackKeys(const AttentionTask& task, size_t first, size_t n, float* HWY_RESTRICT out, float* row) {
  const size_t size = task.args->k_size, kv_head = task.first_head / (task.args->heads / task.args->kv_heads);
  const size_t padded = RoundUp(n, kScoreStep), stride = RoundUp(size, 16);
  for (size_t tile = 0; tile < padded; tile += kScoreTile, out += kScoreTile * size) {
    const size_t keys = padded - tile < kScoreTile ? padded - tile : kScoreTile;
    const uint8_t* from[WholeFours(kScoreTile)];
    for (size_t i = 0; i < WholeFours(keys); ++i) {
      float* to = row + (i < keys ? i : keys - 1) * stride;
      from[i] = reinterpret_cast<const uint8_t*>(to);
      if (i >= keys) continue;
      if (tile + i < n) {
        ToFloats(reinterpret_cast<const T*>(task.sequence->k.At(first + tile + i, kv_head)), size, to, size);
      } else {
        memset(to, 0, size * sizeof(float));
      }
    }
    SpreadTokens(from, keys, size, reinterpret_cast<uint32_t*>(out));
  }
}

// Values [first, first + n) as tokens of the accumulator tiles: for each tile of elements, [n][elements].
template <class T>
HWY_NOINLINE void PackValues(const AttentionTask& task, size_t first, size_t n, float* HWY_RESTRICT out, float* row) {
  const size_t size = task.args->v_size, kv_head = task.first_head / (task.args->heads / task.args->kv_heads);
  const size_t padded = RoundUp(size, kScoreStep);
  for (size_t j = 0; j < n; ++j) {
    ToFloats(reinterpret_cast<const T*>(task.sequence->v.At(first + j, kv_head)), size, row, padded);
    for (size_t tile = 0; tile < padded; tile += kScoreTile) {
      const size_t elements = padded - tile < kScoreTile ? padded - tile : kScoreTile;
      memcpy(out + tile * n + j * elements, row + tile, elements * sizeof(float));
    }
  }
}

using PackCacheFunction = void (*)(const AttentionTask&, size_t, size_t, float*, float*);
inline PackCacheFunction PackKeysFor(DType type) {
  return type == DType::kF16 ? PackKeys<f16> : type == DType::kBF16 ? PackKeys<bf16> : PackKeys<BlockF32>;
}
inline PackCacheFunction PackValuesFor(DType type) {
  return type == DType::kF16 ? PackValues<f16> : type == DType::kBF16 ? PackValues<bf16> : PackValues<BlockF32>;
}

// Rows [first, first + kPanelRows) of the task; those beyond its last repeat it and are not written in the end.
inline void SetUpRows(const AttentionTask& task, size_t first, size_t rows, float* scratch, RowPanel& panel) {
  const AttentionArgs& args = *task.args;
  const size_t shared = task.heads;
  float* next = scratch;
  const auto take = [&](size_t floats) {
    float* taken = next;
    next += floats;
    return taken;
  };
  panel.query = take(args.k_size * kPanelRows);
  panel.acc = take(RoundUp(args.v_size, kScoreStep) * kPanelRows);
  panel.max = take(kPanelRows);
  panel.sum = take(kPanelRows);
  panel.slope = take(kPanelRows);
  panel.sink = take(kPanelRows);
  panel.position = reinterpret_cast<int32_t*>(take(kPanelRows));
  panel.begin = reinterpret_cast<int32_t*>(take(kPanelRows));
  panel.end = reinterpret_cast<int32_t*>(take(kPanelRows));
  memset(panel.acc, 0, RoundUp(args.v_size, kScoreStep) * kPanelRows * sizeof(float));
  for (size_t i = 0; i < kPanelRows; ++i) {
    const size_t row = first + i < rows ? first + i : rows - 1;
    const size_t query = task.first_query + row / shared, head = task.first_head + row % shared;
    const int64_t position = task.sequence->first_position + static_cast<int64_t>(query);
    const KeyRange keys = VisibleKeys(args, *task.sequence, position);
    const float* q = args.q + (task.sequence->first_query + query) * args.q_token_stride + head * args.q_head_stride;
    for (size_t d = 0; d < args.k_size; ++d) panel.query[d * kPanelRows + i] = q[d];
    panel.max[i] = -INFINITY;
    panel.sum[i] = 0.0f;
    panel.slope[i] = args.alibi_slopes != nullptr ? args.alibi_slopes[head] : 0.0f;
    panel.sink[i] = args.sinks != nullptr ? args.sinks[head] : -INFINITY;
    panel.position[i] = static_cast<int32_t>(position);
    panel.begin[i] = static_cast<int32_t>(keys.begin);
    panel.end[i] = static_cast<int32_t>(keys.end);
    if (i == 0 || panel.begin[i] < panel.first_begin) panel.first_begin = panel.begin[i];
    if (i == 0 || panel.begin[i] > panel.last_begin) panel.last_begin = panel.begin[i];
    if (i == 0 || panel.end[i] < panel.first_end) panel.first_end = panel.end[i];
    if (i == 0 || panel.end[i] > panel.last_end) panel.last_end = panel.end[i];
  }
}

// Scores [n][kPanelRows] of keys first + j to weights; updates the rows' maxima and sums, and rescales what they have
// accumulated where a maximum has risen. kPlain: no soft-cap, no slopes, and every row sees every key.
template <bool kPlain>
HWY_NOINLINE void WeighKeys(const AttentionArgs& args, const RowPanel& panel, int32_t first, size_t n,
                            float* HWY_RESTRICT scores) {
  const RowFloatTag df;
  const hn::RebindToSigned<RowFloatTag> di;
  const auto lowest = hn::Set(df, -INFINITY);
  const auto scale = hn::Set(df, args.scale);
  for (size_t v = 0; v < kPanelRows; v += kLanes32) {
    const auto before = hn::Load(df, panel.max + v);
    auto max = before;
    const auto begin = hn::Load(di, panel.begin + v), end = hn::Load(di, panel.end + v);
    const auto position = hn::Load(di, panel.position + v);
    const auto slope = hn::Load(df, panel.slope + v);
    for (size_t j = 0; j < n; ++j) {
      float* at = scores + j * kPanelRows + v;
      auto s = hn::Mul(hn::Load(df, at), scale);
      if constexpr (!kPlain) {
        if (args.softcap > 0.0f) {
          const auto cap = hn::Set(df, args.softcap);
          s = hn::Mul(cap, Tanh(df, hn::Div(s, cap)));
        }
        const auto key = hn::Set(di, first + static_cast<int32_t>(j));
        if (args.alibi_slopes != nullptr) {
          s = hn::Add(s, hn::Mul(slope, hn::ConvertTo(df, hn::Sub(key, position))));
        }
        const auto hidden = hn::RebindMask(df, hn::Or(hn::Lt(key, begin), hn::Ge(key, end)));
        s = hn::IfThenElse(hidden, lowest, s);
      }
      hn::Store(s, df, at);
      max = hn::Max(max, s);
    }
    // A row that has seen nothing keeps its maximum of -infinity; weights are relative to 0 then, all of them 0.
    const auto base = hn::IfThenElse(hn::Eq(max, lowest), hn::Zero(df), max);
    auto sum = hn::Zero(df);
    for (size_t j = 0; j < n; ++j) {
      float* at = scores + j * kPanelRows + v;
      const auto weight = ExpOrZero(df, hn::Sub(hn::Load(df, at), base));
      hn::Store(weight, df, at);
      sum = hn::Add(sum, weight);
    }
    const auto factor = ExpOrZero(df, hn::Sub(before, base));
    hn::Store(max, df, panel.max + v);
    hn::Store(hn::MulAdd(hn::Load(df, panel.sum + v), factor, sum), df, panel.sum + v);
    if (hn::AllTrue(df, hn::Eq(before, max))) continue;
    for (size_t d = 0; d < args.v_size; ++d) {
      float* acc = panel.acc + d * kPanelRows + v;
      hn::Store(hn::Mul(hn::Load(df, acc), factor), df, acc);
    }
  }
}

inline void FinishRows(const AttentionTask& task, size_t first, size_t rows, const RowPanel& panel) {
  const AttentionArgs& args = *task.args;
  for (size_t i = 0; i < kPanelRows && first + i < rows; ++i) {
    const size_t query = task.first_query + (first + i) / task.heads, head = task.first_head + (first + i) % task.heads;
    float* out = args.out + (task.sequence->first_query + query) * args.out_token_stride + head * args.out_head_stride;
    float factor = 1.0f, sum = panel.sum[i];
    if (panel.sink[i] > -INFINITY) {  // takes part in the sum, but has no value
      const float max = fmaxf(panel.max[i], panel.sink[i]);
      factor = panel.max[i] == -INFINITY ? 0.0f : ExpScalar(panel.max[i] - max);
      sum = sum * factor + ExpScalar(panel.sink[i] - max);
    }
    factor = sum == 0.0f ? 0.0f : factor / sum;
    for (size_t d = 0; d < args.v_size; ++d) out[d] = panel.acc[d * kPanelRows + i] * factor;
  }
}

// An AttentionTask of up to AttentionTileQueries queries with all heads of one KV head.
inline void AttendTile(const AttentionTask& task) {
  const AttentionArgs& args = *task.args;
  const size_t rows = task.queries * task.heads, v_padded = RoundUp(args.v_size, kScoreStep);
  constexpr size_t kMostPanels = kAttentionRows / kPanelRows + 1;
  const size_t panels = RoundUp(rows, kPanelRows) / kPanelRows;
  float* next = task.scratch;
  // More heads per KV head than kAttentionRows come query by query, in as many turns as it takes.
  RowPanel panel[kMostPanels];
  for (size_t turn = 0; turn < panels; turn += kMostPanels) {
    const size_t count = panels - turn < kMostPanels ? panels - turn : kMostPanels;
    next = task.scratch;
    int32_t begin = INT32_MAX, end = 0;
    for (size_t p = 0; p < count; ++p, next += RowPanel::Floats(args)) {
      SetUpRows(task, (turn + p) * kPanelRows, rows, next, panel[p]);
      if (panel[p].first_begin < begin) begin = panel[p].first_begin;
      if (panel[p].last_end > end) end = panel[p].last_end;
    }
    float* keys = next;
    float* values = keys + kKeyBlock * RoundUp(args.k_size, 16);
    float* scores = values + kKeyBlock * RoundUp(args.v_size, 16);
    float* row = scores + kKeyBlock * kPanelRows;
    for (size_t first = static_cast<size_t>(begin) / kKeyBlock * kKeyBlock; first < static_cast<size_t>(end);
         first += kKeyBlock) {
      const size_t left = task.sequence->kv_length - first, n = left < kKeyBlock ? left : kKeyBlock;
      PackKeysFor(task.sequence->k.type)(task, first, n, keys, row);
      PackValuesFor(task.sequence->v.type)(task, first, n, values, row);
      const auto key = static_cast<int32_t>(first), stop = static_cast<int32_t>(first + n);
      for (size_t p = 0; p < count; ++p) {
        const RowPanel& r = panel[p];
        if (stop <= r.first_begin || key >= r.last_end) continue;
        const size_t padded = RoundUp(n, kScoreStep);
        memset(scores, 0, padded * kPanelRows * sizeof(float));
        for (size_t i = 0; i < padded; i += kScoreTile) {
          const size_t tokens = padded - i < kScoreTile ? padded - i : kScoreTile;
          Tile<kFloatPanel>(
              TileTask{keys + i * args.k_size, tokens, r.query, args.k_size, scores + i * kPanelRows, kPanelRows});
        }
        const bool plain =
            key >= r.last_begin && stop <= r.first_end && args.softcap <= 0.0f && args.alibi_slopes == nullptr;
        (plain ? WeighKeys<true> : WeighKeys<false>)(args, r, key, n, scores);
        for (size_t i = 0; i < v_padded; i += kScoreTile) {
          const size_t tokens = v_padded - i < kScoreTile ? v_padded - i : kScoreTile;
          Tile<kFloatPanel>(TileTask{values + i * n, tokens, scores, n, r.acc + i * kPanelRows, kPanelRows});
        }
      }
    }
    for (size_t p = 0; p < count; ++p) FinishRows(task, (turn + p) * kPanelRows, rows, panel[p]);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace weft::inline WEFT_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
