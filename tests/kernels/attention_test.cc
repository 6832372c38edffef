// Attention against bounds from the data: sizes, masks, layouts and cache types.
#include <cstring>

#include "tests/kernels/attention_case.h"
#include "tests/kernels/targets.h"

namespace weft::test {
namespace {

class AttentionTest : public KernelTest {};
WEFT_TEST_ON_TARGETS(AttentionTest);

TEST_P(AttentionTest, HeadSizes) {
  Random random(1);
  for (size_t k_size : {1, 7, 16, 33, 64, 80, 128}) {
    for (size_t v_size : {k_size, k_size / 2 + 3}) {
      for (bool head_major : {false, true}) {
        SCOPED_TRACE(std::to_string(k_size) + ", " + std::to_string(v_size) + (head_major ? " head-major" : ""));
        AttentionShape shape;
        shape.heads = 3;
        shape.k_size = k_size;
        shape.v_size = v_size;
        shape.head_major = head_major;
        AttentionCase c(shape, random);
        ExpectAttention(c);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(AttentionTest, KeyCounts) {
  Random random(2);
  for (size_t keys : {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 200}) {
    SCOPED_TRACE(keys);
    AttentionShape shape;
    shape.keys = keys;
    shape.queries = 1;
    shape.first_position = static_cast<int64_t>(keys) - 1;
    AttentionCase c(shape, random);
    ExpectAttention(c);
  }
}

TEST_P(AttentionTest, HeadGroups) {
  Random random(3);
  struct Heads {
    size_t heads, kv_heads;
  };
  for (Heads heads : {Heads{1, 1}, {4, 2}, {3, 3}, {7, 1}, {8, 1}, {9, 1}, {24, 2}}) {
    SCOPED_TRACE(heads.heads);
    AttentionShape shape;
    shape.heads = heads.heads;
    shape.kv_heads = heads.kv_heads;
    shape.queries = 2;
    AttentionCase c(shape, random);
    ExpectAttention(c);
  }
}

TEST_P(AttentionTest, CacheTypes) {
  Random random(4);
  for (DType k_type : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (DType v_type : {DType::kF32, DType::kF16, DType::kBF16}) {
      for (size_t size : {7, 33, 64}) {
        SCOPED_TRACE(std::string(Name(k_type)) + " " + Name(v_type));
        AttentionShape shape;
        shape.k_type = k_type;
        shape.v_type = v_type;
        shape.k_size = shape.v_size = size;
        AttentionCase c(shape, random);
        ExpectAttention(c);
      }
    }
  }
}

// Causal or not, windows shorter and longer than the sequence, queries that see all, some or no keys.
TEST_P(AttentionTest, Masks) {
  Random random(5);
  for (bool causal : {true, false}) {
    for (size_t window : {0, 1, 5, 33, 1000}) {
      for (int64_t first : {int64_t{0}, int64_t{10}, int64_t{38}, int64_t{60}, int64_t{-2}}) {
        SCOPED_TRACE("window " + std::to_string(window) + ", first " + std::to_string(first) +
                     (causal ? " causal" : ""));
        AttentionShape shape;
        shape.queries = 4;
        shape.first_position = first;
        AttentionCase c(shape, random);
        c.args.causal = causal;
        c.args.window = window;
        ExpectAttention(c);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(AttentionTest, NoVisibleKeyGivesZeros) {
  Random random(6);
  const std::vector<float> sinks = {1.0f, -1.0f};
  AttentionShape shape;
  shape.first_position = -3;  // all three queries come before the first key
  for (const float* sink : {static_cast<const float*>(nullptr), sinks.data()}) {
    for (AttentionBackend backend : {AttentionBackend::kFlash, AttentionBackend::kStandard}) {
      AttentionCase c(shape, random);
      c.args.sinks = sink;
      c.args.backend = backend;
      ASSERT_TRUE(IsOk(RunAttention(c.args)));
      EXPECT_EQ(c.Dense(), std::vector<float>(c.out.size(), 0.0f));
      c.sequence.kv_length = 0;
      c.sequence.k.data = c.sequence.v.data = nullptr;
      c.args.causal = false;
      memset(c.out.data(), 0xFF, c.out.bytes());
      ASSERT_TRUE(IsOk(RunAttention(c.args)));
      EXPECT_EQ(c.Dense(), std::vector<float>(c.out.size(), 0.0f));
    }
  }
}

TEST_P(AttentionTest, SoftcapSinksAndAlibi) {
  Random random(7);
  const std::vector<float> sinks = {3.0f, -20.0f, 0.5f, 40.0f}, slopes = {0.5f, 0.25f, -0.125f, 1.0f};
  for (int options = 1; options < 8; ++options) {
    for (float scale : {0.25f, 3.0f}) {
      SCOPED_TRACE(options);
      AttentionShape shape;
      shape.heads = 4;
      shape.kv_heads = 2;
      AttentionCase c(shape, random);
      c.args.scale = scale;
      if (options & 1) c.args.softcap = 15.0f;
      if (options & 2) c.args.sinks = sinks.data();
      if (options & 4) c.args.alibi_slopes = slopes.data();
      ExpectAttention(c);
      c.args.window = 9;
      ExpectAttention(c);
    }
  }
}

// Scores so far apart that all but one weight vanish, in either order.
TEST_P(AttentionTest, LargeScores) {
  Random random(8);
  for (float scale : {20.0f, 100.0f}) {
    AttentionShape shape;
    shape.queries = 1;
    shape.keys = 100;
    shape.first_position = 99;
    AttentionCase c(shape, random);
    c.args.scale = scale;
    ExpectAttention(c);
  }
}

}  // namespace
}  // namespace weft::test
