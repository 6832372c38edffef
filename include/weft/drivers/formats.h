// Conversions over a set of kernels.
#ifndef WEFT_DRIVERS_FORMATS_H_
#define WEFT_DRIVERS_FORMATS_H_

#include <stddef.h>
#include <stdint.h>

#include "weft/core/checked.h"
#include "weft/core/executor.h"
#include "weft/core/kernel_set.h"
#include "weft/core/status.h"
#include "weft/drivers/matmul.h"
#include "weft/drivers/split.h"

namespace weft::driver {

// n elements as floats at `x`, named x_name, and as blocks. `out` is the one of the two that is written.
inline Status ValidateBlocks(const FormatKernels* format, DType type, const void* blocks, const float* x,
                             const char* x_name, const char* out, size_t n) {
  if (format == nullptr) return Error(Code::kUnsupported, "type", static_cast<uint64_t>(type));
  if (blocks == nullptr || x == nullptr) return Error(Code::kNull, blocks == nullptr ? "blocks" : x_name);
  if (n % format->block_elements != 0) return Error(Code::kMultiple, "n", n, format->block_elements);
  // Neither range may wrap around the end of memory.
  const Checked x_bytes = Checked(n) * sizeof(float);
  const Checked block_bytes = Checked(n / format->block_elements) * format->block_bytes;
  if (!(x_bytes + reinterpret_cast<uintptr_t>(x)).AtMost(UINTPTR_MAX) ||
      !(block_bytes + reinterpret_cast<uintptr_t>(blocks)).AtMost(UINTPTR_MAX)) {
    return Error(Code::kRange, "n", n, PTRDIFF_MAX / sizeof(float));
  }
  if (Overlap(x, x_bytes.value(), blocks, block_bytes.value())) return Error(Code::kOverlap, out);
  return Ok();
}

// Calls f(first element, count) for runs of whole blocks of [0, n), on several threads where `effort` times n floats
// are worth it.
template <class F>
void ForBlocks(const Executor& executor, const FormatKernels& format, size_t n, size_t effort, const F& f) {
  const size_t elements = format.block_elements;
  const auto run = [&](size_t first, size_t count) { f(first * elements, count * elements); };
  if (n < kWorthSharing / effort) {
    run(0, n / elements);
  } else {
    ForRuns(executor, n / elements, elements * effort, run);
  }
}

inline Status Dequantize(const KernelSet& set, DType type, const void* blocks, float* y, size_t n,
                         const Executor& executor) {
  const FormatKernels* format = set.Find(type);
  if (const Status status = ValidateBlocks(format, type, blocks, y, "y", "y", n); !status.ok()) return status;
  ForBlocks(executor, *format, n, 1, [&](size_t first, size_t count) {
    const size_t offset = first / format->block_elements * format->block_bytes;
    format->decode(static_cast<const uint8_t*>(blocks) + offset, y + first, count);
  });
  return Ok();
}

inline Status Quantize(const KernelSet& set, DType type, const float* x, void* blocks, size_t n,
                       const Executor& executor) {
  const FormatKernels* format = set.Find(type);
  if (const Status status = ValidateBlocks(format, type, blocks, x, "x", "blocks", n); !status.ok()) return status;
  // The search for a block's factors takes some hundred times as long as reading it.
  const size_t effort = format->block_elements >= 256 ? 64 : 1;
  ForBlocks(executor, *format, n, effort, [&](size_t first, size_t count) {
    const size_t offset = first / format->block_elements * format->block_bytes;
    format->encode(x + first, static_cast<uint8_t*>(blocks) + offset, count);
  });
  return Ok();
}

inline Status Validate(const KernelSet& set, const GetRowsArgs& args) {
  if (const Status status = ValidateWeights(set, args.w, "w"); !status.ok()) return status;
  if (args.ids == nullptr) return Error(Code::kNull, "ids");
  if (args.y == nullptr) return Error(Code::kNull, "y");
  if (args.y_stride < args.w.cols) return Error(Code::kShape, "y_stride", args.y_stride, args.w.cols);
  for (size_t i = 0; i < args.count; ++i) {
    if (args.ids[i] >= args.w.rows) return Error(Code::kRange, "ids", args.ids[i], args.w.rows - 1);
  }
  const size_t y_bytes = SpanBytes(args.count, args.y_stride, args.w.cols);
  if (Overlap(args.y, y_bytes, args.w.data, WeightBytes(args.w))) return Error(Code::kOverlap, "y");
  return Ok();
}

inline Status GetRows(const KernelSet& set, const GetRowsArgs& args, const Executor& executor) {
  if (const Status status = Validate(set, args); !status.ok()) return status;
  const FormatKernels& format = *set.Find(args.w.type);
  const float scale = args.scale * (args.w.scale != nullptr ? *args.w.scale : 1.0f);
  ForRuns(executor, args.count, args.w.cols, [&](size_t first, size_t count) {
    for (size_t i = first; i < first + count; ++i) {
      float* y = args.y + i * args.y_stride;
      format.decode(static_cast<const uint8_t*>(args.w.data) + args.ids[i] * args.w.row_bytes, y, args.w.cols);
      if (scale == 1.0f) continue;
      for (size_t k = 0; k < args.w.cols; ++k) y[k] *= scale;
    }
  });
  return Ok();
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_FORMATS_H_
