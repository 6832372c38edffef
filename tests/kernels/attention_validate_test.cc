// Arguments of attention at the ends of what numbers hold.
#include <limits>
#include <string>

#include "tests/kernels/attention_case.h"
#include "tests/kernels/targets.h"

namespace weft::test {
namespace {

class AttentionValidateTest : public KernelTest {
 protected:
  static AttentionShape Shape() { return {.heads = 4, .kv_heads = 2, .queries = 3, .keys = 40, .first_position = 37}; }

  template <class F>
  void Expect(Code code, const std::string& argument, const F& change) {
    const AttentionArgs args = c_.args;
    const AttentionSequence sequence = c_.sequence;
    change();
    const Status status = Validate(c_.args);
    char text[200];
    EXPECT_EQ(status.code, code) << argument << ": " << ToText(status, text, sizeof(text));
    EXPECT_EQ(status.argument, argument);
    EXPECT_EQ(Attention(c_.args, {}, {memory_.data(), memory_.size()}).code, code);
    for (float v : c_.out) ASSERT_TRUE(Untouched(v));
    c_.args = args;
    c_.sequence = sequence;
  }

  Random random_{1};
  AttentionCase c_{Shape(), random_};
  std::vector<uint8_t> memory_ = std::vector<uint8_t>(1 << 20);
};
WEFT_TEST_ON_TARGETS(AttentionValidateTest);

TEST_P(AttentionValidateTest, Positions) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max(), kLeast = std::numeric_limits<int64_t>::min();
  for (int64_t position : {kMost, kMost - 1, kMost - 3, kMost / 2, kLeast, kLeast + 1, kLeast / 2}) {
    Expect(Code::kRange, "first_position", [&] { c_.sequence.first_position = position; });
  }
  Expect(Code::kRange, "queries", [&] { c_.sequence.first_query = SIZE_MAX; });
  Expect(Code::kRange, "queries", [&] { c_.sequence.first_query = SIZE_MAX - 1; });
  Expect(Code::kRange, "queries", [&] { c_.sequence.queries = SIZE_MAX; });
  Expect(Code::kRange, "kv_length", [&] { c_.sequence.kv_length = SIZE_MAX; });
}

// As far from 0 as allowed: the same as near it, but for what is visible.
TEST_P(AttentionValidateTest, FarPositions) {
  constexpr int64_t kFar = int64_t{1} << 61;
  for (int64_t position : {kFar, kFar - 100, -kFar}) {
    for (size_t window : {size_t{0}, size_t{5}, size_t{1} << 62}) {
      SCOPED_TRACE(std::to_string(position) + ", window " + std::to_string(window));
      c_.sequence.first_position = position;
      c_.args.window = window;
      ExpectAttention(c_);
    }
  }
}

TEST_P(AttentionValidateTest, Softcaps) {
  for (float cap : {-0.5f, -30.0f, -INFINITY, INFINITY, NAN}) {
    Expect(Code::kRange, "softcap", [&] { c_.args.softcap = cap; });
  }
}

TEST_P(AttentionValidateTest, OverlappingQueries) {
  AttentionSequence sequences[3] = {c_.sequence, c_.sequence, c_.sequence};
  const auto expect = [&](bool fine, size_t a, size_t a_count, size_t b, size_t b_count, size_t c, size_t c_count) {
    const size_t first[] = {a, b, c}, count[] = {a_count, b_count, c_count};
    for (size_t i = 0; i < 3; ++i) sequences[i].first_query = first[i], sequences[i].queries = count[i];
    c_.args.sequences = sequences;
    c_.args.sequence_count = 3;
    const Status status = Validate(c_.args);
    EXPECT_EQ(status.code, fine ? Code::kOk : Code::kOverlap) << a << ' ' << b << ' ' << c;
    EXPECT_EQ(Attention(c_.args, {}, {memory_.data(), memory_.size()}).code, status.code);
  };
  expect(true, 0, 1, 1, 1, 2, 1);
  expect(true, 2, 1, 0, 2, 1, 0);
  expect(true, 1, 1, 2, 1, 0, 1);
  expect(true, 1, 0, 0, 3, 2, 0);
  expect(false, 0, 1, 0, 1, 2, 1);
  expect(false, 0, 2, 2, 1, 1, 1);
  expect(false, 0, 3, 1, 1, 2, 0);
  expect(false, 1, 1, 0, 3, 2, 0);
}

TEST_P(AttentionValidateTest, AddressSpace) {
  for (size_t huge : {SIZE_MAX, SIZE_MAX / 4 + 1, SIZE_MAX / 8 + 1}) {
    Expect(Code::kRange, "q_token_stride", [&] { c_.args.q_token_stride = huge; });
    Expect(Code::kRange, "q_head_stride", [&] { c_.args.q_head_stride = huge; });
    Expect(Code::kRange, "out_token_stride", [&] { c_.args.out_token_stride = huge; });
    Expect(Code::kRange, "k.position_stride", [&] { c_.sequence.k.position_stride = huge; });
  }
  Expect(Code::kRange, "v.head_stride", [&] { c_.sequence.v.head_stride = SIZE_MAX - 1; });
}

TEST_P(AttentionValidateTest, Overlaps) {
  const auto expect_overlap = [&](const std::string& argument, const auto& change) {
    Expect(Code::kOverlap, argument, [&] {
      change();
      EXPECT_STREQ(Validate(c_.args).other, "out");
    });
  };
  expect_overlap("q", [&] { c_.args.out = c_.q.data() + 5; });
  expect_overlap("k", [&] { c_.sequence.k.data = c_.out.data(); });
  expect_overlap("v", [&] { c_.sequence.v.data = c_.out.data() + c_.out.size() - 1; });
  expect_overlap("sinks", [&] { c_.args.sinks = c_.out.data(); });
  expect_overlap("alibi_slopes", [&] { c_.args.alibi_slopes = c_.out.data(); });
  // Two tasks would write the same floats.
  Expect(Code::kShape, "out_token_stride", [&] { c_.args.out_token_stride = c_.args.out_head_stride; });
  // The workspace over an argument.
  const size_t needed = AttentionWorkspaceBytes(c_.args, 1);
  std::vector<float> spare(needed / sizeof(float) + c_.q.size() + c_.out.size() + 40 * 2 * 16);
  const auto expect_lent = [&](const std::string& argument, const auto& change) {
    const AttentionArgs args = c_.args;
    const AttentionSequence sequence = c_.sequence;
    change();
    const Status status = Attention(c_.args, {}, {spare.data(), needed});
    EXPECT_EQ(status.code, Code::kOverlap);
    EXPECT_EQ(status.argument, argument);
    EXPECT_STREQ(status.other, "workspace");
    c_.args = args;
    c_.sequence = sequence;
  };
  expect_lent("out", [&] { c_.args.out = spare.data(); });
  expect_lent("q", [&] { c_.args.q = spare.data() + needed / sizeof(float) - 1; });
  expect_lent("k", [&] { c_.sequence.k.data = spare.data(); });
  expect_lent("v", [&] { c_.sequence.v.data = spare.data() + needed / sizeof(float) - 1; });
  for (float v : c_.out) ASSERT_TRUE(Untouched(v));
}

TEST_P(AttentionValidateTest, Sizes) {
  const auto bytes = [&](const auto& change) {
    const AttentionArgs args = c_.args;
    const AttentionSequence sequence = c_.sequence;
    change();
    const size_t bytes = AttentionWorkspaceBytes(c_.args, 2);
    c_.args = args;
    c_.sequence = sequence;
    return bytes;
  };
  EXPECT_EQ(bytes([&] { c_.args.kv_heads = 0; }), 0u);
  EXPECT_EQ(bytes([&] { c_.args.heads = 0; }), 0u);
  EXPECT_EQ(bytes([&] { c_.args.kv_heads = 8; }), 0u);
  EXPECT_EQ(bytes([&] { c_.args.k_size = 0; }), 0u);
  EXPECT_EQ(bytes([&] {
              c_.args.sequences = nullptr;
              c_.args.backend = AttentionBackend::kStandard;
            }),
            0u);
  EXPECT_EQ(bytes([&] { c_.args.k_size = SIZE_MAX; }), SIZE_MAX);
  EXPECT_EQ(bytes([&] { c_.args.v_size = SIZE_MAX / 2; }), SIZE_MAX);
  EXPECT_EQ(bytes([&] {
              c_.args.backend = AttentionBackend::kStandard;
              c_.sequence.kv_length = SIZE_MAX / 16;
            }),
            SIZE_MAX);
  EXPECT_GT(AttentionWorkspaceBytes(c_.args, UINT32_MAX), size_t{UINT32_MAX});
}

}  // namespace
}  // namespace weft::test
