// What is wrong with the arguments of the small operations.
#ifndef WEFT_DRIVERS_OPS_VALIDATE_H_
#define WEFT_DRIVERS_OPS_VALIDATE_H_

#include "weft/core/op_args.h"
#include "weft/core/status.h"
#include "weft/core/strict_math.h"
#include "weft/drivers/region.h"

namespace weft::inline WEFT_NAMESPACE::driver {

inline Status ValidateCount(size_t count, const char* name) {
  return count > 0 ? Ok() : Error(Code::kRange, name, 0, 1);
}

inline Status ValidateActivation(Activation activation, const char* name) {
  const size_t id = static_cast<size_t>(activation);
  return id < kActivations ? Ok() : Error(Code::kRange, name, id, kActivations - 1);
}

inline Status Validate(const NormArgs& args) {
  if (const Status status = FirstError(ValidateCount(args.cols, "cols"), ValidateCount(args.heads, "heads"));
      !status.ok()) {
    return status;
  }
  if (args.rows == 0) return Ok();
  if (args.rows % args.heads != 0) return Error(Code::kMultiple, "rows", args.rows, args.heads);
  const auto region = [&](const float* data, const char* name, size_t stride, const char* stride_name,
                          size_t head_stride, const char* head_stride_name) {
    return Region{data,
                  args.cols,
                  name,
                  "cols",
                  {args.rows / args.heads, stride, "rows", stride_name},
                  {args.heads, head_stride, "heads", head_stride_name}};
  };
  const Region x = region(args.x, "x", args.stride, "stride", args.head_stride, "head_stride");
  const Region y = region(args.y, "y", args.y_stride, "y_stride", args.y_head_stride, "y_head_stride");
  const Region weight = LineRegion(args.weight, "weight", args.cols, "cols");
  const Region bias = LineRegion(args.bias, "bias", args.cols, "cols");
  if (const Status status = FirstError(ValidateRegion(x), ValidateRegion(y)); !status.ok()) return status;
  if (const Status status = FirstError(ValidateRunsApart(y), ValidateApartOrSame(y, x), ValidateApart(y, weight, bias));
      !status.ok()) {
    return status;
  }
  if (args.residual == nullptr) return args.sum == nullptr ? Ok() : Error(Code::kNull, "residual");
  const Region residual = region(args.residual, "residual", args.residual_stride, "residual_stride",
                                 args.residual_head_stride, "residual_head_stride");
  if (const Status status = FirstError(ValidateRegion(residual)); !status.ok()) return status;
  if (const Status status = ValidateApartOrSame(y, residual); !status.ok() || args.sum == nullptr) return status;
  const Region sum = region(args.sum, "sum", args.sum_stride, "sum_stride", args.sum_head_stride, "sum_head_stride");
  if (const Status status = ValidateRegion(sum); !status.ok()) return status;
  return FirstError(ValidateRunsApart(sum), ValidateApart(y, sum), ValidateApartOrSame(sum, x, residual),
                    ValidateApart(sum, weight, bias));
}

inline Status Validate(const RopeTableArgs& args) {
  if (const Status status = ValidateCount(args.pairs, "pairs"); !status.ok() || args.tokens == 0) return status;
  const Region positions = LineRegion(args.positions, "positions", args.tokens, "tokens");
  const Region frequency = LineRegion(args.frequency, "frequency", args.pairs, "pairs");
  const Region table{args.table, args.pairs,       "table", "pairs", {args.tokens, args.pairs, "tokens", "pairs"},
                     {},         2 * sizeof(float)};
  if (const Status status = FirstError(ValidateRegion(positions), ValidateRegion(frequency), ValidateRegion(table));
      !status.ok()) {
    return status;
  }
  return ValidateApart(table, positions, frequency);
}

inline Status Validate(const RopeArgs& args) {
  if (const Status status = FirstError(ValidateCount(args.heads, "heads"), ValidateCount(args.pairs, "pairs"));
      !status.ok()) {
    return status;
  }
  if (args.pairs > SIZE_MAX / 2) return Error(Code::kRange, "pairs", args.pairs, SIZE_MAX / 2);
  const size_t rotated = 2 * args.pairs;
  if (args.head_size != 0 && args.head_size < rotated) {
    return Error(Code::kShape, "head_size", args.head_size, rotated);
  }
  if (args.tokens == 0) return Ok();
  const size_t size = args.head_size != 0 ? args.head_size : rotated;
  const char* size_name = args.head_size != 0 ? "head_size" : "pairs";
  const Region x{args.x,
                 size,
                 "x",
                 size_name,
                 {args.tokens, args.token_stride, "tokens", "token_stride"},
                 {args.heads, args.head_stride, "heads", "head_stride"}};
  const Region y{args.y,
                 size,
                 "y",
                 size_name,
                 {args.tokens, args.y_token_stride, "tokens", "y_token_stride"},
                 {args.heads, args.y_head_stride, "heads", "y_head_stride"}};
  const Region table{args.table, args.pairs,       "table", "pairs", {args.tokens, args.pairs, "tokens", "pairs"},
                     {},         2 * sizeof(float)};
  if (const Status status = FirstError(ValidateRegion(x), ValidateRegion(y), ValidateRegion(table)); !status.ok()) {
    return status;
  }
  return FirstError(ValidateRunsApart(y), ValidateApartOrSame(y, x), ValidateApart(y, table));
}

inline Status Validate(const ElementwiseArgs& args) {
  if (const Status status =
          FirstError(ValidateCount(args.cols, "cols"), ValidateActivation(args.activation, "activation"));
      !status.ok() || args.rows == 0) {
    return status;
  }
  const Region x = RowRegion(args.x, "x", args.rows, args.cols, args.stride, "stride");
  const Region y = RowRegion(args.y, "y", args.rows, args.cols, args.y_stride, "y_stride");
  if (const Status status = FirstError(ValidateRegion(x), ValidateRegion(y)); !status.ok()) return status;
  return ValidateApartOrSame(y, x);
}

inline Status Validate(const GatedArgs& args) {
  if (const Status status =
          FirstError(ValidateCount(args.cols, "cols"), ValidateActivation(args.activation, "activation"));
      !status.ok() || args.rows == 0) {
    return status;
  }
  const Region gate = RowRegion(args.gate, "gate", args.rows, args.cols, args.gate_stride, "gate_stride");
  const Region up = RowRegion(args.up, "up", args.rows, args.cols, args.up_stride, "up_stride");
  const Region y = RowRegion(args.y, "y", args.rows, args.cols, args.y_stride, "y_stride");
  if (const Status status = FirstError(ValidateRegion(gate), ValidateRegion(up), ValidateRegion(y)); !status.ok()) {
    return status;
  }
  return ValidateApartOrSame(y, gate, up);
}

inline Status Validate(const SoftmaxArgs& args) {
  if (const Status status = ValidateCount(args.cols, "cols"); !status.ok() || args.rows == 0) return status;
  const Region x = RowRegion(args.x, "x", args.rows, args.cols, args.stride, "stride");
  const Region y = RowRegion(args.y, "y", args.rows, args.cols, args.y_stride, "y_stride");
  if (const Status status = FirstError(ValidateRegion(x), ValidateRegion(y)); !status.ok()) return status;
  return ValidateApartOrSame(y, x);
}

inline Status Validate(const TopKArgs& args) {
  if (const Status status = FirstError(ValidateCount(args.cols, "cols"), ValidateCount(args.k, "k")); !status.ok()) {
    return status;
  }
  if (args.cols > kNoIndex) return Error(Code::kRange, "cols", args.cols, kNoIndex);
  if (args.k > args.cols) return Error(Code::kRange, "k", args.k, args.cols);
  if (args.rows == 0) return Ok();
  const auto output = [&](const void* data, const char* name, size_t stride, const char* stride_name) {
    return Region{data, args.k, name, "k", {args.rows, stride, "rows", stride_name}, {}};
  };
  const Region x = RowRegion(args.x, "x", args.rows, args.cols, args.stride, "stride");
  const Region indices = output(args.indices, "indices", args.index_stride, "index_stride");
  const Region values = output(args.values, "values", args.value_stride, "value_stride");
  if (const Status status = FirstError(ValidateRegion(x), ValidateRegion(indices)); !status.ok()) return status;
  if (const Status status = ValidateApart(indices, x); !status.ok() || args.values == nullptr) return status;
  if (const Status status = ValidateRegion(values); !status.ok()) return status;
  return FirstError(ValidateApart(values, x), ValidateApart(indices, values));
}

}  // namespace weft::inline WEFT_NAMESPACE::driver

#endif  // WEFT_DRIVERS_OPS_VALIDATE_H_
