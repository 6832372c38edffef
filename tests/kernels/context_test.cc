// The convenience layer: the results of the plain calls, in memory that grows once.
#include "weft/context.h"

#include <vector>

#include "tests/kernels/matmul_case.h"
#include "tests/kernels/same_bits.h"
#include "tests/kernels/targets.h"
#include "tests/kernels/threads.h"

namespace weft::test {
namespace {

class ContextTest : public KernelTest {};
WEFT_TEST_ON_TARGETS(ContextTest);

TEST_P(ContextTest, ProductsAreThoseOfThePlainCalls) {
  constexpr size_t kCols = 256, kMostTokens = 40;
  Random random(1);
  const Weights weights[] = {Weights(DType::kQ8_0, 40, kCols, random), Weights(DType::kQ4_K, 7, kCols, random),
                             Weights(DType::kF32, 33, kCols, random), Weights(DType::kQ8_0, 40, kCols, random)};
  const std::vector<float> x = random.Normals(kMostTokens * (kCols + 3));
  for (const uint32_t workers : {1u, 3u}) {
    Context context(Threads(workers));
    for (const size_t tokens : {1, 9, 40, 3, 0}) {
      for (const size_t stride : {kCols, kCols + 3}) {
        SCOPED_TRACE(std::to_string(tokens) + " tokens, stride " + std::to_string(stride));
        std::vector<std::vector<float>> expected, actual;
        std::vector<MatMulArgs> products;
        for (const Weights& w : weights) {
          const size_t rows = w.view().rows;
          expected.emplace_back(tokens * rows);
          actual.emplace_back(tokens * rows);
          MatMulArgs args{.w = w.view(), .y = expected.back().data(), .y_stride = rows};
          if (tokens != 0) {
            ASSERT_TRUE(IsOk(RunMatMul(args, {x.data(), tokens, kCols, stride})));
          }
          products.push_back({.w = w.view(), .y = actual.back().data()});
        }
        const auto expect_same = [&] {
          for (size_t i = 0; i < expected.size(); ++i) {
            EXPECT_TRUE(SameBits(expected[i].data(), actual[i].data(), actual[i].size())) << "product " << i;
            std::fill(actual[i].begin(), actual[i].end(), 0.0f);
          }
        };
        const Activations all(context, x.data(), tokens, kCols, stride);
        ASSERT_TRUE(IsOk(context.MatMul(all, products)));
        expect_same();
        for (const MatMulArgs& product : products) ASSERT_TRUE(IsOk(context.MatMul(all, product)));
        expect_same();
        ASSERT_TRUE(IsOk(context.MatMul({context, x.data(), tokens, kCols, stride},
                                        {products[0], products[1], products[2], products[3]})));
        expect_same();
      }
    }
  }
}

TEST_P(ContextTest, KeepsItsKernels) {
  const Context context;
  ASSERT_TRUE(IsOk(SetTarget(nullptr)));
  EXPECT_EQ(TargetOf(context.kernels()), GetParam());
  ASSERT_TRUE(IsOk(SetTarget(GetParam().c_str())));
}

// Errors are those of the calls; what a context needs beside them has a name, too.
TEST_P(ContextTest, Errors) {
  Random random(1);
  const Weights weights(DType::kQ8_0, 5, 64, random);
  std::vector<float> x(3 * 64, 1.0f), y(3 * 5);
  Context context;
  const Activations some(context, x.data(), 3, 64);
  const MatMulArgs good{.w = weights.view(), .y = y.data()};
  MatMulArgs bad = good;
  bad.y = nullptr;
  const Status status = context.MatMul(some, {good, bad});
  EXPECT_EQ(status.code, Code::kNull);
  EXPECT_STREQ(status.argument, "y");
  EXPECT_EQ(status.product, 1);
  EXPECT_TRUE(IsOk(context.MatMul(some, std::span<const MatMulArgs>())));
  const Activations huge(context, x.data(), SIZE_MAX / 64, 64);
  EXPECT_FALSE(context.MatMul(huge, good).ok());
  Context idle(Executor{.workers = 0});
  EXPECT_EQ(idle.MatMul({idle, x.data(), 3, 64}, good).code, Code::kRange);
}

TEST_P(ContextTest, OtherCalls) {
  std::vector<float> x = {1.0f, 3.0f}, y(2);
  Context context;
  ASSERT_TRUE(IsOk(context.Softmax({.x = x.data(), .y = y.data(), .stride = 2, .y_stride = 2, .rows = 1, .cols = 2})));
  EXPECT_NEAR(y[1], 0.880797f, 1e-5f);
  // One query that sees one key: its value.
  const KvView view{.data = x.data(), .position_stride = 8, .head_stride = 8};
  const AttentionSequence sequence{.queries = 1, .k = view, .v = view, .kv_length = 1};
  const AttentionArgs args{.q = x.data(),
                           .q_token_stride = 2,
                           .q_head_stride = 2,
                           .out = y.data(),
                           .out_token_stride = 2,
                           .out_head_stride = 2,
                           .heads = 1,
                           .kv_heads = 1,
                           .k_size = 2,
                           .v_size = 2,
                           .sequences = &sequence,
                           .sequence_count = 1};
  ASSERT_TRUE(IsOk(context.Attention(args)));
  EXPECT_EQ(y, x);
}

// Memory is taken and given back in scopes, and once it was enough it stays the same.
TEST(ArenaTest, GrowsToWhatIsTakenAtOnce) {
  Arena arena;
  EXPECT_EQ(arena.Rest().bytes, 0u);
  void* before = nullptr;
  for (int round = 0; round < 4; ++round) {
    const Workspace a = arena.Take(100), b = arena.Take(1000), c = arena.Take(10);
    for (const Workspace& piece : {a, b, c}) {
      ASSERT_NE(piece.data, nullptr);
      memset(piece.data, round, piece.bytes);
    }
    EXPECT_EQ(static_cast<uint8_t*>(a.data)[99], round);
    arena.Return(c);
    const Workspace again = arena.Take(10);
    EXPECT_EQ(again.data, c.data);
    arena.Return(a);  // not the last
    EXPECT_EQ(static_cast<uint8_t*>(b.data)[999], round);
    arena.Return(again);
    arena.Return(b);
    if (round == 1) before = arena.Rest().data;
    if (round > 1) {
      EXPECT_EQ(arena.Rest().data, before);
    }
  }
  EXPECT_EQ(arena.Take(SIZE_MAX / 2).data, nullptr);
  EXPECT_EQ(arena.Take(SIZE_MAX).data, nullptr);
  arena.Return({});
  EXPECT_NE(arena.Take(1).data, nullptr);
}

}  // namespace
}  // namespace weft::test
