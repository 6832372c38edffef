// Calls with nothing to compute: they succeed, with null pointers and without memory, and write nothing.
#include <vector>

#include "tests/kernels/matmul_case.h"
#include "tests/kernels/targets.h"

namespace weft::test {
namespace {

class EmptyTest : public KernelTest {
 protected:
  template <class Args, class F>
  static void ExpectNothing(const char* what, const Args& args, const F& call) {
    EXPECT_TRUE(IsOk(Validate(args))) << what;
    for (const uint32_t workers : {1u, 3u}) {
      Executor executor;
      executor.workers = workers;
      EXPECT_TRUE(IsOk(call(args, executor))) << what;
    }
    Executor none;
    none.workers = 0;
    EXPECT_EQ(call(args, none).code, Code::kRange) << what;
  }
};
WEFT_TEST_ON_TARGETS(EmptyTest);

TEST_P(EmptyTest, Operations) {
  ExpectNothing("Norm", NormArgs{.rows = 0, .cols = 8}, [](auto&... a) { return Norm(a...); });
  ExpectNothing("RopeTable", RopeTableArgs{.pairs = 4}, [](auto&... a) { return RopeTable(a...); });
  ExpectNothing("Rope", RopeArgs{.heads = 2, .pairs = 4}, [](auto&... a) { return Rope(a...); });
  ExpectNothing("Elementwise", ElementwiseArgs{.cols = 8}, [](auto&... a) { return Elementwise(a...); });
  ExpectNothing("Gated", GatedArgs{.cols = 8}, [](auto&... a) { return Gated(a...); });
  ExpectNothing("Softmax", SoftmaxArgs{.cols = 8}, [](auto&... a) { return Softmax(a...); });
  ExpectNothing("TopK", TopKArgs{.cols = 8, .k = 2}, [](auto&... a) { return TopK(a...); });
  ExpectNothing("StoreKv", StoreKvArgs{.heads = 2, .size = 8}, [](auto&... a) { return StoreKv(a...); });
  ExpectNothing("GetRows", GetRowsArgs{.w = MakeWeights(nullptr, DType::kQ8_0, 0, 32)},
                [](auto&... a) { return GetRows(a...); });
}

TEST_P(EmptyTest, Conversions) {
  for (DType type : {DType::kF32, DType::kQ8_0, DType::kQ4_K}) {
    EXPECT_TRUE(IsOk(Dequantize(type, nullptr, nullptr, 0)));
    EXPECT_TRUE(IsOk(Quantize(type, nullptr, nullptr, 0)));
  }
}

TEST_P(EmptyTest, Attention) {
  AttentionArgs args{.heads = 4, .kv_heads = 2, .k_size = 8, .v_size = 8};
  const auto attend = [](const AttentionArgs& a, const Executor& e) { return weft::Attention(a, e, {}); };
  ExpectNothing("no sequences", args, attend);
  std::vector<float> cache(5 * 2 * 8, 1.0f);
  const KvView view{.data = cache.data(), .position_stride = 64, .head_stride = 32};
  const AttentionSequence idle[] = {{}, {.first_query = 3, .k = view, .v = view, .kv_length = 5}};
  args.sequences = idle;
  args.sequence_count = 2;
  ExpectNothing("no queries", args, attend);
}

// No tokens in the set, none chosen, no rows of weights, no products; and among others that compute something.
TEST_P(EmptyTest, Products) {
  Random random(1);
  const Weights weights(DType::kQ8_0, 5, 64, random);
  const std::vector<float> x = random.Normals(3 * 64);
  static constexpr uint32_t kSome[] = {2};
  std::vector<uint8_t> forms(ActivationBytes(3, 64));
  ActivationSet none = MakeActivations(nullptr, 0, 64, 64, {});
  ActivationSet some = MakeActivations(x.data(), 3, 64, 64, {forms.data(), forms.size()});
  std::vector<float> y(3 * 5, 7.0f);
  const MatMulArgs no_tokens{.x = &none, .w = weights.view()};
  const MatMulArgs none_chosen{.x = &some, .w = weights.view(), .row_index = kSome};
  const MatMulArgs no_rows{.x = &some, .w = MakeWeights(nullptr, DType::kQ8_0, 0, 64)};
  const MatMulArgs full{.x = &some, .w = weights.view(), .y = y.data(), .y_stride = 5};
  const auto multiply = [](const MatMulArgs& a, const Executor& e) { return MatMul(a, e, {}); };
  for (const MatMulArgs& args : {no_tokens, none_chosen, no_rows}) {
    ExpectNothing("MatMul", args, multiply);
    EXPECT_EQ(MatMulWorkspaceBytes(args, 2), 0u);
  }
  EXPECT_TRUE(IsOk(PrepareActivations(&none, DType::kQ8_0)));
  EXPECT_TRUE(IsOk(MatMul(nullptr, 0, {}, {})));
  EXPECT_EQ(MatMul(nullptr, 1, {}, {}).code, Code::kNull);
  EXPECT_EQ(y, std::vector<float>(3 * 5, 7.0f));

  std::vector<float> alone(3 * 5);
  MatMulArgs args = full;
  args.y = alone.data();
  ASSERT_TRUE(IsOk(RunMatMul(args, {x.data(), 3, 64, 64})));
  const MatMulArgs products[] = {no_rows, none_chosen, no_tokens, full, no_tokens};
  std::vector<uint8_t> workspace(MatMulWorkspaceBytes(products, 5, 1));
  EXPECT_EQ(workspace.size(), MatMulWorkspaceBytes(full, 1));
  ASSERT_TRUE(IsOk(MatMul(products, 5, {}, {workspace.data(), workspace.size()})));
  EXPECT_EQ(y, alone);
  // What is wrong with the shape is an error all the same.
  MatMulArgs narrow = no_tokens;
  narrow.w.cols = 32;
  EXPECT_EQ(Validate(narrow).code, Code::kShape);
}

}  // namespace
}  // namespace weft::test
