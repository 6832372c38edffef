// Which bits a product has: not those of the number of threads, and of the number of tokens only as promised.
#include <deque>
#include <string>
#include <vector>

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
  static std::vector<float> Run(Input& in, size_t m, Summation summation, const Executor& executor, bool gated,
                                Phase phase = Phase::kDecode, Precision precision = Precision::kFast) {
    const size_t n = in.weights.view().rows, k = in.weights.view().cols;
    GuardedMatrix y(m, n, n);
    MatMulArgs args;
    args.w = in.weights.view();
    args.y = y.data();
    args.y_stride = n;
    args.summation = summation;
    args.phase = phase;
    args.precision = precision;
    if (gated) args.epilogue.gate = in.gate.view();
    args.epilogue.activation = Activation::kSilu;
    EXPECT_TRUE(IsOk(RunMatMul(args, {in.x.data(), m, k, in.x.stride()}, executor)));
    return y.Dense();
  }

  // Calls f(input) for every format; for formats of floats with long and with short rows.
  template <class F>
  static void ForEachInput(size_t tokens, size_t rows, const F& f) {
    ForEachFormat([&]<class Format>() {
      const std::vector<size_t> widths = kIsFloat<Format> ? std::vector<size_t>{301, 77} : std::vector<size_t>{512};
      for (size_t k : widths) {
        SCOPED_TRACE(std::string(Name(Format::kType)) + ", " + std::to_string(k) + " columns");
        Random random(1);
        Input in{Format::kType, Weights(Format::kType, rows, k, random), Weights(Format::kType, rows, k, random),
                 GuardedMatrix(random.Normals(tokens * k), tokens, k, k)};
        f(in);
      }
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

// Products of unlike sizes, formats, tokens and epilogues together, in a workspace of just their size: the bits that
// each has alone.
TEST_P(OrderTest, SeveralTogether) {
  constexpr size_t kCount = 20, kCols = 512;
  constexpr DType kTypes[] = {DType::kQ4_K, DType::kQ4_K, DType::kQ6_K, DType::kQ8_0,
                              DType::kQ4_0, DType::kF32,  DType::kBF16, DType::kQ8_0};
  static constexpr uint32_t kSome[] = {4, 0, 2};
  Random random(2);
  std::deque<Weights> weights;
  for (size_t i = 0; i < kCount; ++i)
    weights.emplace_back(kTypes[i % 8], i == 0 ? 200 : 1 + 40 * i % 67, kCols, random);
  for (size_t m : {1, 6, 40}) {
    GuardedMatrix x(random.Normals(m * kCols), m, kCols, kCols);
    std::deque<GuardedMatrix> alone, together;
    MatMulArgs args[kCount];
    for (size_t i = 0; i < kCount; ++i) {
      args[i].w = weights[i].view();
      args[i].y_stride = args[i].w.rows;
      if (i == 1) args[i].epilogue.activation = Activation::kSilu;
      if (i % 8 == 7 && m > 4) args[i].row_index = kSome, args[i].row_count = 3;
      const size_t tokens = args[i].row_index != nullptr ? args[i].row_count : m;
      alone.emplace_back(tokens, args[i].w.rows, args[i].w.rows);
      together.emplace_back(tokens, args[i].w.rows, args[i].w.rows);
      args[i].y = alone[i].data();
      ASSERT_TRUE(IsOk(RunMatMul(args[i], {x.data(), m, kCols, kCols})));
      args[i].y = together[i].data();
    }
    for (uint32_t threads : {1u, 2u, 3u}) {
      SCOPED_TRACE("m = " + std::to_string(m) + ", " + std::to_string(threads) + " threads");
      Guarded<uint8_t> forms(ActivationBytes(m, kCols), 1);
      ActivationSet set = MakeActivations(x.data(), m, kCols, kCols, {forms.data(), forms.bytes()});
      for (MatMulArgs& product : args) product.x = &set;
      const Executor executor = Threads(threads);
      Guarded<uint8_t> workspace(MatMulWorkspaceBytes(args, kCount, executor.workers), 3);
      ASSERT_TRUE(IsOk(MatMul(args, kCount, executor, {workspace.data(), workspace.bytes()})));
      for (size_t i = 0; i < kCount; ++i) {
        const std::vector<float> expected = alone[i].Dense(), actual = together[i].Dense();
        EXPECT_TRUE(SameBits(expected.data(), actual.data(), expected.size())) << "product " << i;
      }
    }
  }
}

// By the phase that the caller names, each of which is one of the two ways that there are.
TEST_P(OrderTest, UniformDoesNotDependOnTokens) {
  const size_t n = 35;
  ForEachInput(33, n, [&](Input& in) {
    for (Precision precision : {Precision::kFast, Precision::kFine}) {
      for (Phase phase : {Phase::kDecode, Phase::kPrefill}) {
        const bool prefill = phase == Phase::kPrefill;
        SCOPED_TRACE(prefill ? "prefill" : "decode");
        const std::vector<float> all = Run(in, 33, Summation::kUniform, {}, false, phase, precision);
        for (size_t m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 16, 17, 22}) {
          const std::vector<float> some = Run(in, m, Summation::kUniform, {}, false, phase, precision);
          EXPECT_TRUE(SameBits(all.data(), some.data(), m * n)) << "m = " << m;
        }
        const size_t m = prefill ? 33 : 8;
        const std::vector<float> fastest = Run(in, m, Summation::kFastest, {}, false, phase, precision);
        EXPECT_TRUE(SameBits(all.data(), fastest.data(), m * n));
      }
    }
  });
}

TEST_P(OrderTest, FastestHasTwoClasses) {
  const size_t n = 35;
  ForEachInput(33, n, [&](Input& in) {
    const std::vector<float> two = Run(in, 2, Summation::kFastest, {}, false);
    const std::vector<float> nine = Run(in, 9, Summation::kFastest, {}, false);
    for (size_t m : {3, 4, 5, 7, 8, 10, 11, 12, 13, 14, 16, 17, 33}) {
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
