// Conversions over a set of kernels.
#ifndef WEFT_DRIVERS_FORMATS_H_
#define WEFT_DRIVERS_FORMATS_H_

#include "weft/core/kernel_set.h"
#include "weft/core/status.h"
#include "weft/drivers/matmul.h"

namespace weft::driver {

inline Status ValidateBlocks(const FormatKernels* format, DType type, const void* a, const void* b, size_t n) {
  if (format == nullptr) return TypeError(Code::kUnsupported, "type", type);
  if (a == nullptr || b == nullptr) return Error(Code::kNull, a == nullptr ? "source" : "destination");
  if (n % format->block_elements != 0) return Error(Code::kMultiple, "n", n, format->block_elements);
  return Ok();
}

inline Status Dequantize(const KernelSet& set, DType type, const void* blocks, float* y, size_t n) {
  const FormatKernels* format = set.Find(type);
  if (const Status status = ValidateBlocks(format, type, blocks, y, n); !status.ok()) return status;
  format->decode(blocks, y, n);
  return Ok();
}

inline Status Quantize(const KernelSet& set, DType type, const float* x, void* blocks, size_t n) {
  const FormatKernels* format = set.Find(type);
  if (const Status status = ValidateBlocks(format, type, x, blocks, n); !status.ok()) return status;
  format->encode(x, blocks, n);
  return Ok();
}

inline Status Validate(const KernelSet& set, const GetRowsArgs& args) {
  if (const Status status = ValidateWeights(set, args.w); !status.ok()) return status;
  if (args.ids == nullptr) return Error(Code::kNull, "ids");
  if (args.y == nullptr) return Error(Code::kNull, "y");
  if (args.y_stride < args.w.cols) return Error(Code::kShape, "y_stride", args.y_stride, args.w.cols);
  const Region ids = LineRegion(args.ids, "ids", args.count, "count");
  const Region y{args.y, args.w.cols, "y", "w.cols", {args.count, args.y_stride, "count", "y_stride"}, {}};
  if (args.count == 0) return Ok();
  if (const Status status = FirstError(ValidateRegion(ids), ValidateRegion(y)); !status.ok()) return status;
  for (size_t i = 0; i < args.count; ++i) {
    if (args.ids[i] >= args.w.rows) return Error(Code::kRange, "ids", args.ids[i], args.w.rows - 1);
  }
  return ValidateApart(y, RegionOf(args.w), ids);
}

inline Status GetRows(const KernelSet& set, const GetRowsArgs& args, const Executor& executor) {
  if (const Status status = Validate(set, args); !status.ok()) return status;
  const FormatKernels& format = *set.Find(args.w.type);
  const float scale = args.scale * (args.w.scale != nullptr ? *args.w.scale : 1.0f);
  return ForRuns(executor, args.count, args.w.cols, [&](size_t first, size_t count) {
    for (size_t i = first; i < first + count; ++i) {
      float* y = args.y + i * args.y_stride;
      format.decode(static_cast<const uint8_t*>(args.w.data) + args.ids[i] * args.w.row_bytes, y, args.w.cols);
      if (scale == 1.0f) continue;
      for (size_t k = 0; k < args.w.cols; ++k) y[k] *= scale;
    }
  });
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_FORMATS_H_
