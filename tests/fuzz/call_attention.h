// Arguments of attention.
#ifndef WEFT_TESTS_FUZZ_CALL_ATTENTION_H_
#define WEFT_TESTS_FUZZ_CALL_ATTENTION_H_

#include <algorithm>
#include <vector>

#include "tests/fuzz/call.h"

namespace weft::fuzz {

class AttentionCall {
 public:
  AttentionCall(Input& input, bool wild) : input_(input), wild_(wild), memory_(input) {
    constexpr size_t kSizes[] = {16, 1, 8, 64, 33, 5}, kGroups[] = {1, 2, 4, 3};
    args.kv_heads = input.Size(1, 3, wild);
    args.heads = wild && input.Rarely() ? static_cast<size_t>(input.Extreme()) : args.kv_heads * input.Pick(kGroups);
    args.k_size = wild && input.Rarely() ? static_cast<size_t>(input.Extreme()) : input.Pick(kSizes);
    args.v_size = wild && input.Rarely() ? static_cast<size_t>(input.Extreme()) : input.Pick(kSizes);
    sequences_.resize(1 + input.Below(3));
    for (AttentionSequence& sequence : sequences_) Fill(sequence);
    args.sequences = MaybeNull(input, sequences_.data(), wild);
    args.sequence_count = wild && input.Rarely(32) ? 0 : sequences_.size();
    Wide tokens = 0;
    for (const AttentionSequence& s : sequences_) {
      queries_ += s.queries;
      if (s.queries > 0) tokens = std::max(tokens, Wide{s.first_query} + s.queries);
      for (const AttentionSequence& other : sequences_) {
        overlapping_ = overlapping_ || (&s != &other && s.queries > 0 && other.queries > 0 &&
                                        s.first_query < Wide{other.first_query} + other.queries &&
                                        other.first_query < Wide{s.first_query} + s.queries);
      }
    }
    Strides(args.k_size, &args.q_token_stride, &args.q_head_stride);
    Strides(args.v_size, &args.out_token_stride, &args.out_head_stride);
    const auto floats = [&](size_t token_stride, size_t head_stride, size_t size) {
      return Span(tokens, token_stride, args.heads, head_stride, size, sizeof(float));
    };
    args.q = MaybeNull(input, memory_.Floats(floats(args.q_token_stride, args.q_head_stride, args.k_size)), wild);
    out_bytes_ = floats(args.out_token_stride, args.out_head_stride, args.v_size);
    args.out = MaybeNull(input, memory_.Results(out_bytes_), wild);
    if (wild && input.Rarely(32) && args.q != nullptr && tokens > 0) {
      args.out = const_cast<float*>(args.q);
      overlapping_ = overlapping_ || (sequences_.size() == args.sequence_count && out_bytes_ > 0);
    }
    if (input.Rarely(2)) args.scale = input.Float();
    if (input.Rarely(4)) args.softcap = input.Float();
    if (input.Rarely(4)) args.window = input.Size(1, 20, wild);
    if (tokens > 0 && input.Rarely(4)) args.sinks = memory_.Floats(Span(1, 0, args.heads));
    if (tokens > 0 && input.Rarely(4)) args.alibi_slopes = memory_.Floats(Span(1, 0, args.heads));
    args.causal = !input.Rarely(4);
    constexpr AttentionBackend kBackends[] = {AttentionBackend::kAuto, AttentionBackend::kFlash,
                                              AttentionBackend::kStandard};
    args.backend = input.Pick(kBackends);
    args.summation = input.Rarely(4) ? Summation::kUniform : Summation::kFastest;
  }

  const Memory& memory() const { return memory_; }
  bool overlapping() const { return overlapping_; }
  Wide queries() const { return queries_; }
  std::vector<float> Out() const { return {args.out, args.out + static_cast<size_t>(out_bytes_ / sizeof(float))}; }

  AttentionArgs args;

 private:
  void Fill(AttentionSequence& s) {
    s.first_query = wild_ && input_.Rarely() ? static_cast<size_t>(input_.Extreme()) : next_query_ + input_.Below(2);
    if (wild_ && input_.Rarely(8)) s.first_query = input_.Below(4);
    s.queries = input_.Size(0, input_.Rarely(2) ? 20 : 3, wild_);
    next_query_ = s.first_query + s.queries;
    s.kv_length = input_.Size(0, 50, wild_);
    s.first_position = static_cast<int64_t>(s.kv_length % 64) - static_cast<int64_t>(s.queries % 32);
    if (input_.Rarely(4)) s.first_position = input_.Below(60);
    if (wild_ && input_.Rarely()) s.first_position = static_cast<int64_t>(input_.Extreme());
    s.k = View(args.k_size, s.kv_length);
    s.v = View(args.v_size, s.kv_length);
  }

  KvView View(size_t size, size_t length) {
    constexpr DType kTypes[] = {DType::kF32, DType::kF16, DType::kBF16};
    KvView view;
    view.type = wild_ && input_.Rarely(64) ? DType::kQ8_0 : input_.Pick(kTypes);
    const size_t element = view.type == DType::kF32 ? 4 : 2, row = size * element;
    const bool head_major = input_.Rarely(4);
    view.head_stride = head_major ? length * row : row + element * input_.Below(2);
    view.position_stride = head_major ? row : args.kv_heads * view.head_stride;
    if (wild_ && input_.Rarely()) view.head_stride = static_cast<size_t>(input_.Extreme());
    if (wild_ && input_.Rarely()) view.position_stride = static_cast<size_t>(input_.Extreme());
    Wide positions = length;
    if (input_.Rarely(4) && length <= 4096) {
      view.block_length = static_cast<uint32_t>(wild_ && input_.Rarely() ? input_.Extreme() : 1 + input_.Below(20));
      const size_t per_block = std::max<uint32_t>(1, view.block_length);
      const size_t entries = (length + per_block - 1) / per_block, blocks = entries + input_.Below(3);
      uint32_t* table = reinterpret_cast<uint32_t*>(memory_.Bytes(entries * sizeof(uint32_t)));
      for (size_t i = 0; i < entries; ++i) table[i] = static_cast<uint32_t>(input_.Below(blocks));
      view.block_table = table;
      positions = length == 0 ? 0 : Wide{blocks} * per_block;
    }
    Wide bytes = 0;
    if (positions > 0 && args.kv_heads > 0) {
      bytes =
          (positions - 1) * view.position_stride + Wide{args.kv_heads - 1} * view.head_stride + Wide{size} * element;
    }
    if (view.block_table != nullptr) bytes = Memory::Paged(bytes);
    // Floats lie at their alignment; others anywhere.
    view.data = MaybeNull(input_, element == 4 ? memory_.Bytes(bytes) : memory_.Blocks(bytes), wild_);
    return view;
  }

  void Strides(size_t size, size_t* token, size_t* head) {
    const size_t gap = input_.Below(3);
    *head = input_.Size(size, size + 2, wild_);
    *token = wild_ && input_.Rarely() ? static_cast<size_t>(input_.Extreme()) : args.heads * *head + gap;
  }

  Input& input_;
  bool wild_;
  Memory memory_;
  std::vector<AttentionSequence> sequences_;
  size_t next_query_ = 0;
  Wide queries_ = 0, out_bytes_ = 0;
  bool overlapping_ = false;
};

inline void FuzzAttention(Input& input, bool wild) {
  AttentionCall call(input, wild);
  const AttentionArgs& args = call.args;
  const AnyExecutor any(input, wild);
  const Executor& executor = any;
  const Status status = Validate(args);
  if (call.overlapping() && args.sequence_count > 0 && call.queries() != 0) {
    Expect(!status.ok(), "Attention: accepts an output that other work also writes or reads");
  }
  if (!status.ok()) Expect(!Attention(args, executor, {}).ok(), "Attention accepts what Validate refuses");
  if (args.sequence_count == 0 || call.queries() == 0) {  // nothing is read or written, wherever it would be
    if (status.ok()) ExpectOk(Attention(args, {}, {}), "Attention without queries");
    return;
  }
  const bool may_run = MayRun(status, call.memory(), "Attention");
  const size_t needed = args.sequences == nullptr ? 0 : AttentionWorkspaceBytes(args, executor.workers);
  if (!may_run) return;
  Expect(needed < size_t{1} << 28, "Attention: a workspace out of all proportion");
  const std::vector<float> start = call.Out();
  const size_t misaligned = input.Below(8);
  const auto run = [&](const Executor& threads) {
    std::vector<uint8_t> workspace(misaligned + AttentionWorkspaceBytes(args, threads.workers));
    return Attention(args, threads, {workspace.data() + misaligned, workspace.size() - misaligned});
  };
  if (!Succeeded(run(executor), any, "Attention")) return;
  const std::vector<float> first = call.Out();
  std::copy(start.begin(), start.end(), args.out);
  ExpectOk(run(AnyExecutor(input, false)), "Attention");
  Expect(SameBits(first.data(), call.Out().data(), first.size()), "Attention: other bits with other threads");
}

}  // namespace weft::fuzz

#endif  // WEFT_TESTS_FUZZ_CALL_ATTENTION_H_
