// What is wrong with the arguments of matrix products.
#ifndef WEFT_DRIVERS_MATMUL_VALIDATE_H_
#define WEFT_DRIVERS_MATMUL_VALIDATE_H_

#include <span>

#include "weft/core/kernel_set.h"
#include "weft/core/status.h"
#include "weft/drivers/activations.h"
#include "weft/drivers/ops_validate.h"
#include "weft/drivers/region.h"

namespace weft::inline WEFT_NAMESPACE::driver {

// What errors call a matrix of weights.
struct WeightNames {
  const char *w, *rows, *cols, *row_bytes;
};
inline constexpr WeightNames kWeightNames = {"w", "w.rows", "w.cols", "w.row_bytes"};
inline constexpr WeightNames kGateNames = {"epilogue.gate", "epilogue.gate.rows", "epilogue.gate.cols",
                                           "epilogue.gate.row_bytes"};

// The rows of weights, in bytes. cols is a multiple of the block.
inline Region RegionOf(const WeightView& w, const WeightNames& names = kWeightNames) {
  const DTypeLayout layout = LayoutOf(w.type);
  const Checked row = Checked(w.cols / layout.block_elements) * layout.block_bytes;
  return {w.data,
          static_cast<size_t>(row.OrMost()),
          names.w,
          names.cols,
          {w.rows, w.row_bytes, names.rows, names.row_bytes},
          {},
          1};
}

// Type and columns alone.
inline Status ValidateColumns(const KernelSet& set, const WeightView& w, const WeightNames& names = kWeightNames) {
  const FormatKernels* format = set.Find(w.type);
  if (format == nullptr) return TypeError(Code::kUnsupported, names.w, w.type);
  if (w.cols == 0) return Error(Code::kRange, names.cols, 0, 1);
  if (w.cols % format->block_elements != 0) return Error(Code::kMultiple, names.cols, w.cols, format->block_elements);
  return Ok();
}

// Weights that are read: without rows there is nothing else to them.
inline Status ValidateWeights(const KernelSet& set, const WeightView& w, const WeightNames& names = kWeightNames) {
  if (const Status status = ValidateColumns(set, w, names); !status.ok() || w.rows == 0) return status;
  if (w.data == nullptr) return Error(Code::kNull, names.w);
  const Region region = RegionOf(w, names);
  if (w.row_bytes < region.length) return Error(Code::kShape, names.row_bytes, w.row_bytes, region.length);
  return ValidateRegion(region);
}

inline Status ValidateGate(const KernelSet& set, const MatMulArgs& args) {
  const Epilogue& e = args.epilogue;
  if (!e.gated()) return e.gate_bias == nullptr ? Ok() : Error(Code::kNull, "epilogue.gate");
  const WeightView& gate = e.gate;
  if (const Status status = ValidateWeights(set, gate, kGateNames); !status.ok()) return status;
  if (gate.type != args.w.type) return TypeError(Code::kShape, "epilogue.gate", gate.type, args.w.type);
  if (gate.rows != args.w.rows) return Error(Code::kShape, kGateNames.rows, gate.rows, args.w.rows);
  if (gate.cols != args.w.cols) return Error(Code::kShape, kGateNames.cols, gate.cols, args.w.cols);
  return Ok();
}

inline Status ValidateTokens(const MatMulArgs& args) {
  if (args.row_index == nullptr) return args.row_count == 0 ? Ok() : Error(Code::kNull, "row_index");
  if (args.row_count == 0) return Ok();
  const Region index = LineRegion(args.row_index, "row_index", args.row_count, "row_count");
  if (const Status status = ValidateRegion(index); !status.ok()) return status;
  for (size_t i = 0; i < args.row_count; ++i) {
    if (args.row_index[i] >= args.x->rows) {
      return Error(Code::kRange, "row_index", args.row_index[i], args.x->rows != 0 ? args.x->rows - 1 : 0);
    }
  }
  return Ok();
}

// What errors call the arguments of a product.
struct ProductNames {
  const char *y, *x, *residual, *bias, *gate_bias, *row_index;
  WeightNames w, gate;
};
inline constexpr ProductNames kProductNames = {
    "y", "x", "epilogue.residual", "epilogue.bias", "epilogue.gate_bias", "row_index", kWeightNames, kGateNames};
// And those of a product beside it.
inline constexpr ProductNames kOtherNames = {"another product's y",
                                             "another product's x",
                                             "another product's epilogue.residual",
                                             "another product's epilogue.bias",
                                             "another product's epilogue.gate_bias",
                                             "another product's row_index",
                                             {"another product's w", "", "", ""},
                                             {"another product's epilogue.gate", "", "", ""}};

inline Region OutputRegion(const MatMulArgs& args, const char* name) {
  return {args.y, args.w.rows, name, "w.rows", {args.tokens(), args.y_stride, "x.rows", "y_stride"}, {}};
}
inline Region ResidualRegion(const MatMulArgs& args, const char* name) {
  const Epilogue& e = args.epilogue;
  return {
      e.residual, args.w.rows, name, "w.rows", {args.tokens(), e.residual_stride, "x.rows", "epilogue.residual_stride"},
      {}};
}

// What a valid product touches: y, and what it reads.
class ProductFootprints {
 public:
  explicit ProductFootprints(const MatMulArgs& args, const ProductNames& names = kProductNames)
      : y(OutputRegion(args, names.y)) {
    const Epilogue& e = args.epilogue;
    const size_t rows = args.w.rows;
    Add(RegionOf(*args.x, names.x));
    Add(RegionOf(args.w, names.w));
    if (e.gated()) Add(RegionOf(e.gate, names.gate));
    if (e.bias != nullptr) Add(LineRegion(e.bias, names.bias, rows, "w.rows"));
    if (e.gate_bias != nullptr) Add(LineRegion(e.gate_bias, names.gate_bias, rows, "w.rows"));
    if (args.row_index != nullptr) Add(LineRegion(args.row_index, names.row_index, args.row_count, "row_count"));
    others_ = count_;
    if (e.residual == nullptr) return;
    const Region residual = ResidualRegion(args, names.residual);
    Add(residual);
    if (!Same(residual, OutputRegion(args, names.y))) others_ = count_;
  }

  std::span<const Footprint> reads() const { return {reads_, count_}; }
  // Those that y may not overlap: all but a residual that is y itself.
  std::span<const Footprint> others() const { return {reads_, others_}; }

  Footprint y;

 private:
  void Add(const Region& region) { reads_[count_++] = Footprint(region); }

  Footprint reads_[7];
  size_t count_ = 0, others_ = 0;
};

// Whether there is nothing to compute. args.x is there.
inline bool IsEmpty(const MatMulArgs& args) { return args.tokens() == 0 || args.w.rows == 0; }

inline Status Validate(const KernelSet& set, const MatMulArgs& args) {
  if (args.x == nullptr) return Error(Code::kNull, "x");
  if (const Status status = ValidateActivations(*args.x); !status.ok()) return status;
  if (const Status status = ValidateWeights(set, args.w); !status.ok()) return status;
  if (args.x->cols != args.w.cols) return Error(Code::kShape, "x.cols", args.x->cols, args.w.cols);
  if (const Status status = ValidateTokens(args); !status.ok() || IsEmpty(args)) return status;
  if (args.y_stride < args.w.rows) return Error(Code::kShape, "y_stride", args.y_stride, args.w.rows);
  if (const Status status = ValidateRegion(OutputRegion(args, "y")); !status.ok()) return status;
  const Epilogue& e = args.epilogue;
  if (const Status status = ValidateActivation(e.activation, "epilogue.activation"); !status.ok()) return status;
  if (e.residual != nullptr) {
    if (e.residual_stride < args.w.rows) {
      return Error(Code::kShape, "epilogue.residual_stride", e.residual_stride, args.w.rows);
    }
    if (const Status status = ValidateRegion(ResidualRegion(args, "epilogue.residual")); !status.ok()) return status;
  }
  if (const Status status = ValidateGate(set, args); !status.ok()) return status;
  const ProductFootprints footprints(args);
  if (const Status status = ValidateApart(footprints.y, footprints.others()); !status.ok()) return status;
  return ValidateElements(*args.x, set.Find(args.w.type)->Product(args.precision).form);
}

// An interval that holds some footprints: what is apart from it is apart from all of them.
class Hull {
 public:
  void Add(const Footprint& footprint) {
    if (footprint.extent == 0) return;
    begin_ = footprint.begin < begin_ ? footprint.begin : begin_;
    const uintptr_t end = footprint.begin + footprint.extent;
    end_ = end > end_ ? end : end_;
  }
  bool Meets(const Footprint& footprint) const {
    return footprint.extent != 0 && footprint.begin < end_ && begin_ < footprint.begin + footprint.extent;
  }

 private:
  uintptr_t begin_ = UINTPTR_MAX, end_ = 0;
};

// Of several products at once also: what one writes, no other may read or write. One look at each product where outputs
// lie in order and nothing that is read lies between them.
inline Status ValidateProductsApart(std::span<const MatMulArgs> products) {
  Hull outputs;
  bool in_order = true;
  uintptr_t end = 0;
  for (const MatMulArgs& args : products) {
    if (IsEmpty(args)) continue;
    const Footprint y(OutputRegion(args, "y"));
    in_order = in_order && y.begin >= end;
    end = y.begin + y.extent;
    outputs.Add(y);
  }
  for (size_t i = 0; i < products.size(); ++i) {
    if (IsEmpty(products[i])) continue;
    const ProductFootprints other(products[i], kOtherNames);
    bool apart = in_order;
    for (const Footprint& read : other.reads()) apart = apart && !outputs.Meets(read);
    for (size_t j = 0; j < products.size() && !apart; ++j) {
      if (i == j || IsEmpty(products[j])) continue;
      const Footprint y(OutputRegion(products[j], "y"));
      if (Overlap(y, other.y)) return OfProduct(j, OverlapError(other.y.name, y.name));
      if (const Status status = ValidateApart(y, other.reads()); !status.ok()) return OfProduct(j, status);
    }
  }
  return Ok();
}

inline Status Validate(const KernelSet& set, const MatMulArgs* products, size_t count) {
  if (products == nullptr) return count == 0 ? Ok() : Error(Code::kNull, "products");
  for (size_t i = 0; i < count; ++i) {
    const Status status = Validate(set, products[i]);
    if (!status.ok()) return count == 1 ? status : OfProduct(i, status);
  }
  return count > 1 ? ValidateProductsApart({products, count}) : Ok();
}

// Bytes of the forms of x that the products need and that are not built yet.
inline size_t MissingFormBytes(const KernelSet& set, std::span<const MatMulArgs> products, const ActivationSet* x) {
  Checked bytes = 0;
  bool counted[kActivationForms] = {};
  for (const MatMulArgs& args : products) {
    if (args.x != x || IsEmpty(args)) continue;
    const auto form = static_cast<size_t>(set.Find(args.w.type)->Product(args.precision).form);
    if (counted[form] || x->built[form].values != nullptr) continue;
    counted[form] = true;
    bytes = bytes + FormBytes(static_cast<ActivationForm>(form), x->rows, x->cols);
  }
  return static_cast<size_t>(bytes.OrMost());
}

// Calls f(footprint, set, product) for the memory of the forms of activations that products use, until it returns an
// error. Products in a row with one set and one form count once.
template <class F>
Status ForEachForm(const KernelSet& set, std::span<const MatMulArgs> products, const F& f) {
  const ActivationSet* last = nullptr;
  ActivationForm last_form = ActivationForm::kF32;
  for (size_t i = 0; i < products.size(); ++i) {
    if (IsEmpty(products[i])) continue;
    const ActivationSet& x = *products[i].x;
    const ActivationForm form = set.Find(products[i].w.type)->Product(products[i].precision).form;
    if (form == ActivationForm::kF32 || (&x == last && form == last_form)) continue;
    last = &x;
    last_form = form;
    const Status status = f(FormFootprint(x, form, MissingFormBytes(set, products, &x)), x, i);
    if (!status.ok()) return status;
  }
  return Ok();
}

// Working memory: nothing else may lie in the `needed` bytes of the workspace, and nothing that products touch in the
// forms of activations, which they read and maybe write first. The products are valid by themselves.
inline Status ValidateMemory(const KernelSet& set, std::span<const MatMulArgs> products, Workspace workspace,
                             size_t needed) {
  const Region lent = ByteRegion(workspace.data, "workspace", needed);
  if (const Status status = ValidateRegion(lent); !status.ok()) return status;
  const Footprint scratch(lent);
  const auto named = [&](size_t i, const Status& status) {
    return products.size() > 1 ? OfProduct(i, status) : status;
  };
  Hull forms;
  bool in_order = true;
  uintptr_t end = 0;
  const Status clear = ForEachForm(set, products, [&](const Footprint& form, const ActivationSet&, size_t i) {
    if (Overlap(scratch, form)) return named(i, OverlapError("workspace", "x.memory"));
    in_order = in_order && form.begin >= end;
    end = form.begin + form.extent;
    forms.Add(form);
    return Ok();
  });
  if (!clear.ok()) return clear;
  if (!in_order) {  // maybe only two forms of one set
    const Status apart = ForEachForm(set, products, [&](const Footprint& form, const ActivationSet& x, size_t i) {
      return ForEachForm(set, products.first(i), [&](const Footprint& other, const ActivationSet& other_x, size_t) {
        if (&x == &other_x || !Overlap(form, other)) return Ok();
        return named(i, OverlapError("x.memory", "another product's x.memory"));
      });
    });
    if (!apart.ok()) return apart;
  }
  for (size_t i = 0; i < products.size(); ++i) {
    if (IsEmpty(products[i])) continue;
    const ProductFootprints footprints(products[i]);
    if (Overlap(scratch, footprints.y)) return named(i, OverlapError("y", "workspace"));
    if (const Status status = ValidateApart(scratch, footprints.reads()); !status.ok()) return named(i, status);
    bool meets = forms.Meets(footprints.y);
    for (const Footprint& read : footprints.reads()) meets = meets || forms.Meets(read);
    if (!meets) continue;
    const Status status = ForEachForm(set, products, [&](const Footprint& form, const ActivationSet&, size_t) {
      return Overlap(footprints.y, form) ? OverlapError("y", "x.memory") : ValidateApart(form, footprints.reads());
    });
    if (!status.ok()) return named(i, status);
  }
  return Ok();
}

}  // namespace weft::inline WEFT_NAMESPACE::driver

#endif  // WEFT_DRIVERS_MATMUL_VALIDATE_H_
