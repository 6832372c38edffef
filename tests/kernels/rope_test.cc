// Rotary position embedding.
#include "tests/kernels/bounded.h"
#include "tests/kernels/guarded.h"
#include "tests/kernels/random.h"
#include "tests/kernels/same_bits.h"
#include "tests/kernels/targets.h"
#include "tests/kernels/threads.h"
#include "weft/scalar/ops.h"

namespace weft::test {
namespace {

class RopeTest : public KernelTest {
 protected:
  static std::vector<float> Frequencies(size_t pairs) {
    std::vector<float> frequency(pairs);
    for (size_t i = 0; i < pairs; ++i) {
      frequency[i] = powf(10000.0f, -static_cast<float>(i) / static_cast<float>(pairs));
    }
    return frequency;
  }
};
WEFT_TEST_ON_TARGETS(RopeTest);

TEST_P(RopeTest, TableIsRoundedOnce) {
  const std::vector<int32_t> positions = {0, 1, 2, 100, 4095, 131071, 10000000, -5};
  for (size_t pairs : {1, 5, 64}) {
    for (float magnitude : {1.0f, 1.3f}) {
      const Guarded<float> frequency(Frequencies(pairs));
      Guarded<float> table(positions.size() * pairs * 2);
      const RopeTableArgs args{positions.data(), positions.size(), frequency.data(), pairs, magnitude, table.data()};
      ASSERT_TRUE(IsOk(RopeTable(args)));
      const std::vector<double> expected = scalar::RopeTable(args);
      // Beside the rounding to float, that of the angle to double.
      const double angle_error = 10000000 * 0x1p-53 * magnitude;
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_TRUE(IsWithin(table[i], Bounded::Rounded(expected[i], angle_error))) << i;
      }
    }
  }
}

TEST_P(RopeTest, EverySizeKindAndLayout) {
  Random random(1);
  const size_t tokens = 3, heads = 2, rest = 3;  // `rest` elements of each head are not rotated
  for (size_t pairs : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 32, 33, 64}) {
    for (RopeKind kind : {RopeKind::kInterleaved, RopeKind::kHalf}) {
      for (bool head_major : {false, true}) {
        SCOPED_TRACE(std::to_string(pairs) + (kind == RopeKind::kHalf ? " half" : " interleaved"));
        const size_t size = 2 * pairs + rest;
        Guarded<float> x(random.Normals(tokens * heads * size));
        const std::vector<float> given(x.begin(), x.end());
        const Guarded<float> table(random.Normals(tokens * pairs * 2));
        RopeArgs args;
        args.x = x.data();
        args.tokens = tokens;
        args.heads = heads;
        args.token_stride = head_major ? size : heads * size;
        args.head_stride = head_major ? tokens * size : size;
        args.pairs = pairs;
        args.table = table.data();
        args.kind = kind;
        const std::vector<double> expected = scalar::Rope(args);
        ASSERT_TRUE(IsOk(Rope(args)));
        for (size_t t = 0; t < tokens; ++t) {
          for (size_t h = 0; h < heads; ++h) {
            const size_t at = t * args.token_stride + h * args.head_stride;
            for (size_t i = 0; i < 2 * pairs; ++i) {
              const size_t pair = kind == RopeKind::kHalf ? i % pairs : i / 2;
              const size_t other = kind == RopeKind::kHalf ? (i < pairs ? i + pairs : i - pairs) : i ^ 1;
              const float* angles = table.data() + (t * pairs + pair) * 2;
              const bool first = kind == RopeKind::kHalf ? i < pairs : i % 2 == 0;
              const Bounded own = Bounded(given[at + i]) * Bounded(angles[0]);
              const Bounded cross = Bounded(given[at + other]) * Bounded(angles[1]);
              const Bounded rotated = first ? own - cross : own + cross;
              ASSERT_NEAR(rotated.value, expected[(t * heads + h) * 2 * pairs + i], rotated.error);
              ASSERT_TRUE(IsWithin(x[at + i], rotated)) << i;
            }
            for (size_t i = 2 * pairs; i < size; ++i) ASSERT_EQ(x[at + i], given[at + i]);
          }
        }
      }
    }
  }
}

TEST_P(RopeTest, ThreadsDoNotMatter) {
  Random random(2);
  const size_t tokens = 64, heads = 16, pairs = 32;
  const std::vector<float> given = random.Normals(tokens * heads * 2 * pairs),
                           table = random.Normals(tokens * pairs * 2);
  std::vector<float> one = given;
  RopeArgs args{one.data(), tokens, heads, heads * 2 * pairs, 2 * pairs, pairs, table.data(), RopeKind::kHalf};
  ASSERT_TRUE(IsOk(Rope(args)));
  for (uint32_t threads : {2u, 3u}) {
    std::vector<float> many = given;
    args.x = many.data();
    ASSERT_TRUE(IsOk(Rope(args, Threads(threads))));
    EXPECT_TRUE(SameBits(one.data(), many.data(), one.size()));
  }
}

TEST_P(RopeTest, RefusesBadArguments) {
  std::vector<float> x(16), table(8);
  const std::vector<int32_t> positions(2);
  const RopeArgs good{x.data(), 2, 2, 8, 4, 2, table.data(), RopeKind::kHalf};
  ASSERT_TRUE(IsOk(Validate(good)));
  const auto expect = [&](Code code, const std::string& argument, auto change) {
    RopeArgs args = good;
    change(args);
    EXPECT_EQ(Validate(args).code, code) << argument;
    EXPECT_EQ(Validate(args).argument, argument);
    EXPECT_EQ(Rope(args).code, code);
  };
  expect(Code::kNull, "x", [](auto& args) { args.x = nullptr; });
  expect(Code::kNull, "table", [](auto& args) { args.table = nullptr; });
  expect(Code::kRange, "tokens", [](auto& args) { args.tokens = 0; });
  expect(Code::kRange, "heads", [](auto& args) { args.heads = 0; });
  expect(Code::kRange, "pairs", [](auto& args) { args.pairs = 0; });
  expect(Code::kShape, "head_stride", [](auto& args) { args.head_stride = 3; });
  expect(Code::kShape, "token_stride", [](auto& args) { args.token_stride = 3; });

  const RopeTableArgs good_table{positions.data(), 2, table.data(), 2, 1.0f, table.data()};
  const auto expect_table = [&](Code code, const std::string& argument, auto change) {
    RopeTableArgs args = good_table;
    change(args);
    EXPECT_EQ(Validate(args).code, code) << argument;
    EXPECT_EQ(Validate(args).argument, argument);
    EXPECT_EQ(RopeTable(args).code, code);
  };
  expect_table(Code::kNull, "positions", [](auto& args) { args.positions = nullptr; });
  expect_table(Code::kNull, "frequency", [](auto& args) { args.frequency = nullptr; });
  expect_table(Code::kNull, "table", [](auto& args) { args.table = nullptr; });
  expect_table(Code::kRange, "tokens", [](auto& args) { args.tokens = 0; });
  expect_table(Code::kRange, "pairs", [](auto& args) { args.pairs = 0; });
}

}  // namespace
}  // namespace weft::test
