// Writing keys and values into a cache: the same bits as the scalar conversion, and nothing else touched.
#include <limits>

#include "tests/kernels/guarded.h"
#include "tests/kernels/random.h"
#include "tests/kernels/targets.h"
#include "tests/kernels/threads.h"
#include "weft/scalar/scalar.h"

namespace weft::test {
namespace {

constexpr DType kTypes[] = {DType::kF32, DType::kF16, DType::kBF16};

class StoreKvTest : public KernelTest {
 protected:
  // Compares all bytes of the cache, which are 0xFF before, with what the reference leaves there.
  static void ExpectStore(StoreKvArgs args, Guarded<uint8_t>& memory, const Executor& executor = {}) {
    std::fill(memory.begin(), memory.end(), uint8_t{0xFF});
    scalar::StoreKv(args);
    const std::vector<uint8_t> expected(memory.begin(), memory.end());
    std::fill(memory.begin(), memory.end(), uint8_t{0xFF});
    ASSERT_TRUE(IsOk(StoreKv(args, executor)));
    for (size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(memory[i], expected[i]) << "byte " << i;
  }
};
WEFT_TEST_ON_TARGETS(StoreKvTest);

// Every size, type and order of heads and positions, from a fused projection of more columns than are stored.
TEST_P(StoreKvTest, Contiguous) {
  Random random(1);
  const size_t tokens = 3, heads = 2, capacity = 7;
  for (DType type : kTypes) {
    for (size_t size : {1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 33, 64, 100, 128}) {
      for (bool head_major : {false, true}) {
        for (size_t first : {0, 4}) {
          SCOPED_TRACE(std::string(Name(type)) + " size " + std::to_string(size));
          const size_t row = RowBytes(type, size), stride = heads * size + 5;
          GuardedMatrix given(random.Normals(tokens * heads * size), tokens, heads * size, stride);
          // The gap behind each vector, and an odd address for types that have no alignment.
          const size_t gap = type == DType::kF32 ? 4 : 3, place = row + gap;
          Guarded<uint8_t> memory((capacity * heads - 1) * place + row, type == DType::kF32 ? 0 : 1);
          StoreKvArgs args;
          args.x = given.data();
          args.token_stride = stride;
          args.head_stride = args.size = size;
          args.tokens = tokens;
          args.heads = heads;
          args.cache.data = memory.data();
          args.cache.type = type;
          args.cache.position_stride = head_major ? place : heads * place;
          args.cache.head_stride = head_major ? capacity * place : place;
          args.first_position = first;
          args.capacity = capacity;
          ExpectStore(args, memory);
        }
      }
    }
  }
}

// Blocks in any order, the first and the last of the range in part.
TEST_P(StoreKvTest, Paged) {
  Random random(2);
  const size_t heads = 3, size = 20;
  const std::vector<uint32_t> table = {6, 0, 3, 5, 1};
  for (DType type : kTypes) {
    for (uint32_t block_length : {1u, 4u, 5u}) {
      for (size_t first = 0; first < block_length * 2; ++first) {
        for (size_t tokens : {size_t{1}, size_t{block_length}, size_t{block_length} * 3}) {
          const size_t row = RowBytes(type, size);
          Guarded<uint8_t> memory(7 * block_length * heads * row);
          const Guarded<float> x(random.Normals(tokens * heads * size));
          StoreKvArgs args;
          args.x = x.data();
          args.token_stride = size;  // heads first
          args.head_stride = tokens * size;
          args.tokens = tokens;
          args.heads = heads;
          args.size = size;
          args.cache = {memory.data(), type, heads * row, row, table.data(), block_length};
          args.first_position = first;
          args.capacity = table.size() * block_length;
          ExpectStore(args, memory);
        }
      }
    }
  }
}

// Ties, subnormals, overflow, infinities and NaN in every lane.
TEST_P(StoreKvTest, HardValues) {
  std::vector<float> x;
  for (uint32_t bits = 0; bits < 0xFFF00000u; bits += 0x00071003u) x.push_back(FloatOf(bits));
  for (uint32_t bits : {0x477FE000u, 0x477FF000u, 0x33000000u, 0x33000001u, 0x38800000u, 0x7F7FFFFFu, 0x7F800000u,
                        0xFF800000u, 0x7FC00001u, 0x7F800001u, 0x80000000u}) {
    x.insert(x.end(), 3, FloatOf(bits));
  }
  for (DType type : kTypes) {
    Guarded<uint8_t> memory(RowBytes(type, x.size()));
    StoreKvArgs args;
    args.x = x.data();
    args.tokens = args.heads = args.capacity = 1;
    args.size = x.size();
    args.cache.data = memory.data();
    args.cache.type = type;
    ExpectStore(args, memory);
  }
}

TEST_P(StoreKvTest, ThreadsDoNotMatter) {
  Random random(3);
  const size_t tokens = 96, heads = 4, size = 128;
  const std::vector<float> x = random.Normals(tokens * heads * size);
  for (uint32_t threads : {2u, 3u}) {
    Guarded<uint8_t> memory((tokens + 1) * heads * size * 2);
    StoreKvArgs args;
    args.x = x.data();
    args.token_stride = heads * size;
    args.head_stride = args.size = size;
    args.tokens = tokens;
    args.heads = heads;
    args.cache.data = memory.data();
    args.cache.type = DType::kF16;
    args.cache.position_stride = heads * size * 2;
    args.cache.head_stride = size * 2;
    args.first_position = 1;
    args.capacity = tokens + 1;
    ExpectStore(args, memory, Threads(threads));
  }
}

// What is stored is what attention reads.
TEST_P(StoreKvTest, AttentionReadsIt) {
  Random random(4);
  const size_t keys = 9, size = 16;
  const std::vector<uint32_t> table = {2, 0, 1};
  const std::vector<float> x = random.Normals(keys * size), q = random.Normals(size);
  std::vector<uint8_t> paged(12 * size * 4), flat(keys * size * 4);
  StoreKvArgs args;
  args.x = x.data();
  args.token_stride = args.head_stride = args.size = size;
  args.tokens = args.capacity = keys;
  args.heads = 1;
  args.cache = {flat.data(), DType::kF32, size * 4, size * 4, nullptr, 0};
  ASSERT_TRUE(IsOk(StoreKv(args)));
  const KvView contiguous = args.cache;
  args.cache = {paged.data(), DType::kF32, size * 4, size * 4, table.data(), 4};
  ASSERT_TRUE(IsOk(StoreKv(args)));
  std::vector<float> out[2] = {std::vector<float>(size), std::vector<float>(size)};
  const KvView views[] = {contiguous, args.cache};
  for (size_t i = 0; i < 2; ++i) {
    AttentionSequence sequence;
    sequence.queries = 1;
    sequence.first_position = keys - 1;
    sequence.k = sequence.v = views[i];
    sequence.kv_length = keys;
    AttentionArgs attention;
    attention.q = q.data();
    attention.out = out[i].data();
    attention.heads = attention.kv_heads = attention.sequence_count = 1;
    attention.k_size = attention.v_size = size;
    attention.sequences = &sequence;
    std::vector<uint8_t> workspace(AttentionWorkspaceBytes(attention, 1));
    ASSERT_TRUE(IsOk(Attention(attention, {}, {workspace.data(), workspace.size()})));
  }
  EXPECT_EQ(out[0], out[1]);
}

TEST_P(StoreKvTest, RefusesBadArguments) {
  std::vector<float> x(64);
  std::vector<uint8_t> memory(1024, 0x55);
  const std::vector<uint32_t> table = {3, 1, 0, 1, UINT32_MAX};
  StoreKvArgs good;  // 4 tokens of 2 heads of 8 elements from position 2 on
  good.x = x.data();
  good.token_stride = 16;
  good.head_stride = good.size = 8;
  good.tokens = 4;
  good.heads = 2;
  good.cache = {memory.data(), DType::kF16, 32, 16, nullptr, 0};
  good.first_position = 2;
  good.capacity = 20;
  ASSERT_TRUE(IsOk(Validate(good)));
  Executor none;
  none.workers = 0;
  EXPECT_STREQ(StoreKv(good, none).argument, "executor.workers");
  const auto expect = [&](Code code, const std::string& argument, auto change) {
    StoreKvArgs args = good;
    change(args);
    EXPECT_EQ(Validate(args).code, code) << argument;
    EXPECT_EQ(Validate(args).argument, argument);
    EXPECT_EQ(StoreKv(args).code, code);
  };
  expect(Code::kNull, "x", [](auto& args) { args.x = nullptr; });
  expect(Code::kNull, "cache.data", [](auto& args) { args.cache.data = nullptr; });
  expect(Code::kRange, "heads", [](auto& args) { args.heads = 0; });
  expect(Code::kRange, "size", [](auto& args) { args.size = 0; });
  expect(Code::kUnsupported, "cache", [](auto& args) { args.cache.type = DType::kQ8_0; });
  expect(Code::kUnsupported, "cache", [](auto& args) { args.cache.type = static_cast<DType>(1000); });
  // The range of positions.
  expect(Code::kRange, "tokens", [](auto& args) { args.capacity = 3; });
  expect(Code::kRange, "first_position", [](auto& args) { args.first_position = 17; });
  expect(Code::kRange, "first_position", [](auto& args) { args.first_position = SIZE_MAX - 1; });
  expect(Code::kRange, "first_position", [](auto& args) {
    args.capacity = SIZE_MAX;
    args.first_position = SIZE_MAX - 4;
  });
  // Strides.
  expect(Code::kShape, "token_stride", [](auto& args) { args.token_stride = 7; });
  expect(Code::kShape, "head_stride", [](auto& args) { args.head_stride = 7; });
  expect(Code::kShape, "cache.position_stride", [](auto& args) { args.cache.position_stride = 15; });
  expect(Code::kShape, "cache.head_stride", [](auto& args) { args.cache.head_stride = 15; });
  expect(Code::kShape, "cache.position_stride", [](auto& args) { args.cache.position_stride = 31; });
  expect(Code::kShape, "cache.head_stride",
         [](auto& args) { args.cache.position_stride = 16, args.cache.head_stride = 63; });
  expect(Code::kRange, "tokens",
         [](auto& args) { args.capacity = args.tokens = SIZE_MAX / 2, args.first_position = 0; });
  expect(Code::kRange, "size", [](auto& args) { args.heads = args.tokens = 1, args.size = SIZE_MAX; });
  expect(Code::kRange, "token_stride", [](auto& args) { args.token_stride = SIZE_MAX; });
  expect(Code::kRange, "head_stride", [](auto& args) { args.head_stride = SIZE_MAX / 4; });
  expect(Code::kRange, "cache.position_stride", [](auto& args) { args.cache.position_stride = SIZE_MAX / 3; });
  expect(Code::kRange, "cache.head_stride", [](auto& args) { args.cache.head_stride = SIZE_MAX - 20; });
  // Overlaps.
  const auto at = [&](size_t byte) { return reinterpret_cast<const float*>(memory.data() + byte); };
  expect(Code::kOverlap, "x", [&](auto& args) { args.x = at(6 * 32 - 4); });
  expect(Code::kOverlap, "x", [&](auto& args) { args.cache.data = x.data(); });
  EXPECT_TRUE(IsOk([&] {
    StoreKvArgs args = good;
    args.x = at(6 * 32);  // right behind
    return Validate(args);
  }()));
  // The block table: blocks of two positions, from the second block on.
  const auto paged = [&](auto& args) {
    args.cache.block_table = table.data();
    args.cache.block_length = 2;
    args.capacity = 10;
  };
  StoreKvArgs good_paged = good;
  paged(good_paged);
  ASSERT_TRUE(IsOk(Validate(good_paged)));
  const auto expect_paged = [&](Code code, const std::string& argument, auto change) {
    expect(code, argument, [&](auto& args) {
      paged(args);
      change(args);
    });
  };
  expect_paged(Code::kRange, "cache.block_length", [](auto& args) { args.cache.block_length = 0; });
  expect_paged(Code::kOverlap, "a block of cache.block_table", [](auto& args) { args.tokens = 5; });  // block 1 twice
  expect_paged(Code::kOverlap, "a block of cache.block_table", [](auto& args) { args.first_position = 3; });
  expect_paged(Code::kRange, "cache.position_stride", [](auto& args) {
    args.first_position = 9;
    args.tokens = 1;
    args.cache.position_stride = SIZE_MAX / 1000;
  });
  expect_paged(Code::kRange, "cache.block_table", [](auto& args) {
    args.first_position = 4;
    args.tokens = 1;
    args.size = size_t{1} << 59;  // a row of 2^60 bytes
    args.heads = 1;
    args.cache.position_stride = size_t{1} << 60;
    args.first_position = 8;
  });
  expect_paged(Code::kOverlap, "x", [&](auto& args) { args.x = at(3 * 32); });
  EXPECT_TRUE(IsOk([&] {
    StoreKvArgs args = good_paged;  // into block 3, which lies behind blocks 0 to 2, where x is
    args.first_position = 0;
    args.tokens = 2;
    args.x = at(0);
    return Validate(args);
  }()));
  EXPECT_EQ(memory, std::vector<uint8_t>(1024, 0x55));
}

// Tables of any spread: numbers that share no window, and a repetition far from the first.
TEST_P(StoreKvTest, RepeatedBlocks) {
  Random random(5);
  for (uint64_t spread : {uint64_t{3000}, uint64_t{100000}, uint64_t{1} << 32}) {
    const size_t count = 1000;
    std::vector<uint32_t> table(count);
    for (size_t i = 0; i < count; ++i) table[i] = static_cast<uint32_t>((i * 7919 % count) * (spread / count));
    const std::vector<float> x(count);
    StoreKvArgs args;
    args.x = x.data();
    args.token_stride = args.head_stride = args.size = args.heads = 1;
    args.tokens = args.capacity = count;
    // Validate reads no cache: its address need not lead anywhere.
    args.cache = {reinterpret_cast<const void*>(uintptr_t{1} << 50), DType::kF16, 2, 2, table.data(), 1};
    EXPECT_TRUE(IsOk(Validate(args))) << spread;
    const uint32_t saved = table[998];
    table[998] = table[3];
    EXPECT_EQ(Validate(args).code, Code::kOverlap) << spread;
    EXPECT_STREQ(Validate(args).argument, "a block of cache.block_table");
    table[998] = saved;
  }
}

}  // namespace
}  // namespace weft::test
