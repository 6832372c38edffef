// The command `weft info`.
#ifndef WEFT_REFERENCE_CLI_INFO_H_
#define WEFT_REFERENCE_CLI_INFO_H_

#include <string>

namespace weft::engine::cli {

// Prints what a GGUF file (an empty path: the built-in model) holds and the memory that running it takes: metadata
// (long arrays and texts shortened), the tensors, the totals per type. Works for any valid file; for one that weft
// cannot run, the last section says why. Returns the exit status.
int RunInfo(const std::string& path);

}  // namespace weft::engine::cli

#endif  // WEFT_REFERENCE_CLI_INFO_H_
