// Arguments of matrix products, of looking rows up, and of sizing their workspace.
#ifndef WEFT_TESTS_FUZZ_CALL_MATMUL_H_
#define WEFT_TESTS_FUZZ_CALL_MATMUL_H_

#include <algorithm>
#include <vector>

#include "tests/fuzz/call.h"
#include "tests/fuzz/call_ops.h"

namespace weft::fuzz {

// A type whose blocks divide `cols`; now and then any.
inline DType AnyType(Input& input, size_t cols, bool wild) {
  std::vector<DType> types;
  for (uint32_t id = 0; id < kDTypeEnd; ++id) {
    const DType type = static_cast<DType>(id);
    if (HasFormat(type) && cols % LayoutOf(type).block_elements == 0) types.push_back(type);
  }
  return wild && input.Rarely(32) ? static_cast<DType>(input.Below(50)) : input.Pick(types);
}

// `count` numbers below `limit`; now and then one that is not. Null for more than there can be.
inline uint32_t* Indices(Input& input, Memory& memory, size_t count, size_t limit, bool wild) {
  if (count > 4096) return nullptr;
  uint32_t* index = reinterpret_cast<uint32_t*>(memory.Bytes(Wide{count} * sizeof(uint32_t)));
  for (size_t i = 0; i < count; ++i) {
    index[i] = static_cast<uint32_t>(input.Below(limit + (wild && input.Rarely(64) ? 1 : 0)));
  }
  return index;
}

inline WeightView AnyWeights(Input& input, Memory& memory, DType type, size_t rows, size_t cols, bool wild) {
  WeightView w;
  w.type = type;
  w.rows = rows;
  w.cols = cols;
  const size_t used = RowBytes(type, cols);
  w.row_bytes = input.Rarely(4) ? used + input.Below(300) : used;
  if (wild && input.Rarely()) w.row_bytes = static_cast<size_t>(input.Extreme());
  w.data = MaybeNull(input, memory.BlockRows(rows, w.row_bytes, used), wild);
  if (input.Rarely(4)) w.scale = memory.Floats(sizeof(float));
  return w;
}

// Up to ten products, some of which share their input.
class Products {
 public:
  Products(Input& input, bool wild) : input_(input), wild_(wild), memory_(input) {
    constexpr size_t kBases[] = {256, 32, 64, 1, 7}, kTokens[] = {20, 8, 1, 40, 800};
    const size_t base = input.Pick(kBases);
    const size_t tokens = input.Size(1, input.Pick(kTokens), wild);
    const size_t cols = tokens > 40 ? std::min<size_t>(base, 64) : base * (1 + input.Below(2));
    count = input.Rarely(2) ? 1 + input.Below(4) : 1;
    if (input.Rarely()) count = input.Below(11);
    const size_t set_count = count > 1 ? 1 + input.Below(2) : 1;
    sets_.reserve(set_count);
    for (size_t i = 0; i < set_count; ++i) AddSet(tokens, wild && input.Rarely() ? input.Extreme() : cols);
    args.resize(std::max<size_t>(1, count));
    for (size_t i = 0; i < args.size(); ++i) Fill(i, cols, tokens > 40 ? 4 : 70);
  }

  Memory& memory() { return memory_; }
  bool short_of_memory() const { return short_of_memory_; }
  bool overlapping() const { return overlapping_; }
  // Whether a gate without data was filled in, which is none, however large.
  bool lacks_gate() const { return lacks_gate_; }

  size_t count = 0;
  std::vector<MatMulArgs> args;

  // Elements from y to the end of the last row.
  static size_t Elements(const MatMulArgs& a) {
    return a.tokens() == 0 || a.w.rows == 0 ? 0 : (a.tokens() - 1) * a.y_stride + a.w.rows;
  }

 private:
  void AddSet(size_t tokens, size_t cols) {
    const size_t stride = input_.Size(cols, cols + 3, wild_);
    const float* x = MaybeNull(input_, memory_.Floats(Span(tokens, stride, cols)), wild_);
    sets_.push_back(MakeActivations(x, tokens, cols, stride, {}));
    size_t bytes = memory_.backed() ? ActivationBytes(tokens, cols) : 0;
    if (input_.Rarely(32)) {
      bytes = input_.Below(bytes + 1);
      short_of_memory_ = true;
    }
    sets_.back().memory = {memory_.Bytes(bytes, input_.Below(8)), bytes};
  }

  void Fill(size_t i, size_t cols, size_t most_rows) {
    MatMulArgs& a = args[i];
    a.x = MaybeNull(input_, &sets_[i < sets_.size() ? i : input_.Below(sets_.size())], wild_);  // all are in use
    const size_t rows = input_.Size(1, most_rows, wild_);
    const DType type = AnyType(input_, cols, wild_);
    a.w = AnyWeights(input_, memory_, type, rows, wild_ && input_.Rarely() ? input_.Size(0, 600, true) : cols, wild_);
    a.summation = input_.Rarely(4) ? Summation::kUniform : Summation::kFastest;
    const size_t tokens = a.x == nullptr ? 0 : a.x->rows;
    if (input_.Rarely(4)) {
      a.row_count = input_.Size(1, 24, wild_);
      a.row_index = Indices(input_, memory_, a.row_count, tokens, wild_);
    }
    const size_t y_rows = a.row_index != nullptr ? a.row_count : tokens;
    a.y_stride = input_.Size(rows, rows + 3, wild_);
    a.y = MaybeNull(input_, memory_.Results(Span(y_rows, a.y_stride, rows)), wild_);
    if (wild_ && input_.Rarely(32) && a.x != nullptr && a.x->x != nullptr) {
      a.y = const_cast<float*>(a.x->x);  // good for nothing
      overlapping_ = overlapping_ || (y_rows != 0 && tokens != 0 && rows != 0);
    }
    Epilogue& e = a.epilogue;
    if (input_.Rarely(4)) e.bias = memory_.Floats(Span(1, 0, rows));
    if (input_.Rarely(4)) e.scale = input_.Float();
    e.activation = AnyActivation(input_);
    if (input_.Rarely(4)) {
      e.residual_stride = input_.Size(rows, rows + 3, wild_);
      e.residual = memory_.Floats(Span(y_rows, e.residual_stride, rows));
    } else if (input_.Rarely(8)) {
      e.residual_stride = a.y_stride;
      e.residual = a.y;
    }
    if (input_.Rarely(4)) {
      e.gate = AnyWeights(input_, memory_, type, rows, a.w.cols, wild_);
      if (wild_ && input_.Rarely()) e.gate.rows = static_cast<size_t>(input_.Extreme());
      lacks_gate_ = lacks_gate_ || e.gate.data == nullptr;
    }
    if (input_.Rarely(8)) e.gate_bias = memory_.Floats(Span(1, 0, rows));
  }

  Input& input_;
  bool wild_;
  Memory memory_;
  std::vector<ActivationSet> sets_;
  bool short_of_memory_ = false, overlapping_ = false, lacks_gate_ = false;
};

// What the sizing function promises: never less for more tokens, nor for more threads.
inline void CheckSizes(Input& input, const MatMulArgs& args, uint32_t workers) {
  if (args.x == nullptr) return;
  const size_t bytes = MatMulWorkspaceBytes(args, workers);
  MatMulArgs other = args;
  ActivationSet set = *args.x;
  other.x = &set;
  const size_t tokens = args.tokens();
  if (tokens < 2) return;
  other.row_count = set.rows = input.Rarely(2) ? tokens - 1 : 1 + input.Below(tokens - 1);
  Expect(MatMulWorkspaceBytes(other, workers) <= bytes, "MatMulWorkspaceBytes: less for more tokens");
  other.row_count = set.rows = tokens;
  other.summation = args.summation == Summation::kFastest ? Summation::kUniform : Summation::kFastest;
  Expect(MatMulWorkspaceBytes(other, workers) == bytes, "MatMulWorkspaceBytes: depends on the summation");
  Expect(workers == 0 || MatMulWorkspaceBytes(args, workers - 1) <= bytes,
         "MatMulWorkspaceBytes: less for more threads");
}

// One product with a set of its own, into memory of its own.
inline std::vector<float> Alone(Input& input, const MatMulArgs& args, std::vector<float> y) {
  MatMulArgs one = args;
  ActivationSet set = MakeActivations(args.x->x, args.x->rows, args.x->cols, args.x->stride, {});
  std::vector<uint8_t> forms(ActivationBytes(set.rows, set.cols));
  set.memory = {forms.data(), forms.size()};
  one.x = &set;
  one.y = y.data();
  if (one.epilogue.residual == args.y) one.epilogue.residual = y.data();
  const AnyExecutor any(input, false);
  const Executor& executor = any;
  std::vector<uint8_t> workspace(MatMulWorkspaceBytes(one, executor.workers));
  ExpectOk(MatMul(one, executor, {workspace.data(), workspace.size()}), "MatMul");
  return y;
}

// A set that is changed after forms of it were built: an error, or what a new set would give.
inline void CheckStale(Input& input, MatMulArgs args, Workspace workspace, const Executor& executor) {
  ActivationSet& set = *args.x;
  const ActivationSet before = set;
  if (set.rows == 0) return;
  std::vector<float> other((set.rows - 1) * set.stride + set.cols, 0.25f);
  switch (input.Below(3)) {
    case 0: set.x = other.data(); break;
    case 1: set.rows = 1 + input.Below(set.rows); break;
    default: set.stride = set.rows == 1 ? set.cols : set.cols + input.Below(set.stride - set.cols + 1);
  }
  args.row_index = nullptr;
  if (Products::Elements(args) == 0 || args.tokens() > Memory::kMost / sizeof(float) / args.y_stride) return;
  std::vector<float> y(Products::Elements(args), 1.0f);
  const std::vector<float> start = y;
  args.epilogue = {};
  args.y = y.data();
  if (MatMul(args, executor, workspace).ok()) {
    Expect(SameBits(y.data(), Alone(input, args, start).data(), y.size()), "MatMul: a stale form gives an old result");
  }
  set = before;
}

inline void FuzzMatMul(Input& input, bool wild) {
  Products p(input, wild);
  const AnyExecutor any(input, wild);
  const Executor& executor = any;
  for (const MatMulArgs& args : p.args) CheckSizes(input, args, executor.workers);
  const size_t needed = MatMulWorkspaceBytes(p.args.data(), p.count, executor.workers);
  const Status status = Validate(p.args.data(), p.count);
  if (p.overlapping() && p.count > 0) Expect(!status.ok(), "MatMul: accepts y over x");
  if (!status.ok()) {
    Expect(!MatMul(p.args.data(), p.count, executor, {}).ok(), "MatMul accepts what Validate refuses");
  }
  const auto is_empty = [](const MatMulArgs& a) { return a.x != nullptr && (a.tokens() == 0 || a.w.rows == 0); };
  const auto empty = std::count_if(p.args.begin(), p.args.begin() + static_cast<ptrdiff_t>(p.count), is_empty);
  if (empty != 0 || p.count == 0) {  // of these nothing is read or written, wherever it would be
    if (status.ok() && static_cast<size_t>(empty) == p.count) {
      ExpectOk(MatMul(p.args.data(), p.count, {}, {}), "MatMul of nothing");
    }
    return;
  }
  if (p.lacks_gate() && p.memory().impossible()) return;
  if (!MayRun(status, p.memory(), "MatMul")) return;
  Expect(needed < size_t{1} << 28, "MatMul: a workspace out of all proportion");
  if (input.Rarely() && needed > 0) {
    std::vector<uint8_t> small(input.Below(needed));
    Expect(!MatMul(p.args.data(), p.count, executor, {small.data(), small.size()}).ok(),
           "MatMul: a workspace too small");
  }
  if (input.Rarely() && needed > 0 && Products::Elements(p.args[0]) != 0) {
    Expect(!MatMul(p.args.data(), p.count, executor, {p.args[0].y, needed}).ok(), "MatMul: a workspace over y");
  }
  std::vector<std::vector<float>> starts;
  for (const MatMulArgs& a : p.args) starts.emplace_back(a.y, a.y + Products::Elements(a));

  const size_t misaligned = input.Below(8);
  std::vector<uint8_t> bytes(misaligned + needed);
  const Workspace workspace{bytes.data() + misaligned, needed};
  const Status result = MatMul(p.args.data(), p.count, executor, workspace);
  if ((!result.ok() && p.short_of_memory()) || !Succeeded(result, any, "MatMul")) return;
  for (size_t i = 0; i < p.count; ++i) {
    const MatMulArgs& a = p.args[i];
    if (a.epilogue.residual != a.y) ExpectGapsUntouched(a.y, a.tokens(), a.y_stride, a.w.rows, "MatMul");
    const std::vector<float> alone = Alone(input, a, starts[i]);
    Expect(SameBits(a.y, alone.data(), alone.size()), "MatMul: other bits alone, or with other threads");
  }
  if (p.count == 1 && input.Rarely(4)) CheckStale(input, p.args[0], workspace, executor);
}

inline void FuzzGetRows(Input& input, bool wild) {
  Memory memory(input);
  constexpr size_t kBases[] = {256, 32, 64, 1, 7};
  const size_t cols = input.Pick(kBases) * (1 + input.Below(2)), rows = input.Size(1, 20, wild);
  GetRowsArgs a;
  a.w = AnyWeights(input, memory, AnyType(input, cols, wild), rows, wild && input.Rarely() ? input.Extreme() : cols,
                   wild);
  a.count = input.Size(0, 5, wild);
  a.ids = MaybeNull(input, Indices(input, memory, a.count, rows, wild), wild);
  a.y_stride = input.Size(cols, cols + 3, wild);
  a.y = MaybeNull(input, memory.Results(Span(a.count, a.y_stride, cols)), wild);
  if (input.Rarely(4)) a.scale = input.Float();
  if (RunOp(a, memory, AnyExecutor(input, wild), "GetRows",
            [](const GetRowsArgs& args, const Executor& e) { return GetRows(args, e); })) {
    ExpectGapsUntouched(a.y, a.count, a.y_stride, cols, "GetRows");
  }
}

// The conversions, which have no Validate.
inline void FuzzConversions(Input& input, bool wild) {
  const DType type = AnyType(input, 256, wild);
  const size_t block = std::max<size_t>(1, LayoutOf(type).block_elements);
  const size_t n = wild && input.Rarely(4) ? static_cast<size_t>(input.Extreme()) : block * input.Below(3);
  Memory memory(input);
  float* x = MaybeNull(input, memory.Floats(Wide{n} * sizeof(float)), wild);
  uint8_t* blocks = MaybeNull(input, memory.Blocks(Wide{n} / block * LayoutOf(type).block_bytes), wild);
  const bool good = HasFormat(type) && (n == 0 || (x != nullptr && blocks != nullptr && n % block == 0));
  if (memory.impossible()) {
    Expect(!Dequantize(type, blocks, x, n).ok(), "Dequantize: accepts more than the address space");
    Expect(!Quantize(type, x, blocks, n).ok(), "Quantize: accepts more than the address space");
  }
  if (!memory.backed()) return;
  Expect(Dequantize(type, blocks, x, n).ok() == good, "Dequantize: accepts bad arguments or refuses good ones");
  Expect(Quantize(type, x, blocks, n).ok() == good, "Quantize: accepts bad arguments or refuses good ones");
}

}  // namespace weft::fuzz

#endif  // WEFT_TESTS_FUZZ_CALL_MATMUL_H_
