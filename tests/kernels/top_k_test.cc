// The largest elements of rows: indices are exact on every target.
#include <algorithm>
#include <limits>

#include "tests/kernels/guarded.h"
#include "tests/kernels/random.h"
#include "tests/kernels/same_bits.h"
#include "tests/kernels/targets.h"
#include "tests/kernels/threads.h"
#include "weft/scalar/ops.h"

namespace weft::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class TopKTest : public KernelTest {
 protected:
  // Of rows x cols values, in guarded memory with gaps between the rows.
  static void ExpectTopK(const std::vector<float>& dense, size_t rows, size_t k, const Executor& executor = {}) {
    const size_t cols = dense.size() / rows, index_stride = k + 2;
    GuardedMatrix x(dense, rows, cols, cols + 3), values(rows, k, k + 1);
    Guarded<uint32_t> indices((rows - 1) * index_stride + k);
    TopKArgs args;
    args.x = x.data();
    args.stride = x.stride();
    args.rows = rows;
    args.cols = cols;
    args.k = k;
    args.indices = indices.data();
    args.index_stride = index_stride;
    args.values = values.data();
    args.value_stride = values.stride();
    const std::vector<uint32_t> expected = scalar::TopK(args);
    ASSERT_TRUE(IsOk(TopK(args, executor)));
    for (size_t i = 0; i < indices.size(); ++i) {
      const size_t r = i / index_stride, c = i % index_stride;
      ASSERT_EQ(indices[i], c < k ? expected[r * k + c] : UINT32_MAX) << "row " << r << ", " << c;
    }
    for (size_t r = 0; r < rows; ++r) {
      for (size_t i = 0; i < k; ++i) {
        const uint32_t index = expected[r * k + i];
        ASSERT_TRUE(SameBits(values.At(r, i), index == kNoIndex ? -kInfinity : x.At(r, index))) << r << ", " << i;
      }
    }
    EXPECT_TRUE(values.SlackUntouched());
    args.values = nullptr;
    std::fill(indices.begin(), indices.end(), 7u);
    ASSERT_TRUE(IsOk(TopK(args, executor)));
    for (size_t r = 0; r < rows; ++r) {
      for (size_t i = 0; i < k; ++i) ASSERT_EQ(indices[r * index_stride + i], expected[r * k + i]);
    }
  }
};
WEFT_TEST_ON_TARGETS(TopKTest);

TEST_P(TopKTest, EveryWidth) {
  Random random(1);
  for (size_t cols : {1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 63, 64, 65, 100, 257, 1000}) {
    for (size_t k : {size_t{1}, size_t{2}, size_t{7}, size_t{40}, cols / 2, cols - 1, cols}) {
      if (k == 0 || k > cols) continue;
      SCOPED_TRACE(std::to_string(k) + " of " + std::to_string(cols));
      ExpectTopK(random.Normals(3 * cols), 3, k);
    }
  }
}

TEST_P(TopKTest, ManyLogits) {
  Random random(2);
  const std::vector<float> logits = random.Normals(128256, 4.0f);
  for (size_t k : {1, 40, 1000}) ExpectTopK(logits, 1, k);
}

// Few different values, so that most of the order is that of indices; zeros of both signs are equal.
TEST_P(TopKTest, TiesGoToTheLowestIndex) {
  Random random(3);
  const float choices[] = {-1.0f, -0.0f, 0.0f, 2.0f};
  for (size_t cols : {5, 64, 200, 1025}) {
    std::vector<float> x(cols);
    for (float& v : x) v = choices[random.Below(4)];
    for (size_t k : {size_t{1}, size_t{3}, cols / 2, cols}) ExpectTopK(x, 1, k);
    for (size_t k : {size_t{1}, size_t{3}, cols}) ExpectTopK(std::vector<float>(cols, 1.5f), 1, k);
    for (size_t k : {size_t{1}, size_t{4}}) {
      std::vector<float> zeros(cols, -0.0f);
      zeros[cols - 1] = 0.0f;
      ExpectTopK(zeros, 1, k);
    }
  }
}

TEST_P(TopKTest, SortedRows) {
  for (size_t cols : {17, 300, 4099}) {
    std::vector<float> x(cols);
    for (size_t i = 0; i < cols; ++i) x[i] = static_cast<float>(i) - 100.0f;
    for (size_t k : {size_t{1}, size_t{16}, cols}) ExpectTopK(x, 1, k);
    std::reverse(x.begin(), x.end());
    for (size_t k : {size_t{1}, size_t{16}, cols}) ExpectTopK(x, 1, k);
  }
}

// NaN anywhere, also as the first elements and beside larger ones in a vector; infinities are numbers.
TEST_P(TopKTest, NanIsNeverChosen) {
  Random random(4);
  for (size_t cols : {1, 3, 16, 65, 300}) {
    for (size_t share : {2, 3, 10}) {
      std::vector<float> x = random.Normals(2 * cols);
      for (float& v : x) {
        if (random.Below(share) != 0) v = random.Below(2) ? kNan : -kNan;
      }
      for (size_t k : {size_t{1}, cols / 2, cols}) {
        if (k > 0) ExpectTopK(x, 2, k);
      }
    }
    for (size_t k : {size_t{1}, cols}) {
      ExpectTopK(std::vector<float>(cols, kNan), 1, k);
      ExpectTopK(std::vector<float>(cols, -kInfinity), 1, k);
      std::vector<float> x(cols, -kInfinity);
      x[cols - 1] = kInfinity;
      x[0] = kNan;
      ExpectTopK(x, 1, k);
    }
  }
  // All of the above is the reference's word; this is the contract's.
  const std::vector<float> row = {kNan, 1.0f, kNan, 1.0f};
  std::vector<uint32_t> indices(3);
  std::vector<float> values(3);
  TopKArgs args;
  args.x = row.data();
  args.rows = 1;
  args.cols = 4;
  args.k = 3;
  args.indices = indices.data();
  args.values = values.data();
  ASSERT_TRUE(IsOk(TopK(args)));
  EXPECT_EQ(indices, (std::vector<uint32_t>{1, 3, kNoIndex}));
  EXPECT_EQ(values, (std::vector<float>{1.0f, 1.0f, -kInfinity}));
}

TEST_P(TopKTest, ThreadsDoNotMatter) {
  Random random(5);
  const std::vector<float> x = random.Normals(40 * 2000);
  for (uint32_t threads : {2u, 3u}) ExpectTopK(x, 40, 11, Threads(threads));
}

TEST_P(TopKTest, RefusesBadArguments) {
  std::vector<float> x(12), values(6);
  std::vector<uint32_t> indices(6);
  TopKArgs good;
  good.x = x.data();
  good.stride = 6;
  good.rows = 2;
  good.cols = 6;
  good.k = 3;
  good.indices = indices.data();
  good.values = values.data();
  good.index_stride = good.value_stride = 3;
  ASSERT_TRUE(IsOk(Validate(good)));
  Executor none;
  none.workers = 0;
  EXPECT_STREQ(TopK(good, none).argument, "executor.workers");
  const auto expect = [&](Code code, const std::string& argument, auto change) {
    TopKArgs args = good;
    change(args);
    EXPECT_EQ(Validate(args).code, code) << argument;
    EXPECT_EQ(Validate(args).argument, argument);
    EXPECT_EQ(TopK(args).code, code);
  };
  expect(Code::kNull, "x", [](auto& args) { args.x = nullptr; });
  expect(Code::kNull, "indices", [](auto& args) { args.indices = nullptr; });
  expect(Code::kRange, "cols", [](auto& args) { args.cols = 0; });
  expect(Code::kRange, "k", [](auto& args) { args.k = 0; });
  expect(Code::kRange, "k", [](auto& args) { args.k = 7; });
  expect(Code::kRange, "cols", [](auto& args) { args.rows = 1, args.cols = size_t{1} << 32; });
  expect(Code::kRange, "rows", [](auto& args) { args.rows = SIZE_MAX; });
  expect(Code::kShape, "stride", [](auto& args) { args.stride = 5; });
  expect(Code::kShape, "index_stride", [](auto& args) { args.index_stride = 2; });
  expect(Code::kShape, "value_stride", [](auto& args) { args.value_stride = 2; });
  expect(Code::kRange, "stride", [](auto& args) { args.stride = SIZE_MAX; });
  expect(Code::kRange, "index_stride", [](auto& args) { args.index_stride = SIZE_MAX / 4; });
  expect(Code::kRange, "value_stride", [](auto& args) { args.value_stride = SIZE_MAX / 2; });
  expect(Code::kOverlap, "x", [](auto& args) { args.x = args.values - 5; });
  expect(Code::kOverlap, "x", [](auto& args) { args.x = reinterpret_cast<const float*>(args.indices); });
  expect(Code::kOverlap, "values", [](auto& args) { args.values = reinterpret_cast<float*>(args.indices + 5); });
}

}  // namespace
}  // namespace weft::test
