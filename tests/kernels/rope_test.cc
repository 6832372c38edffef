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
        args.x = args.y = x.data();
        args.tokens = tokens;
        args.heads = heads;
        args.token_stride = args.y_token_stride = head_major ? size : heads * size;
        args.head_stride = args.y_head_stride = head_major ? tokens * size : size;
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

// Into other memory with a layout of its own: the same bits as in place, x and what lies between heads untouched.
TEST_P(RopeTest, OutOfPlace) {
  Random random(3);
  const size_t tokens = 3, heads = 2, rest = 5;
  for (size_t pairs : {1, 4, 7, 16, 33, 64}) {
    for (RopeKind kind : {RopeKind::kInterleaved, RopeKind::kHalf}) {
      for (bool inverse : {false, true}) {
        for (bool copies : {false, true}) {
          const size_t rotated = 2 * pairs, size = rotated + rest, all = tokens * heads * size;
          const Guarded<float> x(random.Normals(all)), table(random.Normals(tokens * pairs * 2));
          const std::vector<float> given(x.data(), x.data() + all);
          RopeArgs args;
          args.x = x.data();
          args.tokens = tokens;
          args.heads = heads;
          args.token_stride = heads * size;
          args.head_stride = size;
          args.pairs = pairs;
          args.head_size = copies ? size : 0;
          args.table = table.data();
          args.kind = kind;
          args.inverse = inverse;
          const size_t touched = copies ? size : rotated, stride = touched + 3;
          GuardedMatrix y(heads * tokens, touched, stride);  // heads first
          args.y = y.data();
          args.y_token_stride = stride;
          args.y_head_stride = tokens * stride;
          ASSERT_TRUE(IsOk(Rope(args)));
          EXPECT_TRUE(SameBits(x.data(), given.data(), all));
          EXPECT_TRUE(y.SlackUntouched());
          std::vector<float> in_place = given;
          args.x = args.y = in_place.data();
          args.y_token_stride = args.token_stride;
          args.y_head_stride = args.head_stride;
          ASSERT_TRUE(IsOk(Rope(args)));
          for (size_t t = 0; t < tokens; ++t) {
            for (size_t h = 0; h < heads; ++h) {
              const float* expected = &in_place[(t * heads + h) * size];
              EXPECT_TRUE(SameBits(y.Row(h * tokens + t), expected, touched)) << t << ", " << h;
            }
          }
        }
      }
    }
  }
}

// The transpose: against the reference, and forth and back is where it was.
TEST_P(RopeTest, Inverse) {
  Random random(4);
  const size_t tokens = 3, heads = 2;
  const std::vector<int32_t> positions = {0, 17, 4095};
  for (size_t pairs : {1, 3, 8, 17, 33, 64}) {
    for (RopeKind kind : {RopeKind::kInterleaved, RopeKind::kHalf}) {
      const std::vector<float> frequency = Frequencies(pairs);
      Guarded<float> table(tokens * pairs * 2), x(random.Normals(tokens * heads * 2 * pairs));
      ASSERT_TRUE(IsOk(RopeTable({positions.data(), tokens, frequency.data(), pairs, 1.0f, table.data()})));
      const std::vector<float> given(x.begin(), x.end());
      RopeArgs args;
      args.x = args.y = x.data();
      args.tokens = tokens;
      args.heads = heads;
      args.token_stride = args.y_token_stride = heads * 2 * pairs;
      args.head_stride = args.y_head_stride = 2 * pairs;
      args.pairs = pairs;
      args.table = table.data();
      args.kind = kind;
      args.inverse = true;
      const std::vector<double> expected = scalar::Rope(args);
      ASSERT_TRUE(IsOk(Rope(args)));
      const auto magnitude = [&](size_t i) {  // of the pair that element i belongs to, by its values before
        const size_t within = i % (2 * pairs),
                     other = kind == RopeKind::kHalf ? (within + pairs) % (2 * pairs) : within ^ 1;
        return fabs(given[i]) + fabs(given[i - within + other]);
      };
      // Two products of at most the magnitude and their sum.
      for (size_t i = 0; i < given.size(); ++i) ASSERT_NEAR(x[i], expected[i], 3 * kRoundoff * magnitude(i)) << i;
      args.inverse = false;
      ASSERT_TRUE(IsOk(Rope(args)));
      // Both rotations' roundings, and the table's: cos^2 + sin^2 is 1 but for two.
      for (size_t i = 0; i < given.size(); ++i) ASSERT_NEAR(x[i], given[i], 10 * kRoundoff * magnitude(i)) << i;
    }
  }
}

TEST_P(RopeTest, ThreadsDoNotMatter) {
  Random random(2);
  const size_t tokens = 64, heads = 16, pairs = 32;
  const std::vector<float> given = random.Normals(tokens * heads * 2 * pairs),
                           table = random.Normals(tokens * pairs * 2);
  std::vector<float> one = given;
  RopeArgs args;
  args.x = args.y = one.data();
  args.token_stride = args.y_token_stride = heads * 2 * pairs;
  args.head_stride = args.y_head_stride = 2 * pairs;
  args.tokens = tokens;
  args.heads = heads;
  args.pairs = pairs;
  args.table = table.data();
  args.kind = RopeKind::kHalf;
  ASSERT_TRUE(IsOk(Rope(args)));
  for (uint32_t threads : {2u, 3u}) {
    std::vector<float> many = given;
    args.x = args.y = many.data();
    ASSERT_TRUE(IsOk(Rope(args, Threads(threads))));
    EXPECT_TRUE(SameBits(one.data(), many.data(), one.size()));
  }
}

TEST_P(RopeTest, RefusesBadArguments) {
  std::vector<float> x(16), table(8);
  const std::vector<int32_t> positions(2);
  RopeArgs good;
  good.x = good.y = x.data();
  good.token_stride = good.y_token_stride = 8;
  good.head_stride = good.y_head_stride = 4;
  good.tokens = good.heads = good.pairs = 2;
  good.table = table.data();
  good.kind = RopeKind::kHalf;
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
  expect(Code::kRange, "heads", [](auto& args) { args.heads = 0; });
  expect(Code::kRange, "pairs", [](auto& args) { args.pairs = 0; });
  expect(Code::kShape, "head_stride", [](auto& args) { args.head_stride = 3; });
  expect(Code::kShape, "token_stride", [](auto& args) { args.token_stride = 3; });
  std::vector<float> other(16);
  expect(Code::kNull, "y", [](auto& args) { args.y = nullptr; });
  expect(Code::kShape, "y_head_stride", [](auto& args) { args.y_head_stride = 3; });
  expect(Code::kShape, "y_token_stride", [](auto& args) { args.y_token_stride = 3; });
  expect(Code::kShape, "y_token_stride", [](auto& args) { args.y_token_stride = 7; });  // heads in one place
  expect(Code::kShape, "head_size", [](auto& args) { args.head_size = 3; });
  expect(Code::kShape, "head_stride", [](auto& args) { args.head_size = 5; });
  expect(Code::kRange, "tokens", [](auto& args) { args.tokens = SIZE_MAX; });
  expect(Code::kRange, "heads", [](auto& args) { args.tokens = 1, args.heads = SIZE_MAX / 4; });
  expect(Code::kRange, "pairs", [](auto& args) { args.tokens = args.heads = 1, args.pairs = SIZE_MAX / 2 + 3; });
  expect(Code::kRange, "pairs", [](auto& args) { args.tokens = args.heads = 1, args.pairs = SIZE_MAX / 4; });
  expect(Code::kRange, "head_size", [](auto& args) { args.tokens = args.heads = 1, args.head_size = SIZE_MAX; });
  expect(Code::kRange, "head_stride", [](auto& args) { args.head_stride = SIZE_MAX / 4; });
  expect(Code::kRange, "token_stride", [](auto& args) { args.token_stride = SIZE_MAX; });
  expect(Code::kRange, "y_token_stride", [](auto& args) { args.y_token_stride = SIZE_MAX - 3; });
  expect(Code::kOverlap, "x", [](auto& args) { args.x = args.y + 1; });
  expect(Code::kOverlap, "x", [](auto& args) { args.token_stride = 9; });
  expect(Code::kOverlap, "table", [](auto& args) { args.table = args.y + 15; });

  const RopeTableArgs good_table{positions.data(), 2, other.data(), 2, 1.0f, table.data()};
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
  expect_table(Code::kRange, "pairs", [](auto& args) { args.pairs = 0; });
  expect_table(Code::kRange, "tokens", [](auto& args) { args.tokens = SIZE_MAX; });
  expect_table(Code::kRange, "pairs", [](auto& args) { args.pairs = SIZE_MAX; });
  expect_table(Code::kRange, "pairs", [](auto& args) { args.tokens = 1, args.pairs = SIZE_MAX / 8; });
  expect_table(Code::kOverlap, "frequency", [](auto& args) { args.frequency = args.table + 7; });
  expect_table(Code::kOverlap, "positions",
               [](auto& args) { args.positions = reinterpret_cast<const int32_t*>(args.table); });
}

}  // namespace
}  // namespace weft::test
