// Attention over a set of kernels.
#ifndef WEFT_DRIVERS_ATTENTION_H_
#define WEFT_DRIVERS_ATTENTION_H_

#include "weft/core/kernel_set.h"
#include "weft/core/status.h"
#include "weft/drivers/attention_validate.h"
#include "weft/drivers/region.h"
#include "weft/drivers/split.h"

namespace weft::inline WEFT_NAMESPACE::driver {

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

// Of one worker, whatever the queries and the order of sums.
inline Checked AttentionScratchFloats(const KernelSet& set, const AttentionArgs& args) {
  const size_t one = set.attention->scratch_floats(args), tile = set.attention->tile_scratch_floats(args);
  const bool tiles = args.backend != AttentionBackend::kStandard;
  return Checked(tiles && tile > one ? tile : one).AlignedUp(16);
}

// SIZE_MAX where it does not fit in a size_t, 0 for heads and sizes that Attention refuses.
inline size_t AttentionWorkspaceBytes(const KernelSet& set, const AttentionArgs& args, uint32_t workers) {
  constexpr size_t kMost = size_t{1} << 40;  // of any size: sums and small multiples of such fit
  if (!ValidateShape(args).ok() || (args.sequences == nullptr && args.sequence_count != 0)) return 0;
  bool huge = args.heads > kMost || args.k_size > kMost || args.v_size > kMost;
  for (size_t i = 0; i < args.sequence_count; ++i) {
    huge = huge || (args.backend == AttentionBackend::kStandard && args.sequences[i].kv_length > kMost);
  }
  if (huge) return SIZE_MAX;
  return static_cast<size_t>(Carver::Bytes<float>(AttentionScratchFloats(set, args) * workers).OrMost());
}

inline size_t AttentionWorkspaceBytes(const KernelSet& set, const AttentionShape& shape, uint32_t workers) {
  AttentionSequence longest;
  longest.kv_length = shape.kv_length;
  AttentionArgs args;
  args.heads = shape.heads;
  args.kv_heads = shape.kv_heads;
  args.k_size = shape.k_size;
  args.v_size = shape.v_size;
  args.backend = shape.backend;
  args.sequences = &longest;
  args.sequence_count = 1;
  return AttentionWorkspaceBytes(set, args, workers);
}

// A task is one query token, or a run of them, with the heads of one KV head.
inline Status Attention(const KernelSet& set, const AttentionArgs& args, const Executor& executor,
                        Workspace workspace) {
  if (const Status status = driver::Validate(args); !status.ok()) return status;
  if (const Status status = ValidateExecutor(executor); !status.ok()) return status;
  const size_t needed = AttentionWorkspaceBytes(set, args, executor.workers), tokens = TokensOf(args);
  if (tokens == 0) return Ok();
  if (workspace.data == nullptr || workspace.bytes < needed) {
    return Error(Code::kWorkspace, "workspace", workspace.data != nullptr ? workspace.bytes : 0, needed);
  }
  const Region scratch_region = ByteRegion(workspace.data, "workspace", needed);
  if (const Status status = ValidateRegion(scratch_region); !status.ok()) return status;
  if (Overlap(scratch_region, OutRegion(args, tokens))) return OverlapError("out", "workspace");
  if (const Status status = ValidateReadsApart(args, tokens, scratch_region); !status.ok()) return status;
  Carver carver(workspace);
  const auto scratch = static_cast<size_t>(AttentionScratchFloats(set, args).value());
  float* memory = carver.Take<float>(scratch * executor.workers);
  size_t runs = 0;
  for (size_t i = 0; i < args.sequence_count; ++i) runs += RunsOf(set, args, args.sequences[i]).runs;
  const size_t shared = args.heads / args.kv_heads;
  return ForEachRun(executor, runs * args.kv_heads, 1, [&](size_t index, uint32_t worker) {
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
}

}  // namespace weft::inline WEFT_NAMESPACE::driver

#endif  // WEFT_DRIVERS_ATTENTION_H_
