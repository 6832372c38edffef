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

// From this many queries of a sequence on, computing them together pays.
inline constexpr size_t kTileQueries = 8;

inline bool Tiled(const AttentionArgs& args, const AttentionSequence& sequence) {
  return args.backend != AttentionBackend::kStandard && args.summation == Summation::kFastest &&
         sequence.queries >= kTileQueries && sequence.kv_length <= INT32_MAX && sequence.first_position >= INT32_MIN &&
         sequence.first_position <= INT32_MAX - static_cast<int64_t>(sequence.queries);
}

// A sequence's queries as runs of `step`, of which each is a task for every KV head.
struct QueryRuns {
  size_t step, runs;
};
inline QueryRuns RunsOf(const KernelSet& set, const AttentionArgs& args, const AttentionSequence& sequence) {
  const size_t step = Tiled(args, sequence) ? set.attention->tile_queries(args) : 1;
  return {step, (sequence.queries + step - 1) / step};
}

// Of one worker, whatever the sequences.
inline size_t AttentionScratchFloats(const KernelSet& set, const AttentionArgs& args) {
  const size_t one = set.attention->scratch_floats(args), tile = set.attention->tile_scratch_floats(args);
  const bool tiles = args.backend != AttentionBackend::kStandard && args.summation == Summation::kFastest;
  return ((tiles && tile > one ? tile : one) + 15) / 16 * 16;
}

inline size_t AttentionWorkspaceBytes(const KernelSet& set, const AttentionArgs& args, uint32_t workers) {
  return Carver::Bytes<float>(AttentionScratchFloats(set, args) * workers);
}

// A task is one query token, or a run of them, with the heads of one KV head.
inline Status Attention(const KernelSet& set, const AttentionArgs& args, const Executor& executor,
                        Workspace workspace) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  const size_t needed = AttentionWorkspaceBytes(set, args, executor.workers);
  if (workspace.data == nullptr || workspace.bytes < needed) {
    return Error(Code::kWorkspace, "workspace", workspace.data != nullptr ? workspace.bytes : 0, needed);
  }
  Carver carver(workspace);
  const size_t scratch = AttentionScratchFloats(set, args);
  float* memory = carver.Take<float>(scratch * executor.workers);
  size_t runs = 0;
  for (size_t i = 0; i < args.sequence_count; ++i) runs += RunsOf(set, args, args.sequences[i]).runs;
  const size_t shared = args.heads / args.kv_heads;
  executor.For(runs * args.kv_heads, [&](size_t index, uint32_t worker) {
    size_t run = index / args.kv_heads;
    const AttentionSequence* seq = args.sequences;
    QueryRuns all = RunsOf(set, args, *seq);
    while (run >= all.runs) {
      run -= all.runs;
      all = RunsOf(set, args, *++seq);
    }
    run = all.runs - 1 - run;  // the last queries see the most keys: the longest tasks come first
    AttentionTask task;
    task.args = &args;
    task.sequence = seq;
    task.first_query = run * all.step;
    task.queries = seq->queries - task.first_query < all.step ? seq->queries - task.first_query : all.step;
    task.first_head = index % args.kv_heads * shared;
    task.heads = shared;
    task.scratch = memory + worker * scratch;
    (Tiled(args, *seq) ? set.attention->attend_tile : set.attention->attend)(task);
  });
  return Ok();
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_ATTENTION_H_
