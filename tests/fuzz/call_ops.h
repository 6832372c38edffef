// Arguments of the small operations.
#ifndef WEFT_TESTS_FUZZ_CALL_OPS_H_
#define WEFT_TESTS_FUZZ_CALL_OPS_H_

#include <vector>

#include "tests/fuzz/call.h"

namespace weft::fuzz {

// Makes the call where that can be done, and checks that it is refused where Validate refuses it. Whether there are
// results.
template <class Args, class F>
bool RunOp(const Args& args, const Memory& memory, const AnyExecutor& executor, const char* name, const F& call) {
  const Status status = Validate(args);
  const bool may_run = MayRun(status, memory, name);
  if (!status.ok()) Expect(!call(args, executor).ok(), std::string(name) + " accepts what Validate refuses");
  return may_run && Succeeded(call(args, executor), executor, name);
}

inline Activation AnyActivation(Input& input) {
  constexpr Activation kAll[] = {Activation::kNone,      Activation::kSilu,        Activation::kGeluTanh,
                                 Activation::kRelu,      Activation::kGeluTanhF16, Activation::kGeluErf,
                                 Activation::kGeluQuick, Activation::kSigmoid};
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
  const Wide of_cols = Span(tokens == 0 ? 0 : 1, 0, a.cols);  // without tokens nothing of them is read
  if (input.Rarely(2)) a.weight = memory.Floats(of_cols);
  if (input.Rarely(2)) a.bias = memory.Floats(of_cols);
  if (input.Rarely(4)) a.epsilon = input.Float();
  a.kind = input.Rarely(2) ? NormKind::kLayer : NormKind::kRms;
  if (input.Rarely(4)) {
    a.residual_head_stride = input.Size(a.cols, a.cols + 2, wild);
    a.residual_stride = input.Size(a.heads * a.residual_head_stride, a.heads * a.residual_head_stride + 2, wild);
    a.residual = memory.Floats(Span(tokens, a.residual_stride, a.heads, a.residual_head_stride, a.cols, 4));
    a.sum_stride = a.stride;
    a.sum_head_stride = a.head_stride;
    if (!in_place && input.Rarely(2)) a.sum = const_cast<float*>(a.x);
  }
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
  t.frequency = memory.Floats(Span(t.tokens == 0 ? 0 : 1, 0, t.pairs));
  t.magnitude = input.Float();
  t.table = MaybeNull(input, memory.Results(Wide{t.tokens} * t.pairs * 8), wild);
  const AnyExecutor executor(input, wild);
  if (!RunOp(t, memory, executor, "RopeTable",
             [](const RopeTableArgs& args, const Executor& e) { return RopeTable(args, e); })) {
    return;
  }
  RopeArgs a;
  a.tokens = t.tokens;
  a.pairs = t.pairs;
  a.table = t.table;
  a.heads = input.Size(0, 4, wild);
  a.head_size = input.Rarely(2) ? 2 * a.pairs + input.Size(0, 5, wild) : 0;
  const size_t size = a.head_size == 0 ? 2 * a.pairs : a.head_size;
  a.head_stride = input.Size(size, size + 2, wild);
  a.token_stride = wild && input.Rarely() ? static_cast<size_t>(input.Extreme()) : a.heads * a.head_stride;
  float* x = memory.Floats(Span(a.tokens, a.token_stride, a.heads, a.head_stride, size, 4));
  a.x = MaybeNull(input, x, wild);
  a.y = x;
  a.y_head_stride = a.head_stride;
  a.y_token_stride = a.token_stride;
  if (input.Rarely(2)) {
    a.y_head_stride = input.Size(size, size + 2, wild);
    a.y_token_stride = a.heads * a.y_head_stride + input.Size(0, 2, wild);
    a.y = MaybeNull(input, memory.Results(Span(a.tokens, a.y_token_stride, a.heads, a.y_head_stride, size, 4)), wild);
  }
  a.kind = input.Rarely(2) ? RopeKind::kHalf : RopeKind::kInterleaved;
  a.inverse = input.Rarely(4);
  RunOp(a, memory, executor, "Rope", [](const RopeArgs& args, const Executor& e) { return Rope(args, e); });
}

inline void FuzzElementwise(Input& input, bool wild) {
  ElementwiseArgs a;
  a.rows = input.Size(0, 5, wild);
  a.cols = input.Size(0, 70, wild);
  a.stride = input.Size(a.cols, a.cols + 2, wild);
  a.y_stride = input.Size(a.cols, a.cols + 2, wild);
  a.activation = AnyActivation(input);
  Memory memory(input);
  float* x = memory.Floats(Span(a.rows, a.stride, a.cols));
  a.x = MaybeNull(input, x, wild);
  const bool in_place = input.Rarely(4);
  if (in_place) a.y_stride = a.stride;
  a.y = in_place ? x : memory.Results(Span(a.rows, a.y_stride, a.cols));
  const bool ran = RunOp(a, memory, AnyExecutor(input, wild), "Elementwise",
                         [](const ElementwiseArgs& args, const Executor& e) { return Elementwise(args, e); });
  if (ran && !in_place) ExpectGapsUntouched(a.y, a.rows, a.y_stride, a.cols, "Elementwise");
}

// Also against the plainest selection.
inline void FuzzTopK(Input& input, bool wild) {
  TopKArgs a;
  a.rows = input.Size(0, 3, wild);
  a.cols = input.Size(0, input.Rarely(4) ? 600 : 40, wild);
  a.k = input.Size(1, input.Rarely(2) ? 40 : 4, wild);
  a.stride = input.Size(a.cols, a.cols + 2, wild);
  a.index_stride = input.Size(a.k, a.k + 2, wild);
  a.value_stride = input.Size(a.k, a.k + 2, wild);
  Memory memory(input);
  a.x = MaybeNull(input, memory.Floats(Span(a.rows, a.stride, a.cols)), wild);
  float* indices = MaybeNull(input, memory.Results(Span(a.rows, a.index_stride, a.k)), wild);
  a.indices = reinterpret_cast<uint32_t*>(indices);
  if (!input.Rarely(4)) a.values = memory.Results(Span(a.rows, a.value_stride, a.k));
  if (!RunOp(a, memory, AnyExecutor(input, wild), "TopK",
             [](const TopKArgs& args, const Executor& e) { return TopK(args, e); })) {
    return;
  }
  for (size_t row = 0; row < a.rows; ++row) {
    const float* x = a.x + row * a.stride;
    std::vector<bool> taken(a.cols);
    for (size_t i = 0; i < a.k; ++i) {
      uint32_t best = kNoIndex;
      for (size_t c = 0; c < a.cols; ++c) {
        if (!taken[c] && x[c] == x[c] && (best == kNoIndex || x[c] > x[best])) best = static_cast<uint32_t>(c);
      }
      if (best != kNoIndex) taken[best] = true;
      Expect(a.indices[row * a.index_stride + i] == best, "TopK: another element");
      if (a.values == nullptr) continue;
      const float value = a.values[row * a.value_stride + i];
      Expect(BitsOf(value) == (best == kNoIndex ? 0xFF800000u : BitsOf(x[best])), "TopK: another value");
    }
  }
}

inline void FuzzStoreKv(Input& input, bool wild) {
  constexpr DType kTypes[] = {DType::kF32, DType::kF16, DType::kBF16};
  StoreKvArgs a;
  a.tokens = input.Size(0, 6, wild);
  a.heads = input.Size(0, 3, wild);
  a.size = input.Size(0, 40, wild);
  a.head_stride = input.Size(a.size, a.size + 2, wild);
  a.token_stride = wild && input.Rarely() ? static_cast<size_t>(input.Extreme()) : a.heads * a.head_stride;
  a.first_position = input.Size(0, 20, wild);
  a.capacity =
      wild && input.Rarely(4) ? static_cast<size_t>(input.Extreme()) : a.first_position + a.tokens + input.Below(3);
  a.cache.type = wild && input.Rarely(32) ? DType::kQ8_0 : input.Pick(kTypes);
  const size_t element = a.cache.type == DType::kF32 ? 4 : 2;
  a.cache.head_stride = input.Size(a.size * element, a.size * element + 2, wild);
  a.cache.position_stride =
      wild && input.Rarely() ? static_cast<size_t>(input.Extreme()) : a.heads * a.cache.head_stride + input.Below(3);
  Memory memory(input);
  a.x = MaybeNull(input, memory.Floats(Span(a.tokens, a.token_stride, a.heads, a.head_stride, a.size, 4)), wild);
  Wide positions = a.tokens == 0 ? 0 : Wide{a.first_position} + a.tokens;
  if (input.Rarely(4) && a.capacity <= 4096) {
    a.cache.block_length = static_cast<uint32_t>(1 + input.Below(5));
    const size_t blocks = (a.capacity + a.cache.block_length - 1) / a.cache.block_length;
    uint32_t* table = reinterpret_cast<uint32_t*>(memory.Bytes(Wide{blocks} * sizeof(uint32_t)));
    for (size_t i = 0; i < blocks; ++i) {
      table[i] = static_cast<uint32_t>(wild && input.Rarely() ? input.Below(blocks) : blocks - 1 - i);
    }
    a.cache.block_table = table;
    positions = Wide{blocks} * a.cache.block_length;
  }
  Wide bytes = 0;
  if (positions > 0 && a.heads > 0) {
    bytes =
        (positions - 1) * a.cache.position_stride + Wide{a.heads - 1} * a.cache.head_stride + Wide{a.size} * element;
  }
  if (a.cache.block_table != nullptr) bytes = Memory::Paged(bytes);
  a.cache.data = MaybeNull(input, memory.Blocks(bytes), wild);
  RunOp(a, memory, AnyExecutor(input, wild), "StoreKv",
        [](const StoreKvArgs& args, const Executor& e) { return StoreKv(args, e); });
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
