// Errors that come from elsewhere, as the engine's.
#ifndef WEFT_REFERENCE_BASE_STATUS_ERROR_H_
#define WEFT_REFERENCE_BASE_STATUS_ERROR_H_

#include <string>
#include <string_view>

#include "reference/base/result.h"
#include "weft/weft.h"

namespace weft::engine {

// "WHAT: " and the library's sentence. The engine checks what it is given before it calls the library, so that all but
// kUnsupported are its own mistakes.
Error ErrorOf(const Status& status, std::string_view what);

// "NAME: ACTION: " and the system's text for `code`, an errno.
Error SystemError(const std::string& name, std::string_view action, int code);

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_BASE_STATUS_ERROR_H_
