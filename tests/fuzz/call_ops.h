// Arguments of the small operations.
#ifndef WEFT_TESTS_FUZZ_CALL_OPS_H_
#define WEFT_TESTS_FUZZ_CALL_OPS_H_

#include "tests/fuzz/call.h"

namespace weft::fuzz {

// Makes the call where that can be done, and checks that it is refused where Validate refuses it.
template <class Args, class F>
bool RunOp(const Args& args, const Memory& memory, const Executor& executor, const char* name, const F& call) {
  const Status status = Validate(args);
  const bool may_run = MayRun(status, memory, name);
  if (!status.ok()) Expect(call(args, executor).code == status.code, std::string(name) + " and Validate disagree");
  if (!may_run) return false;
  const Status result = call(args, executor);
  if (executor.workers == 0 && !result.ok()) return false;
  ExpectOk(result, name);
  return true;
}

inline Activation AnyActivation(Input& input) {
  constexpr Activation kAll[] = {Activation::kNone, Activation::kSilu, Activation::kGeluTanh, Activation::kRelu,
                                 Activation::kGeluTanhF16};
  return input.Pick(kAll);
}

inline void FuzzNorm(Input& input, bool wild) {
  NormArgs a;
  a.heads = input.Size(1, 4, wild);
  a.rows = wild && input.Rarely() ? static_cast<size_t>(input.Extreme()) : a.heads * input.Below(6);
  a.cols = input.Size(1, 70, wild);
  a.head_stride = wild && input.Rarely() ? static_cast<size_t>(input.Extreme()) : a.cols + input.Below(3);
  a.stride = wild && input.Rarely() ? static_cast<size_t>(input.Extreme()) : a.heads * a.head_stride + input.Below(3);
  a.y_head_stride = input.Size(a.cols, a.cols + 2, wild);
  a.y_stride = input.Size(a.heads * a.y_head_stride, a.heads * a.y_head_stride + 2, wild);
  const Wide tokens = a.heads == 0 ? 0 : a.rows / a.heads;
  Memory memory(input);
  a.x = MaybeNull(input, memory.Floats(Span(tokens, a.stride, a.heads, a.head_stride, a.cols, 4)), wild);
  const bool in_place = input.Rarely(4);
  if (in_place) {
    a.y = const_cast<float*>(a.x);
    a.y_stride = a.stride;
    a.y_head_stride = a.head_stride;
  } else {
    a.y = MaybeNull(input, memory.Results(Span(tokens, a.y_stride, a.heads, a.y_head_stride, a.cols, 4)), wild);
  }
  if (input.Rarely(2)) a.weight = memory.Floats(Span(1, 0, a.cols));
  if (input.Rarely(2)) a.bias = memory.Floats(Span(1, 0, a.cols));
  if (input.Rarely(4)) a.epsilon = input.Float();
  a.kind = input.Rarely(2) ? NormKind::kLayer : NormKind::kRms;
  RunOp(a, memory, AnyExecutor(input, wild), "Norm",
        [](const NormArgs& args, const Executor& executor) { return Norm(args, executor); });
}

inline void FuzzRope(Input& input, bool wild) {
  Memory memory(input);
  RopeTableArgs t;
  t.tokens = input.Size(0, 5, wild);
  t.pairs = input.Size(0, 40, wild);
  int32_t* positions = reinterpret_cast<int32_t*>(memory.Bytes(Wide{t.tokens} * 4));
  if (memory.backed()) {
    for (size_t i = 0; i < t.tokens; ++i) positions[i] = static_cast<int32_t>(wild ? input.Bits(4) : input.Byte());
  }
  t.positions = MaybeNull(input, positions, wild);
  t.frequency = memory.Floats(Wide{t.pairs} * 4);
  t.magnitude = input.Float();
  t.table = MaybeNull(input, memory.Results(Wide{t.tokens} * t.pairs * 8), wild);
  const Executor executor = AnyExecutor(input, wild);
  if (!RunOp(t, memory, executor, "RopeTable",
             [](const RopeTableArgs& args, const Executor& e) { return RopeTable(args, e); })) {
    return;
  }
  RopeArgs a;
  a.tokens = t.tokens;
  a.pairs = t.pairs;
  a.table = t.table;
  a.heads = input.Size(0, 4, wild);
  const size_t size = 2 * a.pairs + input.Below(5);
  a.head_stride = input.Size(size, size + 2, wild);
  a.token_stride = wild && input.Rarely() ? static_cast<size_t>(input.Extreme()) : a.heads * a.head_stride;
  a.x = memory.Floats(Span(a.tokens, a.token_stride, a.heads, a.head_stride, 2 * a.pairs, 4));
  a.kind = input.Rarely(2) ? RopeKind::kHalf : RopeKind::kInterleaved;
  RunOp(a, memory, executor, "Rope", [](const RopeArgs& args, const Executor& e) { return Rope(args, e); });
}

inline void FuzzGated(Input& input, bool wild) {
  GatedArgs a;
  a.rows = input.Size(0, 5, wild);
  a.cols = input.Size(0, 70, wild);
  a.gate_stride = input.Size(a.cols, a.cols + 2, wild);
  a.up_stride = input.Size(a.cols, a.cols + 2, wild);
  a.y_stride = input.Size(a.cols, a.cols + 2, wild);
  a.activation = AnyActivation(input);
  Memory memory(input);
  float* gate = memory.Floats(Span(a.rows, a.gate_stride, a.cols));
  a.gate = MaybeNull(input, gate, wild);
  a.up = MaybeNull(input, memory.Floats(Span(a.rows, a.up_stride, a.cols)), wild);
  const bool in_place = input.Rarely(4);
  if (in_place) a.y_stride = a.gate_stride;
  a.y = in_place ? gate : memory.Results(Span(a.rows, a.y_stride, a.cols));
  const bool ran = RunOp(a, memory, AnyExecutor(input, wild), "Gated",
                         [](const GatedArgs& args, const Executor& e) { return Gated(args, e); });
  if (ran && !in_place) ExpectGapsUntouched(a.y, a.rows, a.y_stride, a.cols, "Gated");
}

inline void FuzzSoftmax(Input& input, bool wild) {
  SoftmaxArgs a;
  a.rows = input.Size(0, 5, wild);
  a.cols = input.Size(0, 70, wild);
  a.stride = input.Size(a.cols, a.cols + 2, wild);
  a.y_stride = input.Size(a.cols, a.cols + 2, wild);
  a.scale = input.Float();
  Memory memory(input);
  float* x = memory.Floats(Span(a.rows, a.stride, a.cols));
  a.x = MaybeNull(input, x, wild);
  const bool in_place = input.Rarely(4);
  if (in_place) a.y_stride = a.stride;
  a.y = in_place ? x : memory.Results(Span(a.rows, a.y_stride, a.cols));
  const bool ran = RunOp(a, memory, AnyExecutor(input, wild), "Softmax",
                         [](const SoftmaxArgs& args, const Executor& e) { return Softmax(args, e); });
  if (ran && !in_place) ExpectGapsUntouched(a.y, a.rows, a.y_stride, a.cols, "Softmax");
}

}  // namespace weft::fuzz

#endif  // WEFT_TESTS_FUZZ_CALL_OPS_H_
