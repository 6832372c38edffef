// The forms of activations: building them, and finding out that they are out of date.
#ifndef WEFT_DRIVERS_ACTIVATIONS_H_
#define WEFT_DRIVERS_ACTIVATIONS_H_

#include <string.h>

#include "weft/core/kernel_set.h"
#include "weft/core/status.h"
#include "weft/drivers/region.h"
#include "weft/drivers/split.h"

// Defined as 1 by the build (for all of a program's files), calls also look for what only reading the data tells: that
// the elements of activations are still those that a form was built from.
#ifndef WEFT_CHECKS
#define WEFT_CHECKS 0
#endif

namespace weft::inline WEFT_NAMESPACE::driver {

inline constexpr bool kChecks = WEFT_CHECKS != 0;

// A number that changes with any element of x, but for coincidence (FNV-1a over words); 0 unless kChecks.
inline uint64_t DigestOf(const ActivationSet& x) {
  uint64_t digest = 0;
  if constexpr (kChecks) {
    digest = 0xCBF29CE484222325u;
    for (size_t row = 0; row < x.rows; ++row) {
      for (size_t i = 0; i < x.cols; ++i) {
        uint32_t bits;
        memcpy(&bits, x.x + row * x.stride + i, sizeof(bits));
        digest = (digest ^ bits) * 0x100000001B3u;
      }
    }
  }
  return digest;
}

inline Region RegionOf(const ActivationSet& x, const char* name = "x") {
  return {x.x, x.cols, name, "x.cols", {x.rows, x.stride, "x.rows", "x.stride"}, {}};
}

// The set by itself, and the forms that it says are built. Without rows only its columns matter.
inline Status ValidateActivations(const ActivationSet& x) {
  if (x.cols == 0) return Error(Code::kRange, "x.cols", 0, 1);
  if (x.rows == 0) return Ok();
  if (x.stride < x.cols) return Error(Code::kShape, "x.stride", x.stride, x.cols);
  if (const Status status = ValidateRegion(RegionOf(x)); !status.ok()) return status;
  for (size_t form = 0; form < kActivationForms; ++form) {
    if (x.built[form].values == nullptr) continue;
    const ActivationSource& from = x.sources[form];
    if (from.x != x.x || from.rows != x.rows || from.cols != x.cols || from.stride != x.stride) {
      return Error(Code::kStale, "x");
    }
  }
  return Ok();
}

// Whether elements have changed since `form` was built. Reads them all if kChecks; the form that is x itself cannot
// age.
inline Status ValidateElements(const ActivationSet& x, ActivationForm form) {
  const size_t i = static_cast<size_t>(form);
  if (!kChecks || form == ActivationForm::kF32 || x.built[i].values == nullptr) return Ok();
  return x.sources[i].digest == DigestOf(x) ? Ok() : Error(Code::kStale, "x");
}

// The memory that a form takes, or will: `bytes` of the set's.
inline Footprint FormFootprint(const ActivationSet& x, ActivationForm form, size_t bytes) {
  const ActivationView& view = x.built[static_cast<size_t>(form)];
  if (form == ActivationForm::kF32) return {};
  if (view.values == nullptr) {
    return Footprint(ByteRegion(x.memory.data, "x.memory", bytes < x.memory.bytes ? bytes : x.memory.bytes));
  }
  const size_t padded = view.rows * view.value_stride;
  if (form == ActivationForm::kBF16) return Footprint(ByteRegion(view.values, "x.memory", padded * sizeof(uint16_t)));
  // Codes, scales and sums, in this order.
  const uintptr_t end = reinterpret_cast<uintptr_t>(view.sums + view.rows * view.sum_stride);
  return Footprint(ByteRegion(view.values, "x.memory", end - reinterpret_cast<uintptr_t>(view.values)));
}

// Lays out a form in what is left of the set's memory; null values where that is too small.
inline ActivationView CarveForm(const ActivationSet& x, ActivationForm form, Carver& carver) {
  ActivationView view;
  view.form = form;
  view.rows = x.rows;
  view.cols = x.cols;
  const size_t padded = PaddedCols(form, x.cols);
  view.value_stride = padded;
  if (form == ActivationForm::kBF16) {
    view.values = carver.Take<uint16_t>(x.rows * padded);
    return view;
  }
  view.scale_stride = padded / GroupOf(form);
  view.sum_stride = padded / kSumGroup;
  const int8_t* codes = carver.Take<int8_t>(x.rows * padded);
  view.scales = carver.Take<float>(x.rows * view.scale_stride);
  view.sums = carver.Take<int16_t>(x.rows * view.sum_stride);
  if (view.scales != nullptr && view.sums != nullptr) view.values = codes;
  return view;
}

// The form of x that a format multiplies with, built by the executor's threads unless it is there. x is valid.
inline Status Prepare(const KernelSet& set, ActivationSet& x, ActivationForm form, const Executor& executor) {
  const size_t index = static_cast<size_t>(form);
  if (x.built[index].values != nullptr) return Ok();
  ActivationView built;
  if (form == ActivationForm::kF32) {
    built.values = x.x;
    built.value_stride = x.stride;
    built.rows = x.rows;
    built.cols = x.cols;
  } else {
    const size_t needed = FormBytes(form, x.rows, x.cols);
    Carver carver(x.memory);
    if (needed == SIZE_MAX || x.memory.data == nullptr || (built = CarveForm(x, form, carver)).values == nullptr) {
      return Error(Code::kWorkspace, "x.memory", x.memory.data != nullptr ? x.memory.bytes : 0, needed);
    }
    const auto activate = set.ops->activate[index];
    const Status status = ForRuns(executor, x.rows, built.value_stride, [&](size_t first, size_t count) {
      activate(ActivateTask{x.x, x.stride, first, count, built});
    });
    if (!status.ok()) return status;
    x.memory = carver.Rest();
  }
  x.built[index] = built;
  x.sources[index] = {x.x, x.rows, x.cols, x.stride, form == ActivationForm::kF32 ? 0 : DigestOf(x)};
  return Ok();
}

// Memory for the forms that weights of these types need.
inline size_t ActivationBytes(const KernelSet& set, const DType* weights, size_t count, size_t rows, size_t cols,
                              Precision precision) {
  bool needed[kActivationForms] = {};
  for (size_t i = 0; i < count; ++i) {
    if (const FormatKernels* format = set.Find(weights[i]))
      needed[static_cast<size_t>(format->Product(precision).form)] = true;
  }
  Checked bytes = 0;
  for (size_t form = 0; form < kActivationForms; ++form) {
    if (needed[form]) bytes = bytes + FormBytes(static_cast<ActivationForm>(form), rows, cols);
  }
  return static_cast<size_t>(bytes.OrMost());
}

// The form that weights of a type need, for callers who want it done at a time of their choosing.
inline Status PrepareFor(const KernelSet& set, ActivationSet* x, DType weights, const Executor& executor,
                         Precision precision) {
  const FormatKernels* format = set.Find(weights);
  if (format == nullptr) return TypeError(Code::kUnsupported, "weights", weights);
  if (x == nullptr) return Error(Code::kNull, "x");
  if (const Status status = ValidateActivations(*x); !status.ok()) return status;
  if (x->rows == 0) return Ok();
  const ActivationForm form = format->Product(precision).form;
  if (const Status status = ValidateElements(*x, form); !status.ok()) return status;
  const Footprint memory = FormFootprint(*x, form, FormBytes(form, x->rows, x->cols));
  if (Overlap(memory, Footprint(RegionOf(*x)))) return OverlapError("x", "x.memory");
  return Prepare(set, *x, form, executor);
}

}  // namespace weft::inline WEFT_NAMESPACE::driver

#endif  // WEFT_DRIVERS_ACTIVATIONS_H_
