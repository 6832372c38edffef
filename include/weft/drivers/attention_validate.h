// What is wrong with the arguments of attention.
#ifndef WEFT_DRIVERS_ATTENTION_VALIDATE_H_
#define WEFT_DRIVERS_ATTENTION_VALIDATE_H_

#include <math.h>

#include <span>

#include "weft/core/attention_args.h"
#include "weft/core/status.h"
#include "weft/drivers/extent.h"

namespace weft::driver {

// Positions of queries and keys are at most this far from 0, so that differences of them fit in 64 bits.
inline constexpr int64_t kMostPosition = int64_t{1} << 61;

// What errors call a cache.
struct KvNames {
  const char *view, *block_length, *head_stride, *position_stride;
};
inline constexpr KvNames kKeyNames = {"k", "k.block_length", "k.head_stride", "k.position_stride"};
inline constexpr KvNames kValueNames = {"v", "v.block_length", "v.head_stride", "v.position_stride"};

inline Checked KvBytes(const KvView& view, size_t size) { return Checked(size) * LayoutOf(view.type).block_bytes; }

// The part of a cache that attention reads; empty for a paged one, whose pages may lie anywhere.
inline Extent ExtentOf(const char* name, const KvView& view, size_t size, size_t kv_heads, size_t length) {
  if (length == 0 || view.block_table != nullptr) return {};
  const Checked heads = StridedBytes(kv_heads, view.head_stride, KvBytes(view, size));
  return {name, view.data, StridedBytes(length, view.position_stride, heads)};
}

inline Status ValidateKv(const KvView& view, size_t size, size_t kv_heads, size_t length, const KvNames& names) {
  if (view.type != DType::kF32 && view.type != DType::kF16 && view.type != DType::kBF16) {
    return TypeError(Code::kUnsupported, names.view, view.type);
  }
  if (length == 0) return Ok();
  if (view.data == nullptr) return Error(Code::kNull, names.view);
  if (view.block_table != nullptr && view.block_length == 0) return Error(Code::kRange, names.block_length, 0, 1);
  const Checked bytes = KvBytes(view, size);
  if (kv_heads > 1 && !bytes.AtMost(view.head_stride)) {
    return Error(Code::kShape, names.head_stride, view.head_stride, bytes.OrMost());
  }
  if (length > 1 && !bytes.AtMost(view.position_stride)) {
    return Error(Code::kShape, names.position_stride, view.position_stride, bytes.OrMost());
  }
  return ExtentOf(names.view, view, size, kv_heads, length).fits() ? Ok() : Error(Code::kAddress, names.view);
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
  const Status status = ValidateKv(seq.k, args.k_size, args.kv_heads, seq.kv_length, kKeyNames);
  return status.ok() ? ValidateKv(seq.v, args.v_size, args.kv_heads, seq.kv_length, kValueNames) : status;
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

// The rows of one of q and out: tokens times heads of `size` floats.
struct HeadRows {
  const char *name, *token_stride_name, *head_stride_name;
  const float* data;
  size_t token_stride, head_stride, size;

  Extent ExtentOf(size_t tokens, size_t heads) const {
    const Checked row = StridedBytes(heads, Checked(head_stride) * sizeof(float), Checked(size) * sizeof(float));
    return {name, data, StridedBytes(tokens, Checked(token_stride) * sizeof(float), row)};
  }
  Status Validate(size_t tokens, size_t heads) const {
    if (heads > 1 && head_stride < size) return Error(Code::kShape, head_stride_name, head_stride, size);
    if (tokens > 1 && token_stride < size) return Error(Code::kShape, token_stride_name, token_stride, size);
    return ExtentOf(tokens, heads).fits() ? Ok() : Error(Code::kAddress, name);
  }
  // Whether no two rows share a float: a token's heads lie between those of others, or a head's tokens do. Sizes have
  // been validated, so that nothing wraps.
  bool AreApart(size_t tokens, size_t heads) const {
    return tokens <= 1 || heads <= 1 || token_stride >= (heads - 1) * head_stride + size ||
           head_stride >= (tokens - 1) * token_stride + size;
  }
};
inline HeadRows QueryRows(const AttentionArgs& args) {
  return {"q", "q_token_stride", "q_head_stride", args.q, args.q_token_stride, args.q_head_stride, args.k_size};
}
inline HeadRows OutRows(const AttentionArgs& args) {
  return {"out",      "out_token_stride", "out_head_stride", args.out, args.out_token_stride, args.out_head_stride,
          args.v_size};
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

// That nothing which attention reads lies in one of `written`.
inline Status ValidateReadsApart(const AttentionArgs& args, size_t tokens, std::span<const Extent> written) {
  const Extent shared[] = {
      QueryRows(args).ExtentOf(tokens, args.heads),
      Extent("sinks", args.sinks, args.sinks != nullptr ? args.heads * sizeof(float) : 0),
      Extent("alibi_slopes", args.alibi_slopes, args.alibi_slopes != nullptr ? args.heads * sizeof(float) : 0)};
  if (const Status status = ValidateApart(written, shared); !status.ok()) return status;
  for (size_t i = 0; i < args.sequence_count; ++i) {
    const AttentionSequence& seq = args.sequences[i];
    const Extent cache[] = {ExtentOf("k", seq.k, args.k_size, args.kv_heads, seq.kv_length),
                            ExtentOf("v", seq.v, args.v_size, args.kv_heads, seq.kv_length)};
    if (const Status status = ValidateApart(written, cache); !status.ok()) return status;
  }
  return Ok();
}

inline Status Validate(const AttentionArgs& args) {
  if (args.q == nullptr) return Error(Code::kNull, "q");
  if (args.out == nullptr) return Error(Code::kNull, "out");
  if (args.sequences == nullptr) return Error(Code::kNull, "sequences");
  if (args.sequence_count == 0) return Error(Code::kRange, "sequence_count", 0, 1);
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
  const HeadRows q = QueryRows(args), out = OutRows(args);
  if (const Status status = q.Validate(tokens, args.heads); !status.ok()) return status;
  if (const Status status = out.Validate(tokens, args.heads); !status.ok()) return status;
  if (!out.AreApart(tokens, args.heads)) return OverlapError("a head of out", "another token's");
  const Extent written[] = {out.ExtentOf(tokens, args.heads)};
  return ValidateReadsApart(args, tokens, written);
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_ATTENTION_VALIDATE_H_
