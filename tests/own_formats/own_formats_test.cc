// What a format can do that gives natural order alone, and that nothing makes blocks of.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/kernels/blocks.h"
#include "tests/kernels/guarded.h"
#include "tests/kernels/random.h"
#include "tests/kernels/same_bits.h"
#include "tests/kernels/targets.h"
#include "weft/formats/formats.h"
#include "weft/scalar/decode.h"

namespace weft::test {
namespace {

class OwnFormatsTest : public KernelTest {};
WEFT_TEST_ON_TARGETS(OwnFormatsTest);

// The list of this program is the tests', not weft's.
TEST(OwnFormatList, IsThatOfTheTests) {
  std::string names;
  ForEachFormat([&]<class Format>() { names += std::string(Name(Format::kType)) + " "; });
  EXPECT_EQ(names, "F32 Q5_1 Q8_0 Q8_1 Q3_K IQ2_XXS NVFP4 Q1_0 ");  // whose sizes theirs are
}

TEST_P(OwnFormatsTest, DecodesLikeScalar) {
  Random random(1);
  ForEachFormat([&]<class Format>() {
    SCOPED_TRACE(Name(Format::kType));
    for (size_t blocks : {1, 2, 3, 17, 300}) {
      const size_t n = blocks * kBlockElements<Format>;
      const std::vector<uint8_t> bytes = random.Bytes(RowBytes(Format::kType, n));
      std::vector<float> expected(n);
      ASSERT_TRUE(scalar::Dequantize(Format::kType, bytes.data(), expected.data(), n));
      const Guarded<uint8_t> from(bytes, blocks % 3);
      Guarded<float> y(n);
      ASSERT_TRUE(IsOk(Dequantize(Format::kType, from.data(), y.data(), n)));
      EXPECT_TRUE(SameBits(y.data(), expected.data(), n));
    }
  });
}

TEST_P(OwnFormatsTest, RowsAreLookedUp) {
  Random random(2);
  ForEachFormat([&]<class Format>() {
    SCOPED_TRACE(Name(Format::kType));
    const size_t cols = 3 * kBlockElements<Format>;
    const std::vector<uint8_t> bytes = RandomWeights(Format::kType, 5 * cols, random);
    const uint32_t ids[] = {4, 0, 4};
    std::vector<float> y(3 * cols), expected(cols);
    GetRowsArgs args;
    args.w = MakeWeights(bytes.data(), Format::kType, 5, cols);
    args.ids = ids;
    args.count = 3;
    args.y = y.data();
    args.y_stride = cols;
    ASSERT_TRUE(IsOk(GetRows(args)));
    for (size_t i = 0; i < 3; ++i) {
      const uint8_t* row = bytes.data() + ids[i] * RowBytes(Format::kType, cols);
      ASSERT_TRUE(scalar::Dequantize(Format::kType, row, expected.data(), cols));
      EXPECT_TRUE(SameBits(y.data() + i * cols, expected.data(), cols));
    }
  });
}

TEST_P(OwnFormatsTest, BlocksOfReadOnlyFormatsAreNotMade) {
  const std::vector<float> x(256, 1.0f);
  std::vector<uint8_t> blocks(RowBytes(DType::kIQ2_XXS, 256));
  const Status status = Quantize(DType::kIQ2_XXS, x.data(), blocks.data(), 256);
  EXPECT_EQ(status.code, Code::kReadOnly);
  char text[100];
  EXPECT_STREQ(ToText(status, text, sizeof(text)), "type is IQ2_XXS, a format that can only be read");
}

}  // namespace
}  // namespace weft::test
