// Conversions over a set of kernels.
#ifndef WEFT_DRIVERS_FORMATS_H_
#define WEFT_DRIVERS_FORMATS_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/executor.h"
#include "weft/core/kernel_set.h"
#include "weft/core/status.h"
#include "weft/drivers/matmul_validate.h"
#include "weft/drivers/region.h"
#include "weft/drivers/split.h"

namespace weft::inline WEFT_NAMESPACE::driver {

// n elements as floats at `x`, named x_name, and as blocks, apart from each other.
inline Status ValidateBlocks(const FormatKernels* format, DType type, const void* blocks, const float* x,
                             const char* x_name, size_t n) {
  if (format == nullptr) return TypeError(Code::kUnsupported, "type", type);
  if (n == 0) return Ok();
  if (blocks == nullptr || x == nullptr) return Error(Code::kNull, blocks == nullptr ? "blocks" : x_name);
  if (n % format->block_elements != 0) return Error(Code::kMultiple, "n", n, format->block_elements);
  const Region floats = LineRegion(x, x_name, n, "n");
  Region encoded = LineRegion(blocks, "blocks", n / format->block_elements, "n");
  encoded.element = format->block_bytes;
  const Status status = FirstError(ValidateRegion(floats), ValidateRegion(encoded));
  return status.ok() ? ValidateApart(encoded, floats) : status;
}

// Calls f(first element, count) for runs of whole blocks of [0, n), on several threads where `effort` times n floats
// are worth it.
template <class F>
Status ForBlocks(const Executor& executor, const FormatKernels& format, size_t n, size_t effort, const F& f) {
  const size_t elements = format.block_elements;
  const auto run = [&](size_t first, size_t count) { f(first * elements, count * elements); };
  return ForRuns(executor, n / elements, elements * effort, run);
}

inline Status Dequantize(const KernelSet& set, DType type, const void* blocks, float* y, size_t n,
                         const Executor& executor) {
  const FormatKernels* format = set.Find(type);
  if (const Status status = ValidateBlocks(format, type, blocks, y, "y", n); !status.ok()) return status;
  return ForBlocks(executor, *format, n, 1, [&](size_t first, size_t count) {
    const size_t offset = first / format->block_elements * format->block_bytes;
    format->decode(static_cast<const uint8_t*>(blocks) + offset, y + first, count);
  });
}

inline Status Quantize(const KernelSet& set, DType type, const float* x, void* blocks, size_t n,
                       const Executor& executor) {
  const FormatKernels* format = set.Find(type);
  if (const Status status = ValidateBlocks(format, type, blocks, x, "x", n); !status.ok()) return status;
  if (format->encode == nullptr) return TypeError(Code::kReadOnly, "type", type);
  // The search for a block's factors takes some hundred times as long as reading it.
  const size_t effort = format->block_elements >= 256 ? 64 : 1;
  return ForBlocks(executor, *format, n, effort, [&](size_t first, size_t count) {
    const size_t offset = first / format->block_elements * format->block_bytes;
    format->encode(x + first, static_cast<uint8_t*>(blocks) + offset, count);
  });
}

inline Status Validate(const KernelSet& set, const GetRowsArgs& args) {
  if (const Status status = ValidateWeights(set, args.w); !status.ok() || args.count == 0) return status;
  if (args.w.rows == 0) return Error(Code::kRange, "w.rows", 0, 1);
  if (args.ids == nullptr) return Error(Code::kNull, "ids");
  if (args.y == nullptr) return Error(Code::kNull, "y");
  if (args.y_stride < args.w.cols) return Error(Code::kShape, "y_stride", args.y_stride, args.w.cols);
  const Region ids = LineRegion(args.ids, "ids", args.count, "count");
  const Region y{args.y, args.w.cols, "y", "w.cols", {args.count, args.y_stride, "count", "y_stride"}, {}};
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

}  // namespace weft::inline WEFT_NAMESPACE::driver

#endif  // WEFT_DRIVERS_FORMATS_H_
