// What the tests of the matrix product share: inputs in guarded memory, a way to run, and bounds.
#ifndef WEFT_TESTS_KERNELS_MATMUL_CASE_H_
#define WEFT_TESTS_KERNELS_MATMUL_CASE_H_

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <vector>

#include "tests/kernels/blocks.h"
#include "tests/kernels/bounded.h"
#include "tests/kernels/guarded.h"
#include "tests/kernels/random.h"
#include "weft/core/kernel_set.h"
#include "weft/drivers/matmul.h"
#include "weft/scalar/matmul.h"
#include "weft/weft.h"

namespace weft::test {

// Rows of weights with `gap` bytes (0xFF) between them and `slack` bytes between the last one and the guard page.
class Weights {
 public:
  Weights(DType type, size_t rows, size_t cols, const std::vector<uint8_t>& dense, size_t gap = 0, size_t slack = 0)
      : blocks_(rows * (RowBytes(type, cols) + gap) - gap, slack) {
    const size_t row = RowBytes(type, cols);
    view_ = {blocks_.data(), type, rows, cols, row + gap, nullptr};
    for (size_t r = 0; r < rows; ++r) memcpy(blocks_.data() + r * (row + gap), dense.data() + r * row, row);
  }
  Weights(DType type, size_t rows, size_t cols, Random& random, size_t gap = 0, size_t slack = 0)
      : Weights(type, rows, cols, RandomWeights(type, rows * cols, random), gap, slack) {}

  const WeightView& view() const { return view_; }

 private:
  Guarded<uint8_t> blocks_;
  WeightView view_;
};

// Rows of activations.
struct Tokens {
  const float* x;
  size_t rows, cols, stride;
};

// Runs MatMul with memory of exactly the sizes that the library asks for, misaligned and guarded. args.x is replaced.
inline Status RunMatMul(MatMulArgs args, const Tokens& tokens, const Executor& executor = {}) {
  Guarded<uint8_t> forms(ActivationBytes(tokens.rows, tokens.cols), 1);
  ActivationSet set = MakeActivations(tokens.x, tokens.rows, tokens.cols, tokens.stride, {forms.data(), forms.bytes()});
  args.x = &set;
  Guarded<uint8_t> workspace(MatMulWorkspaceBytes(args, executor.workers), 3);
  return MatMul(args, executor, {workspace.data(), workspace.bytes()});
}

// The form of activations that weights of a type meet on the active target.
inline ActivationForm FormOf(DType type, Precision precision = Precision::kFast) {
  return ActiveKernels().Find(type)->Product(precision).form;
}

// Calls f.template operator()<Format>(precision) for every format and, where it makes a difference, both precisions.
template <class F>
void ForEachProduct(const F& f) {
  ForEachFormat([&f]<class Format>() {
    f.template operator()<Format>(Precision::kFast);
    if (FormOf(Format::kType, Precision::kFine) == FormOf(Format::kType)) return;
    SCOPED_TRACE("fine");
    f.template operator()<Format>(Precision::kFine);
  });
}

// How far a kernel's raw product of k terms, with the activation form it uses, may be from the exact one.
//
// Quantised: products of codes are summed in integers, exactly. Each group's sum is multiplied with the group's scale
// (itself rounded once from the block's parts) and added; its offset likewise; every run of groups that share an
// activation scale is multiplied with that and added; at most 16 lanes and the offsets are added up in the end.
// Float: k products and additions, each rounded. BF16: products are exact, but the pair-dot instructions of x86 and Arm
// round sums less carefully (to odd: a whole unit in the last place) and take denormals for zero.
inline double ProductError(DType type, ActivationForm form, size_t k, double magnitude) {
  double error = 0.0;
  scalar::VisitFormat(type, [&]<class Format>() {
    if constexpr (!kIsFloat<Format>) {
      const size_t span = GroupOf(form), groups = span / Format::kGroup, spans = (k + span - 1) / span;
      const size_t per_group = Format::kHasOffset ? 4 : 2;
      error = Gamma(1 + per_group * (groups > 0 ? groups : 1) + 2 * spans + 16 + 1) * magnitude;
    } else if (form == ActivationForm::kBF16) {
      error = 2 * Gamma(2 * k) * magnitude + static_cast<double>(k) * 0x1p-126;
    } else {
      error = Gamma(2 * k) * magnitude + static_cast<double>(k) * kUnderflow;
    }
  });
  return error;
}

// One group of columns of a product: its scales, the sum of (code - zero) * a, and that of a.
struct GroupSum {
  double scale_w, scale_a;
  int sum, code_sum;
};
template <class Format>
std::vector<GroupSum> GroupSums(const ActivationView& x, size_t token, const WeightView& w, size_t row,
                                size_t group_size) {
  const auto* code = static_cast<const int8_t*>(x.values) + token * x.value_stride;
  const float* scale_a = x.scales + token * x.scale_stride;
  std::vector<GroupSum> groups(w.cols / group_size);
  scalar::ForEachCode<Format>(static_cast<const uint8_t*>(w.data) + row * w.row_bytes, w.cols,
                              [&](size_t i, float scale, int q, float) {
                                GroupSum& group = groups[i / group_size];
                                group.scale_w = scale;
                                group.scale_a = scale_a[i / GroupOf(x.form)];
                                group.sum += q * code[i];
                                group.code_sum += code[i];
                              });
  return groups;
}

// What panels add to the error where groups' sums are multiplied by scales in integers (docs/numerics.md). Sums lose
// their last bits. With A16 and A32, the scales of weights and activations are rounded to 2^-14 of the largest, w and
// a, within 256 columns, and products of them to 2^-13 of w * a: half of that, and a quarter from either scale. With
// A256, only the weights' scales are, and only if they are floats.
inline double IntegerScaleError(const std::vector<GroupSum>& groups, const TileKernels& tile) {
  const size_t kSpan = 256 / tile.panel.group;
  const double half = ldexp(0.5, static_cast<int>(tile.dropped_bits));
  double error = 0.0;
  for (size_t first = 0; first < groups.size(); first += kSpan) {
    const size_t end = first + kSpan < groups.size() ? first + kSpan : groups.size();
    double w = 0x1p-112, a = 0x1p-112;
    for (size_t g = first; g < end; ++g) {
      w = fmax(w, fabs(groups[g].scale_w));
      a = fmax(a, groups[g].scale_a);
    }
    const double rounding = tile.panel.form != ActivationForm::kA256 ? 0x1p-13
                            : tile.scale_one != 0                    ? 0.5 / tile.scale_one
                                                                     : 0.0;
    const double off = rounding * (1 + 1e-3) * w * a;  // and float's own
    for (size_t g = first; g < end; ++g) {
      error += abs(groups[g].sum) * off + half * (fabs(groups[g].scale_w) * groups[g].scale_a + off);
    }
  }
  return error;
}

// The kernels of panels, if they multiply so.
inline const TileKernels* IntegerScaleTile(DType type, Precision precision = Precision::kFast) {
  const TileKernels* tile = ActiveKernels().Find(ActiveKernels().Find(type)->Product(precision).panel);
  return tile->integer_scales ? tile : nullptr;
}

// [tokens][w.rows]; zeros where the target has no such scales.
inline std::vector<double> IntegerScaleErrors(const ActivationView& x, const uint32_t* rows, size_t tokens,
                                              const WeightView& w) {
  std::vector<double> errors(tokens * w.rows);
  scalar::VisitFormat(w.type, [&]<class Format>() {
    if constexpr (!kIsFloat<Format>) {
      const bool fast = FormOf(w.type) == x.form;
      const TileKernels* tile = IntegerScaleTile(w.type, fast ? Precision::kFast : Precision::kFine);
      for (size_t i = 0; tile != nullptr && i < errors.size(); ++i) {
        const size_t token = i / w.rows;
        errors[i] = IntegerScaleError(
            GroupSums<Format>(x, rows != nullptr ? rows[token] : token, w, i % w.rows, tile->panel.group), *tile);
        if (w.scale != nullptr) errors[i] *= fabs(*w.scale);
      }
    }
  });
  return errors;
}

// The raw products as numbers with bounds, for few or for many tokens; the tensor's factor costs one more rounding.
inline std::vector<Bounded> BoundedProducts(const ActivationView& x, const uint32_t* rows, size_t tokens,
                                            const WeightView& w, bool panels) {
  std::vector<Bounded> products;
  std::vector<double> errors(tokens * w.rows);
  if (panels) errors = IntegerScaleErrors(x, rows, tokens, w);
  for (const scalar::Exact& sum : scalar::Products(x, rows, tokens, w)) {
    const double error = ProductError(w.type, x.form, w.cols, sum.magnitude) + errors[products.size()];
    products.push_back(w.scale != nullptr ? Bounded::Rounded(sum.value, error) : Bounded(sum.value, error));
  }
  return products;
}
inline std::vector<Bounded> BoundedProducts(const ActivationView& x, const uint32_t* rows, size_t tokens,
                                            const WeightView& w) {
  return BoundedProducts(x, rows, tokens, w, tokens >= driver::kPanelTokens);
}

// y of MatMulArgs ([tokens][w.rows]) by the formula of Epilogue.
inline std::vector<Bounded> BoundedMatMul(const MatMulArgs& args, const ActivationView& x) {
  const Epilogue& e = args.epilogue;
  std::vector<Bounded> y = BoundedProducts(x, args.row_index, args.tokens(), args.w);
  std::vector<Bounded> gates(y.size());
  if (e.gated()) gates = BoundedProducts(x, args.row_index, args.tokens(), e.gate);
  for (size_t i = 0; i < y.size(); ++i) {
    const size_t m = i / args.w.rows, n = i % args.w.rows;
    const auto biased = [&](Bounded p, const float* bias) {
      return Bounded(e.scale) * (bias != nullptr ? p + Bounded(bias[n]) : p);
    };
    y[i] = biased(y[i], e.bias);
    y[i] = e.gated() ? Activate(e.activation, biased(gates[i], e.gate_bias)) * y[i] : Activate(e.activation, y[i]);
    if (e.residual != nullptr) y[i] = y[i] + Bounded(e.residual[m * e.residual_stride + n]);
  }
  return y;
}

// Compares y with what is expected, element by element, and checks that the slack between its rows was left alone.
inline void ExpectWithin(GuardedMatrix& y, const std::vector<Bounded>& expected, size_t rows, size_t cols) {
  ASSERT_EQ(expected.size(), rows * cols);
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_TRUE(IsWithin(y.At(i / cols, i % cols), expected[i])) << "at " << i / cols << ", " << i % cols;
  }
  EXPECT_TRUE(y.SlackUntouched());
}

// Column counts to test: one block, and several (for float formats also what leaves remainders in vectors).
template <class Format>
std::vector<size_t> ColumnCounts() {
  if (kIsFloat<Format>) return {1, 7, 16, 33, 300};
  return {kBlockElements<Format>, 3 * kBlockElements<Format>};
}

}  // namespace weft::test

#endif  // WEFT_TESTS_KERNELS_MATMUL_CASE_H_
