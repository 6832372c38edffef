// The forms of activations, bit for bit like the scalar reference.
#include <cmath>
#include <cstring>

#include "tests/kernels/guarded.h"
#include "tests/kernels/random.h"
#include "tests/kernels/same_bits.h"
#include "tests/kernels/targets.h"
#include "tests/kernels/threads.h"
#include "weft/core/kernel_set.h"
#include "weft/drivers/activations.h"
#include "weft/scalar/activations.h"

namespace weft::test {
namespace {

class ActivationsTest : public KernelTest {
 protected:
  static constexpr ActivationForm kForms[] = {ActivationForm::kBF16, ActivationForm::kA16, ActivationForm::kA32,
                                              ActivationForm::kA256};

  static void ExpectLikeScalar(const std::vector<float>& dense, size_t rows, size_t cols, size_t gap,
                               const Executor& executor = {}) {
    GuardedMatrix x(dense, rows, cols, cols + gap);
    for (ActivationForm form : kForms) {
      SCOPED_TRACE("form " + std::to_string(static_cast<int>(form)) + " cols = " + std::to_string(cols));
      Guarded<uint8_t> memory(FormBytes(form, rows, cols), 1);
      ActivationSet set = MakeActivations(x.data(), rows, cols, x.stride(), {memory.data(), memory.bytes()});
      ASSERT_TRUE(IsOk(driver::Prepare(ActiveKernels(), set, form, executor)));
      const ActivationView& view = set.built[static_cast<size_t>(form)];
      scalar::OwnedActivations expected;
      scalar::BuildForm(form, x.data(), rows, cols, x.stride(), expected);
      ASSERT_EQ(view.rows, rows);
      ASSERT_EQ(view.cols, cols);
      ASSERT_EQ(view.form, form);
      const size_t padded = PaddedCols(form, cols);
      for (size_t r = 0; r < rows; ++r) {
        if (form == ActivationForm::kBF16) {
          const bf16* row = static_cast<const bf16*>(view.values) + r * view.value_stride;
          ASSERT_EQ(memcmp(row, &expected.halves[r * padded], padded * sizeof(bf16)), 0) << "row " << r;
          continue;
        }
        const int8_t* codes = static_cast<const int8_t*>(view.values) + r * view.value_stride;
        for (size_t k = 0; k < padded; ++k) {
          ASSERT_EQ(int{codes[k]}, int{expected.codes[r * padded + k]}) << "row " << r << ", element " << k;
        }
        const size_t groups = padded / GroupOf(form), sums = padded / kSumGroup;
        EXPECT_TRUE(SameBits(view.scales + r * view.scale_stride, &expected.scales[r * groups], groups));
        ASSERT_EQ(memcmp(view.sums + r * view.sum_stride, &expected.sums[r * sums], sums * sizeof(int16_t)), 0);
      }
    }
  }
};
WEFT_TEST_ON_TARGETS(ActivationsTest);

TEST_P(ActivationsTest, EveryWidth) {
  Random random(1);
  for (size_t cols : {1, 2, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 255, 256, 257, 300, 511, 512, 700}) {
    ExpectLikeScalar(random.Normals(3 * cols), 3, cols, cols % 5);
  }
}

TEST_P(ActivationsTest, EveryMagnitude) {
  Random random(2);
  for (int exponent = -149; exponent < 126; ++exponent) {
    std::vector<float> x = random.Normals(2 * 300);
    for (float& v : x) v = ldexpf(v, exponent);
    ExpectLikeScalar(x, 2, 300, 1);
  }
}

// Codes that lie exactly between two integers, and the largest magnitude on either side.
TEST_P(ActivationsTest, TiesAndExtremes) {
  std::vector<float> x(512);
  for (float scale : {1.0f, 0.5f, 1024.0f}) {
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = scale * (i % 32 == 5 ? -127.0f : static_cast<float>(static_cast<int>(i * 7 % 254) - 127) + 0.5f);
    }
    ExpectLikeScalar(x, 2, 256, 0);
  }
  ExpectLikeScalar(std::vector<float>(600, 127.0f), 2, 300, 2);
  ExpectLikeScalar(std::vector<float>(600, -127.0f), 2, 300, 2);
  ExpectLikeScalar(std::vector<float>(600, 3.4028235e38f), 2, 300, 2);
}

TEST_P(ActivationsTest, ZerosAndTheSmallest) {
  std::vector<float> x(512, 0.0f);
  ExpectLikeScalar(x, 2, 256, 0);
  x[3] = -0.0f;
  x[40] = kSmallestActivation;                    // counts
  x[80] = nextafterf(kSmallestActivation, 0.0f);  // counts as zero
  x[300] = -nextafterf(kSmallestActivation, 0.0f);
  x[400] = 1e-45f;
  ExpectLikeScalar(x, 2, 256, 0);
}

// One bad element poisons its group, wherever it stands, and nothing else.
TEST_P(ActivationsTest, NonFiniteGroupsBecomeNaN) {
  Random random(5);
  for (const float bad : {INFINITY, -INFINITY, NAN}) {
    for (size_t at : {0u, 1u, 17u, 31u, 40u, 255u}) {
      std::vector<float> x = random.Normals(512);
      x[at] = bad;
      std::vector<uint8_t> memory(ActivationBytes(1, 512));
      ActivationSet set = MakeActivations(x.data(), 1, 512, 512, {memory.data(), memory.size()});
      for (ActivationForm form : {ActivationForm::kA16, ActivationForm::kA32, ActivationForm::kA256}) {
        ASSERT_TRUE(IsOk(driver::Prepare(ActiveKernels(), set, form, {})));
        const ActivationView& view = set.built[static_cast<size_t>(form)];
        const size_t group = GroupOf(view.form);
        for (size_t g = 0; g < 512 / group; ++g) {
          EXPECT_EQ(std::isnan(view.scales[g]), g == at / group) << "element " << at << " group " << g;
        }
        for (size_t k = at / group * group; k < (at / group + 1) * group; ++k) {
          EXPECT_EQ(static_cast<const int8_t*>(view.values)[k], 0);
        }
      }
    }
  }
}

TEST_P(ActivationsTest, ThreadsDoNotMatter) {
  Random random(3);
  for (uint32_t threads : {1u, 2u, 3u}) ExpectLikeScalar(random.Normals(90 * 520), 90, 520, 3, Threads(threads));
}

TEST_P(ActivationsTest, BuiltOnce) {
  Random random(4);
  std::vector<float> x = random.Normals(64);
  std::vector<uint8_t> memory(ActivationBytes(1, 64));
  ActivationSet set = MakeActivations(x.data(), 1, 64, 64, {memory.data(), memory.size()});
  ASSERT_TRUE(IsOk(PrepareActivations(&set, DType::kQ8_0)));
  const ActivationView first = set.built[static_cast<size_t>(ActivationForm::kA32)];
  const size_t left = set.memory.bytes;
  ASSERT_TRUE(IsOk(PrepareActivations(&set, DType::kQ4_0)));  // the same form
  EXPECT_EQ(set.built[static_cast<size_t>(ActivationForm::kA32)].values, first.values);
  EXPECT_EQ(set.memory.bytes, left);
}

// The caller's precision decides which form weights meet.
TEST_P(ActivationsTest, PrecisionChoosesTheForm) {
  Random random(6);
  const std::vector<float> x = random.Normals(256);
  for (DType type : {DType::kQ4_K, DType::kQ6_K, DType::kQ8_0}) {
    for (Precision precision : {Precision::kFast, Precision::kFine}) {
      std::vector<uint8_t> memory(ActivationBytes(1, 256));
      ActivationSet set = MakeActivations(x.data(), 1, 256, 256, {memory.data(), memory.size()});
      ASSERT_TRUE(IsOk(PrepareActivations(&set, type, {}, precision)));
      const size_t usual = type == DType::kQ8_0 ? 32 : 256, finer = type == DType::kQ8_0 ? 16 : 32;
      const size_t group = precision == Precision::kFast ? usual : finer;
      for (ActivationForm form : {ActivationForm::kA16, ActivationForm::kA32, ActivationForm::kA256}) {
        EXPECT_EQ(set.built[static_cast<size_t>(form)].values != nullptr, GroupOf(form) == group);
      }
    }
  }
}

}  // namespace
}  // namespace weft::test
