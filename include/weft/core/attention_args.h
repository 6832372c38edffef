// Arguments of attention.
#ifndef WEFT_CORE_ATTENTION_ARGS_H_
#define WEFT_CORE_ATTENTION_ARGS_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/summation.h"
#include "weft/core/views.h"

namespace weft {

enum class AttentionBackend : uint8_t {
  kAuto,      // the fastest way whose memory does not grow with the number of keys, by shape and target: today kFlash
  kFlash,     // online softmax: memory independent of the number of keys
  kStandard,  // materialised scores, two passes: the plain thing to debug against
};

// One sequence of a batch: its queries are tokens [first_query, first_query + queries) of q and out, which no other
// sequence may have, at positions first_position, first_position + 1, ...; its keys and values are positions
// [0, kv_length) of k and v. Positions and lengths are at most 2^61 from 0.
struct AttentionSequence {
  size_t first_query = 0, queries = 0;
  int64_t first_position = 0;
  KvView k = {}, v = {};
  size_t kv_length = 0;
};

// For query token t, head h, with kv head h / (heads / kv_heads) (grouped-query attention):
//   s[j] = cap(scale * dot(q[t, h], k[j])) + slope[h] * (j - position(t))
//     cap(s) = softcap > 0 ? softcap * tanh(s / softcap) : s
//     over keys j visible from position(t): j <= position(t) if causal; j > position(t) - window if window > 0
//   out[t, h] = sum of exp(s[j]) * v[j] / (sum of exp(s[j]) + exp(sink[h]))
// A query that sees no key gets zeros; without queries nothing is read or written. Query token t, head h is at q + t *
// q_token_stride + h * q_head_stride (floats) with k_size elements; out likewise with v_size, where no two may overlap:
// all heads of a token lie before the next token's, or all tokens of a head before the next head's. out must not
// overlap the inputs; that of a paged cache is not checked.
struct AttentionArgs {
  const float* q = nullptr;
  size_t q_token_stride = 0, q_head_stride = 0;
  float* out = nullptr;
  size_t out_token_stride = 0, out_head_stride = 0;
  size_t heads = 0, kv_heads = 0;
  size_t k_size = 0, v_size = 0;
  float scale = 1.0f;
  float softcap = 0.0f;                 // 0: none; finite, not negative
  size_t window = 0;                    // 0: unlimited
  const float* sinks = nullptr;         // [heads], or null
  const float* alibi_slopes = nullptr;  // [heads], or null
  bool causal = true;
  AttentionBackend backend = AttentionBackend::kAuto;
  Summation summation = Summation::kFastest;  // kUniform: a query's result has the same bits whatever is beside it
  const AttentionSequence* sequences = nullptr;
  size_t sequence_count = 0;
};

// What the memory of attention depends on. `kv_length` is that of the longest sequence; only kStandard needs memory by
// it. Larger sizes, lengths and numbers of workers never need less; nor do more heads, or fewer KV heads.
struct AttentionShape {
  size_t heads = 0, kv_heads = 0;
  size_t k_size = 0, v_size = 0;
  size_t kv_length = 0;
  AttentionBackend backend = AttentionBackend::kAuto;
};

// The keys [begin, end) that the query at `position` sees.
struct KeyRange {
  size_t begin = 0, end = 0;
};
inline KeyRange VisibleKeys(const AttentionArgs& args, const AttentionSequence& sequence, int64_t position) {
  KeyRange range{0, sequence.kv_length};
  if (args.causal) {
    const uint64_t limit = position < 0 ? 0 : static_cast<uint64_t>(position) + 1;
    if (limit < range.end) range.end = static_cast<size_t>(limit);
  }
  if (args.window > 0 && position >= 0 && static_cast<uint64_t>(position) >= args.window) {
    range.begin = static_cast<size_t>(position) + 1 - args.window;
  }
  if (range.begin > range.end) range.begin = range.end;
  return range;
}

}  // namespace weft

#endif  // WEFT_CORE_ATTENTION_ARGS_H_
