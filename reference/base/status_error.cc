#include "reference/base/status_error.h"

#include <cerrno>
#include <system_error>

namespace weft::engine {
namespace {

ErrorKind KindOf(Code code) {
  switch (code) {
    case Code::kReadOnly:
    case Code::kUnsupported: return ErrorKind::kUnsupported;
    case Code::kOk:
    case Code::kNull:
    case Code::kShape:
    case Code::kMultiple:
    case Code::kRange:
    case Code::kOverlap:
    case Code::kStale:
    case Code::kWorkspace:
    case Code::kExecutor: return ErrorKind::kInternal;
  }
  return ErrorKind::kInternal;
}

}  // namespace

Error ErrorOf(const Status& status, std::string_view what) {
  char text[128];
  return {KindOf(status.code), std::string(what) + ": " + ToText(status, text, sizeof(text))};
}

Error SystemError(const std::string& name, std::string_view action, int code) {
  return {code == ENOMEM ? ErrorKind::kNoMemory : ErrorKind::kInputOutput,
          name + ": " + std::string(action) + ": " + std::generic_category().message(code)};
}

}  // namespace weft::engine
