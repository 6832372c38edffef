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
std::vector<Bounded> BoundedNorm(const NormArgs& args, const float* x, const double* exact) {
  const Bounded count(static_cast<double>(args.cols));
  std::vector<Bounded> d(x, x + args.cols), squares;
  if (args.kind == NormKind::kLayer) {
    const Bounded mean = SumOf(d) / count;
    for (Bounded& v : d) v = v - mean;
  }
  for (const Bounded& v : d) squares.push_back(v * v);
  const Bounded factor = Bounded(1.0) / Sqrt(SumOf(squares) / count + Bounded(args.epsilon));
  std::vector<Bounded> y;
  for (size_t i = 0; i < args.cols; ++i) {
    Bounded v = d[i] * factor;
    if (args.weight != nullptr) v = v * Bounded(args.weight[i]);
    if (args.bias != nullptr) v = v + Bounded(args.bias[i]);
    EXPECT_NEAR(v.value, exact[i], v.error);
    EXPECT_LT(v.error, 0.1 * (1 + fabs(v.value))) << "a bound that says nothing";
    y.push_back(v);
  }
  return y;
}

class NormTest : public KernelTest {
 protected:
  // Checks args, whose x and y must be set up; runs it.
  static void ExpectNorm(const NormArgs& args) {
    const std::vector<double> exact = scalar::Norm(args);
    std::vector<std::vector<Bounded>> expected;
    for (size_t r = 0; r < args.rows; ++r) {
      const float* x = args.x + r / args.heads * args.stride + r % args.heads * args.head_stride;
      expected.push_back(BoundedNorm(args, x, &exact[r * args.cols]));
    }
    ASSERT_TRUE(IsOk(Norm(args)));
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
  expect(Code::kRange, "rows", [](auto& args) { args.rows = 0; });
  expect(Code::kRange, "cols", [](auto& args) { args.cols = 0; });
  expect(Code::kRange, "heads", [](auto& args) { args.heads = 0; });
  expect(Code::kMultiple, "rows", [](auto& args) { args.rows = 5; });
  expect(Code::kShape, "stride", [](auto& args) { args.stride = 3; });
  expect(Code::kShape, "y_stride", [](auto& args) { args.y_stride = 3; });
  expect(Code::kShape, "head_stride", [](auto& args) { args.head_stride = 3; });
  expect(Code::kShape, "y_head_stride", [](auto& args) { args.y_head_stride = 3; });
  EXPECT_EQ(y, std::vector<float>(24, 7.0f));
}

}  // namespace
}  // namespace weft::test
