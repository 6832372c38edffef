// How the library reports errors: a small value, no allocation, no exceptions, nothing printed.
#ifndef WEFT_CORE_STATUS_H_
#define WEFT_CORE_STATUS_H_

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "weft/core/config.h"

namespace weft {

enum class Code : uint8_t {
  kOk = 0,
  kNull,         // `argument` is null and must not be
  kShape,        // `argument` has size `got` where `want` is needed
  kMultiple,     // `argument` is `got`, which is not a multiple of `want`
  kRange,        // `argument` is `got`, which is out of range (limit `want`)
  kOverlap,      // `argument` overlaps memory that the call also reads or writes
  kWorkspace,    // the workspace has `got` bytes, `want` are needed
  kUnsupported,  // `argument` asks for something this build or CPU does not have (`got`: its id)
};

// The outcome of a call. Only kOk means that the outputs were written.
struct [[nodiscard]] Status {
  Code code = Code::kOk;
  const char* argument = "";  // static text: which argument, e.g. "w.cols"
  int64_t got = 0;
  int64_t want = 0;

  constexpr bool ok() const { return code == Code::kOk; }
};

constexpr Status Ok() { return {}; }
constexpr Status Error(Code code, const char* argument, uint64_t got = 0, uint64_t want = 0) {
  return {code, argument, static_cast<int64_t>(got), static_cast<int64_t>(want)};
}

// Writes the status as a sentence into buffer[0, size), always terminated (size >= 1), cut where it does not fit.
// Returns `buffer`.
inline const char* ToText(const Status& status, char* buffer, size_t size) {
  const char* format = "ok";
  switch (status.code) {
    case Code::kOk: break;
    case Code::kNull: format = "%s is null"; break;
    case Code::kShape: format = "%s is %lld, expected %lld"; break;
    case Code::kMultiple: format = "%s is %lld, not a multiple of %lld"; break;
    case Code::kRange: format = "%s is %lld, out of range (limit %lld)"; break;
    case Code::kOverlap: format = "%s overlaps another argument"; break;
    case Code::kWorkspace: format = "%s has %lld bytes, %lld are needed"; break;
    case Code::kUnsupported: format = "%s is not supported by this build or CPU (%lld)"; break;
  }
  snprintf(buffer, size, format, status.argument, static_cast<long long>(status.got),
           static_cast<long long>(status.want));
  return buffer;
}

}  // namespace weft

#endif  // WEFT_CORE_STATUS_H_
