// What a signal that ends the program must neither leave behind nor leave unsaid.
#ifndef WEFT_REFERENCE_CLI_FATAL_SIGNALS_H_
#define WEFT_REFERENCE_CLI_FATAL_SIGNALS_H_

#include <cstdint>
#include <span>
#include <string>

namespace weft::engine::cli {

// `bytes` is the mapping of the file `path`, for the rest of the program; one file at a time. Reading there what the
// file has lost since ends the program, in whichever thread: one line on stderr, the temporary file removed, status 1.
// Other causes of SIGBUS end it as they would have.
void WatchMapping(std::span<const uint8_t> bytes, const std::string& path);

// The file to remove when the program ends like that, or by Ctrl-C or a request to terminate (SIGINT, SIGHUP, SIGTERM,
// unless they are ignored). One file at a time; empty: none any more.
void SetTemporaryFile(const std::string& path);

}  // namespace weft::engine::cli

#endif  // WEFT_REFERENCE_CLI_FATAL_SIGNALS_H_
