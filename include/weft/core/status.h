// How the library reports errors: a small value, no allocation, no exceptions, nothing printed.
#ifndef WEFT_CORE_STATUS_H_
#define WEFT_CORE_STATUS_H_

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "weft/core/config.h"
#include "weft/core/dtype.h"

namespace weft {

enum class Code : uint8_t {
  kOk = 0,
  kNull,         // `argument` is null and must not be
  kShape,        // `argument` has size `got` where `want` is needed
  kMultiple,     // `argument` is `got`, which is not a multiple of `want`
  kRange,        // `argument` is `got`, which is out of range (limit `want`; of a size or stride: of the address space)
  kOverlap,      // `argument` overlaps `other`, which the call also reads or writes
  kStale,        // `argument` has changed since a form of it was built
  kWorkspace,    // the workspace has `got` bytes, `want` are needed
  kUnsupported,  // `argument` asks for something this build or CPU does not have (`got`: its id)
  kReadOnly,     // `argument` is a format (`got`: its id) that this build can decode and multiply with, but not make
  kExecutor,     // `argument`, a function of the caller's, ran `got` tasks where it was given `want`
};

// The outcome of a call. Only kOk means that the outputs were written.
struct [[nodiscard]] Status {
  Code code = Code::kOk;
  bool types = false;         // got and want are ids of types
  int32_t product = -1;       // of several products at once: which one, from 0
  const char* argument = "";  // static text: which argument, e.g. "w.cols"
  const char* other = "";     // kOverlap: with which; static text
  int64_t got = 0;
  int64_t want = 0;

  constexpr bool ok() const { return code == Code::kOk; }
};

constexpr Status Ok() { return {}; }
constexpr Status Error(Code code, const char* argument, uint64_t got = 0, uint64_t want = 0) {
  return {code, false, -1, argument, "", static_cast<int64_t>(got), static_cast<int64_t>(want)};
}
constexpr Status OverlapError(const char* argument, const char* other) {
  return {Code::kOverlap, false, -1, argument, other, 0, 0};
}
// `argument` has a type without kernels (kUnsupported), or not the one that is wanted (kShape).
constexpr Status TypeError(Code code, const char* argument, DType got, DType want = DType::kF32) {
  return {code, true, -1, argument, "", static_cast<int64_t>(got), static_cast<int64_t>(want)};
}

// The same error, of one of several products.
constexpr Status OfProduct(size_t product, Status status) {
  status.product = static_cast<int32_t>(product < INT32_MAX ? product : INT32_MAX);
  return status;
}

// Writes the status as a sentence into buffer[0, size), always terminated (size >= 1), cut where it does not fit.
// Returns `buffer`. "product 2: w.cols is 96, not a multiple of 256"
inline const char* ToText(const Status& status, char* buffer, size_t size) {
  const char* argument = status.argument;
  const auto got = static_cast<long long>(status.got), want = static_cast<long long>(status.want);
  const DType got_type = static_cast<DType>(status.got), want_type = static_cast<DType>(status.want);
  size_t used = 0;
  if (status.product >= 0) {
    const int length = snprintf(buffer, size, "product %ld: ", static_cast<long>(status.product));
    used = length < 0 ? 0 : static_cast<size_t>(length) < size ? static_cast<size_t>(length) : size - 1;
  }
  const auto write = [&](const char* format, auto... values) {
    const int length = snprintf(buffer + used, size - used, format, argument, values...);
    return length >= 0 ? static_cast<const char*>(buffer) : "";
  };
  switch (status.code) {
    case Code::kOk: return write("ok");
    case Code::kNull: return write("%s is null");
    case Code::kShape:
      if (status.types) return write("%s has the type %s, expected %s", Name(got_type), Name(want_type));
      return write("%s is %lld, expected %lld", got, want);
    case Code::kMultiple: return write("%s is %lld, not a multiple of %lld", got, want);
    case Code::kRange: return write("%s is %lld, out of range (limit %lld)", got, want);
    case Code::kOverlap: return write("%s overlaps %s", *status.other != 0 ? status.other : "another argument");
    case Code::kStale: return write("%s has changed since a form of it was built: make a new set of activations");
    case Code::kWorkspace: return write("%s has %lld bytes, %lld are needed", got, want);
    case Code::kUnsupported:
      if (!status.types) return write("%s is not supported by this build or CPU (%lld)", got);
      if (LayoutOf(got_type).name == nullptr) return write("%s has a type that does not exist (%lld)", got);
      return write("%s has the type %s, for which this build has no kernels", Name(got_type));
    case Code::kReadOnly: return write("%s is %s, a format that can only be read", Name(got_type));
    case Code::kExecutor: return write("%s ran %lld tasks where it was given %lld", got, want);
  }
  return write("%s is wrong");
}

}  // namespace weft

#endif  // WEFT_CORE_STATUS_H_
