// Sizes of memory: enough for some shapes is enough for smaller ones, and for what the driver does with it.
#include <deque>
#include <string>
#include <vector>

#include "tests/kernels/matmul_case.h"
#include "tests/kernels/same_bits.h"
#include "tests/kernels/targets.h"
#include "tests/kernels/threads.h"
#include "weft/formats/formats.h"

namespace weft::test {
namespace {

class SizesTest : public KernelTest {};
WEFT_TEST_ON_TARGETS(SizesTest);

// Some products: of each input, those with equal numbers, the tokens and columns are the same.
struct Call {
  std::vector<MatMulShape> products;
  uint32_t workers = 1;

  size_t Bytes() const { return MatMulWorkspaceBytes(products.data(), products.size(), workers); }
};

std::vector<DType> AllTypes() {
  std::vector<DType> types;
  ForEachFormat([&]<class Format>() { types.push_back(Format::kType); });
  return types;
}

Call AnyCall(Random& random, const std::vector<DType>& types) {
  Call call;
  call.workers = static_cast<uint32_t>(1 + random.Below(5));
  const size_t inputs = 1 + random.Below(3), count = 1 + random.Below(6);
  size_t tokens[4] = {}, cols[4] = {};
  for (size_t i = 0; i <= inputs; ++i) {
    tokens[i] = random.Below(3) == 0   ? 760 + random.Below(50)
                : random.Below(2) == 0 ? random.Below(20)
                                       : random.Below(3000);
    cols[i] = 256 * (1 + random.Below(20));
  }
  for (size_t i = 0; i < count; ++i) {
    const size_t input = random.Below(inputs + 1);
    call.products.push_back({.type = types[random.Below(types.size())],
                             .rows = random.Below(5000),
                             .cols = cols[input],
                             .tokens = tokens[input],
                             .gated = random.Below(3) == 0,
                             .input = static_cast<uint32_t>(input)});
  }
  return call;
}

// Makes one thing smaller.
Call Smaller(Call call, Random& random) {
  std::vector<MatMulShape>& products = call.products;
  MatMulShape& one = products[random.Below(products.size())];
  const auto less = [&](size_t n) { return random.Below(2) == 0 ? n - (n > 0) : random.Below(n + 1); };
  const auto for_input = [&](const auto& change) {
    if (one.input == 0) return change(one);
    const uint32_t input = one.input;
    for (MatMulShape& product : products) {
      if (product.input == input) change(product);
    }
  };
  switch (random.Below(6)) {
    case 0: call.workers -= call.workers > 1; break;
    case 1: one.rows = less(one.rows); break;
    case 2: one.gated = false; break;
    case 3: {
      const size_t tokens = less(one.tokens);
      for_input([&](MatMulShape& product) { product.tokens = tokens; });
      break;
    }
    case 4: {
      const size_t cols = 256 * (1 + random.Below(one.cols / 256));
      for_input([&](MatMulShape& product) { product.cols = cols; });
      break;
    }
    default:
      if (products.size() > 1) products.erase(products.begin() + static_cast<ptrdiff_t>(random.Below(products.size())));
  }
  return call;
}

TEST_P(SizesTest, ProductsAreMonotone) {
  Random random(1);
  const std::vector<DType> types = AllTypes();
  for (int i = 0; i < 5000; ++i) {
    const Call large = AnyCall(random, types);
    const Call small = Smaller(large, random);
    ASSERT_LE(small.Bytes(), large.Bytes()) << "call " << i;
    Call apart = large;  // sharing never takes more
    for (MatMulShape& product : apart.products) product.input = 0;
    ASSERT_LE(large.Bytes(), apart.Bytes()) << "call " << i;
  }
}

// The workers' memory is that of the largest product, not the sum.
TEST_P(SizesTest, OneArena) {
  const MatMulShape small{.type = DType::kQ8_0, .rows = 64, .cols = 256, .tokens = 1, .input = 1};
  MatMulShape large = small;
  large.tokens = 4;
  for (const MatMulShape& shape : {small, large}) {
    const std::vector<MatMulShape> many(100, shape);
    const size_t one = MatMulWorkspaceBytes(shape, 4), all = MatMulWorkspaceBytes(many.data(), many.size(), 4);
    EXPECT_GE(all, one);
    EXPECT_LE(all, one + 100 * 256);
  }
}

// Calls run in guarded memory of the size that their shapes, or larger ones, have.
TEST_P(SizesTest, IsEnough) {
  Random random(2);
  const std::vector<DType> types = {DType::kF32, DType::kBF16, DType::kQ8_0, DType::kQ4_0, DType::kQ4_K, DType::kQ6_K};
  constexpr size_t kCols = 256, kMostRows = 70, kMostTokens = 40;
  std::deque<Weights> weights;
  for (DType type : types) weights.emplace_back(type, kMostRows, kCols, random);
  const std::vector<float> x = random.Normals(kMostTokens * kCols);
  for (int i = 0; i < 200; ++i) {
    Call call;
    call.workers = static_cast<uint32_t>(1 + random.Below(3));
    const size_t extra = i % 4 == 0 ? random.Below(20) : 0;
    const size_t count = 1 + random.Below(12), tokens = 1 + random.Below(i % 2 == 0 ? 9 : kMostTokens);
    const Precision precision = i % 5 == 0 ? Precision::kFine : Precision::kFast;
    const Phase phase = i % 2 == 0 ? Phase::kPrefill : Phase::kDecode;
    Guarded<uint8_t> forms(ActivationBytes(types.data(), types.size(), tokens, kCols, precision), 1);
    ActivationSet set = MakeActivations(x.data(), tokens, kCols, kCols, {forms.data(), forms.bytes()});
    std::vector<std::vector<float>> outputs;
    std::vector<MatMulArgs> args;
    for (size_t p = 0; p < count; ++p) {
      const size_t of_type = random.Below(types.size()), rows = random.Below(kMostRows + 1);
      outputs.emplace_back(tokens * rows);
      args.push_back({.x = &set,
                      .w = RowRange(weights[of_type].view(), 0, rows),
                      .y = outputs.back().data(),
                      .y_stride = rows,
                      .summation = i % 3 == 0 ? Summation::kUniform : Summation::kFastest,
                      .phase = phase,
                      .precision = precision});
      if (random.Below(4) == 0) args.back().epilogue.gate = args.back().w;
      call.products.push_back({.type = types[of_type],
                               .rows = rows,
                               .cols = kCols,
                               .tokens = tokens + extra,
                               .gated = args.back().epilogue.gated(),
                               .input = 1,
                               .precision = precision});
    }
    ASSERT_LE(MatMulWorkspaceBytes(args.data(), count, call.workers), call.Bytes());
    Guarded<uint8_t> workspace(call.Bytes(), 3);
    ASSERT_TRUE(IsOk(MatMul(args.data(), count, Threads(call.workers), {workspace.data(), workspace.bytes()}))) << i;
    for (size_t p = 0; p < count; ++p) {
      std::vector<float> alone(outputs[p].size());
      if (alone.empty()) continue;
      args[p].y = alone.data();
      ASSERT_TRUE(IsOk(RunMatMul(args[p], {x.data(), tokens, kCols, kCols})));
      ASSERT_TRUE(SameBits(alone.data(), outputs[p].data(), alone.size())) << "call " << i << ", product " << p;
    }
  }
}

TEST_P(SizesTest, Activations) {
  Random random(3);
  const std::vector<DType> types = AllTypes();
  EXPECT_EQ(ActivationBytes(DType::kF32, 7, 64), 0u);
  EXPECT_EQ(ActivationBytes(nullptr, 0, 7, 64), 0u);
  EXPECT_EQ(ActivationBytes(types.data(), types.size(), SIZE_MAX / 2, 64), SIZE_MAX);
  for (int i = 0; i < 2000; ++i) {
    const DType some[] = {types[random.Below(types.size())], types[random.Below(types.size())]};
    const size_t rows = random.Below(3000), cols = random.Below(9000);
    const size_t both = ActivationBytes(some, 2, rows, cols);
    EXPECT_LE(both, ActivationBytes(rows, cols));
    EXPECT_LE(ActivationBytes(some[0], rows, cols), both);
    EXPECT_LE(ActivationBytes(some, 2, random.Below(rows + 1), random.Below(cols + 1)), both);
  }
  // It is what the library takes.
  std::vector<float> x(5 * 300, 1.0f);
  for (DType type : types) {
    Guarded<uint8_t> memory(ActivationBytes(type, 5, 300), 1);
    ActivationSet set = MakeActivations(x.data(), 5, 300, 300, {memory.data(), memory.bytes()});
    EXPECT_TRUE(IsOk(PrepareActivations(&set, type))) << Name(type);
  }
}

TEST_P(SizesTest, AttentionIsMonotone) {
  Random random(4);
  for (int i = 0; i < 5000; ++i) {
    const size_t kv_heads = 1 + random.Below(16), shared = 1 + random.Below(9);
    const auto workers = static_cast<uint32_t>(1 + random.Below(5));
    const weft::AttentionShape large{.heads = kv_heads * shared,
                                     .kv_heads = kv_heads,
                                     .k_size = 1 + random.Below(300),
                                     .v_size = 1 + random.Below(300),
                                     .kv_length = random.Below(5000),
                                     .backend = i % 2 == 0 ? AttentionBackend::kStandard : AttentionBackend::kFlash};
    weft::AttentionShape small = large;
    uint32_t fewer = workers;
    switch (random.Below(5)) {
      case 0: small.heads = kv_heads * (1 + random.Below(shared)); break;
      case 1: small.k_size = 1 + random.Below(large.k_size); break;
      case 2: small.v_size = 1 + random.Below(large.v_size); break;
      case 3: small.kv_length = random.Below(large.kv_length + 1); break;
      default: fewer = static_cast<uint32_t>(1 + random.Below(workers));
    }
    ASSERT_LE(AttentionWorkspaceBytes(small, fewer), AttentionWorkspaceBytes(large, workers))
        << i << ": " << large.heads << " heads, " << kv_heads << " of keys, " << large.k_size << ", " << large.v_size;
  }
}

}  // namespace
}  // namespace weft::test
