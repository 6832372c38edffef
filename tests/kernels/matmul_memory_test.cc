// Memory that is lent to products: sets of activations that are out of date, memory lent twice, and sizes.
#include <string>

#include "tests/kernels/matmul_case.h"
#include "tests/kernels/targets.h"

namespace weft::test {
namespace {

class MatMulMemoryTest : public KernelTest {
 protected:
  static constexpr size_t kTokens = 16, kRows = 8, kCols = 64;

  MatMulMemoryTest()
      : x_(kTokens * kCols, 1.0f), y_(kTokens * kRows, 7.0f), w_(RowBytes(DType::kQ8_0, kRows * kCols)) {}
  void SetUp() override {
    KernelTest::SetUp();
    set_.x = x_.data();
    set_.rows = kTokens;
    set_.cols = set_.stride = kCols;
    form_bytes_ = FormBytes(ActivationForm::kA32, kTokens, kCols);
    args_.x = &set_;
    args_.w = MakeWeights(w_.data(), DType::kQ8_0, kRows, kCols);
    args_.y = y_.data();
    args_.y_stride = kRows;
    needed_ = MatMulWorkspaceBytes(args_, 1);
    arena_.resize(form_bytes_ + needed_ + (1 << 16));
    set_.memory = Form();
  }

  // The arena as it is meant: first the form, then the workspace.
  Workspace Form() { return {arena_.data(), form_bytes_}; }
  Workspace Scratch() { return {arena_.data() + form_bytes_, needed_}; }

  void ExpectError(Code code, const std::string& argument, const std::string& other, const Status& status) {
    char text[200];
    EXPECT_EQ(status.code, code) << argument << ": " << ToText(status, text, sizeof(text));
    EXPECT_EQ(status.argument, argument);
    EXPECT_EQ(status.other, other);
    EXPECT_EQ(y_, std::vector<float>(kTokens * kRows, 7.0f));
  }

  std::vector<float> x_, y_;
  std::vector<uint8_t> w_, arena_;
  size_t form_bytes_ = 0, needed_ = 0;
  ActivationSet set_;
  MatMulArgs args_;
};
WEFT_TEST_ON_TARGETS(MatMulMemoryTest);

TEST_P(MatMulMemoryTest, LentInOrder) {
  EXPECT_TRUE(IsOk(MatMul(args_, {}, Scratch())));
  EXPECT_TRUE(IsOk(MatMul(args_, {}, Scratch())));  // with the form that is there
}

// After a form was built, the set must stay as it was.
TEST_P(MatMulMemoryTest, StaleSets) {
  const ActivationSet fresh = set_;
  const auto expect_stale = [&](const auto& change) {
    set_ = fresh;
    ASSERT_TRUE(IsOk(PrepareActivations(&set_, DType::kQ8_0)));
    change();
    ExpectError(Code::kStale, "x", "", Validate(args_));
    ExpectError(Code::kStale, "x", "", MatMul(args_, {}, Scratch()));
    EXPECT_EQ(PrepareActivations(&set_, DType::kQ8_0).code, Code::kStale);
  };
  std::vector<float> other(kTokens * (kCols + 32) + 64, 2.0f);
  expect_stale([&] { set_.x = other.data(); });
  expect_stale([&] {
    set_.x = other.data();
    set_.rows = kTokens + 1;
  });
  expect_stale([&] { set_.rows = kTokens - 1; });
  expect_stale([&] { set_.stride = kCols + 1, set_.rows = 1; });
  expect_stale([&] {
    set_.cols = set_.stride = 32;
    args_.w = MakeWeights(w_.data(), DType::kQ8_0, kRows, 32);
  });
  args_.w = MakeWeights(w_.data(), DType::kQ8_0, kRows, kCols);
  // A form that is x itself, too: a set is for one x.
  set_ = fresh;
  ASSERT_TRUE(IsOk(PrepareActivations(&set_, DType::kF32)));
  set_.x = other.data();
  ExpectError(Code::kStale, "x", "", Validate(args_));
}

TEST_P(MatMulMemoryTest, LentTwice) {
  const ActivationSet fresh = set_;
  for (const bool built : {false, true}) {
    SCOPED_TRACE(built ? "form is there" : "form is to be built");
    const auto expect = [&](const std::string& argument, const std::string& other, Workspace form, Workspace scratch,
                            const auto& change) {
      const MatMulArgs args = args_;
      set_ = fresh;
      set_.memory = form;
      if (built) {
        ASSERT_TRUE(IsOk(PrepareActivations(&set_, DType::kQ8_0)));
      }
      change();
      ExpectError(Code::kOverlap, argument, other, MatMul(args_, {}, scratch));
      args_ = args;
    };
    const auto nothing = [] {};
    const Workspace all{arena_.data(), arena_.size()};
    expect("workspace", "x.memory", all, all, nothing);
    expect("workspace", "x.memory", Form(), {arena_.data() + form_bytes_ / 2, needed_}, nothing);
    const auto floats_at = [&](size_t at) { return reinterpret_cast<float*>(arena_.data() + at); };
    std::vector<float> spare(kTokens * kCols);
    // y, or what is read, in the form or in the workspace.
    expect("y", "x.memory", Form(), Scratch(), [&] { args_.y = floats_at(64); });
    expect("y", "workspace", Form(), Scratch(), [&] { args_.y = floats_at(form_bytes_ + needed_ - 4); });
    expect("w", "workspace", Form(), Scratch(), [&] { args_.w.data = floats_at(form_bytes_ + needed_ - 4); });
    expect("w", "x.memory", Form(), Scratch(), [&] { args_.w.data = floats_at(0); });
    expect("epilogue.bias", "workspace", Form(), Scratch(), [&] { args_.epilogue.bias = floats_at(form_bytes_); });
    expect("epilogue.residual", "x.memory", Form(), Scratch(), [&] {
      args_.epilogue.residual = floats_at(0);
      args_.epilogue.residual_stride = kRows;
    });
  }
  // x in the memory of its own form.
  set_ = fresh;
  set_.memory = {x_.data(), x_.size() * sizeof(float)};
  ExpectError(Code::kOverlap, "x", "x.memory", MatMul(args_, {}, Scratch()));
  EXPECT_EQ(PrepareActivations(&set_, DType::kQ8_0).code, Code::kOverlap);
  // Two sets that share memory.
  set_ = fresh;
  ActivationSet other = fresh;
  std::vector<float> other_y(y_.size());
  MatMulArgs products[] = {args_, args_};
  products[1].x = &other;
  products[1].y = other_y.data();
  std::vector<uint8_t> scratch(MatMulWorkspaceBytes(products, 2, 1));
  ExpectError(Code::kOverlap, "x.memory", "another product's x.memory",
              MatMul(products, 2, {}, {scratch.data(), scratch.size()}));
}

// Products of some tokens run in a guarded workspace that was sized for more (also where runs of tiles begin: 768).
TEST_P(MatMulMemoryTest, RoomForMoreIsRoomForFewer) {
  constexpr size_t kWidth = 256, kSome = 3;
  for (DType type : {DType::kQ4_0, DType::kQ4_K, DType::kF32, DType::kBF16}) {
    SCOPED_TRACE(Name(type));
    Random random(2);
    const Weights weights(type, kSome, kWidth, random);
    GuardedMatrix x(random.Normals(785 * kWidth), 785, kWidth, kWidth);
    const auto run = [&](size_t tokens, size_t sized_for) {
      Guarded<uint8_t> forms(ActivationBytes(tokens, kWidth), 1);
      ActivationSet set = MakeActivations(x.data(), tokens, kWidth, kWidth, {forms.data(), forms.bytes()});
      GuardedMatrix y(tokens, kSome, kSome);
      MatMulArgs args;
      args.x = &set;
      args.w = weights.view();
      args.y = y.data();
      args.y_stride = kSome;
      Guarded<uint8_t> workspace(
          MatMulWorkspaceBytes({.type = type, .rows = kSome, .cols = kWidth, .tokens = sized_for}, 1), 3);
      return MatMul(args, {}, {workspace.data(), workspace.bytes()});
    };
    for (size_t tokens : {1, 8, 9, 100, 766, 767, 768, 769, 770, 771, 780}) {
      EXPECT_TRUE(IsOk(run(tokens, tokens))) << tokens;
      EXPECT_TRUE(IsOk(run(tokens, 785))) << tokens;
      EXPECT_TRUE(IsOk(run(tokens, tokens + 1))) << tokens;
    }
  }
}

// Absurd sizes give sizes that nothing satisfies, or none; nothing divides by zero or wraps.
TEST_P(MatMulMemoryTest, AbsurdSizes) {
  const auto bytes = [&](size_t tokens, size_t cols, uint32_t workers) {
    return MatMulWorkspaceBytes({.type = DType::kQ8_0, .rows = 4, .cols = cols, .tokens = tokens}, workers);
  };
  EXPECT_EQ(bytes(1, 0, 1), 0u);
  EXPECT_EQ(bytes(0, 64, 1), 0u);
  EXPECT_EQ(bytes(1, 33, 1), 0u);
  for (size_t huge : {SIZE_MAX, SIZE_MAX - 31, SIZE_MAX / 2, size_t{1} << 60, size_t{1} << 42}) {
    EXPECT_EQ(bytes(huge, 64, 1), SIZE_MAX);
    EXPECT_EQ(bytes(1, huge / 32 * 32, 1), huge / 32 * 32 == 0 ? 0 : SIZE_MAX);
  }
  EXPECT_EQ(bytes(size_t{1} << 40, size_t{1} << 40, UINT32_MAX), SIZE_MAX);
  EXPECT_GT(bytes(1, 64, UINT32_MAX), size_t{UINT32_MAX});
  EXPECT_EQ(MatMulWorkspaceBytes({.type = DType::kI8, .rows = 4, .cols = 64, .tokens = 1}, 1), 0u);
  EXPECT_EQ(MatMulWorkspaceBytes(MatMulArgs{}, 1), 0u);

  for (size_t huge : {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 + 1}) {
    for (size_t form = 1; form < kActivationForms; ++form) {
      EXPECT_EQ(FormBytes(static_cast<ActivationForm>(form), huge, 256), SIZE_MAX);
      EXPECT_EQ(FormBytes(static_cast<ActivationForm>(form), 256, huge), SIZE_MAX);
    }
    EXPECT_EQ(ActivationBytes(huge, huge), SIZE_MAX);
  }
}

}  // namespace
}  // namespace weft::test
