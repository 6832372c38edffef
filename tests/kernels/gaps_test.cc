// Rows of weights with gaps between them: nothing of a gap is read, and the results are those of rows without gaps.
#include <string>

#include "tests/kernels/matmul_case.h"
#include "tests/kernels/same_bits.h"
#include "tests/kernels/targets.h"

namespace weft::test {
namespace {

class GapsTest : public KernelTest {
 protected:
  // Calls f(dense, gapped) for weights of every format in several widths: from one block to more than a vector of them.
  template <class F>
  static void ForEachMatrix(size_t rows, const F& f) {
    ForEachFormat([&]<class Format>() {
      for (size_t blocks : {1, 2, 3, 5, 16, 17, 19, 33}) {
        SCOPED_TRACE(std::string(Name(Format::kType)) + ", blocks: " + std::to_string(blocks));
        Random random(blocks);
        const size_t cols = blocks * kBlockElements<Format>;
        const std::vector<uint8_t> bytes = RandomWeights(Format::kType, rows * cols, random);
        const GuardedRows guarded(bytes, rows);
        WeightView gapped = MakeWeights(guarded.data(), Format::kType, rows, cols);
        gapped.row_bytes = guarded.stride();
        f(MakeWeights(bytes.data(), Format::kType, rows, cols), gapped);
      }
    });
  }
};
WEFT_TEST_ON_TARGETS(GapsTest);

// That products of rows without gaps are right is MatMulTest's to see.
TEST_P(GapsTest, Products) {
  constexpr size_t kRows = 35, kMost = 11;
  ForEachMatrix(kRows, [](const WeightView& dense, const WeightView& gapped) {
    Random random(1);
    GuardedMatrix x(random.Normals(kMost * dense.cols), kMost, dense.cols, dense.cols);
    for (size_t m : {size_t{1}, size_t{3}, size_t{8}, kMost}) {
      for (Summation summation : {Summation::kFastest, Summation::kUniform}) {
        const auto run = [&](const WeightView& w) {
          GuardedMatrix y(m, kRows, kRows);
          MatMulArgs args;
          args.w = w;
          args.y = y.data();
          args.y_stride = kRows;
          args.summation = summation;
          EXPECT_TRUE(IsOk(RunMatMul(args, {x.data(), m, dense.cols, dense.cols})));
          return y.Dense();
        };
        const std::vector<float> expected = run(dense), actual = run(gapped);
        EXPECT_TRUE(SameBits(expected.data(), actual.data(), expected.size())) << "m = " << m;
      }
    }
  });
}

// What is requested ahead leaves gaps out, too: walking over one of these would take for ever.
TEST_P(GapsTest, HugeGaps) {
  constexpr size_t kCols = 64, kTokens = 9;
  Random random(2);
  GuardedMatrix x(random.Normals(kTokens * kCols), kTokens, kCols, kCols);
  const std::vector<uint8_t> bytes = RandomWeights(DType::kQ8_0, kCols, random);
  for (size_t m : {size_t{1}, kTokens}) {
    WeightView w = MakeWeights(bytes.data(), DType::kQ8_0, 1, kCols);
    const auto run = [&] {
      GuardedMatrix y(m, 1, 1);
      MatMulArgs args;
      args.w = w;
      args.y = y.data();
      args.y_stride = 1;
      args.epilogue.gate = w;
      EXPECT_TRUE(IsOk(RunMatMul(args, {x.data(), m, kCols, kCols})));
      return y.Dense();
    };
    const std::vector<float> expected = run();
    for (size_t stride : {SIZE_MAX, SIZE_MAX / 2, size_t{1} << 60}) {  // of a single row: not used
      w.row_bytes = stride;
      EXPECT_EQ(run(), expected);
    }
  }
}

TEST_P(GapsTest, GetRows) {
  constexpr size_t kRows = 5;
  static constexpr uint32_t kIds[] = {4, 0, 3};
  ForEachMatrix(kRows, [](const WeightView& dense, const WeightView& gapped) {
    const auto run = [](const WeightView& w) {
      GuardedMatrix y(3, w.cols, w.cols);
      GetRowsArgs args;
      args.w = w;
      args.ids = kIds;
      args.count = 3;
      args.y = y.data();
      args.y_stride = w.cols;
      EXPECT_TRUE(IsOk(GetRows(args)));
      return y.Dense();
    };
    const std::vector<float> expected = run(dense), actual = run(gapped);
    EXPECT_TRUE(SameBits(expected.data(), actual.data(), expected.size()));
  });
}

}  // namespace
}  // namespace weft::test
