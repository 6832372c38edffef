// What is wrong with the arguments of attention.
#ifndef WEFT_DRIVERS_ATTENTION_VALIDATE_H_
#define WEFT_DRIVERS_ATTENTION_VALIDATE_H_

#include <math.h>

#include <span>

#include "weft/core/attention_args.h"
#include "weft/core/status.h"
#include "weft/core/strict_math.h"
#include "weft/drivers/region.h"

namespace weft::inline WEFT_NAMESPACE::driver {

// Positions of queries and keys are at most this far from 0, so that differences of them fit in 64 bits.
inline constexpr int64_t kMostPosition = int64_t{1} << 61;

// What errors call a cache.
struct KvNames {
  const char *view, *size, *block_length, *head_stride, *position_stride;
};
inline constexpr KvNames kKeyNames = {"k", "k_size", "k.block_length", "k.head_stride", "k.position_stride"};
inline constexpr KvNames kValueNames = {"v", "v_size", "v.block_length", "v.head_stride", "v.position_stride"};

// The first `length` positions of a contiguous cache, in bytes.
inline Region RegionOf(const KvView& view, size_t size, size_t kv_heads, size_t length, const KvNames& names) {
  const Checked bytes = Checked(size) * LayoutOf(view.type).block_bytes;
  return {view.data,
          static_cast<size_t>(bytes.OrMost()),
          names.view,
          names.size,
          {length, view.position_stride, "kv_length", names.position_stride},
          {kv_heads, view.head_stride, "kv_heads", names.head_stride},
          1};
}
// What attention reads of it; nothing of a paged one, whose pages may lie anywhere.
inline Footprint FootprintOf(const KvView& view, size_t size, size_t kv_heads, size_t length, const KvNames& names) {
  if (length == 0 || view.block_table != nullptr) return {};
  return Footprint(RegionOf(view, size, kv_heads, length, names));
}

inline Status ValidateKv(const KvView& view, size_t size, size_t kv_heads, size_t length, const KvNames& names) {
  if (view.type != DType::kF32 && view.type != DType::kF16 && view.type != DType::kBF16) {
    return TypeError(Code::kUnsupported, names.view, view.type);
  }
  if (length == 0) return Ok();
  if (view.block_table == nullptr) return ValidateRegion(RegionOf(view, size, kv_heads, length, names));
  if (view.block_length == 0) return Error(Code::kRange, names.block_length, 0, 1);
  const size_t block = length < view.block_length ? length : view.block_length;
  return ValidateRegion(RegionOf(view, size, kv_heads, block, names));
}

// Heads and sizes alone: what a workspace is sized by.
inline Status ValidateShape(const AttentionArgs& args) {
  if (args.heads == 0 || args.kv_heads == 0) return Error(Code::kRange, args.heads == 0 ? "heads" : "kv_heads", 0, 1);
  if (args.heads % args.kv_heads != 0) return Error(Code::kMultiple, "heads", args.heads, args.kv_heads);
  if (args.k_size == 0 || args.v_size == 0) return Error(Code::kRange, args.k_size == 0 ? "k_size" : "v_size", 0, 1);
  return Ok();
}

inline Status ValidateSequence(const AttentionArgs& args, const AttentionSequence& seq) {
  if (!(Checked(seq.first_query) + seq.queries).AtMost(PTRDIFF_MAX)) {
    return Error(Code::kRange, "queries", seq.queries, PTRDIFF_MAX);
  }
  if (seq.first_position < -kMostPosition || seq.first_position > kMostPosition ||
      seq.queries > static_cast<uint64_t>(kMostPosition)) {
    return Error(Code::kRange, "first_position", static_cast<uint64_t>(seq.first_position), kMostPosition);
  }
  if (seq.kv_length > static_cast<uint64_t>(kMostPosition)) {
    return Error(Code::kRange, "kv_length", seq.kv_length, kMostPosition);
  }
  return FirstError(ValidateKv(seq.k, args.k_size, args.kv_heads, seq.kv_length, kKeyNames),
                    ValidateKv(seq.v, args.v_size, args.kv_heads, seq.kv_length, kValueNames));
}

// No query belongs to two sequences: both would write its output. One look at each where they come in order.
inline Status ValidateQueriesApart(std::span<const AttentionSequence> sequences) {
  bool in_order = true;
  size_t end = 0;
  for (const AttentionSequence& seq : sequences) {
    if (seq.queries == 0) continue;
    in_order = in_order && seq.first_query >= end;
    end = seq.first_query + seq.queries;
  }
  for (size_t i = 0; !in_order && i < sequences.size(); ++i) {
    const AttentionSequence& a = sequences[i];
    for (size_t j = 0; j < i; ++j) {
      const AttentionSequence& b = sequences[j];
      const bool apart = a.first_query >= b.first_query + b.queries || b.first_query >= a.first_query + a.queries;
      if (!apart && a.queries != 0 && b.queries != 0) {
        return OverlapError("the queries of a sequence", "another sequence's");
      }
    }
  }
  return Ok();
}

// One more than the last query token of any sequence.
inline size_t TokensOf(const AttentionArgs& args) {
  size_t tokens = 0;
  for (size_t i = 0; i < args.sequence_count; ++i) {
    const AttentionSequence& seq = args.sequences[i];
    if (seq.queries != 0 && seq.first_query + seq.queries > tokens) tokens = seq.first_query + seq.queries;
  }
  return tokens;
}

inline Region QueryRegion(const AttentionArgs& args, size_t tokens) {
  return {args.q,
          args.k_size,
          "q",
          "k_size",
          {tokens, args.q_token_stride, "queries", "q_token_stride"},
          {args.heads, args.q_head_stride, "heads", "q_head_stride"}};
}
inline Region OutRegion(const AttentionArgs& args, size_t tokens) {
  return {args.out,
          args.v_size,
          "out",
          "v_size",
          {tokens, args.out_token_stride, "queries", "out_token_stride"},
          {args.heads, args.out_head_stride, "heads", "out_head_stride"}};
}

// That nothing which attention reads lies in what is written.
inline Status ValidateReadsApart(const AttentionArgs& args, size_t tokens, const Region& written) {
  const Status status =
      ValidateApart(written, QueryRegion(args, tokens), LineRegion(args.sinks, "sinks", args.heads, "heads"),
                    LineRegion(args.alibi_slopes, "alibi_slopes", args.heads, "heads"));
  if (!status.ok()) return status;
  const Footprint to(written);
  for (size_t i = 0; i < args.sequence_count; ++i) {
    const AttentionSequence& seq = args.sequences[i];
    const Footprint cache[] = {FootprintOf(seq.k, args.k_size, args.kv_heads, seq.kv_length, kKeyNames),
                               FootprintOf(seq.v, args.v_size, args.kv_heads, seq.kv_length, kValueNames)};
    if (const Status apart = ValidateApart(to, cache); !apart.ok()) return apart;
  }
  return Ok();
}

inline Status Validate(const AttentionArgs& args) {
  if (args.sequences == nullptr && args.sequence_count != 0) return Error(Code::kNull, "sequences");
  if (const Status status = ValidateShape(args); !status.ok()) return status;
  if (!(args.softcap >= 0.0f) || isinf(args.softcap)) {
    const float cap = args.softcap < -1e9f ? -1e9f : args.softcap > 1e9f ? 1e9f : args.softcap;
    const auto got = static_cast<int64_t>(isnan(cap) ? -1.0f : floorf(cap));
    return Error(Code::kRange, "softcap", static_cast<uint64_t>(got), 0);
  }
  for (size_t i = 0; i < args.sequence_count; ++i) {
    if (const Status status = ValidateSequence(args, args.sequences[i]); !status.ok()) return status;
  }
  const std::span sequences(args.sequences, args.sequence_count);
  if (const Status status = ValidateQueriesApart(sequences); !status.ok()) return status;
  const size_t tokens = TokensOf(args);
  if (tokens == 0) return Ok();
  const Region out = OutRegion(args, tokens);
  if (const Status status = FirstError(ValidateRegion(QueryRegion(args, tokens)), ValidateRegion(out)); !status.ok()) {
    return status;
  }
  return FirstError(ValidateRunsApart(out), ValidateReadsApart(args, tokens, out));
}

}  // namespace weft::inline WEFT_NAMESPACE::driver

#endif  // WEFT_DRIVERS_ATTENTION_VALIDATE_H_
