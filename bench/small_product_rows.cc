// Products so small that what a call costs besides its arithmetic counts: one token, weights that stay in the cache.
#include "bench/operation.h"
#include "weft/formats/formats.h"
#include "weft/weft.h"

namespace weft::bench {
namespace {

void AddSmallProduct(const Plan& plan, DType type, size_t size) {
  if (!Fits(type, size)) return;
  Operation operation;
  operation.name = "matvec/" + LowerName(type) + "/n:" + std::to_string(size) + "/k:" + std::to_string(size);
  operation.suffix = "/warm";
  operation.read = size * RowBytes(type, size) + size * sizeof(float);
  operation.written = size * sizeof(float);
  operation.elements = operation.macs = size * size;
  operation.pieces = PiecesOf(size, size);
  operation.prepare = [=]() -> Call {
    return [=, w = MakeBlocks(type, size, size), x = Normals(size), y = Buffer<float>(size),
            forms = Buffer<uint8_t>(ActivationBytes(type, 1, size)),
            memory = Buffer<uint8_t>()](const Executor& executor) mutable {
      ActivationSet set = MakeActivations(x.data(), 1, size, size, {forms.data(), forms.size()});
      MatMulArgs args;
      args.x = &set;
      args.w = MakeWeights(w.data(), type, size, size);
      args.y = y.data();
      args.y_stride = size;
      if (memory.empty()) memory.resize(MatMulWorkspaceBytes(args, executor.workers));
      return MatMul(args, executor, {memory.data(), memory.size()});
    };
  };
  AddOperation(plan, operation);
}

}  // namespace

void RegisterSmallProducts(const Plan& plan) {
  ForEachFormat([&]<class Format>() {
    for (const size_t size : {64, 256}) AddSmallProduct(plan, Format::kType, size);
  });
}

}  // namespace weft::bench
