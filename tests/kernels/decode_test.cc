// Decoding: bit for bit, on every target, whatever the bytes.
#include <cstring>

#include "tests/kernels/goldens.h"
#include "tests/kernels/guarded.h"
#include "tests/kernels/random.h"
#include "tests/kernels/same_bits.h"
#include "tests/kernels/targets.h"
#include "weft/scalar/decode.h"

namespace weft::test {
namespace {

class DecodeTest : public KernelTest {
 protected:
  // The kernel's result for n elements, with both buffers against their guard pages and the blocks `slack` bytes off.
  static void ExpectLikeScalar(DType type, const std::vector<uint8_t>& blocks, size_t n, size_t slack) {
    std::vector<float> expected(n);
    ASSERT_TRUE(scalar::Dequantize(type, blocks.data(), expected.data(), n));
    const Guarded<uint8_t> from(blocks, slack);
    Guarded<float> y(n);
    ASSERT_TRUE(IsOk(Dequantize(type, from.data(), y.data(), n)));
    EXPECT_TRUE(SameBits(y.data(), expected.data(), n));
  }
};
WEFT_TEST_ON_TARGETS(DecodeTest);

TEST_P(DecodeTest, RandomBytes) {
  Random random(1);
  ForEachFormat([&]<class Format>() {
    SCOPED_TRACE(Name(Format::kType));
    // One block, a few, and many; for float formats every remainder of a vector.
    for (size_t blocks : {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 64, 257}) {
      const size_t n = blocks * kBlockElements<Format>;
      ExpectLikeScalar(Format::kType, random.Bytes(RowBytes(Format::kType, n)), n, blocks % 2 == 0 ? 0 : blocks % 7);
    }
  });
}

TEST_P(DecodeTest, ConstantBytes) {
  ForEachFormat([&]<class Format>() {
    SCOPED_TRACE(Name(Format::kType));
    for (unsigned byte = 0; byte < 256; ++byte) {
      const size_t n = 2 * kBlockElements<Format>;
      ExpectLikeScalar(Format::kType, std::vector<uint8_t>(RowBytes(Format::kType, n), static_cast<uint8_t>(byte)), n,
                       byte % 4);
    }
  });
}

TEST_P(DecodeTest, EveryHalf) {
  std::vector<uint8_t> all;
  for (unsigned bits = 0; bits < 65536; ++bits) {
    all.push_back(static_cast<uint8_t>(bits));
    all.push_back(static_cast<uint8_t>(bits >> 8));
  }
  ExpectLikeScalar(DType::kF16, all, 65536, 1);
  ExpectLikeScalar(DType::kBF16, all, 65536, 1);
}

// Every value of every two bytes that are the scale of a block: infinities, NaNs and subnormals included.
TEST_P(DecodeTest, EveryScale) {
  Random random(2);
  ForEachFormat([&]<class Format>() {
    if constexpr (!kIsFloat<Format>) {
      SCOPED_TRACE(Name(Format::kType));
      using Block = typename Format::Block;
      constexpr size_t kBatch = 4096;
      for (size_t place : {size_t{0}, size_t{2}, sizeof(Block) - 2}) {
        for (size_t first = 0; first < 65536; first += kBatch * 16) {  // one batch per place: every 16th value
          std::vector<uint8_t> blocks = random.Bytes(kBatch * sizeof(Block));
          for (size_t i = 0; i < kBatch; ++i) {
            const size_t bits = first + i * 16 + random.Below(16);
            blocks[i * sizeof(Block) + place] = static_cast<uint8_t>(bits);
            blocks[i * sizeof(Block) + place + 1] = static_cast<uint8_t>(bits >> 8);
          }
          ExpectLikeScalar(Format::kType, blocks, kBatch * kBlockElements<Format>, 0);
        }
      }
    }
  });
}

TEST_P(DecodeTest, Goldens) {
  for (const GoldenFolder& folder : GoldenFolders()) {
    size_t formats = 0;
    ForEachFormat([&]<class Format>() {
      SCOPED_TRACE(folder.path.string() + " " + Name(Format::kType));
      if (!HasGolden(folder, Format::kType)) {
        // F32 needs none: its encoding is the input.
        EXPECT_EQ(Format::kType, DType::kF32) << "no golden vectors";
        return;
      }
      const Golden golden = ReadGolden(folder, Format::kType);
      ExpectLikeScalar(Format::kType, golden.q, golden.y.size(), 0);
      std::vector<float> scalar_y(golden.y.size()), y(golden.y.size());
      ASSERT_TRUE(scalar::Dequantize(Format::kType, golden.q.data(), scalar_y.data(), y.size()));
      EXPECT_TRUE(SameBits(scalar_y.data(), golden.y.data(), y.size())) << "scalar";
      ASSERT_TRUE(IsOk(Dequantize(Format::kType, golden.q.data(), y.data(), y.size())));
      EXPECT_TRUE(SameBits(y.data(), golden.y.data(), y.size()));
      ++formats;
    });
    EXPECT_GT(formats, 0u) << folder.path;
  }
}

TEST_P(DecodeTest, RefusesBadArguments) {
  std::vector<uint8_t> blocks(144);
  std::vector<float> y(256, 7.0f);
  EXPECT_EQ(Dequantize(DType::kQ4_K, nullptr, y.data(), 256).code, Code::kNull);
  EXPECT_EQ(Dequantize(DType::kQ4_K, blocks.data(), nullptr, 256).code, Code::kNull);
  EXPECT_EQ(Dequantize(DType::kQ4_K, blocks.data(), y.data(), 255).code, Code::kMultiple);
  EXPECT_EQ(Dequantize(DType::kI8, blocks.data(), y.data(), 32).code, Code::kUnsupported);
  EXPECT_EQ(Dequantize(static_cast<DType>(9999), blocks.data(), y.data(), 32).code, Code::kUnsupported);
  EXPECT_TRUE(IsOk(Dequantize(DType::kQ4_K, blocks.data(), y.data(), 0)));
  EXPECT_EQ(y, std::vector<float>(256, 7.0f));
}

// y = scale * row, one rounding more than decoding.
TEST_P(DecodeTest, GetRows) {
  Random random(3);
  ForEachFormat([&]<class Format>() {
    SCOPED_TRACE(Name(Format::kType));
    const size_t cols = 3 * kBlockElements<Format>, rows = 5, gap = 3;
    const size_t row_bytes = RowBytes(Format::kType, cols) + gap;
    Guarded<uint8_t> blocks(rows * row_bytes - gap);
    for (size_t r = 0; r < rows; ++r) {
      const std::vector<float> x = random.Normals(cols);
      scalar::Quantize(Format::kType, x.data(), blocks.data() + r * row_bytes, cols);
    }
    const uint32_t ids[] = {4, 0, 4, 2};
    for (float scale : {1.0f, 0.3f}) {
      GuardedMatrix y(4, cols, cols + 5);
      GetRowsArgs args;
      args.w = {blocks.data(), Format::kType, rows, cols, row_bytes, nullptr};
      args.ids = ids;
      args.count = 4;
      args.y = y.data();
      args.y_stride = y.stride();
      args.scale = scale;
      ASSERT_TRUE(IsOk(GetRows(args)));
      for (size_t i = 0; i < 4; ++i) {
        std::vector<float> expected(cols);
        scalar::Dequantize(Format::kType, blocks.data() + ids[i] * row_bytes, expected.data(), cols);
        for (float& v : expected) v *= scale;
        EXPECT_TRUE(SameBits(y.Row(i), expected.data(), cols)) << "row " << i;
      }
      EXPECT_TRUE(y.SlackUntouched());
    }
  });
}

TEST_P(DecodeTest, GetRowsRefusesBadArguments) {
  const std::vector<float> w(12, 1.0f);
  std::vector<float> y(8, 7.0f);
  const uint32_t ids[] = {0, 2};
  GetRowsArgs good;
  good.w = MakeWeights(w.data(), DType::kF32, 3, 4);
  good.ids = ids;
  good.count = 2;
  good.y = y.data();
  good.y_stride = 4;
  ASSERT_TRUE(IsOk(Validate(good)));
  const auto code = [&](auto change) {
    GetRowsArgs args = good;
    change(args);
    EXPECT_EQ(GetRows(args).code, Validate(args).code);
    return Validate(args).code;
  };
  EXPECT_EQ(code([](auto& args) { args.w.data = nullptr; }), Code::kNull);
  EXPECT_EQ(code([](auto& args) { args.ids = nullptr; }), Code::kNull);
  EXPECT_EQ(code([](auto& args) { args.y = nullptr; }), Code::kNull);
  EXPECT_EQ(code([](auto& args) { args.w.rows = 2; }), Code::kRange);  // id 2
  EXPECT_EQ(code([](auto& args) { args.y_stride = 3; }), Code::kShape);
  EXPECT_EQ(code([](auto& args) { args.w.row_bytes = 15; }), Code::kShape);
  EXPECT_EQ(code([](auto& args) { args.w.type = DType::kI32; }), Code::kUnsupported);
  EXPECT_EQ(code([](auto& args) { args.w.type = DType::kQ8_0; }), Code::kMultiple);
  EXPECT_EQ(y, std::vector<float>(8, 7.0f));
}

}  // namespace
}  // namespace weft::test
