// What errors say.
#include <string>

#include "tests/kernels/targets.h"

namespace weft::test {
namespace {

std::string Text(const Status& status) {
  char text[200];
  return ToText(status, text, sizeof(text));
}

TEST(StatusTest, Sentences) {
  EXPECT_EQ(Text(Ok()), "ok");
  EXPECT_EQ(Text(Error(Code::kNull, "y")), "y is null");
  EXPECT_EQ(Text(Error(Code::kShape, "y_stride", 3, 4)), "y_stride is 3, expected 4");
  EXPECT_EQ(Text(Error(Code::kMultiple, "w.cols", 96, 256)), "w.cols is 96, not a multiple of 256");
  EXPECT_EQ(Text(Error(Code::kRange, "executor.workers", 0, 1)), "executor.workers is 0, out of range (limit 1)");
  EXPECT_EQ(Text(OverlapError("y", "w")), "y overlaps w");
  EXPECT_EQ(Text(Error(Code::kOverlap, "y")), "y overlaps another argument");
  EXPECT_EQ(Text(Error(Code::kStale, "x")),
            "x has changed since a form of it was built: make a new set of activations");
  EXPECT_EQ(Text(Error(Code::kWorkspace, "workspace", 1, 2)), "workspace has 1 bytes, 2 are needed");
  EXPECT_EQ(Text(TypeError(Code::kUnsupported, "w", DType::kQ5_K)),
            "w has the type Q5_K, for which this build has no kernels");
  EXPECT_EQ(Text(TypeError(Code::kUnsupported, "w", static_cast<DType>(4))), "w has a type that does not exist (4)");
  EXPECT_EQ(Text(TypeError(Code::kShape, "epilogue.gate", DType::kQ4_0, DType::kQ8_0)),
            "epilogue.gate has the type Q4_0, expected Q8_0");
  EXPECT_EQ(Text(Error(Code::kUnsupported, "target")), "target is not supported by this build or CPU (0)");
  EXPECT_EQ(Text(Error(Code::kExecutor, "executor.run", 3, 4)), "executor.run ran 3 tasks where it was given 4");
}

TEST(StatusTest, NamesTheProduct) {
  EXPECT_EQ(Text(OfProduct(2, Error(Code::kMultiple, "w.cols", 96, 256))),
            "product 2: w.cols is 96, not a multiple of 256");
  EXPECT_EQ(Text(OfProduct(0, TypeError(Code::kUnsupported, "w", DType::kQ5_K))),
            "product 0: w has the type Q5_K, for which this build has no kernels");
}

TEST(StatusTest, CutWhereItDoesNotFit) {
  char text[5] = {'#', '#', '#', '#', '#'};
  const volatile size_t size = 4;  // which gcc must not know: it warns of what is cut for certain
  EXPECT_STREQ(ToText(Error(Code::kNull, "residual"), text, size), "res");
  EXPECT_EQ(text[4], '#');
  EXPECT_STREQ(ToText(OfProduct(7, Error(Code::kNull, "residual")), text, size), "pro");
  EXPECT_EQ(text[4], '#');
}

}  // namespace
}  // namespace weft::test
