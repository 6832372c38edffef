// RMSNorm and LayerNorm against bounds from the data.
#include "tests/kernels/bounded.h"
#include "tests/kernels/guarded.h"
#include "tests/kernels/random.h"
#include "tests/kernels/same_bits.h"
#include "tests/kernels/targets.h"
#include "tests/kernels/threads.h"
#include "weft/scalar/ops.h"

namespace weft::test {
namespace {

// The formula of NormKind over one row; exact values from the reference.
std::vector<Bounded> BoundedNorm(const NormArgs& args, const float* v, const double* exact) {
  const Bounded count(static_cast<double>(args.cols));
  std::vector<Bounded> d(v, v + args.cols), squares;
  if (args.kind == NormKind::kLayer) {
    const Bounded mean = SumOf(d) / count;
    for (Bounded& difference : d) difference = difference - mean;
  }
  for (const Bounded& difference : d) squares.push_back(difference * difference);
  const Bounded factor = Bounded(1.0) / Sqrt(SumOf(squares) / count + Bounded(args.epsilon));
  std::vector<Bounded> y;
  for (size_t i = 0; i < args.cols; ++i) {
    Bounded result = d[i] * factor;
    if (args.weight != nullptr) result = result * Bounded(args.weight[i]);
    if (args.bias != nullptr) result = result + Bounded(args.bias[i]);
    EXPECT_NEAR(result.value, exact[i], result.error);
    EXPECT_LT(result.error, 0.1 * (1 + fabs(result.value))) << "a bound that says nothing";
    y.push_back(result);
  }
  return y;
}

class NormTest : public KernelTest {
 protected:
  // Checks args, whose x and y must be set up; runs it.
  static void ExpectNorm(const NormArgs& args) {
    const std::vector<double> exact = scalar::Norm(args);
    std::vector<std::vector<Bounded>> expected;
    std::vector<float> sums;
    for (size_t r = 0; r < args.rows; ++r) {
      const size_t token = r / args.heads, head = r % args.heads;
      const float* x = args.x + token * args.stride + head * args.head_stride;
      std::vector<float> v(x, x + args.cols);
      if (args.residual != nullptr) {
        const float* residual = args.residual + token * args.residual_stride + head * args.residual_head_stride;
        for (size_t i = 0; i < args.cols; ++i) v[i] += residual[i];
      }
      expected.push_back(BoundedNorm(args, v.data(), &exact[r * args.cols]));
      sums.insert(sums.end(), v.begin(), v.end());
    }
    ASSERT_TRUE(IsOk(Norm(args)));
    for (size_t r = 0; args.sum != nullptr && r < args.rows; ++r) {
      const float* sum = args.sum + r / args.heads * args.sum_stride + r % args.heads * args.sum_head_stride;
      ASSERT_TRUE(SameBits(sum, &sums[r * args.cols], args.cols)) << r;
    }
    for (size_t r = 0; r < args.rows; ++r) {
      const float* y = args.y + r / args.heads * args.y_stride + r % args.heads * args.y_head_stride;
      for (size_t i = 0; i < args.cols; ++i) ASSERT_TRUE(IsWithin(y[i], expected[r][i])) << r << ", " << i;
    }
  }
};
WEFT_TEST_ON_TARGETS(NormTest);

TEST_P(NormTest, EveryWidth) {
  Random random(1);
  for (size_t cols : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 130, 300}) {
    for (NormKind kind : {NormKind::kRms, NormKind::kLayer}) {
      for (int parts = 0; parts < 4; ++parts) {
        SCOPED_TRACE(std::to_string(cols) + (kind == NormKind::kRms ? " RMS" : " Layer"));
        const size_t rows = 3;
        GuardedMatrix x(random.Normals(rows * cols), rows, cols, cols + 2), y(rows, cols, cols + 1);
        const Guarded<float> weight(random.Normals(cols)), bias(random.Normals(cols));
        NormArgs args;
        args.x = x.data();
        args.stride = x.stride();
        args.y = y.data();
        args.y_stride = y.stride();
        args.rows = rows;
        args.cols = cols;
        args.weight = parts & 1 ? weight.data() : nullptr;
        args.bias = parts & 2 ? bias.data() : nullptr;
        args.kind = kind;
        ExpectNorm(args);
        EXPECT_TRUE(y.SlackUntouched());
      }
    }
  }
}

// All sizes, and offsets that are hard on a variance (not so large that float has no digits left for it).
TEST_P(NormTest, HardInputs) {
  Random random(2);
  struct Input {
    float scale, offset;
  };
  for (NormKind kind : {NormKind::kRms, NormKind::kLayer}) {
    for (Input input :
         {Input{0.0f, 0.0f}, {1e-8f, 0.0f}, {1.0f, 10.0f}, {1.0f, -100.0f}, {1e6f, 1e7f}, {1e15f, 0.0f}}) {
      std::vector<float> x = random.Normals(257, input.scale), y(257);
      for (float& v : x) v += input.offset;
      NormArgs args;
      args.x = x.data();
      args.y = y.data();
      args.rows = 1;
      args.cols = x.size();
      args.kind = kind;
      ExpectNorm(args);
    }
  }
}

TEST_P(NormTest, HeadsInBothLayoutsAndInPlace) {
  Random random(3);
  const size_t tokens = 5, heads = 3, cols = 40;
  for (bool head_major : {false, true}) {
    for (bool in_place : {false, true}) {
      Guarded<float> x(random.Normals(tokens * heads * cols)), y(tokens * heads * cols);
      const std::vector<float> given(x.begin(), x.end());
      NormArgs args;
      args.x = x.data();
      args.y = in_place ? x.data() : y.data();
      args.stride = args.y_stride = head_major ? cols : heads * cols;
      args.head_stride = args.y_head_stride = head_major ? tokens * cols : cols;
      args.rows = tokens * heads;
      args.heads = heads;
      args.cols = cols;
      ExpectNorm(args);
      if (!in_place) {
        EXPECT_TRUE(SameBits(x.data(), given.data(), given.size()));
      }
    }
  }
}

// Every width, the sum wanted or not, in a buffer of its own or in place of an operand, y as well.
TEST_P(NormTest, Residual) {
  Random random(5);
  enum Place { kOwn, kX, kResidual, kNone };
  for (size_t cols : {1, 3, 8, 15, 16, 17, 33, 64, 130, 300}) {
    for (NormKind kind : {NormKind::kRms, NormKind::kLayer}) {
      for (Place to : {kOwn, kX, kResidual}) {
        for (Place sum_to : {kOwn, kX, kResidual, kNone}) {
          if (to == sum_to && to != kOwn) continue;
          SCOPED_TRACE(std::to_string(cols) + ", y " + std::to_string(to) + ", sum " + std::to_string(sum_to));
          const size_t rows = 3;
          GuardedMatrix x(random.Normals(rows * cols), rows, cols, cols + 2);
          GuardedMatrix residual(random.Normals(rows * cols), rows, cols, cols + 1);
          GuardedMatrix y(rows, cols, cols + 3), sum(rows, cols, cols + 4);
          const Guarded<float> weight(random.Normals(cols));
          GuardedMatrix& out = to == kX ? x : to == kResidual ? residual : y;
          GuardedMatrix& total = sum_to == kX ? x : sum_to == kResidual ? residual : sum;
          NormArgs args;
          args.x = x.data();
          args.stride = x.stride();
          args.residual = residual.data();
          args.residual_stride = residual.stride();
          args.y = out.data();
          args.y_stride = out.stride();
          args.sum = sum_to == kNone ? nullptr : total.data();
          args.sum_stride = total.stride();
          args.rows = rows;
          args.cols = cols;
          args.weight = weight.data();
          args.kind = kind;
          // The same bits as an addition before a norm.
          std::vector<float> added = x.Dense(), separate(rows * cols);
          const std::vector<float> other = residual.Dense();
          for (size_t i = 0; i < added.size(); ++i) added[i] += other[i];
          NormArgs plain = args;
          plain.x = added.data();
          plain.stride = plain.y_stride = cols;
          plain.y = separate.data();
          plain.residual = nullptr;
          plain.sum = nullptr;
          ASSERT_TRUE(IsOk(Norm(plain)));
          ExpectNorm(args);
          for (size_t r = 0; r < rows; ++r) EXPECT_TRUE(SameBits(out.Row(r), &separate[r * cols], cols));
          for (GuardedMatrix* matrix : {&x, &residual, &y, &sum}) EXPECT_TRUE(matrix->SlackUntouched());
        }
      }
    }
  }
}

TEST_P(NormTest, ResidualOfHeads) {
  Random random(6);
  const size_t tokens = 5, heads = 3, cols = 40, all = tokens * heads * cols;
  for (bool head_major : {false, true}) {
    Guarded<float> x(random.Normals(all)), residual(random.Normals(all)), y(all), sum(all);
    NormArgs args;
    args.x = x.data();
    args.residual = residual.data();
    args.y = y.data();
    args.sum = sum.data();
    args.stride = args.sum_stride = head_major ? cols : heads * cols;
    args.head_stride = args.sum_head_stride = head_major ? tokens * cols : cols;
    args.residual_stride = args.y_stride = head_major ? heads * cols : cols;
    args.residual_head_stride = args.y_head_stride = head_major ? cols : tokens * cols;
    args.rows = tokens * heads;
    args.heads = heads;
    args.cols = cols;
    ExpectNorm(args);
  }
}

TEST_P(NormTest, ThreadsDoNotMatter) {
  Random random(4);
  const std::vector<float> x = random.Normals(80 * 512);
  std::vector<float> one(x.size()), many(x.size());
  NormArgs args;
  args.x = x.data();
  args.stride = args.y_stride = 512;
  args.rows = 80;
  args.cols = 512;
  args.y = one.data();
  ASSERT_TRUE(IsOk(Norm(args)));
  for (uint32_t threads : {2u, 3u}) {
    args.y = many.data();
    ASSERT_TRUE(IsOk(Norm(args, Threads(threads))));
    EXPECT_TRUE(SameBits(one.data(), many.data(), one.size()));
  }
}

TEST_P(NormTest, RefusesBadArguments) {
  std::vector<float> x(24), y(24, 7.0f);
  NormArgs good;
  good.x = x.data();
  good.y = y.data();
  good.stride = good.y_stride = 12;
  good.head_stride = good.y_head_stride = 4;
  good.rows = 6;
  good.heads = 3;
  good.cols = 4;
  ASSERT_TRUE(IsOk(Validate(good)));
  const auto expect = [&](Code code, const std::string& argument, auto change) {
    NormArgs args = good;
    change(args);
    EXPECT_EQ(Validate(args).code, code) << argument;
    EXPECT_EQ(Validate(args).argument, argument);
    EXPECT_EQ(Norm(args).code, code);
  };
  expect(Code::kNull, "x", [](auto& args) { args.x = nullptr; });
  expect(Code::kNull, "y", [](auto& args) { args.y = nullptr; });
  expect(Code::kRange, "cols", [](auto& args) { args.cols = 0; });
  expect(Code::kRange, "heads", [](auto& args) { args.heads = 0; });
  expect(Code::kMultiple, "rows", [](auto& args) { args.rows = 5; });
  expect(Code::kShape, "stride", [](auto& args) { args.stride = 3; });
  expect(Code::kShape, "y_stride", [](auto& args) { args.y_stride = 3; });
  expect(Code::kShape, "head_stride", [](auto& args) { args.head_stride = 3; });
  expect(Code::kShape, "y_head_stride", [](auto& args) { args.y_head_stride = 3; });
  expect(Code::kRange, "rows", [](auto& args) { args.rows = SIZE_MAX / 3 * 3; });
  expect(Code::kRange, "heads", [](auto& args) { args.rows = args.heads = SIZE_MAX / 2; });
  expect(Code::kRange, "cols", [](auto& args) { args.rows = args.heads = 1, args.cols = SIZE_MAX; });
  expect(Code::kRange, "stride", [](auto& args) { args.stride = SIZE_MAX / 4; });
  expect(Code::kRange, "head_stride", [](auto& args) { args.head_stride = SIZE_MAX - 7; });
  expect(Code::kRange, "y_stride", [](auto& args) { args.y_stride = SIZE_MAX; });
  // Two heads of y in one place.
  expect(Code::kShape, "y_stride", [](auto& args) { args.y_stride = 4; });
  expect(Code::kShape, "y_stride", [](auto& args) { args.y_stride = 11; });
  expect(Code::kShape, "y_head_stride", [](auto& args) { args.y_stride = 4, args.y_head_stride = 7; });
  expect(Code::kOverlap, "x", [](auto& args) { args.x = args.y + 1; });
  expect(Code::kOverlap, "x", [](auto& args) { args.x = args.y, args.stride = 13; });
  expect(Code::kOverlap, "weight", [](auto& args) { args.weight = args.y + 5; });
  expect(Code::kOverlap, "bias", [](auto& args) { args.bias = args.y; });
  std::vector<float> z(24), sum(24);
  const auto with_sum = [&](auto& args) {
    args.residual = z.data();
    args.sum = sum.data();
    args.residual_stride = args.sum_stride = 12;
    args.residual_head_stride = args.sum_head_stride = 4;
  };
  NormArgs both = good;
  with_sum(both);
  ASSERT_TRUE(IsOk(Validate(both)));
  const auto expect_sum = [&](Code code, const std::string& argument, auto change) {
    expect(code, argument, [&](auto& args) {
      with_sum(args);
      change(args);
    });
  };
  expect_sum(Code::kNull, "residual", [](auto& args) { args.residual = nullptr; });
  expect_sum(Code::kShape, "residual_stride", [](auto& args) { args.residual_stride = 2; });
  expect_sum(Code::kShape, "residual_head_stride", [](auto& args) { args.residual_head_stride = 2; });
  expect_sum(Code::kShape, "sum_stride", [](auto& args) { args.sum_stride = 2; });
  expect_sum(Code::kShape, "sum_head_stride", [](auto& args) { args.sum_head_stride = 2; });
  expect_sum(Code::kShape, "sum_stride", [](auto& args) { args.sum_stride = 8; });
  expect_sum(Code::kRange, "residual_stride", [](auto& args) { args.residual_stride = SIZE_MAX; });
  expect_sum(Code::kRange, "sum_stride", [](auto& args) { args.sum_stride = SIZE_MAX / 2; });
  expect_sum(Code::kOverlap, "sum", [](auto& args) { args.sum = args.y; });
  expect_sum(Code::kOverlap, "residual", [](auto& args) { args.residual = args.y + 4; });
  expect_sum(Code::kOverlap, "residual", [](auto& args) { args.residual = args.sum + 1; });
  expect_sum(Code::kOverlap, "x", [](auto& args) { args.x = args.sum + 1; });
  expect_sum(Code::kOverlap, "weight", [](auto& args) { args.weight = args.sum; });
  EXPECT_EQ(y, std::vector<float>(24, 7.0f));
}

}  // namespace
}  // namespace weft::test
