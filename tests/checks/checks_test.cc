// What only WEFT_CHECKS finds: activations whose elements have changed since a form of them was built.
#include <gtest/gtest.h>
#include <weft/static-inl.h>

#include <vector>

namespace weft {
namespace {

using Library = Static<Q8_0, F32>;

TEST(ChecksTest, ElementsThatHaveChanged) {
  static_assert(driver::kChecks);
  constexpr size_t kTokens = 3, kRows = 4, kCols = 64, kStride = 70;
  std::vector<float> x(kTokens * kStride, 1.0f), weights(kRows * kCols, 0.5f), y(kTokens * kRows);
  std::vector<uint8_t> blocks(RowBytes(DType::kQ8_0, kRows * kCols)), forms(ActivationBytes(kTokens, kCols));
  ASSERT_TRUE(Quantize<Library>(DType::kQ8_0, weights.data(), blocks.data(), weights.size()).ok());
  ActivationSet set = MakeActivations(x.data(), kTokens, kCols, kStride, {forms.data(), forms.size()});
  MatMulArgs args;
  args.x = &set;
  args.w = MakeWeights(blocks.data(), DType::kQ8_0, kRows, kCols);
  args.y = y.data();
  args.y_stride = kRows;
  std::vector<uint8_t> workspace(MatMulWorkspaceBytes<Library>(args, 1));
  const auto multiply = [&] { return MatMul<Library>(args, {}, {workspace.data(), workspace.size()}).code; };
  ASSERT_EQ(multiply(), Code::kOk);
  ASSERT_EQ(multiply(), Code::kOk);  // with the form that is there
  x[kCols] = 2.0f;                   // between rows
  ASSERT_EQ(multiply(), Code::kOk);
  for (const size_t i : {size_t{0}, kStride + kCols - 1, 2 * kStride + 17}) {
    x[i] = 1.5f;
    EXPECT_EQ(multiply(), Code::kStale) << i;
    EXPECT_EQ(PrepareActivations<Library>(&set, DType::kQ8_0).code, Code::kStale) << i;
    x[i] = 1.0f;
    EXPECT_EQ(multiply(), Code::kOk) << i;
  }
  // Floats are multiplied as they are: there is nothing that could be out of date.
  args.w = MakeWeights(weights.data(), DType::kF32, kRows, kCols);
  workspace.resize(MatMulWorkspaceBytes<Library>(args, 1));
  ASSERT_EQ(multiply(), Code::kOk);
  x[0] = 1.5f;
  EXPECT_EQ(multiply(), Code::kOk);
}

}  // namespace
}  // namespace weft
