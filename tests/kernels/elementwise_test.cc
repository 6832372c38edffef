// Activations, gated ones and softmax.
#include <algorithm>
#include <limits>

#include "tests/kernels/bounded.h"
#include "tests/kernels/guarded.h"
#include "tests/kernels/random.h"
#include "tests/kernels/same_bits.h"
#include "tests/kernels/targets.h"
#include "tests/kernels/threads.h"
#include "weft/scalar/ops.h"

namespace weft::test {
namespace {

constexpr size_t kWidths[] = {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 257};
class GatedTest : public KernelTest {
 protected:
  static void ExpectGated(const GatedArgs& args) {
    const std::vector<double> exact = scalar::Gated(args);
    std::vector<Bounded> expected;
    for (size_t i = 0; i < args.rows * args.cols; ++i) {
      const size_t r = i / args.cols, c = i % args.cols;
      expected.push_back(Activate(args.activation, Bounded(args.gate[r * args.gate_stride + c])) *
                         Bounded(args.up[r * args.up_stride + c]));
      ASSERT_NEAR(expected[i].value, exact[i], expected[i].error);
    }
    ASSERT_TRUE(IsOk(Gated(args)));
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_TRUE(IsWithin(args.y[i / args.cols * args.y_stride + i % args.cols], expected[i])) << i;
    }
  }
};
WEFT_TEST_ON_TARGETS(GatedTest);

TEST_P(GatedTest, EveryWidth) {
  Random random(1);
  for (Activation activation : kEveryActivation) {
    for (size_t cols : kWidths) {
      SCOPED_TRACE(std::to_string(static_cast<int>(activation)) + " cols = " + std::to_string(cols));
      const size_t rows = 3;
      GuardedMatrix gate(random.Normals(rows * cols, 3.0f), rows, cols, cols + 1);
      GuardedMatrix up(random.Normals(rows * cols), rows, cols, cols + 2), y(rows, cols, cols + 3);
      ExpectGated({gate.data(), up.data(), y.data(), gate.stride(), up.stride(), y.stride(), rows, cols, activation});
      EXPECT_TRUE(y.SlackUntouched());
    }
  }
}

// Where the exponential overflows, underflows, or is near one; as far as the cube in GELU stays in float's range.
std::vector<float> WholeRange(Activation activation) {
  std::vector<float> values = {0.0f, -0.0f};
  for (float v = 1e-30f; v < 1e30f; v *= 1.7f) values.insert(values.end(), {v, -v});
  for (float v = 80.0f; v < 110.0f; v += 0.25f) values.insert(values.end(), {v, -v});
  for (float v = 0.01f; v < 16.0f; v += 0.01f) values.insert(values.end(), {v, -v});
  if (activation == Activation::kGeluTanh || activation == Activation::kGeluTanhF16) {
    for (float& v : values) v = std::clamp(v, -1e12f, 1e12f);
  }
  return values;
}

TEST_P(GatedTest, WholeRange) {
  for (Activation activation : kEveryActivation) {
    SCOPED_TRACE(static_cast<int>(activation));
    const std::vector<float> gate = WholeRange(activation), up(gate.size(), 1.5f);
    std::vector<float> y(gate.size());
    ExpectGated({gate.data(), up.data(), y.data(), 0, 0, 0, 1, gate.size(), activation});
  }
}

TEST_P(GatedTest, InPlaceAndThreads) {
  Random random(2);
  const size_t rows = 40, cols = 1000;
  const std::vector<float> gate = random.Normals(rows * cols), up = random.Normals(rows * cols);
  std::vector<float> y(rows * cols);
  ASSERT_TRUE(IsOk(Gated({gate.data(), up.data(), y.data(), cols, cols, cols, rows, cols, Activation::kSilu})));
  for (uint32_t threads : {1u, 2u, 3u}) {
    std::vector<float> a = gate, b = up;
    ASSERT_TRUE(IsOk(
        Gated({a.data(), up.data(), a.data(), cols, cols, cols, rows, cols, Activation::kSilu}, Threads(threads))));
    EXPECT_TRUE(SameBits(a.data(), y.data(), y.size()));
    ASSERT_TRUE(IsOk(
        Gated({gate.data(), b.data(), b.data(), cols, cols, cols, rows, cols, Activation::kSilu}, Threads(threads))));
    EXPECT_TRUE(SameBits(b.data(), y.data(), y.size()));
  }
}

TEST_P(GatedTest, RefusesBadArguments) {
  std::vector<float> a(8);
  const GatedArgs good{a.data(), a.data(), a.data(), 4, 4, 4, 2, 4, Activation::kSilu};
  ASSERT_TRUE(IsOk(Validate(good)));
  const auto expect = [&](Code code, const std::string& argument, auto change) {
    GatedArgs args = good;
    change(args);
    EXPECT_EQ(Validate(args).code, code) << argument;
    EXPECT_EQ(Validate(args).argument, argument);
    EXPECT_EQ(Gated(args).code, code);
  };
  expect(Code::kNull, "gate", [](auto& args) { args.gate = nullptr; });
  expect(Code::kNull, "up", [](auto& args) { args.up = nullptr; });
  expect(Code::kNull, "y", [](auto& args) { args.y = nullptr; });
  expect(Code::kRange, "cols", [](auto& args) { args.cols = 0; });
  expect(Code::kShape, "gate_stride", [](auto& args) { args.gate_stride = 3; });
  expect(Code::kShape, "up_stride", [](auto& args) { args.up_stride = 3; });
  expect(Code::kShape, "y_stride", [](auto& args) { args.y_stride = 3; });
  expect(Code::kRange, "activation", [](auto& args) { args.activation = static_cast<Activation>(kActivations); });
  expect(Code::kRange, "rows", [](auto& args) { args.rows = SIZE_MAX; });
  expect(Code::kRange, "cols", [](auto& args) { args.rows = 1, args.cols = SIZE_MAX; });
  expect(Code::kRange, "gate_stride", [](auto& args) { args.gate_stride = SIZE_MAX / 4; });
  expect(Code::kRange, "up_stride", [](auto& args) { args.up_stride = SIZE_MAX - 3; });
  expect(Code::kRange, "y_stride", [](auto& args) { args.y_stride = SIZE_MAX; });
  std::vector<float> b(16);
  const float* in = b.data();
  expect(Code::kOverlap, "up", [&](auto& args) { args.up = args.y + 1; });
  expect(Code::kOverlap, "gate", [&](auto& args) { args.up = in, args.gate = args.y - 1; });
  expect(Code::kOverlap, "gate", [&](auto& args) { args.up = in, args.gate_stride = 5; });
  expect(Code::kOverlap, "up", [&](auto& args) { args.gate = in, args.up = args.y + 7; });
}

// Columns of one matrix are apart although they lie between each other.
TEST_P(GatedTest, ColumnsOfOneMatrix) {
  Random random(6);
  const size_t rows = 5, cols = 19, stride = 3 * cols;
  std::vector<float> fused = random.Normals(rows * stride), y(rows * cols);
  const float *gate = fused.data(), *up = gate + cols;
  ASSERT_TRUE(IsOk(Gated({gate, up, y.data(), stride, stride, cols, rows, cols, Activation::kGeluErf})));
  float* third = fused.data() + 2 * cols;
  ASSERT_TRUE(IsOk(Gated({gate, up, third, stride, stride, stride, rows, cols, Activation::kGeluErf})));
  for (size_t r = 0; r < rows; ++r) EXPECT_TRUE(SameBits(third + r * stride, &y[r * cols], cols));
  const GatedArgs off{gate, up, third - 1, stride, stride, stride, rows, cols, Activation::kGeluErf};
  EXPECT_EQ(Validate(off).code, Code::kOverlap);
  EXPECT_STREQ(Validate(off).argument, "up");
  // The end of a row meets the beginning of the next.
  const GatedArgs around{gate, up, third + 1, stride, stride, stride, rows, cols, Activation::kGeluErf};
  EXPECT_STREQ(Validate(around).argument, "gate");
}

class ElementwiseTest : public KernelTest {
 protected:
  static void ExpectElementwise(const ElementwiseArgs& args) {
    const std::vector<double> exact = scalar::Elementwise(args);
    std::vector<Bounded> expected;
    for (size_t i = 0; i < exact.size(); ++i) {
      expected.push_back(Activate(args.activation, Bounded(args.x[i / args.cols * args.stride + i % args.cols])));
      ASSERT_NEAR(expected[i].value, exact[i], expected[i].error);
    }
    ASSERT_TRUE(IsOk(Elementwise(args)));
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_TRUE(IsWithin(args.y[i / args.cols * args.y_stride + i % args.cols], expected[i])) << i;
    }
  }
};
WEFT_TEST_ON_TARGETS(ElementwiseTest);

TEST_P(ElementwiseTest, EveryWidth) {
  Random random(1);
  for (Activation activation : kEveryActivation) {
    for (size_t cols : kWidths) {
      SCOPED_TRACE(std::to_string(static_cast<int>(activation)) + " cols = " + std::to_string(cols));
      const size_t rows = 3;
      GuardedMatrix x(random.Normals(rows * cols, 3.0f), rows, cols, cols + 1), y(rows, cols, cols + 3);
      ExpectElementwise({x.data(), y.data(), x.stride(), y.stride(), rows, cols, activation});
      EXPECT_TRUE(y.SlackUntouched());
    }
  }
}

TEST_P(ElementwiseTest, WholeRange) {
  for (Activation activation : kEveryActivation) {
    SCOPED_TRACE(static_cast<int>(activation));
    const std::vector<float> x = WholeRange(activation);
    std::vector<float> y(x.size());
    ExpectElementwise({x.data(), y.data(), 0, 0, 1, x.size(), activation});
  }
}

TEST_P(ElementwiseTest, NanStaysNan) {
  for (Activation activation : kEveryActivation) {
    if (activation == Activation::kRelu) continue;  // max(v, 0), by the CPU's own rule
    const std::vector<float> x(21, std::numeric_limits<float>::quiet_NaN());
    std::vector<float> y(x.size());
    ASSERT_TRUE(IsOk(Elementwise({x.data(), y.data(), 0, 0, 1, x.size(), activation})));
    for (float v : y) EXPECT_TRUE(isnan(v)) << static_cast<int>(activation);
  }
}

TEST_P(ElementwiseTest, InPlaceAndThreads) {
  Random random(2);
  const size_t rows = 40, cols = 1000;
  const std::vector<float> x = random.Normals(rows * cols);
  std::vector<float> y(x.size());
  ASSERT_TRUE(IsOk(Elementwise({x.data(), y.data(), cols, cols, rows, cols, Activation::kGeluErf})));
  for (uint32_t threads : {1u, 2u, 3u}) {
    std::vector<float> a = x;
    ASSERT_TRUE(
        IsOk(Elementwise({a.data(), a.data(), cols, cols, rows, cols, Activation::kGeluErf}, Threads(threads))));
    EXPECT_TRUE(SameBits(a.data(), y.data(), y.size()));
  }
}

TEST_P(ElementwiseTest, RefusesBadArguments) {
  std::vector<float> a(8);
  const ElementwiseArgs good{a.data(), a.data(), 4, 4, 2, 4, Activation::kSigmoid};
  ASSERT_TRUE(IsOk(Validate(good)));
  Executor none;
  none.workers = 0;
  EXPECT_STREQ(Elementwise(good, none).argument, "executor.workers");
  const auto expect = [&](Code code, const std::string& argument, auto change) {
    ElementwiseArgs args = good;
    change(args);
    EXPECT_EQ(Validate(args).code, code) << argument;
    EXPECT_EQ(Validate(args).argument, argument);
    EXPECT_EQ(Elementwise(args).code, code);
  };
  expect(Code::kNull, "x", [](auto& args) { args.x = nullptr; });
  expect(Code::kNull, "y", [](auto& args) { args.y = nullptr; });
  expect(Code::kRange, "cols", [](auto& args) { args.cols = 0; });
  expect(Code::kShape, "stride", [](auto& args) { args.stride = 3; });
  expect(Code::kShape, "y_stride", [](auto& args) { args.y_stride = 3; });
  expect(Code::kRange, "activation", [](auto& args) { args.activation = static_cast<Activation>(255); });
  expect(Code::kRange, "rows", [](auto& args) { args.rows = SIZE_MAX / 8; });
  expect(Code::kRange, "stride", [](auto& args) { args.stride = SIZE_MAX / 4; });
  expect(Code::kRange, "y_stride", [](auto& args) { args.y_stride = SIZE_MAX / 2; });
  expect(Code::kOverlap, "x", [](auto& args) { args.x = args.y + 1; });
  expect(Code::kOverlap, "x", [](auto& args) { args.stride = 5; });
}

class SoftmaxTest : public KernelTest {
 protected:
  // One row, formula with bounds. Scores are relative to the largest, whose rounding cancels.
  static std::vector<Bounded> BoundedRow(const float* x, size_t n, float scale) {
    double max = -INFINITY;
    for (size_t i = 0; i < n; ++i) max = std::max(max, static_cast<double>(x[i]) * scale);
    std::vector<Bounded> e;
    for (size_t i = 0; i < n; ++i) {
      const bool none = x[i] == -INFINITY;
      e.push_back(none ? Bounded(0.0) : Exp(Bounded(x[i]) * Bounded(scale) - Bounded(max, kRoundoff * fabs(max))));
    }
    const Bounded inverse = Bounded(1.0) / SumOf(e);
    for (Bounded& v : e) v = v * inverse;
    return e;
  }
  static void ExpectSoftmax(const SoftmaxArgs& args) {
    const std::vector<double> exact = scalar::Softmax(args);
    std::vector<Bounded> expected;
    for (size_t r = 0; r < args.rows; ++r) {
      for (const Bounded& v : BoundedRow(args.x + r * args.stride, args.cols, args.scale)) expected.push_back(v);
    }
    ASSERT_TRUE(IsOk(Softmax(args)));
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(expected[i].value, exact[i], expected[i].error);
      ASSERT_TRUE(IsWithin(args.y[i / args.cols * args.y_stride + i % args.cols], expected[i])) << i;
    }
  }
};
WEFT_TEST_ON_TARGETS(SoftmaxTest);

TEST_P(SoftmaxTest, EveryWidth) {
  Random random(1);
  for (size_t cols : kWidths) {
    for (float scale : {1.0f, 0.125f, 10.0f}) {
      SCOPED_TRACE(cols);
      const size_t rows = 3;
      GuardedMatrix x(random.Normals(rows * cols, 2.0f), rows, cols, cols + 2), y(rows, cols, cols + 1);
      ExpectSoftmax({x.data(), y.data(), x.stride(), y.stride(), rows, cols, scale});
      EXPECT_TRUE(y.SlackUntouched());
    }
  }
}

TEST_P(SoftmaxTest, MaskedAndFarApart) {
  const float inf = std::numeric_limits<float>::infinity();
  Random random(2);
  for (size_t n : {5, 40}) {
    std::vector<float> x = random.Normals(n, 30.0f), y(n);
    for (size_t i = 0; i < n; i += 3) x[i] = -inf;
    ExpectSoftmax({x.data(), y.data(), 0, 0, 1, n, 1.0f});
    for (size_t i = 0; i < n; i += 3) EXPECT_EQ(y[i], 0.0f);
    x = random.Normals(n);
    x[n / 2] = 5000.0f;
    x[0] = -5000.0f;
    ExpectSoftmax({x.data(), y.data(), 0, 0, 1, n, 1.0f});
    EXPECT_EQ(y[n / 2], 1.0f);
    EXPECT_EQ(y[0], 0.0f);
    std::fill(x.begin(), x.end(), -inf);
    ASSERT_TRUE(IsOk(Softmax({x.data(), y.data(), 0, 0, 1, n, 1.0f})));
    EXPECT_EQ(y, std::vector<float>(n, 0.0f));
    std::fill(x.begin(), x.end(), -1e30f);
    ASSERT_TRUE(IsOk(Softmax({x.data(), y.data(), 0, 0, 1, n, 1.0f})));
    const Bounded share = Bounded(1.0) / Bounded(static_cast<double>(n));
    for (float v : y) EXPECT_TRUE(IsWithin(v, Bounded(1.0) * share));
  }
}

TEST_P(SoftmaxTest, InPlaceAndThreads) {
  Random random(3);
  const size_t rows = 40, cols = 1000;
  const std::vector<float> x = random.Normals(rows * cols);
  std::vector<float> y(x.size());
  ASSERT_TRUE(IsOk(Softmax({x.data(), y.data(), cols, cols, rows, cols, 0.7f})));
  for (uint32_t threads : {1u, 2u, 3u}) {
    std::vector<float> a = x;
    ASSERT_TRUE(IsOk(Softmax({a.data(), a.data(), cols, cols, rows, cols, 0.7f}, Threads(threads))));
    EXPECT_TRUE(SameBits(a.data(), y.data(), y.size()));
  }
}

TEST_P(SoftmaxTest, RefusesBadArguments) {
  std::vector<float> a(8);
  const SoftmaxArgs good{a.data(), a.data(), 4, 4, 2, 4, 1.0f};
  ASSERT_TRUE(IsOk(Validate(good)));
  const auto expect = [&](Code code, const std::string& argument, auto change) {
    SoftmaxArgs args = good;
    change(args);
    EXPECT_EQ(Validate(args).code, code) << argument;
    EXPECT_EQ(Validate(args).argument, argument);
    EXPECT_EQ(Softmax(args).code, code);
  };
  expect(Code::kNull, "x", [](auto& args) { args.x = nullptr; });
  expect(Code::kNull, "y", [](auto& args) { args.y = nullptr; });
  expect(Code::kRange, "cols", [](auto& args) { args.cols = 0; });
  expect(Code::kShape, "stride", [](auto& args) { args.stride = 3; });
  expect(Code::kShape, "y_stride", [](auto& args) { args.y_stride = 3; });
  expect(Code::kRange, "rows", [](auto& args) { args.rows = SIZE_MAX; });
  expect(Code::kRange, "cols", [](auto& args) { args.rows = 1, args.cols = SIZE_MAX / 4; });
  expect(Code::kRange, "stride", [](auto& args) { args.stride = SIZE_MAX; });
  expect(Code::kRange, "y_stride", [](auto& args) { args.y_stride = SIZE_MAX - 5; });
  expect(Code::kOverlap, "x", [](auto& args) { args.x = args.y - 1; });
  expect(Code::kOverlap, "x", [](auto& args) { args.y_stride = 6; });
}

}  // namespace
}  // namespace weft::test
