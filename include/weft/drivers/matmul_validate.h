// What is wrong with the arguments of matrix products.
#ifndef WEFT_DRIVERS_MATMUL_VALIDATE_H_
#define WEFT_DRIVERS_MATMUL_VALIDATE_H_

#include "weft/core/kernel_set.h"
#include "weft/core/status.h"
#include "weft/drivers/split.h"

namespace weft::driver {

inline Status ValidateWeights(const KernelSet& set, const WeightView& w, const char* name) {
  const FormatKernels* format = set.Find(w.type);
  if (format == nullptr) return Error(Code::kUnsupported, name, static_cast<uint64_t>(w.type));
  if (w.data == nullptr) return Error(Code::kNull, name);
  if (w.rows == 0 || w.cols == 0) return Error(Code::kRange, name, 0, 1);
  if (w.cols % format->block_elements != 0) {
    return Error(Code::kMultiple, "w.cols", w.cols, format->block_elements);
  }
  if (w.row_bytes < w.cols / format->block_elements * format->block_bytes) {
    return Error(Code::kShape, "w.row_bytes", w.row_bytes, RowBytes(w.type, w.cols));
  }
  return Ok();
}

inline size_t WeightBytes(const WeightView& w) { return (w.rows - 1) * w.row_bytes + RowBytes(w.type, w.cols); }

inline Status ValidateEpilogue(const KernelSet& set, const MatMulArgs& args) {
  const Epilogue& e = args.epilogue;
  const size_t y_bytes = SpanBytes(args.tokens(), args.y_stride, args.w.rows);
  if (e.residual != nullptr) {
    if (e.residual_stride < args.w.rows) {
      return Error(Code::kShape, "epilogue.residual_stride", e.residual_stride, args.w.rows);
    }
    const bool same = e.residual == args.y && e.residual_stride == args.y_stride;
    const size_t bytes = SpanBytes(args.tokens(), e.residual_stride, args.w.rows);
    if (!same && Overlap(args.y, y_bytes, e.residual, bytes)) return Error(Code::kOverlap, "epilogue.residual");
  }
  if (e.gate == nullptr) {
    return e.gate_bias == nullptr ? Ok() : Error(Code::kNull, "epilogue.gate");
  }
  const WeightView& gate = *e.gate;
  if (const Status status = ValidateWeights(set, gate, "epilogue.gate"); !status.ok()) return status;
  if (gate.type != args.w.type) {
    return Error(Code::kShape, "epilogue.gate->type", static_cast<uint64_t>(gate.type),
                 static_cast<uint64_t>(args.w.type));
  }
  if (gate.rows != args.w.rows) return Error(Code::kShape, "epilogue.gate->rows", gate.rows, args.w.rows);
  if (gate.cols != args.w.cols) return Error(Code::kShape, "epilogue.gate->cols", gate.cols, args.w.cols);
  if (Overlap(args.y, y_bytes, gate.data, WeightBytes(gate))) return Error(Code::kOverlap, "y");
  return Ok();
}

inline Status Validate(const KernelSet& set, const MatMulArgs& args) {
  if (args.x == nullptr || args.x->x == nullptr) return Error(Code::kNull, "x");
  if (args.y == nullptr) return Error(Code::kNull, "y");
  const ActivationSet& x = *args.x;
  if (x.rows == 0) return Error(Code::kRange, "x.rows", 0, 1);
  if (x.stride < x.cols) return Error(Code::kShape, "x.stride", x.stride, x.cols);
  if (const Status status = ValidateWeights(set, args.w, "w"); !status.ok()) return status;
  if (x.cols != args.w.cols) return Error(Code::kShape, "x.cols", x.cols, args.w.cols);
  if (args.y_stride < args.w.rows) return Error(Code::kShape, "y_stride", args.y_stride, args.w.rows);
  if (args.tokens() == 0) return Error(Code::kRange, "row_count", 0, 1);
  if (args.row_index != nullptr) {
    for (size_t i = 0; i < args.row_count; ++i) {
      if (args.row_index[i] >= x.rows) return Error(Code::kRange, "row_index", args.row_index[i], x.rows - 1);
    }
  }
  const size_t y_bytes = SpanBytes(args.tokens(), args.y_stride, args.w.rows);
  if (Overlap(args.y, y_bytes, x.x, SpanBytes(x.rows, x.stride, x.cols)) ||
      Overlap(args.y, y_bytes, args.w.data, WeightBytes(args.w))) {
    return Error(Code::kOverlap, "y");
  }
  return ValidateEpilogue(set, args);
}

// Of several products at once also: what one writes, no other may read or write.
inline Status Validate(const KernelSet& set, const MatMulArgs* products, size_t count) {
  if (products == nullptr) return Error(Code::kNull, "products");
  if (count == 0 || count > kMostProducts) return Error(Code::kRange, "count", count, count == 0 ? 1 : kMostProducts);
  for (size_t i = 0; i < count; ++i) {
    if (const Status status = Validate(set, products[i]); !status.ok()) return status;
  }
  const auto bytes = [](const MatMulArgs& args, size_t stride) {
    return SpanBytes(args.tokens(), stride, args.w.rows);
  };
  for (size_t i = 0; i < count; ++i) {
    const MatMulArgs& one = products[i];
    const size_t y_bytes = bytes(one, one.y_stride);
    for (size_t j = 0; j < count; ++j) {
      if (i == j) continue;
      const MatMulArgs& other = products[j];
      const Epilogue& e = other.epilogue;
      if (Overlap(one.y, y_bytes, other.y, bytes(other, other.y_stride)) ||
          Overlap(one.y, y_bytes, other.x->x, SpanBytes(other.x->rows, other.x->stride, other.x->cols)) ||
          Overlap(one.y, y_bytes, other.w.data, WeightBytes(other.w)) ||
          (e.gate != nullptr && Overlap(one.y, y_bytes, e.gate->data, WeightBytes(*e.gate))) ||
          (e.residual != nullptr && Overlap(one.y, y_bytes, e.residual, bytes(other, e.residual_stride)))) {
        return Error(Code::kOverlap, "products");
      }
    }
  }
  return Ok();
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_MATMUL_VALIDATE_H_
