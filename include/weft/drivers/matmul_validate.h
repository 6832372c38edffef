// What is wrong with the arguments of matrix products.
#ifndef WEFT_DRIVERS_MATMUL_VALIDATE_H_
#define WEFT_DRIVERS_MATMUL_VALIDATE_H_

#include <span>

#include "weft/core/kernel_set.h"
#include "weft/core/status.h"
#include "weft/drivers/activations.h"
#include "weft/drivers/extent.h"

namespace weft::driver {

// What errors call a matrix of weights.
struct WeightNames {
  const char *w, *rows, *cols, *row_bytes;
};
inline constexpr WeightNames kWeightNames = {"w", "w.rows", "w.cols", "w.row_bytes"};
inline constexpr WeightNames kGateNames = {"epilogue.gate", "epilogue.gate->rows", "epilogue.gate->cols",
                                           "epilogue.gate->row_bytes"};

inline Status ValidateWeights(const KernelSet& set, const WeightView& w, const WeightNames& names = kWeightNames) {
  const FormatKernels* format = set.Find(w.type);
  if (format == nullptr) return TypeError(Code::kUnsupported, names.w, w.type);
  if (w.data == nullptr) return Error(Code::kNull, names.w);
  if (w.rows == 0 || w.cols == 0) return Error(Code::kRange, w.rows == 0 ? names.rows : names.cols, 0, 1);
  if (w.cols % format->block_elements != 0) return Error(Code::kMultiple, names.cols, w.cols, format->block_elements);
  const Checked row = Checked(w.cols / format->block_elements) * format->block_bytes;
  if (!row.AtMost(w.row_bytes)) return Error(Code::kShape, names.row_bytes, w.row_bytes, row.OrMost());
  return Extent::Weights(names.w, w).fits() ? Ok() : Error(Code::kAddress, names.w);
}

inline Status ValidateGate(const KernelSet& set, const MatMulArgs& args) {
  const Epilogue& e = args.epilogue;
  if (e.gate == nullptr) return e.gate_bias == nullptr ? Ok() : Error(Code::kNull, "epilogue.gate");
  const WeightView& gate = *e.gate;
  if (const Status status = ValidateWeights(set, gate, kGateNames); !status.ok()) return status;
  if (gate.type != args.w.type) return TypeError(Code::kShape, "epilogue.gate", gate.type, args.w.type);
  if (gate.rows != args.w.rows) return Error(Code::kShape, kGateNames.rows, gate.rows, args.w.rows);
  if (gate.cols != args.w.cols) return Error(Code::kShape, kGateNames.cols, gate.cols, args.w.cols);
  return Ok();
}

inline Status ValidateTokens(const MatMulArgs& args) {
  if (args.row_index == nullptr) return args.row_count == 0 ? Ok() : Error(Code::kNull, "row_index");
  if (args.row_count == 0) return Error(Code::kRange, "row_count", 0, 1);
  if (!Extent("row_index", args.row_index, Checked(args.row_count) * sizeof(uint32_t)).fits()) {
    return Error(Code::kAddress, "row_index");
  }
  for (size_t i = 0; i < args.row_count; ++i) {
    if (args.row_index[i] >= args.x->rows) {
      return Error(Code::kRange, "row_index", args.row_index[i], args.x->rows - 1);
    }
  }
  return Ok();
}

// What a product touches. Errors call the arguments by kNames, or, beside another product's, by kOthers.
class ProductExtents {
 public:
  struct Names {
    const char *y, *x, *w, *gate, *residual, *bias, *gate_bias, *row_index;
  };
  static constexpr Names kNames = {
      "y", "x", "w", "epilogue.gate", "epilogue.residual", "epilogue.bias", "epilogue.gate_bias", "row_index"};
  static constexpr Names kOthers = {"another product's y",
                                    "another product's x",
                                    "another product's w",
                                    "another product's epilogue.gate",
                                    "another product's epilogue.residual",
                                    "another product's epilogue.bias",
                                    "another product's epilogue.gate_bias",
                                    "another product's row_index"};

  explicit ProductExtents(const MatMulArgs& args, const Names& names = kNames) {
    const Epilogue& e = args.epilogue;
    const size_t tokens = args.tokens(), rows = args.w.rows;
    y = Extent::Floats(names.y, args.y, tokens, args.y_stride, rows);
    reads_[0] = Extent::Floats(names.x, args.x->x, args.x->rows, args.x->stride, args.x->cols);
    reads_[1] = Extent::Weights(names.w, args.w);
    count_ = 2;
    const auto add = [this](const void* data, const Extent& extent) {
      if (data != nullptr) reads_[count_++] = extent;
    };
    if (e.gate != nullptr) add(e.gate, Extent::Weights(names.gate, *e.gate));
    add(e.bias, Extent::Floats(names.bias, e.bias, 1, 0, rows));
    add(e.gate_bias, Extent::Floats(names.gate_bias, e.gate_bias, 1, 0, rows));
    add(args.row_index, Extent(names.row_index, args.row_index, Checked(args.row_count) * sizeof(uint32_t)));
    add(e.residual, Extent::Floats(names.residual, e.residual, tokens, e.residual_stride, rows));
    // The residual, the last one, may be y itself.
    in_place_ = e.residual == args.y && e.residual_stride == args.y_stride;
  }

  std::span<const Extent> reads() const { return {reads_, count_}; }
  // Those that y may not overlap.
  std::span<const Extent> others() const { return {reads_, count_ - in_place_}; }

  Extent y;

 private:
  Extent reads_[7];
  size_t count_ = 0;
  bool in_place_ = false;
};

inline Status Validate(const KernelSet& set, const MatMulArgs& args) {
  if (args.x == nullptr) return Error(Code::kNull, "x");
  if (const Status status = ValidateActivations(*args.x); !status.ok()) return status;
  if (args.y == nullptr) return Error(Code::kNull, "y");
  if (const Status status = ValidateWeights(set, args.w); !status.ok()) return status;
  if (args.x->cols != args.w.cols) return Error(Code::kShape, "x.cols", args.x->cols, args.w.cols);
  if (args.y_stride < args.w.rows) return Error(Code::kShape, "y_stride", args.y_stride, args.w.rows);
  const Epilogue& e = args.epilogue;
  if (e.residual != nullptr && e.residual_stride < args.w.rows) {
    return Error(Code::kShape, "epilogue.residual_stride", e.residual_stride, args.w.rows);
  }
  if (const Status status = ValidateTokens(args); !status.ok()) return status;
  if (const Status status = ValidateGate(set, args); !status.ok()) return status;
  const ProductExtents extents(args);
  if (!extents.y.fits()) return Error(Code::kAddress, "y");
  if (const Status status = ValidateAddresses(extents.reads()); !status.ok()) return status;
  if (const Status status = ValidateApart(std::span(&extents.y, 1), extents.others()); !status.ok()) return status;
  return ValidateElements(*args.x, set.Find(args.w.type)->form);
}

// Of several products at once also: what one writes, no other may read or write.
inline Status Validate(const KernelSet& set, const MatMulArgs* products, size_t count) {
  if (products == nullptr) return Error(Code::kNull, "products");
  if (count == 0 || count > kMostProducts) return Error(Code::kRange, "count", count, count == 0 ? 1 : kMostProducts);
  for (size_t i = 0; i < count; ++i) {
    if (const Status status = Validate(set, products[i]); !status.ok()) return status;
  }
  for (size_t i = 0; i < count && count > 1; ++i) {
    const ProductExtents other(products[i], ProductExtents::kOthers);
    for (size_t j = 0; j < count; ++j) {
      if (i == j) continue;
      const Extent y = ProductExtents(products[j]).y;
      if (y.Overlaps(other.y)) return OverlapError("y", other.y.name());
      if (const Status status = ValidateApart(std::span(&y, 1), other.reads()); !status.ok()) return status;
    }
  }
  return Ok();
}

// The forms of the activations of product i that the products need and that are not built yet: their bytes.
inline size_t MissingFormBytes(const KernelSet& set, std::span<const MatMulArgs> products, const ActivationSet* x) {
  Checked bytes = 0;
  bool counted[kActivationForms] = {};
  for (const MatMulArgs& args : products) {
    const auto form = static_cast<size_t>(set.Find(args.w.type)->form);
    if (args.x != x || counted[form] || x->built[form].values != nullptr) continue;
    counted[form] = true;
    bytes = bytes + FormBytes(static_cast<ActivationForm>(form), x->rows, x->cols);
  }
  return static_cast<size_t>(bytes.OrMost());
}

// Working memory: nothing else may lie in the workspace, and nothing that products touch in the forms of activations,
// which they read and maybe write first. The products are valid by themselves.
inline Status ValidateMemory(const KernelSet& set, std::span<const MatMulArgs> products, Workspace workspace,
                             size_t needed) {
  const Extent scratch("workspace", workspace.data, needed);
  if (!scratch.fits()) return Error(Code::kAddress, "workspace");
  Extent forms[kMostProducts];
  for (size_t i = 0; i < products.size(); ++i) {
    const ActivationSet& x = *products[i].x;
    forms[i] = FormExtent(x, set.Find(products[i].w.type)->form, MissingFormBytes(set, products, &x));
    if (scratch.Overlaps(forms[i])) return OverlapError("workspace", "x.memory");
    for (size_t j = 0; j < i; ++j) {
      if (products[j].x != &x && forms[i].Overlaps(forms[j]))
        return OverlapError("x.memory", "another product's x.memory");
    }
  }
  for (const MatMulArgs& args : products) {
    const ProductExtents extents(args);
    if (scratch.Overlaps(extents.y)) return OverlapError("workspace", "y");
    if (const Status status = ValidateApart(std::span(&scratch, 1), extents.reads()); !status.ok()) return status;
    for (size_t i = 0; i < products.size(); ++i) {
      if (extents.y.Overlaps(forms[i])) return OverlapError("y", "x.memory");
      if (const Status status = ValidateApart(std::span(&forms[i], 1), extents.reads()); !status.ok()) return status;
    }
  }
  return Ok();
}

}  // namespace weft::driver

#endif  // WEFT_DRIVERS_MATMUL_VALIDATE_H_
