// Encoding: bit for bit where GGUF's reference is simple, no worse than it elsewhere (encode_search_test.cc for those).
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "tests/kernels/goldens.h"
#include "tests/kernels/guarded.h"
#include "tests/kernels/random.h"
#include "tests/kernels/targets.h"
#include "tests/kernels/threads.h"
#include "weft/scalar/decode.h"

namespace weft::test {
namespace {

// Whether the format's encoder must agree with GGUF's to the bit: it need not where encoding is a search.
bool IsExact(DType type) {
  const std::string name = Name(type);
  return !name.starts_with("IQ") && !name.ends_with("_K");
}

double SquaredError(const float* x, const float* y, size_t n) {
  double sum = 0.0;
  for (size_t i = 0; i < n; ++i) sum += (static_cast<double>(x[i]) - y[i]) * (static_cast<double>(x[i]) - y[i]);
  return sum;
}

class EncodeTest : public KernelTest {};
WEFT_TEST_ON_TARGETS(EncodeTest);

TEST_P(EncodeTest, Goldens) {
  for (const GoldenFolder& folder : GoldenFolders()) {
    ForEachFormat([&]<class Format>() {
      if (!HasGolden(folder, Format::kType)) return;  // DecodeTest complains about those that must be there
      SCOPED_TRACE(folder.path.string() + " " + Name(Format::kType));
      const Golden golden = ReadGolden(folder, Format::kType);
      const size_t n = golden.x.size();
      const Guarded<float> x(golden.x);
      Guarded<uint8_t> q(golden.q.size());
      ASSERT_TRUE(IsOk(Quantize(Format::kType, x.data(), q.data(), n)));
      if (IsExact(Format::kType)) {
        EXPECT_EQ(memcmp(q.data(), golden.q.data(), q.size()), 0);
        return;
      }
      std::vector<float> y(n);
      ASSERT_TRUE(IsOk(Dequantize(Format::kType, q.data(), y.data(), n)));
      for (size_t i = 0; i < n; i += golden.row) {
        EXPECT_LE(SquaredError(&golden.x[i], &y[i], golden.row), SquaredError(&golden.x[i], &golden.y[i], golden.row))
            << "row " << i / golden.row;
      }
    });
  }
}

TEST_P(EncodeTest, LikeScalar) {
  Random random(1);
  ForEachFormat([&]<class Format>() {
    SCOPED_TRACE(Name(Format::kType));
    for (size_t blocks : {1, 2, 3, 5, 8, 16, 17, 33}) {
      const size_t n = blocks * kBlockElements<Format>;
      for (float scale : {1e-6f, 1.0f, 1e4f}) {
        const Guarded<float> x(random.Normals(n, scale));
        std::vector<uint8_t> expected(RowBytes(Format::kType, n));
        ASSERT_TRUE(scalar::Quantize(Format::kType, x.data(), expected.data(), n));
        Guarded<uint8_t> q(expected.size(), blocks % 3);
        ASSERT_TRUE(IsOk(Quantize(Format::kType, x.data(), q.data(), n)));
        EXPECT_EQ(memcmp(q.data(), expected.data(), q.size()), 0);
      }
    }
  });
}

// Every float's upper half with a few lower halves: all exponents, ties, carries, subnormals, infinities and NaNs.
TEST_P(EncodeTest, HalvesFromEveryKindOfFloat) {
  for (DType type : {DType::kF16, DType::kBF16}) {
    for (uint32_t low :
         {0x0000u, 0x0001u, 0x0FFFu, 0x1000u, 0x1001u, 0x2000u, 0x3000u, 0x7FFFu, 0x8000u, 0x8001u, 0xF000u, 0xFFFFu}) {
      std::vector<float> x(65536);
      for (uint32_t high = 0; high < 65536; ++high) x[high] = FloatOf(high << 16 | low);
      std::vector<uint8_t> expected(2 * x.size()), q(2 * x.size());
      ASSERT_TRUE(scalar::Quantize(type, x.data(), expected.data(), x.size()));
      ASSERT_TRUE(IsOk(Quantize(type, x.data(), q.data(), x.size())));
      EXPECT_EQ(q, expected) << Name(type) << " " << low;
    }
  }
}

// Whatever comes in, encoding is defined; only then may sanitizers judge it.
TEST_P(EncodeTest, ExtremeInputs) {
  const float kBig = std::numeric_limits<float>::max(), kInf = std::numeric_limits<float>::infinity();
  ForEachFormat([&]<class Format>() {
    SCOPED_TRACE(Name(Format::kType));
    const size_t n = kIsFloat<Format> ? 64 : kBlockElements<Format>;
    for (float extreme : {0.0f, -0.0f, 1e-45f, 1e-38f, 1e-20f, kBig, -kBig, kInf, -kInf, NAN}) {
      for (size_t step : {1, 3, 64}) {
        std::vector<float> x(n, 0.5f);
        for (size_t i = 0; i < n; i += step) x[i] = i % 2 == 0 ? extreme : -extreme;
        std::vector<uint8_t> q(RowBytes(Format::kType, n));
        ASSERT_TRUE(IsOk(Quantize(Format::kType, x.data(), q.data(), n)));
        std::vector<float> y(n);
        ASSERT_TRUE(IsOk(Dequantize(Format::kType, q.data(), y.data(), n)));
        if (extreme == 0.0f && step == 1) {
          EXPECT_EQ(y, std::vector<float>(n, 0.0f));
        }
      }
    }
  });
}

// Blocks, and float elements, do not depend on which thread takes which run.
TEST_P(EncodeTest, AnyNumberOfThreads) {
  ForEachFormat([&]<class Format>() {
    SCOPED_TRACE(Name(Format::kType));
    Random random(2);
    for (size_t blocks : {size_t{0}, size_t{1}, size_t{5}, 66000 / kBlockElements<Format>}) {
      const size_t n = blocks * kBlockElements<Format>, bytes = RowBytes(Format::kType, n);
      const Guarded<float> x(random.Normals(n));
      Guarded<uint8_t> expected(bytes);
      Guarded<float> expected_y(n);
      ASSERT_TRUE(IsOk(Quantize(Format::kType, x.data(), expected.data(), n)));
      ASSERT_TRUE(IsOk(Dequantize(Format::kType, expected.data(), expected_y.data(), n)));
      for (uint32_t workers : {2u, 3u, 7u}) {
        Guarded<uint8_t> q(bytes, workers);
        Guarded<float> y(n);
        ASSERT_TRUE(IsOk(Quantize(Format::kType, x.data(), q.data(), n, Threads(workers))));
        EXPECT_TRUE(std::equal(q.begin(), q.end(), expected.begin())) << workers;
        ASSERT_TRUE(IsOk(Dequantize(Format::kType, q.data(), y.data(), n, Threads(workers))));
        EXPECT_TRUE(std::equal(y.begin(), y.end(), expected_y.begin())) << workers;
      }
    }
  });
}

// Long searches and large copies are shared out; short ones stay on the calling thread.
TEST_P(EncodeTest, SharesWhatIsWorthIt) {
  const auto tasks = [](DType type, size_t n) {
    static size_t count;
    count = 0;
    const Executor counting{nullptr, 4, [](void*, size_t tasks, TaskFunction task, void* arg) {
                              count = tasks;
                              for (size_t i = 0; i < tasks; ++i) task(arg, i, 0);
                            }};
    const std::vector<float> x(n, 1.0f);
    std::vector<uint8_t> q(RowBytes(type, n));
    EXPECT_TRUE(IsOk(Quantize(type, x.data(), q.data(), n, counting)));
    return count;
  };
  EXPECT_EQ(tasks(DType::kQ4_K, 256), 0u);
  EXPECT_EQ(tasks(DType::kQ4_K, 4096), 16u);
  EXPECT_EQ(tasks(DType::kF16, 4096), 0u);
  EXPECT_EQ(tasks(DType::kF16, 65536), 16u);
}

TEST_P(EncodeTest, SeveralCallsAtOnce) {
  Random random(3);
  const std::vector<float> x = random.Normals(8 * 2048);
  std::vector<uint8_t> expected(RowBytes(DType::kQ4_K, x.size())), q(expected.size());
  ASSERT_TRUE(IsOk(Quantize(DType::kQ4_K, x.data(), expected.data(), x.size())));
  Threads(4).For(8, [&](size_t i, uint32_t) {
    EXPECT_TRUE(IsOk(Quantize(DType::kQ4_K, &x[i * 2048], &q[i * RowBytes(DType::kQ4_K, 2048)], 2048)));
  });
  EXPECT_EQ(q, expected);
}

TEST_P(EncodeTest, RefusesBadArguments) {
  std::vector<uint8_t> blocks(144, 7);
  const std::vector<float> x(256);
  EXPECT_EQ(Quantize(DType::kQ4_K, nullptr, blocks.data(), 256).code, Code::kNull);
  EXPECT_EQ(Quantize(DType::kQ4_K, x.data(), nullptr, 256).code, Code::kNull);
  EXPECT_EQ(Quantize(DType::kQ4_K, x.data(), blocks.data(), 32).code, Code::kMultiple);
  EXPECT_EQ(Quantize(DType::kI64, x.data(), blocks.data(), 8).code, Code::kUnsupported);
  EXPECT_TRUE(IsOk(Quantize(DType::kQ4_K, x.data(), blocks.data(), 0)));
  // Counts whose bytes, or ends, lie beyond the end of memory.
  constexpr size_t kTooMany = std::numeric_limits<size_t>::max() / 256 * 256;
  for (size_t n : {kTooMany, kTooMany / 2 + 128, kTooMany / 4 + 192}) {
    for (DType type : {DType::kQ4_K, DType::kQ8_0, DType::kF16, DType::kF32}) {
      const size_t whole = n / 256 * 256;
      EXPECT_EQ(Quantize(type, x.data(), blocks.data(), whole).code, Code::kRange) << Name(type) << " " << whole;
      float y = 7.0f;
      EXPECT_EQ(Dequantize(type, blocks.data(), &y, whole).code, Code::kRange) << Name(type) << " " << whole;
      EXPECT_EQ(y, 7.0f);
    }
  }
  EXPECT_EQ(blocks, std::vector<uint8_t>(144, 7));
}

// Blocks that share a byte with the floats, at either end.
TEST_P(EncodeTest, RefusesOverlap) {
  alignas(4) uint8_t memory[144 + 1024 + 144] = {};
  float* x = reinterpret_cast<float*>(memory + 144);
  for (int at : {1, 143, 144, 600, 144 + 1023}) {
    const Status encoding = Quantize(DType::kQ4_K, x, memory + at, 256);
    EXPECT_EQ(encoding.code, Code::kOverlap) << at;
    EXPECT_STREQ(encoding.argument, "x");
    EXPECT_STREQ(encoding.other, "blocks");
    const Status decoding = Dequantize(DType::kQ4_K, memory + at, x, 256);
    EXPECT_EQ(decoding.code, Code::kOverlap) << at;
    EXPECT_STREQ(decoding.argument, "y");
    EXPECT_STREQ(decoding.other, "blocks");
  }
  EXPECT_TRUE(IsOk(Quantize(DType::kQ4_K, x, memory, 256)));
  EXPECT_TRUE(IsOk(Quantize(DType::kQ4_K, x, memory + 144 + 1024, 256)));
  EXPECT_TRUE(IsOk(Dequantize(DType::kQ4_K, memory, x, 256)));
}

}  // namespace
}  // namespace weft::test
