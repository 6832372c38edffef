// Attention over batches, pages and threads, where bits must agree, and wrong arguments.
#include <cstring>
#include <memory>

#include "tests/kernels/attention_case.h"
#include "tests/kernels/same_bits.h"
#include "tests/kernels/targets.h"
#include "tests/kernels/threads.h"

namespace weft::test {
namespace {

constexpr AttentionBackend kBackends[] = {AttentionBackend::kFlash, AttentionBackend::kStandard};

class AttentionBatchTest : public KernelTest {};
WEFT_TEST_ON_TARGETS(AttentionBatchTest);

// The same cache cut into blocks that lie in memory in another order.
TEST_P(AttentionBatchTest, PagedLikeContiguous) {
  Random random(1);
  for (uint32_t length : {1u, 3u, 16u, 64u}) {
    for (DType type : {DType::kF32, DType::kF16}) {
      AttentionShape shape;
      shape.heads = 4;
      shape.kv_heads = 2;
      shape.k_type = shape.v_type = type;
      AttentionCase c(shape, random);
      const size_t blocks = (shape.keys + length - 1) / length;
      std::vector<uint32_t> table(blocks);
      for (size_t i = 0; i < blocks; ++i) table[i] = static_cast<uint32_t>((i * 7 + 3) % (blocks + 2));
      if ((blocks + 2) % 7 == 0) {
        for (size_t i = 0; i < blocks; ++i) table[i] = static_cast<uint32_t>(blocks + 1 - i);
      }
      const size_t position_bytes = c.sequence.k.position_stride;
      Guarded<uint8_t> k((blocks + 2) * length * position_bytes), v((blocks + 2) * length * position_bytes);
      for (size_t p = 0; p < shape.keys; ++p) {
        const size_t to = (table[p / length] * length + p % length) * position_bytes;
        memcpy(k.data() + to, c.sequence.k.At(p, 0), position_bytes);
        memcpy(v.data() + to, c.sequence.v.At(p, 0), position_bytes);
      }
      for (AttentionBackend backend : kBackends) {
        SCOPED_TRACE("blocks of " + std::to_string(length));
        c.args.backend = backend;
        const AttentionSequence contiguous = c.sequence;
        ASSERT_TRUE(IsOk(RunAttention(c.args)));
        const std::vector<float> expected = c.Dense();
        c.sequence.k.data = k.data();
        c.sequence.v.data = v.data();
        c.sequence.k.block_table = c.sequence.v.block_table = table.data();
        c.sequence.k.block_length = c.sequence.v.block_length = length;
        memset(c.out.data(), 0xFF, c.out.bytes());
        ASSERT_TRUE(IsOk(RunAttention(c.args)));
        EXPECT_TRUE(SameBits(c.out.data(), expected.data(), expected.size()));
        c.sequence = contiguous;
      }
    }
  }
}

// Several sequences of a batch, one of them without queries and one without keys: each as if alone. Slack between
// heads stays untouched.
TEST_P(AttentionBatchTest, SequencesAreIndependent) {
  Random random(2);
  std::vector<AttentionShape> shapes(4);
  shapes[1].queries = 0;
  shapes[2].keys = 7;
  shapes[2].first_position = 6;
  shapes[2].queries = 1;
  shapes[3].keys = 0;
  const size_t heads = shapes[0].heads, size = shapes[0].k_size, gap = 3, token = heads * (size + gap);
  for (AttentionBackend backend : kBackends) {
    std::vector<std::unique_ptr<AttentionCase>> cases;
    std::vector<AttentionSequence> sequences;
    size_t tokens = 0;
    for (const AttentionShape& shape : shapes) {
      cases.push_back(std::make_unique<AttentionCase>(shape, random));
      sequences.push_back(cases.back()->sequence);
      sequences.back().first_query = tokens;
      tokens += shape.queries;
    }
    Guarded<float> q(tokens * token - gap), out(tokens * token - gap);
    for (size_t i = 0; i < cases.size(); ++i) {
      const AttentionCase& c = *cases[i];
      for (size_t row = 0; row < c.shape.queries * heads; ++row) {
        memcpy(q.data() + (sequences[i].first_query * heads + row) * (size + gap), c.q.data() + row * size,
               size * sizeof(float));
      }
    }
    AttentionArgs args = cases[0]->args;
    args.q = q.data();
    args.out = out.data();
    args.q_token_stride = args.out_token_stride = token;
    args.q_head_stride = args.out_head_stride = size + gap;
    args.backend = backend;
    args.sequences = sequences.data();
    args.sequence_count = sequences.size();
    ASSERT_TRUE(IsOk(RunAttention(args)));
    for (size_t i = 0; i < cases.size(); ++i) {
      AttentionCase& c = *cases[i];
      c.args.backend = backend;
      c.args.scale = args.scale;
      if (c.shape.queries > 0) {
        ASSERT_TRUE(IsOk(RunAttention(c.args)));
      }
      for (size_t row = 0; row < c.shape.queries * heads; ++row) {
        const float* alone = c.out.data() + row * size;
        EXPECT_TRUE(SameBits(out.data() + (sequences[i].first_query * heads + row) * (size + gap), alone, size));
      }
    }
    for (size_t i = 0; i < out.size(); ++i) {
      if (i % (size + gap) >= size) {
        ASSERT_TRUE(Untouched(out[i]));
      }
    }
  }
}

TEST_P(AttentionBatchTest, ThreadsDoNotMatter) {
  Random random(3);
  AttentionShape shape;
  shape.heads = 6;
  shape.kv_heads = 2;
  shape.queries = 20;
  shape.keys = 150;
  shape.first_position = 130;
  for (AttentionBackend backend : kBackends) {
    AttentionCase c(shape, random);
    c.args.backend = backend;
    ASSERT_TRUE(IsOk(RunAttention(c.args)));
    const std::vector<float> one = c.Dense();
    for (uint32_t threads : {1u, 2u, 3u}) {
      memset(c.out.data(), 0xFF, c.out.bytes());
      ASSERT_TRUE(IsOk(RunAttention(c.args, Threads(threads))));
      EXPECT_TRUE(SameBits(one.data(), c.out.data(), one.size())) << threads;
    }
  }
}

TEST_P(AttentionBatchTest, FlashNeedsNoMemoryPerKey) {
  Random random(4);
  AttentionShape shape;
  AttentionCase few(shape, random);
  shape.keys = 400;
  AttentionCase many(shape, random);
  few.args.backend = many.args.backend = AttentionBackend::kFlash;
  EXPECT_EQ(AttentionWorkspaceBytes(few.args, 2), AttentionWorkspaceBytes(many.args, 2));
}

TEST_P(AttentionBatchTest, RefusesBadArguments) {
  Random random(5);
  AttentionShape shape;
  shape.heads = 4;
  shape.kv_heads = 2;
  AttentionCase c(shape, random);
  ASSERT_TRUE(IsOk(Validate(c.args)));
  const AttentionArgs args = c.args;
  const AttentionSequence sequence = c.sequence;
  std::vector<uint8_t> memory(1 << 16);
  const auto expect = [&](Code code, const std::string& argument, auto change) {
    change();
    EXPECT_EQ(Validate(c.args).code, code) << argument;
    EXPECT_EQ(Validate(c.args).argument, argument);
    EXPECT_EQ(Attention(c.args, {}, {memory.data(), memory.size()}).code, code);
    c.args = args;
    c.sequence = sequence;
  };
  expect(Code::kNull, "q", [&] { c.args.q = nullptr; });
  expect(Code::kNull, "out", [&] { c.args.out = nullptr; });
  expect(Code::kNull, "sequences", [&] { c.args.sequences = nullptr; });
  expect(Code::kNull, "k", [&] { c.sequence.k.data = nullptr; });
  expect(Code::kNull, "v", [&] { c.sequence.v.data = nullptr; });
  expect(Code::kRange, "heads", [&] { c.args.heads = 0; });
  expect(Code::kRange, "kv_heads", [&] { c.args.kv_heads = 0; });
  expect(Code::kMultiple, "heads", [&] { c.args.kv_heads = 3; });
  expect(Code::kRange, "k_size", [&] { c.args.k_size = 0; });
  expect(Code::kRange, "v_size", [&] { c.args.v_size = 0; });
  expect(Code::kShape, "q_head_stride", [&] { c.args.q_head_stride = shape.k_size - 1; });
  expect(Code::kShape, "out_head_stride", [&] { c.args.out_head_stride = shape.v_size - 1; });
  expect(Code::kShape, "q_token_stride", [&] { c.args.q_token_stride = shape.k_size - 1; });
  expect(Code::kShape, "out_token_stride", [&] { c.args.out_token_stride = shape.v_size - 1; });
  expect(Code::kUnsupported, "k", [&] { c.sequence.k.type = DType::kQ8_0; });
  expect(Code::kUnsupported, "v", [&] { c.sequence.v.type = DType::kI8; });
  expect(Code::kShape, "k.head_stride", [&] { c.sequence.k.head_stride = 1; });
  expect(Code::kShape, "v.position_stride", [&] { c.sequence.v.position_stride = 1; });
  expect(Code::kOverlap, "q", [&] { c.args.out = c.q.data(); });
  const uint32_t table[] = {0};
  expect(Code::kRange, "k.block_length", [&] { c.sequence.k.block_table = table; });
  for (float v : c.out) ASSERT_TRUE(Untouched(v));

  const size_t needed = AttentionWorkspaceBytes(c.args, 1);
  EXPECT_EQ(Attention(c.args, {}, {memory.data(), needed - 1}).code, Code::kWorkspace);
  EXPECT_EQ(Attention(c.args, {}, {}).code, Code::kWorkspace);
  EXPECT_TRUE(IsOk(Attention(c.args, {}, {memory.data(), needed})));
}

}  // namespace
}  // namespace weft::test
