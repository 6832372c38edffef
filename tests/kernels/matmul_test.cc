// Products of every format in every shape, against exact sums.
#include "tests/kernels/matmul_case.h"
#include "tests/kernels/same_bits.h"
#include "tests/kernels/targets.h"

namespace weft::test {
namespace {

class MatMulTest : public KernelTest {};
WEFT_TEST_ON_TARGETS(MatMulTest);

constexpr size_t kTokens[] = {1, 2, 3, 5, 7, 8, 9, 10, 11, 13, 16, 17, 33};
constexpr size_t kRows[] = {1, 2, 3, 7, 31, 32, 33, 65};

// Weight rows end at a guard page, as do activations and outputs; smaller shapes take the last rows of the largest, so
// that one reference serves all.
TEST_P(MatMulTest, EveryShape) {
  constexpr size_t kMostTokens = 33, kMostRows = 65;
  ForEachProduct([&]<class Format>(Precision precision) {
    for (size_t k : ColumnCounts<Format>()) {
      SCOPED_TRACE(std::string(Name(Format::kType)) + " k = " + std::to_string(k));
      Random random(k);
      const Weights weights(Format::kType, kMostRows, k, random);
      GuardedMatrix x(random.Normals(kMostTokens * k), kMostTokens, k, k + 3);
      scalar::OwnedActivations form;
      scalar::BuildForm(FormOf(Format::kType, precision), x.data(), kMostTokens, k, x.stride(), form);
      const std::vector<Bounded> few = BoundedProducts(form.view, nullptr, kMostTokens, weights.view(), false);
      const std::vector<Bounded> many = BoundedProducts(form.view, nullptr, kMostTokens, weights.view(), true);
      for (size_t m : kTokens) {
        for (size_t n : kRows) {
          SCOPED_TRACE("m = " + std::to_string(m) + ", n = " + std::to_string(n));
          const size_t first_token = kMostTokens - m, first_row = kMostRows - n;
          GuardedMatrix y(m, n, n + m % 4);
          MatMulArgs args;
          args.w = RowRange(weights.view(), first_row, n);
          args.precision = precision;
          args.y = y.data();
          args.y_stride = y.stride();
          ASSERT_TRUE(IsOk(RunMatMul(args, {x.Row(first_token), m, k, x.stride()})));
          std::vector<Bounded> expected;
          for (size_t t = 0; t < m; ++t) {
            const std::vector<Bounded>& reference = m < driver::kPanelTokens ? few : many;
            const Bounded* row = &reference[(first_token + t) * kMostRows + first_row];
            expected.insert(expected.end(), row, row + n);
          }
          ExpectWithin(y, expected, m, n);
          if (HasFatalFailure()) return;
        }
      }
    }
  });
}

// Rows at odd addresses and odd distances, with NaN bytes between them.
TEST_P(MatMulTest, MisalignedWeights) {
  ForEachProduct([&]<class Format>(Precision precision) {
    SCOPED_TRACE(Name(Format::kType));
    Random random(2);
    const size_t k = ColumnCounts<Format>().back(), n = 35;
    for (size_t slack : {1, 3, 7}) {
      const Weights weights(Format::kType, n, k, random, slack * 5, slack);
      for (size_t m : {1, 4, 11}) {
        GuardedMatrix x(random.Normals(m * k), m, k, k);
        GuardedMatrix y(m, n, n);
        MatMulArgs args;
        args.w = weights.view();
        args.precision = precision;
        args.y = y.data();
        args.y_stride = n;
        ASSERT_TRUE(IsOk(RunMatMul(args, {x.data(), m, k, k})));
        scalar::OwnedActivations form;
        scalar::BuildForm(FormOf(Format::kType, precision), x.data(), m, k, k, form);
        ExpectWithin(y, BoundedProducts(form.view, nullptr, m, weights.view()), m, n);
      }
    }
  });
}

// Integers all the way: scales and offsets of 1, activations that quantise to themselves. Every partial sum is exact in
// float, so that the result must be, too, whatever the codes: but for the bits that panels drop of groups' sums, halves
// rounded as PanelLayout says.
TEST_P(MatMulTest, ExtremeCodesAreExact) {
  ForEachProduct([&]<class Format>(Precision precision) {
    if constexpr (!kIsFloat<Format>) {
      SCOPED_TRACE(Name(Format::kType));
      const UnitBlocks<Format> blocks;
      Random random(3);
      const size_t k = 512, m = 11, n = 37;
      std::vector<float> x(m * k);
      for (size_t i = 0; i < x.size(); ++i) {
        // Rows of all 127, all -127, alternating, and random integers that keep the scale at 1.
        const size_t row = i / k;
        const float alternating = i % 2 == 0 ? 127.0f : -127.0f;
        x[i] = row == 0 ? 127.0f : row == 1 ? -127.0f : row == 2 ? alternating : i % 16 == 0 ? 127.0f : 0.0f;
        if (row > 2 && i % 16 != 0) x[i] = static_cast<float>(random.Below(255)) - 127.0f;
      }
      std::vector<uint8_t> dense;
      for (size_t row = 0; row < n; ++row) {
        for (size_t block = 0; block < k / kBlockElements<Format>; ++block) {
          const Codes codes = row % 3 == 0 ? Codes::kLowest : row % 3 == 1 ? Codes::kHighest : Codes::kMixed;
          const std::vector<uint8_t> bytes = blocks.Make(codes, random);
          dense.insert(dense.end(), bytes.begin(), bytes.end());
        }
      }
      const Weights weights(Format::kType, n, k, dense);
      scalar::OwnedActivations form;
      scalar::BuildForm(FormOf(Format::kType, precision), x.data(), m, k, k, form);
      const std::vector<scalar::Exact> expected = scalar::Products(form.view, nullptr, m, weights.view());
      for (const scalar::Exact& sum : expected) ASSERT_LE(sum.magnitude, 0x1p24) << "not representable: smaller k";
      for (size_t tokens : {size_t{1}, size_t{3}, m}) {
        GuardedMatrix y(tokens, n, n);
        MatMulArgs args;
        args.w = weights.view();
        args.precision = precision;
        args.y = y.data();
        args.y_stride = n;
        ASSERT_TRUE(IsOk(RunMatMul(args, {x.data(), tokens, k, k})));
        const TileKernels* tile = tokens < driver::kPanelTokens ? nullptr : IntegerScaleTile(Format::kType, precision);
        for (size_t i = 0; i < tokens * n; ++i) {
          double value = expected[i].value;
          if (tile != nullptr && tile->dropped_bits != 0) {
            const std::vector<GroupSum> groups =
                GroupSums<Format>(form.view, i / n, weights.view(), i % n, tile->panel.group);
            for (size_t g = 0; g < groups.size(); ++g) {
              const bool down = (groups[g / 2 * 2].code_sum % 2 != 0) == (g % 2 != 0);
              const int unit = 1 << tile->dropped_bits, sum = groups[g].sum + unit / 2 - (down ? 1 : 0);
              const int rounded = (sum >> tile->dropped_bits) * unit;
              value += (rounded - groups[g].sum) * groups[g].scale_w * groups[g].scale_a;
            }
          }
          ASSERT_EQ(y.data()[i], static_cast<float>(value)) << "token " << i / n << " row " << i % n;
        }
      }
    }
  });
}

// Against the activations as given: half a step of quantisation per element more.
TEST_P(MatMulTest, QuantisedActivationsAreHalfAStepOff) {
  ForEachProduct([&]<class Format>(Precision precision) {
    SCOPED_TRACE(Name(Format::kType));
    Random random(4);
    const size_t k = kIsFloat<Format> ? 300 : 768, m = 9, n = 33;
    const Weights weights(Format::kType, n, k, random);
    GuardedMatrix x(random.Normals(m * k), m, k, k);
    GuardedMatrix y(m, n, n);
    MatMulArgs args;
    args.w = weights.view();
    args.precision = precision;
    args.y = y.data();
    args.y_stride = n;
    ASSERT_TRUE(IsOk(RunMatMul(args, {x.data(), m, k, k})));
    scalar::OwnedActivations given, form;
    scalar::BuildForm(ActivationForm::kF32, x.data(), m, k, k, given);
    scalar::BuildForm(FormOf(Format::kType, precision), x.data(), m, k, k, form);
    const std::vector<scalar::Exact> exact = scalar::Products(given.view, nullptr, m, weights.view());
    const std::vector<Bounded> rounded = BoundedProducts(form.view, nullptr, m, weights.view());
    for (size_t i = 0; i < m * n; ++i) {
      double step_error = 0.0;
      const std::vector<scalar::Exact> w = scalar::WeightRow(weights.view(), i % n);
      for (size_t j = 0; j < k; ++j) {
        double off = 0.0;
        if (IsQuantized(FormOf(Format::kType, precision))) {
          // Half a step, and the roundings of inverse, product and scale, each of at most 127 steps.
          off = form.view.scales[i / n * form.view.scale_stride + j / GroupOf(FormOf(Format::kType, precision))] *
                (0.5 + 127 * Gamma(4));
        } else if (FormOf(Format::kType, precision) == ActivationForm::kBF16) {
          off = fabs(x.At(i / n, j)) * 0x1p-8;
        }
        step_error += off * fabs(w[j].value);
      }
      ASSERT_TRUE(IsWithin(y.data()[i], Bounded(exact[i].value, rounded[i].error + step_error))) << i;
    }
  });
}

// A range of columns that starts and ends on block boundaries is a view like any other.
TEST_P(MatMulTest, ColumnRanges) {
  ForEachProduct([&]<class Format>(Precision precision) {
    SCOPED_TRACE(Name(Format::kType));
    Random random(5);
    constexpr size_t kBlock = kBlockElements<Format>;
    const size_t blocks = 5, n = 33;
    const Weights weights(Format::kType, n, blocks * kBlock, random);
    for (size_t first = 0; first < blocks; ++first) {
      const size_t k = (blocks - first) * kBlock - (first % 2 == 0 ? 0 : kBlock);
      if (k == 0) continue;
      WeightView view = weights.view();
      view.data = static_cast<const uint8_t*>(view.data) + first * sizeof(typename Format::Block);
      view.cols = k;
      for (size_t m : {1, 9}) {
        GuardedMatrix x(random.Normals(m * k), m, k, k);
        GuardedMatrix y(m, n, n);
        MatMulArgs args;
        args.w = view;
        args.precision = precision;
        args.y = y.data();
        args.y_stride = n;
        ASSERT_TRUE(IsOk(RunMatMul(args, {x.data(), m, k, k})));
        scalar::OwnedActivations form;
        scalar::BuildForm(FormOf(Format::kType, precision), x.data(), m, k, k, form);
        ExpectWithin(y, BoundedProducts(form.view, nullptr, m, view), m, n);
      }
    }
  });
}

// Tokens chosen by index, some twice, as experts do.
TEST_P(MatMulTest, RowIndex) {
  ForEachProduct([&]<class Format>(Precision precision) {
    SCOPED_TRACE(Name(Format::kType));
    Random random(6);
    const size_t k = ColumnCounts<Format>().back(), n = 9, rows = 14;
    const Weights weights(Format::kType, n, k, random);
    GuardedMatrix x(random.Normals(rows * k), rows, k, k + 1);
    scalar::OwnedActivations form;
    scalar::BuildForm(FormOf(Format::kType, precision), x.data(), rows, k, x.stride(), form);
    for (size_t count : {1, 2, 6, 12, 30}) {
      std::vector<uint32_t> index(count);
      for (uint32_t& row : index) row = static_cast<uint32_t>(random.Below(rows));
      if (count > 1) index[1] = index[0];
      GuardedMatrix y(count, n, n + 2);
      MatMulArgs args;
      args.w = weights.view();
      args.precision = precision;
      args.y = y.data();
      args.y_stride = y.stride();
      args.row_index = index.data();
      args.row_count = count;
      ASSERT_TRUE(IsOk(RunMatMul(args, {x.data(), rows, k, x.stride()})));
      ExpectWithin(y, BoundedProducts(form.view, index.data(), count, weights.view()), count, n);
      if (count > 1) {
        EXPECT_TRUE(SameBits(y.Row(0), y.Row(1), n));
      }
    }
  });
}

// One set serves weights of all formats, in any order; each form is built once.
TEST_P(MatMulTest, FormatsShareActivations) {
  Random random(7);
  const size_t k = 512, n = 5, m = 3;
  GuardedMatrix x(random.Normals(m * k), m, k, k);
  Guarded<uint8_t> forms(ActivationBytes(m, k), 5);
  ActivationSet set = MakeActivations(x.data(), m, k, k, {forms.data(), forms.bytes()});
  for (int round = 0; round < 2; ++round) {
    ForEachProduct([&]<class Format>(Precision precision) {
      SCOPED_TRACE(Name(Format::kType));
      const Weights weights(Format::kType, n, k, random);
      const void* built = set.built[static_cast<size_t>(FormOf(Format::kType, precision))].values;
      GuardedMatrix y(m, n, n);
      MatMulArgs args;
      args.x = &set;
      args.w = weights.view();
      args.precision = precision;
      args.y = y.data();
      args.y_stride = n;
      Guarded<uint8_t> workspace(MatMulWorkspaceBytes(args, 1));
      ASSERT_TRUE(IsOk(MatMul(args, {}, {workspace.data(), workspace.bytes()})));
      const void* now = set.built[static_cast<size_t>(FormOf(Format::kType, precision))].values;
      EXPECT_TRUE(built == nullptr || built == now);
      scalar::OwnedActivations form;
      scalar::BuildForm(FormOf(Format::kType, precision), x.data(), m, k, k, form);
      ExpectWithin(y, BoundedProducts(form.view, nullptr, m, weights.view()), m, n);
    });
  }
}

}  // namespace
}  // namespace weft::test
