// Text in and results out, for the commands.
#ifndef WEFT_REFERENCE_CLI_FILES_H_
#define WEFT_REFERENCE_CLI_FILES_H_

#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include "reference/base/result.h"

namespace weft::engine::cli {

// All bytes of a file, without a byte order mark at its start; "-": of standard input.
Result<std::string> ReadText(const std::string& path);

// Writes to standard output and flushes it.
Result<void> Print(std::string_view text);

// A file that appears under its name only when it is complete: written beside it under a temporary name, which is
// renamed by Commit and removed if it never comes to that, also by a signal (fatal_signals.h). What exists and is not a
// regular file (a device, a pipe) is written in place; "-" is standard output.
class OutputFile {
 public:
  static Result<OutputFile> Create(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  Result<void> Write(std::span<const uint8_t> bytes);
  Result<void> Write(std::span<const float> values);
  Result<void> Commit();

 private:
  OutputFile() = default;
  std::string path_, temporary_;  // path_: for messages; temporary_ is empty: written in place
  std::FILE* file_ = nullptr;
};

// The largest amount of memory that was resident at any time, in bytes, pages of mapped files included; 0: unknown.
size_t PeakResidentBytes();

}  // namespace weft::engine::cli

#endif  // WEFT_REFERENCE_CLI_FILES_H_
