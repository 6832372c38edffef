// Rows that convert between floats and the formats of weights and caches.
#include "bench/operation.h"
#include "weft/formats/formats.h"
#include "weft/weft.h"

namespace weft::bench {
namespace {

constexpr size_t kWeights = size_t{1} << 18;  // with their blocks, of the size of a second-level cache

// Normal numbers of the size of weights.
Buffer<float> Weights(size_t count) { return Normals(count, 0.02f); }

Operation OnWeights(const char* name, DType type, size_t n) {
  Operation operation;
  operation.name = name + ("/" + LowerName(type)) + "/n:" + std::to_string(n);
  operation.elements = n;
  const size_t block = LayoutOf(type).block_elements;
  operation.pieces = PiecesOf(n / block, block);
  return operation;
}

void AddQuantize(const Plan& plan, DType type) {
  Operation operation = OnWeights("quantize", type, kWeights);
  operation.read = kWeights * sizeof(float);
  operation.written = RowBytes(type, kWeights);
  operation.prepare = [=]() -> Call {
    return [=, x = Weights(kWeights),
            blocks = Buffer<uint8_t>(RowBytes(type, kWeights))](const Executor& executor) mutable {
      return Quantize(type, x.data(), blocks.data(), kWeights, executor);
    };
  };
  AddOperation(plan, operation);
}

void AddDequantize(const Plan& plan, DType type, size_t n) {
  Operation operation = OnWeights("dequantize", type, n);
  operation.read = RowBytes(type, n);
  operation.written = n * sizeof(float);
  operation.prepare = [=]() -> Call {
    return [=, blocks = MakeBlocks(type, 1, n), y = Buffer<float>(n)](const Executor& executor) mutable {
      return Dequantize(type, blocks.data(), y.data(), n, executor);
    };
  };
  AddOperation(plan, operation);
}

// Rows here and there in an embedding.
void AddGetRows(const Plan& plan, DType type, size_t m) {
  constexpr size_t kCols = 2048, kRows = 1024;
  Operation operation;
  operation.name = "get_rows/" + LowerName(type) + "/" + RowsAndCols(m, kCols);
  operation.read = m * RowBytes(type, kCols);
  operation.written = m * kCols * sizeof(float);
  operation.elements = m * kCols;
  operation.pieces = PiecesOf(m, kCols);
  operation.prepare = [=]() -> Call {
    Buffer<uint32_t> ids(m);
    for (size_t i = 0; i < m; ++i) ids[i] = static_cast<uint32_t>(i * 619 % kRows);  // all different
    return
        [=, blocks = MakeBlocks(type, kRows, kCols), y = Buffer<float>(m * kCols)](const Executor& executor) mutable {
          GetRowsArgs args;
          args.w = MakeWeights(blocks.data(), type, kRows, kCols);
          args.ids = ids.data();
          args.count = m;
          args.y = y.data();
          args.y_stride = kCols;
          return GetRows(args, executor);
        };
  };
  AddOperation(plan, operation);
}

// The keys or values of some tokens, eight heads of 64, a position after the other.
void AddStoreKv(const Plan& plan, DType type, size_t m) {
  constexpr size_t kHeads = 8, kSize = 64, kCols = kHeads * kSize;
  Operation operation;
  operation.name = "store_kv/" + LowerName(type) + "/" + RowsAndCols(m, kCols);
  operation.read = m * kCols * sizeof(float);
  operation.written = m * RowBytes(type, kCols);
  operation.elements = m * kCols;
  operation.pieces = PiecesOf(m, kCols);
  operation.prepare = [=]() -> Call {
    return [=, x = Normals(m * kCols),
            cache = Buffer<uint8_t>(m * RowBytes(type, kCols))](const Executor& executor) mutable {
      StoreKvArgs args;
      args.x = x.data();
      args.token_stride = kCols;
      args.head_stride = args.size = kSize;
      args.tokens = args.capacity = m;
      args.heads = kHeads;
      args.cache = {cache.data(), type, RowBytes(type, kCols), RowBytes(type, kSize)};
      return StoreKv(args, executor);
    };
  };
  AddOperation(plan, operation);
}

}  // namespace

void RegisterConversions(const Plan& plan) {
  ForEachFormat([&]<class Format>() {
    AddQuantize(plan, Format::kType);
    for (const size_t n : {size_t{1} << 12, size_t{1} << 16, kWeights}) AddDequantize(plan, Format::kType, n);
    for (const size_t m : {1, 16, 512}) AddGetRows(plan, Format::kType, m);
  });
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const size_t m : {1, 16, 512}) AddStoreKv(plan, type, m);
  }
}

}  // namespace weft::bench
