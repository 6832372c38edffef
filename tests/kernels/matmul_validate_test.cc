// Wrong arguments: named, and nothing written.
#include <string>

#include "tests/kernels/matmul_case.h"
#include "tests/kernels/targets.h"

namespace weft::test {
namespace {

class MatMulValidateTest : public KernelTest {
 protected:
  static constexpr size_t kTokens = 3, kRows = 4, kCols = 64;

  MatMulValidateTest()
      : x_(kTokens * kCols, 1.0f),
        y_(kTokens * kRows, 7.0f),
        w_(RowBytes(DType::kQ8_0, kRows * kCols)),
        forms_(ActivationBytes(kTokens, kCols)),
        workspace_(1 << 16) {
    set_ = MakeActivations(x_.data(), kTokens, kCols, kCols, {forms_.data(), forms_.size()});
    args_.x = &set_;
    args_.w = MakeWeights(w_.data(), DType::kQ8_0, kRows, kCols);
    args_.y = y_.data();
    args_.y_stride = kRows;
    gate_ = args_.w;
  }

  // Makes one change, expects Validate and MatMul to refuse it for that reason, and takes it back.
  template <class F>
  void Expect(Code code, const std::string& argument, const F& change) {
    const MatMulArgs args = args_;
    const ActivationSet set = set_;
    change();
    const Status status = Validate(args_);
    char text[200];
    EXPECT_EQ(status.code, code) << argument << ": " << ToText(status, text, sizeof(text));
    EXPECT_EQ(status.argument, argument);
    EXPECT_EQ(MatMul(args_, {}, {workspace_.data(), workspace_.size()}).code, code);
    EXPECT_EQ(y_, std::vector<float>(kTokens * kRows, 7.0f));
    args_ = args;
    set_ = set;
  }

  template <class F>
  void ExpectOverlap(const std::string& argument, const std::string& other, const F& change) {
    Expect(Code::kOverlap, argument, [&] {
      change();
      EXPECT_EQ(Validate(args_).other, other);
    });
  }

  std::vector<float> x_, y_;
  std::vector<uint8_t> w_, forms_, workspace_;
  ActivationSet set_;
  MatMulArgs args_;
  WeightView gate_;
};
WEFT_TEST_ON_TARGETS(MatMulValidateTest);

TEST_P(MatMulValidateTest, GoodArguments) {
  EXPECT_TRUE(IsOk(Validate(args_)));
  args_.epilogue.gate = gate_;
  args_.epilogue.residual = y_.data();
  args_.epilogue.residual_stride = kRows;
  EXPECT_TRUE(IsOk(Validate(args_)));
  EXPECT_TRUE(IsOk(MatMul(args_, {}, {workspace_.data(), workspace_.size()})));
}

TEST_P(MatMulValidateTest, Nulls) {
  Expect(Code::kNull, "x", [&] { args_.x = nullptr; });
  Expect(Code::kNull, "x", [&] { set_.x = nullptr; });
  Expect(Code::kNull, "w", [&] { args_.w.data = nullptr; });
  Expect(Code::kNull, "y", [&] { args_.y = nullptr; });
  Expect(Code::kNull, "epilogue.gate", [&] { args_.epilogue.gate_bias = x_.data(); });
}

TEST_P(MatMulValidateTest, Shapes) {
  Expect(Code::kShape, "x.cols", [&] { args_.w = MakeWeights(w_.data(), DType::kQ8_0, kRows, 32); });
  Expect(Code::kShape, "x.stride", [&] { set_.stride = kCols - 1; });
  Expect(Code::kShape, "y_stride", [&] { args_.y_stride = kRows - 1; });
  Expect(Code::kShape, "w.row_bytes", [&] { --args_.w.row_bytes; });
  Expect(Code::kMultiple, "w.cols", [&] { args_.w.cols = kCols - 1; });
  Expect(Code::kMultiple, "w.cols", [&] { args_.w.type = DType::kQ4_K; });
  Expect(Code::kRange, "x.cols", [&] { set_.cols = 0; });
  Expect(Code::kRange, "w.cols", [&] { args_.w.cols = 0; });
  Expect(Code::kShape, "epilogue.residual_stride", [&] {
    args_.epilogue.residual = y_.data();
    args_.epilogue.residual_stride = kRows - 1;
  });
}

TEST_P(MatMulValidateTest, Activations) {
  Expect(Code::kRange, "epilogue.activation",
         [&] { args_.epilogue.activation = static_cast<Activation>(kActivations); });
}

TEST_P(MatMulValidateTest, Gates) {
  WeightView& gate = args_.epilogue.gate = gate_;
  Expect(Code::kShape, "epilogue.gate", [&] { gate = MakeWeights(w_.data(), DType::kQ4_0, kRows, kCols); });
  Expect(Code::kShape, "epilogue.gate.rows", [&] { gate.rows = kRows - 1; });
  Expect(Code::kShape, "epilogue.gate.rows", [&] { gate.rows = 0; });
  Expect(Code::kShape, "epilogue.gate.row_bytes", [&] { gate.row_bytes = 1; });
  Expect(Code::kMultiple, "epilogue.gate.cols", [&] { gate.cols = 31; });
  Expect(Code::kShape, "epilogue.gate.cols", [&] { gate.cols = kCols - 32; });
  Expect(Code::kUnsupported, "epilogue.gate", [&] { gate.type = DType::kI8; });
}

TEST_P(MatMulValidateTest, Indices) {
  static constexpr uint32_t kGood[] = {2, 0, 2}, kBad[] = {0, 1, kTokens};
  args_.row_index = kGood;
  args_.row_count = 3;
  EXPECT_TRUE(IsOk(Validate(args_)));
  Expect(Code::kRange, "row_index", [&] { args_.row_index = kBad; });
  Expect(Code::kNull, "row_index", [&] { args_.row_index = nullptr; });
}

TEST_P(MatMulValidateTest, Overlaps) {
  ExpectOverlap("x", "y", [&] { args_.y = x_.data() + kCols; });
  ExpectOverlap("x", "y", [&] { args_.y = x_.data() + kTokens * kCols - 1; });
  std::vector<float> floats(kRows * kCols);
  ExpectOverlap("w", "y", [&] {
    args_.w = MakeWeights(floats.data(), DType::kF32, kRows, kCols);
    args_.y = floats.data() + kRows * kCols - 1;
  });
  const auto over_floats = [&] { args_.y = floats.data(); };
  ExpectOverlap("epilogue.gate", "y", [&] {
    over_floats();
    args_.epilogue.gate = gate_;
    args_.epilogue.gate.data = floats.data() + 1;
  });
  ExpectOverlap("epilogue.bias", "y", [&] {
    over_floats();
    args_.epilogue.bias = floats.data() + kTokens * kRows - 1;
  });
  ExpectOverlap("epilogue.gate_bias", "y", [&] {
    over_floats();
    args_.epilogue.gate = gate_;
    args_.epilogue.gate_bias = floats.data();
  });
  ExpectOverlap("row_index", "y", [&] {
    over_floats();
    args_.row_index = reinterpret_cast<const uint32_t*>(floats.data());
    args_.row_count = 1;
  });
  ExpectOverlap("epilogue.residual", "y", [&] {
    args_.epilogue.residual = y_.data() + 1;
    args_.epilogue.residual_stride = kRows;
  });
  ExpectOverlap("epilogue.residual", "y", [&] {
    args_.epilogue.residual = y_.data();
    args_.epilogue.residual_stride = kRows + 1;
  });
}

// Columns of one matrix: each of x, y and the residual some of them.
TEST_P(MatMulValidateTest, ColumnsOfOneMatrix) {
  constexpr size_t kWidth = kCols + 3 * kRows;
  std::vector<float> wide(kTokens * kWidth);
  set_.x = wide.data();
  set_.stride = args_.y_stride = args_.epilogue.residual_stride = kWidth;
  args_.y = wide.data() + kCols;
  args_.epilogue.residual = wide.data() + kCols + 2 * kRows;
  EXPECT_TRUE(IsOk(Validate(args_)));
  MatMulArgs products[] = {args_, args_};
  products[1].y = wide.data() + kCols + kRows;
  EXPECT_TRUE(IsOk(Validate(products, 2)));
  EXPECT_TRUE(IsOk(MatMul(products, 2, {}, {workspace_.data(), workspace_.size()})));
  for (float* y : {products[0].y - 1, products[0].y + 1}) {
    products[1].y = y + kRows;
    EXPECT_EQ(Validate(products, 2).code, Code::kOverlap);
  }
}

// Sizes and strides whose products wrap around.
TEST_P(MatMulValidateTest, AddressSpace) {
  for (size_t huge : {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 4 + 1, SIZE_MAX / kTokens + 1}) {
    SCOPED_TRACE(huge);
    Expect(Code::kRange, "x.stride", [&] { set_.stride = huge; });
    Expect(Code::kRange, "y_stride", [&] { args_.y_stride = huge; });
    Expect(Code::kRange, "w.row_bytes", [&] { args_.w.row_bytes = huge; });
    Expect(Code::kRange, "epilogue.gate.row_bytes", [&] {
      args_.epilogue.gate = gate_;
      args_.epilogue.gate.row_bytes = huge;
    });
    Expect(Code::kRange, "epilogue.residual_stride", [&] {
      args_.epilogue.residual = x_.data();
      args_.epilogue.residual_stride = huge;
    });
  }
  static constexpr uint32_t kNone[] = {0};
  Expect(Code::kRange, "row_count", [&] {
    args_.row_index = kNone;
    args_.row_count = SIZE_MAX / 4 + 2;
  });
  Expect(Code::kRange, "x.rows", [&] { set_.rows = SIZE_MAX; });
  Expect(Code::kRange, "w.rows", [&] {
    args_.w.rows = SIZE_MAX;
    args_.y_stride = SIZE_MAX;
  });
  Expect(Code::kShape, "w.row_bytes", [&] { args_.w.cols = SIZE_MAX / 64 * 32; });
}

TEST_P(MatMulValidateTest, SeveralTogether) {
  std::vector<float> other_y(kTokens * kRows, 7.0f), weights(kRows * kCols);
  MatMulArgs products[2] = {args_, args_};
  products[1].y = other_y.data();
  EXPECT_TRUE(IsOk(Validate(products, 2)));
  const auto expect = [&](Code code, const std::string& argument, size_t count) {
    EXPECT_EQ(Validate(products, count).code, code);
    EXPECT_EQ(Validate(products, count).argument, argument);
    EXPECT_EQ(Validate(products, count).product, 1);
    EXPECT_EQ(MatMul(products, count, {}, {workspace_.data(), workspace_.size()}).code, code);
    EXPECT_EQ(y_, std::vector<float>(kTokens * kRows, 7.0f));
    EXPECT_EQ(other_y, std::vector<float>(kTokens * kRows, 7.0f));
  };
  EXPECT_EQ(Validate(nullptr, 1).code, Code::kNull);

  // What one writes, the other writes or reads.
  const auto expect_overlap = [&](const std::string& other) {
    EXPECT_EQ(std::string(Validate(products, 2).other), "y");
    EXPECT_EQ(MatMul(products, 2, {}, {workspace_.data(), workspace_.size()}).product, 1);
    expect(Code::kOverlap, "another product's " + other, 2);
  };
  products[1].y = y_.data() + kTokens * kRows - 1;
  expect_overlap("y");
  products[1].y = other_y.data();
  products[0].epilogue.residual = other_y.data();
  products[0].epilogue.residual_stride = kRows;
  expect_overlap("epilogue.residual");
  products[0].epilogue.residual = nullptr;
  products[0].w = MakeWeights(weights.data(), DType::kF32, kRows, kCols);
  products[1].y = weights.data();
  expect_overlap("w");
  products[0].w = args_.w;
  products[0].epilogue.gate = MakeWeights(weights.data(), DType::kQ8_0, kRows, kCols);
  products[1].y = weights.data();
  expect_overlap("epilogue.gate");
  products[0].epilogue.gate = {};
  std::vector<float> other_x(kTokens * kCols, 1.0f);
  ActivationSet other_set = MakeActivations(other_x.data(), kTokens, kCols, kCols, {});
  products[0].x = &other_set;
  products[1].y = other_x.data() + kCols;
  expect_overlap("x");
  products[0].x = &set_;
  products[1].y = other_y.data();

  // What is wrong with any of them.
  products[1].y_stride = kRows - 1;
  expect(Code::kShape, "y_stride", 2);
  products[1].y_stride = kRows;
  const size_t needed = MatMulWorkspaceBytes(products, 2, 1);
  EXPECT_EQ(MatMul(products, 2, {}, {workspace_.data(), needed - 1}).code, Code::kWorkspace);
  EXPECT_TRUE(IsOk(MatMul(products, 2, {}, {workspace_.data(), needed})));
  EXPECT_EQ(y_, other_y);
}

// Any number of products in any order: refused where, and only where, what one writes is what another touches.
TEST_P(MatMulValidateTest, ManyTogether) {
  static constexpr uint32_t kFirst[] = {0};
  std::vector<float> floats(300);
  Random random(3);
  size_t good = 0, bad = 0;
  for (int i = 0; i < 4000; ++i) {
    std::vector<MatMulArgs> products(2 + random.Below(12), args_);
    const auto place = [&](size_t j) {  // in order, or anywhere
      return floats.data() + (i % 2 == 0 ? j * 20 + random.Below(18) : random.Below(floats.size() - kRows));
    };
    for (size_t j = 0; j < products.size(); ++j) {
      MatMulArgs& args = products[j];
      args.row_index = kFirst;
      args.row_count = 1;
      args.w.rows = 1 + random.Below(kRows);
      args.y = place(j);
      if (random.Below(8) == 0) args.epilogue.bias = place(random.Below(products.size()));
    }
    const auto meet = [](const float* a, size_t a_size, const float* b, size_t b_size) {
      return b != nullptr && a < b + b_size && b < a + a_size;
    };
    bool apart = true;
    for (const MatMulArgs& a : products) {
      for (const MatMulArgs& b : products) {
        apart = apart && (&a == &b || !meet(a.y, a.w.rows, b.y, b.w.rows)) &&
                !meet(a.y, a.w.rows, b.epilogue.bias, b.w.rows);
      }
    }
    ASSERT_EQ(Validate(products.data(), products.size()).code, apart ? Code::kOk : Code::kOverlap) << i;
    ++(apart ? good : bad);
  }
  EXPECT_GT(good, 500u);
  EXPECT_GT(bad, 500u);
}

TEST_P(MatMulValidateTest, Unsupported) {
  Expect(Code::kUnsupported, "w", [&] { args_.w.type = DType::kI16; });
  Expect(Code::kUnsupported, "w", [&] { args_.w.type = static_cast<DType>(12345); });
  EXPECT_EQ(PrepareActivations(&set_, DType::kF64).code, Code::kUnsupported);
  EXPECT_EQ(PrepareActivations(nullptr, DType::kQ8_0).code, Code::kNull);
}

TEST_P(MatMulValidateTest, TooSmallWorkspaces) {
  const size_t needed = MatMulWorkspaceBytes(args_, 1);
  const Status status = MatMul(args_, {}, {workspace_.data(), needed - 1});
  EXPECT_EQ(status.code, Code::kWorkspace);
  EXPECT_EQ(status.got, static_cast<int64_t>(needed - 1));
  EXPECT_EQ(status.want, static_cast<int64_t>(needed));
  EXPECT_EQ(MatMul(args_, {}, {}).code, Code::kWorkspace);
  set_.memory.bytes = FormBytes(ActivationForm::kA32, kTokens, kCols) / 2;
  EXPECT_EQ(MatMul(args_, {}, {workspace_.data(), workspace_.size()}).code, Code::kWorkspace);
  EXPECT_EQ(set_.built[static_cast<size_t>(ActivationForm::kA32)].values, nullptr);
  EXPECT_EQ(y_, std::vector<float>(kTokens * kRows, 7.0f));
}

}  // namespace
}  // namespace weft::test
