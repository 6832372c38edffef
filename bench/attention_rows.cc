// Attention of one new token: the heads of Llama 3.2 1B against the keys and values before it, of one layer.
#include "bench/operation.h"
#include "weft/weft.h"

namespace weft::bench {
namespace {

constexpr size_t kHeads = 32, kKvHeads = 8, kSize = 64, kBlock = 64;

// A cache of `length` positions with some numbers in it. Where it is paged, its pages follow each other in no order.
struct Cache {
  std::vector<uint8_t> data;
  std::vector<uint32_t> table;
  DType type;

  KvView View() const {
    KvView view{data.data(), type, kKvHeads * RowBytes(type, kSize), RowBytes(type, kSize)};
    if (!table.empty()) view.block_table = table.data();
    view.block_length = table.empty() ? 0 : kBlock;
    return view;
  }
};

Cache MakeCache(DType type, size_t length, bool paged) {
  Cache cache{MakeBlocks(type, length, kKvHeads * kSize), {}, type};
  const size_t blocks = length / kBlock;
  for (size_t i = 0; paged && i < blocks; ++i) {
    cache.table.push_back(static_cast<uint32_t>((i * 29 + 11) % blocks));  // blocks is a power of two: all of them
  }
  return cache;
}

void AddDecode(const Plan& plan, DType type, size_t length, bool paged) {
  Operation operation;
  operation.name =
      "attention/" + LowerName(type) + (paged ? "_paged" : "_contiguous") + "/m:1/kv:" + std::to_string(length);
  operation.read = 2 * length * kKvHeads * RowBytes(type, kSize) + kHeads * kSize * sizeof(float);
  operation.written = kHeads * kSize * sizeof(float);
  operation.elements = 2 * length * kKvHeads * kSize;
  operation.macs = 2 * length * kHeads * kSize;
  operation.pieces = kKvHeads;
  operation.prepare = [=]() -> Call {
    return
        [=, keys = MakeCache(type, length, paged), values = MakeCache(type, length, paged), q = Normals(kHeads * kSize),
         out = Buffer<float>(kHeads * kSize), memory = Buffer<uint8_t>()](const Executor& executor) mutable {
          AttentionSequence sequence;
          sequence.queries = 1;
          sequence.first_position = static_cast<int64_t>(length) - 1;
          sequence.k = keys.View();
          sequence.v = values.View();
          sequence.kv_length = length;
          AttentionArgs args;
          args.q = q.data();
          args.out = out.data();
          args.q_token_stride = args.out_token_stride = kHeads * kSize;
          args.q_head_stride = args.out_head_stride = args.k_size = args.v_size = kSize;
          args.heads = kHeads;
          args.kv_heads = kKvHeads;
          args.scale = 0.125f;
          args.sequences = &sequence;
          args.sequence_count = 1;
          if (memory.empty()) memory.resize(AttentionWorkspaceBytes(args, executor.workers));
          return Attention(args, executor, {memory.data(), memory.size()});
        };
  };
  AddOperation(plan, operation);
}

}  // namespace

void RegisterAttention(const Plan& plan) {
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const bool paged : {false, true}) {
      for (const size_t length : {256, 4096}) AddDecode(plan, type, length, paged);
    }
  }
}

}  // namespace weft::bench
