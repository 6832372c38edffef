// Which bits a product has: not those of the number of threads, and of the number of tokens only as promised.
#include "tests/kernels/matmul_case.h"
#include "tests/kernels/same_bits.h"
#include "tests/kernels/targets.h"
#include "tests/kernels/threads.h"

namespace weft::test {
namespace {

class OrderTest : public KernelTest {
 protected:
  struct Input {
    DType type;
    Weights weights, gate;
    GuardedMatrix x;
  };

  // y for the first m tokens; [m][rows].
  static std::vector<float> Run(Input& in, size_t m, Summation summation, const Executor& executor, bool gated) {
    const size_t n = in.weights.view().rows, k = in.weights.view().cols;
    GuardedMatrix y(m, n, n);
    MatMulArgs args;
    args.w = in.weights.view();
    args.y = y.data();
    args.y_stride = n;
    args.summation = summation;
    if (gated) args.epilogue.gate = &in.gate.view();
    args.epilogue.activation = Activation::kSilu;
    EXPECT_TRUE(IsOk(RunMatMul(args, {in.x.data(), m, k, in.x.stride()}, executor)));
    return y.Dense();
  }

  // Calls f(input) for every format.
  template <class F>
  static void ForEachInput(size_t tokens, size_t rows, const F& f) {
    ForEachFormat([&]<class Format>() {
      SCOPED_TRACE(Name(Format::kType));
      Random random(1);
      const size_t k = kIsFloat<Format> ? 301 : 512;
      Input in{Format::kType, Weights(Format::kType, rows, k, random), Weights(Format::kType, rows, k, random),
               GuardedMatrix(random.Normals(tokens * k), tokens, k, k)};
      f(in);
    });
  }
};
WEFT_TEST_ON_TARGETS(OrderTest);

TEST_P(OrderTest, ThreadsDoNotMatter) {
  ForEachInput(70, 200, [](Input& in) {  // large enough for activations to be shared among threads
    for (size_t m : {1, 4, 70}) {
      for (bool gated : {false, true}) {
        const std::vector<float> one = Run(in, m, Summation::kFastest, {}, gated);
        for (uint32_t threads : {1u, 2u, 3u}) {
          const std::vector<float> many = Run(in, m, Summation::kFastest, Threads(threads), gated);
          EXPECT_TRUE(SameBits(one.data(), many.data(), one.size())) << threads << " threads, m = " << m;
        }
      }
    }
  });
}

TEST_P(OrderTest, UniformDoesNotDependOnTokens) {
  const size_t n = 35;
  ForEachInput(33, n, [&](Input& in) {
    const std::vector<float> all = Run(in, 33, Summation::kUniform, {}, false);
    for (size_t m : {1, 2, 3, 5, 7, 8, 9, 16, 17}) {
      const std::vector<float> some = Run(in, m, Summation::kUniform, {}, false);
      EXPECT_TRUE(SameBits(all.data(), some.data(), m * n)) << "m = " << m;
    }
  });
}

TEST_P(OrderTest, FastestHasTwoClasses) {
  const size_t n = 35;
  ForEachInput(33, n, [&](Input& in) {
    const std::vector<float> two = Run(in, 2, Summation::kFastest, {}, false);
    const std::vector<float> nine = Run(in, 9, Summation::kFastest, {}, false);
    for (size_t m : {3, 4, 5, 7, 8, 10, 12, 16, 17, 33}) {
      const std::vector<float>& same = m <= 8 ? two : nine;
      const std::vector<float> some = Run(in, m, Summation::kFastest, {}, false);
      EXPECT_TRUE(SameBits(same.data(), some.data(), same.size())) << "m = " << m;
    }
  });
}

TEST_P(OrderTest, RowsDoNotDependOnNeighbours) {
  const size_t n = 67;
  ForEachInput(9, n, [&](Input& in) {
    const std::vector<float> all = Run(in, 9, Summation::kFastest, {}, false);
    const size_t k = in.weights.view().cols;
    for (size_t first : {1, 30, 66}) {
      GuardedMatrix y(9, n - first, n - first);
      MatMulArgs args;
      args.w = RowRange(in.weights.view(), first, n - first);
      args.y = y.data();
      args.y_stride = n - first;
      args.epilogue.activation = Activation::kSilu;
      ASSERT_TRUE(IsOk(RunMatMul(args, {in.x.data(), 9, k, in.x.stride()})));
      for (size_t m = 0; m < 9; ++m) EXPECT_TRUE(SameBits(y.Row(m), &all[m * n + first], n - first));
    }
  });
}

}  // namespace
}  // namespace weft::test
