// The search behind the K-quants' encoders: the same bits everywhere, no worse than a plain search in double, and
// defined for anything.
#include <cmath>
#include <limits>

#include "tests/kernels/guarded.h"
#include "tests/kernels/plain_search.h"
#include "tests/kernels/random.h"
#include "tests/kernels/targets.h"
#include "weft/scalar/decode.h"

namespace weft::test {
namespace {

class EncodeSearchTest : public KernelTest {};
WEFT_TEST_ON_TARGETS(EncodeSearchTest);

template <class F>
void ForEachSearched(const F& f) {
  ForEachFormat([&]<class Format>() {
    if constexpr (Searched<Format>) {
      SCOPED_TRACE(Name(Format::kType));
      f.template operator()<Format>();
    }
  });
}

constexpr float kMax = std::numeric_limits<float>::max(), kInf = std::numeric_limits<float>::infinity();
constexpr const char* kDistributions[] = {"normal",      "heavy tails", "uniform",      "below zero", "above zero",
                                          "tiny",        "alternating", "cubes",        "scales",     "sparse",
                                          "one outlier", "constant",    "few distinct", "ramp"};

std::vector<float> Draw(size_t distribution, size_t n, Random& random) {
  std::vector<float> x(n);
  const float constant = random.Normal();
  for (size_t i = 0; i < n; ++i) {
    const float v = random.Normal();
    const float values[] = {v,
                            v / std::sqrt(std::fabs(random.Normal() * random.Normal()) + 1e-3f),
                            random.Uniform(),
                            v - 3.0f,
                            v + 5.0f,
                            v * 1e-6f,
                            (i % 2 == 0 ? 1.0f : -1.0f) * (1.0f + 0.1f * v),
                            v * v * v,
                            v * std::exp2(static_cast<float>(random.Below(4)) - static_cast<float>(i / 32 % 5)),
                            i % 37 == 0 ? v : 0.01f * v,
                            i == n / 2 ? 100.0f : v,
                            constant,
                            static_cast<float>(random.Below(5)) - 2.0f,
                            static_cast<float>(i) / static_cast<float>(n) - 0.25f};
    static_assert(std::size(values) == std::size(kDistributions));
    x[i] = values[distribution];
  }
  return x;
}

double SquaredError(const std::vector<float>& x, const std::vector<float>& y) {
  double sum = 0.0;
  for (size_t i = 0; i < x.size(); ++i) sum += std::pow(static_cast<double>(x[i]) - y[i], 2);
  return sum;
}

// What a row becomes when encoded on the target under test.
std::vector<float> RoundTrip(DType type, const std::vector<float>& x) {
  std::vector<uint8_t> blocks(RowBytes(type, x.size()));
  std::vector<float> y(x.size());
  EXPECT_TRUE(IsOk(Quantize(type, x.data(), blocks.data(), x.size())));
  EXPECT_TRUE(IsOk(Dequantize(type, blocks.data(), y.data(), y.size())));
  return y;
}

TEST_P(EncodeSearchTest, NoRowIsWorseThanThePlainSearch) {
  constexpr size_t kRow = 1024, kRows = 6;
  ForEachSearched([&]<class Format>() {
    Random random(3);
    for (size_t d = 0; d < std::size(kDistributions); ++d) {
      double found = 0.0, allowed = 0.0;
      for (size_t row = 0; row < kRows; ++row) {
        const std::vector<float> x = Draw(d, kRow, random);
        std::vector<typename Format::Block> blocks(kRow / kBlockElements<Format>);
        for (size_t i = 0; i < blocks.size(); ++i)
          PlainSearch<Format>::Encode(&x[i * kBlockElements<Format>], blocks[i]);
        std::vector<float> y(kRow);
        ASSERT_TRUE(scalar::Dequantize(Format::kType, blocks.data(), y.data(), kRow));
        const double error = SquaredError(x, RoundTrip(Format::kType, x)), limit = SquaredError(x, y);
        EXPECT_LE(std::sqrt(error), std::sqrt(limit) * (1 + 1e-6)) << kDistributions[d] << ", row " << row;
        found += error;
        allowed += limit;
      }
      EXPECT_LE(found, allowed) << kDistributions[d];
    }
  });
}

// All kinds of numbers: what the scalar encoder gives, to the bit, from memory with nothing behind it.
TEST_P(EncodeSearchTest, SameBitsAsScalar) {
  ForEachSearched([&]<class Format>() {
    Random random(4);
    constexpr size_t kBlocks = 3, n = kBlocks * kBlockElements<Format>;
    const auto check = [&](const std::vector<float>& values, const char* what) {
      const Guarded<float> x(values);
      std::vector<uint8_t> expected(RowBytes(Format::kType, n));
      ASSERT_TRUE(scalar::Quantize(Format::kType, x.data(), expected.data(), n));
      Guarded<uint8_t> q(expected.size(), random.Below(4));
      ASSERT_TRUE(IsOk(Quantize(Format::kType, x.data(), q.data(), n)));
      EXPECT_TRUE(std::equal(q.begin(), q.end(), expected.begin())) << what;
    };
    for (size_t d = 0; d < std::size(kDistributions); ++d) {
      for (float scale : {1.0f, 1e-42f, 1e-30f, 1e-7f, 1e7f, 1e30f, 1e37f}) {
        std::vector<float> x = Draw(d, n, random);
        for (float& v : x) v = std::clamp(v * scale, -kMax, kMax);
        check(x, kDistributions[d]);
      }
    }
    // Any bits at all, and any that are finite; groups of very different magnitude.
    for (int i = 0; i < 50; ++i) {
      std::vector<float> any(n), finite(n), mixed(n);
      for (size_t k = 0; k < n; ++k) {
        any[k] = FloatOf(static_cast<uint32_t>(random.Bits()));
        finite[k] = std::isfinite(any[k]) ? any[k] : 1.0f;
      }
      for (size_t k = 0; k < n; k += 16) {
        const float scale = std::exp2(static_cast<float>(random.Below(270)) - 148.0f);
        for (size_t j = k; j < k + 16; ++j) mixed[j] = std::clamp(random.Normal() * scale, -kMax, kMax);
      }
      check(any, "any bits");
      check(finite, "finite bits");
      check(mixed, "magnitudes");
    }
  });
}

TEST_P(EncodeSearchTest, NotFinite) {
  ForEachSearched([&]<class Format>() {
    constexpr size_t kBlock = kBlockElements<Format>;
    for (float bad : {kInf, -kInf, std::numeric_limits<float>::quiet_NaN()}) {
      for (size_t at : {size_t{0}, kBlock / 2 + 1, kBlock - 1}) {
        std::vector<float> x(3 * kBlock, 0.5f);
        x[kBlock + at] = bad;
        const std::vector<float> y = RoundTrip(Format::kType, x);
        for (size_t i = 0; i < y.size(); ++i) {
          ASSERT_EQ(std::isnan(y[i]), i / kBlock == 1) << bad << " at " << at << ": " << i;
        }
      }
    }
  });
}

// Beyond the format's range: its largest values. At its lower end: within a smallest step.
TEST_P(EncodeSearchTest, HugeAndTiny) {
  ForEachSearched([&]<class Format>() {
    constexpr size_t n = kBlockElements<Format>;
    constexpr float kLargest = 65504.0f * std::max(Format::kScales.highest, -Format::kScales.lowest) *
                               std::max(Format::kMaxCode - Format::kZero, Format::kZero);
    for (float huge : {1e10f, 1e20f, kMax}) {
      std::vector<float> x(n);
      for (size_t i = 0; i < n; ++i) x[i] = i % 2 == 0 ? huge : 0.0f;
      std::vector<float> y = RoundTrip(Format::kType, x);
      for (size_t i = 0; i < n; ++i) ASSERT_NEAR(y[i], i % 2 == 0 ? kLargest : 0.0f, kLargest * 0.05f) << huge;
      for (float& v : x) v = -v;
      y = RoundTrip(Format::kType, x);
      for (float v : y) ASSERT_TRUE(std::isfinite(v) && v <= 0.0f) << huge << " " << v;
    }
    for (float tiny : {1e-45f, 1e-38f, 1e-20f, 1e-9f, 1e-7f}) {
      std::vector<float> x(n);
      for (size_t i = 0; i < n; ++i) x[i] = i % 3 == 0 ? tiny : -tiny;
      const std::vector<float> y = RoundTrip(Format::kType, x);
      for (size_t i = 0; i < n; ++i) ASSERT_LE(std::fabs(y[i] - x[i]), 0x1p-24f) << tiny;
    }
    EXPECT_EQ(RoundTrip(Format::kType, std::vector<float>(n, 0.0f)), std::vector<float>(n, 0.0f));
    EXPECT_EQ(RoundTrip(Format::kType, std::vector<float>(n, -0.0f)), std::vector<float>(n, 0.0f));
  });
}

// What the format can express exactly comes back exactly.
TEST_P(EncodeSearchTest, ExactValues) {
  ForEachSearched([&]<class Format>() {
    constexpr size_t n = kBlockElements<Format>;
    Random random(6);
    for (int turn = 0; turn < 20; ++turn) {
      // Codes of full range under the largest integer scale, whose factor is a power of two.
      std::vector<float> x(n);
      const int largest = Format::kHasOffset ? Format::kScales.highest : Format::kScales.lowest;
      const float scale = std::exp2(static_cast<float>(random.Below(20)) - 12.0f) * static_cast<float>(largest);
      for (size_t i = 0; i < n; ++i) {
        const size_t k = i % Format::kGroup;
        const int code = k == 0 ? 0 : k == 1 ? Format::kMaxCode : static_cast<int>(random.Below(Format::kMaxCode + 1));
        x[i] = scale * static_cast<float>(code - Format::kZero);
      }
      EXPECT_EQ(RoundTrip(Format::kType, x), x) << scale;
    }
  });
}

}  // namespace
}  // namespace weft::test
