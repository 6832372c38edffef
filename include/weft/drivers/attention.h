// Attention over a set of kernels.
#ifndef WEFT_DRIVERS_ATTENTION_H_
#define WEFT_DRIVERS_ATTENTION_H_

#include "weft/core/kernel_set.h"
#include "weft/core/status.h"
#include "weft/drivers/split.h"

namespace weft::driver {

inline Status ValidateKv(const KvView& view, size_t size, size_t kv_heads, size_t length, const char* name) {
  if (view.type != DType::kF32 && view.type != DType::kF16 && view.type != DType::kBF16) {
    return Error(Code::kUnsupported, name, static_cast<uint64_t>(view.type));
  }
  if (length == 0) return Ok();
  if (view.data == nullptr) return Error(Code::kNull, name);
  if (view.block_table != nullptr && view.block_length == 0) return Error(Code::kRange, name, 0, 1);
  const size_t bytes = RowBytes(view.type, size);
  if (kv_heads > 1 && view.head_stride < bytes) return Error(Code::kShape, name, view.head_stride, bytes);
  if (length > 1 && view.position_stride < bytes) return Error(Code::kShape, name, view.position_stride, bytes);
  return Ok();
}

inline Status Validate(const AttentionArgs& args) {
  if (args.q == nullptr) return Error(Code::kNull, "q");
  if (args.out == nullptr) return Error(Code::kNull, "out");
  if (args.sequences == nullptr) return Error(Code::kNull, "sequences");
  if (args.sequence_count == 0) return Error(Code::kRange, "sequence_count", 0, 1);
  if (args.heads == 0 || args.kv_heads == 0) return Error(Code::kRange, args.heads == 0 ? "heads" : "kv_heads", 0, 1);
  if (args.heads % args.kv_heads != 0) return Error(Code::kMultiple, "heads", args.heads, args.kv_heads);
  if (args.k_size == 0 || args.v_size == 0) return Error(Code::kRange, args.k_size == 0 ? "k_size" : "v_size", 0, 1);
  if (args.heads > 1) {
    if (args.q_head_stride < args.k_size) return Error(Code::kShape, "q_head_stride", args.q_head_stride, args.k_size);
    if (args.out_head_stride < args.v_size) {
      return Error(Code::kShape, "out_head_stride", args.out_head_stride, args.v_size);
    }
  }
  size_t tokens = 0;
  for (size_t i = 0; i < args.sequence_count; ++i) {
    const AttentionSequence& seq = args.sequences[i];
    if (seq.first_query + seq.queries > tokens) tokens = seq.first_query + seq.queries;
    if (const Status status = ValidateKv(seq.k, args.k_size, args.kv_heads, seq.kv_length, "k"); !status.ok()) {
      return status;
    }
    if (const Status status = ValidateKv(seq.v, args.v_size, args.kv_heads, seq.kv_length, "v"); !status.ok()) {
      return status;
    }
  }
  if (tokens > 1) {
    if (args.q_token_stride < args.k_size)
      return Error(Code::kShape, "q_token_stride", args.q_token_stride, args.k_size);
    if (args.out_token_stride < args.v_size) {
      return Error(Code::kShape, "out_token_stride", args.out_token_stride, args.v_size);
    }
  }
  if (tokens == 0) return Ok();
  const size_t q_bytes = ((tokens - 1) * args.q_token_stride + (args.heads - 1) * args.q_head_stride + args.k_size) * 4;
  const size_t out_bytes =
      ((tokens - 1) * args.out_token_stride + (args.heads - 1) * args.out_head_stride + args.v_size) * 4;
  if (Overlap(args.q, q_bytes, args.out, out_bytes)) return Error(Code::kOverlap, "out");
  return Ok();
}

inline size_t AttentionWorkspaceBytes(const KernelSet& set, const AttentionArgs& args, uint32_t workers) {
  return Carver::Bytes<float>((set.attention->scratch_floats(args) + 15) / 16 * 16 * workers);
}

// A task is one query token with the heads of one KV head.
inline Status Attention(const KernelSet& set, const AttentionArgs& args, const Executor& executor,
                        Workspace workspace) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  const size_t needed = AttentionWorkspaceBytes(set, args, executor.workers);
  if (workspace.data == nullptr || workspace.bytes < needed) {
    return Error(Code::kWorkspace, "workspace", workspace.data != nullptr ? workspace.bytes : 0, needed);
  }
  Carver carver(workspace);
  const size_t scratch = (set.attention->scratch_floats(args) + 15) / 16 * 16;
  float* memory = carver.Take<float>(scratch * executor.workers);
  size_t queries = 0;
  for (size_t i = 0; i < args.sequence_count; ++i) queries += args.sequences[i].queries;
  const size_t shared = args.heads / args.kv_heads;
  executor.For(queries * args.kv_heads, [&](size_t index, uint32_t worker) {
    size_t query = index / args.kv_heads;
    const AttentionSequence* seq = args.sequences;
    while (query >= seq->queries) query -= seq++->queries;
    AttentionTask task;
    task.args = &args;
    task.sequence = seq;
    task.first_query = query;
    task.queries = 1;
    task.first_head = index % args.kv_heads * shared;
    task.heads = shared;
    task.scratch = memory + worker * scratch;
    set.attention->attend(task);
  });
  return Ok();
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_ATTENTION_H_
