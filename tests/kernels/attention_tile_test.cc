// Many queries at once: the tiled kernel, with everything that attention can be asked for.
#include <string>
#include <vector>

#include "tests/kernels/attention_case.h"
#include "tests/kernels/same_bits.h"
#include "tests/kernels/targets.h"
#include "tests/kernels/threads.h"

namespace weft::test {
namespace {

class AttentionTileTest : public KernelTest {};
WEFT_TEST_ON_TARGETS(AttentionTileTest);

AttentionShape Many(size_t queries, size_t keys) {
  AttentionShape shape;
  shape.heads = 4;
  shape.kv_heads = 2;
  shape.queries = queries;
  shape.keys = keys;
  shape.first_position = static_cast<int64_t>(keys) - static_cast<int64_t>(queries);
  return shape;
}

// Rows and keys that fill panels, tiles and blocks, exceed them by one, or miss them by one.
TEST_P(AttentionTileTest, QueryAndKeyCounts) {
  Random random(1);
  for (size_t queries : {8, 9, 15, 16, 17, 33}) {
    for (size_t keys : {1, 3, 31, 33, 47, 48, 49, 95, 96, 97, 200}) {
      SCOPED_TRACE(std::to_string(queries) + " queries, " + std::to_string(keys) + " keys");
      AttentionShape shape = Many(queries, keys);
      shape.k_size = shape.v_size = 5;
      AttentionCase c(shape, random);
      ExpectAttention(c);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(AttentionTileTest, HeadSizesAndGroups) {
  Random random(2);
  struct Heads {
    size_t heads, kv_heads;
  };
  for (size_t size : {1, 4, 13, 64, 80}) {
    for (Heads heads : {Heads{1, 1}, {3, 3}, {6, 2}, {7, 1}, {40, 1}}) {
      SCOPED_TRACE(std::to_string(size) + ", heads " + std::to_string(heads.heads));
      AttentionShape shape = Many(9, 35);
      shape.heads = heads.heads;
      shape.kv_heads = heads.kv_heads;
      shape.k_size = size;
      shape.v_size = size / 2 + 3;
      shape.head_major = size % 2 == 0;
      AttentionCase c(shape, random);
      ExpectAttention(c);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(AttentionTileTest, CacheTypes) {
  Random random(3);
  for (DType k_type : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (DType v_type : {DType::kF32, DType::kF16, DType::kBF16}) {
      SCOPED_TRACE(std::string(Name(k_type)) + " " + Name(v_type));
      AttentionShape shape = Many(10, 101);
      shape.k_type = k_type;
      shape.v_type = v_type;
      shape.k_size = 33;
      AttentionCase c(shape, random);
      ExpectAttention(c);
    }
  }
}

// Masks, soft-cap, slopes and sinks, alone and together; queries that see all, some or no keys.
TEST_P(AttentionTileTest, MasksAndScores) {
  Random random(4);
  const float slopes[] = {0.5f, 0.25f, 0.125f, 0.0625f}, sinks[] = {0.3f, -2.0f, 1.0f, 0.0f};
  for (int options = 0; options < 32; ++options) {
    for (int64_t first : {int64_t{-4}, int64_t{0}, int64_t{100}, int64_t{180}}) {
      SCOPED_TRACE("options " + std::to_string(options) + ", first position " + std::to_string(first));
      AttentionShape shape = Many(20, 130);
      shape.k_size = shape.v_size = 6;
      shape.first_position = first;
      AttentionCase c(shape, random);
      c.args.causal = (options & 1) == 0;
      c.args.window = (options & 2) != 0 ? 17 : 0;
      c.args.softcap = (options & 4) != 0 ? 2.0f : 0.0f;
      c.args.alibi_slopes = (options & 8) != 0 ? slopes : nullptr;
      c.args.sinks = (options & 16) != 0 ? sinks : nullptr;
      ExpectAttention(c);
      if (HasFatalFailure()) return;
    }
  }
}

// A query's result has the same bits whatever queries are computed with it, and for any number of threads.
TEST_P(AttentionTileTest, QueriesDoNotDependOnEachOther) {
  Random random(5);
  AttentionCase c(Many(300, 340), random);
  c.args.window = 150;
  ASSERT_TRUE(RunAttention(c.args).ok());
  const std::vector<float> all = c.Dense();
  const size_t row = c.shape.heads * c.shape.v_size;
  for (uint32_t threads : {2u, 3u}) {
    ASSERT_TRUE(RunAttention(c.args, Threads(threads)).ok());
    EXPECT_TRUE(SameBits(all.data(), c.Dense().data(), all.size())) << threads << " threads";
  }
  for (size_t first : {0, 7, 250}) {
    for (size_t count : {8, 13, 50}) {
      AttentionSequence part = c.sequence;
      part.first_query = first;
      part.queries = count;
      part.first_position += static_cast<int64_t>(first);
      AttentionArgs args = c.args;
      args.sequences = &part;
      ASSERT_TRUE(RunAttention(args).ok());
      EXPECT_TRUE(SameBits(&all[first * row], c.Dense().data() + first * row, count * row)) << first << ", " << count;
    }
  }
}

// kUniform: the bits of a query computed alone.
TEST_P(AttentionTileTest, UniformIsTheSameAsAlone) {
  Random random(6);
  AttentionCase c(Many(24, 60), random);
  c.args.summation = Summation::kUniform;
  ASSERT_TRUE(RunAttention(c.args).ok());
  const std::vector<float> together = c.Dense();
  for (size_t query = 0; query < c.shape.queries; ++query) {
    AttentionSequence one = c.sequence;
    one.first_query = query;
    one.queries = 1;
    one.first_position += static_cast<int64_t>(query);
    AttentionArgs args = c.args;
    args.sequences = &one;
    args.summation = Summation::kFastest;
    ASSERT_TRUE(RunAttention(args).ok());
  }
  EXPECT_TRUE(SameBits(together.data(), c.Dense().data(), together.size()));
}

}  // namespace
}  // namespace weft::test
