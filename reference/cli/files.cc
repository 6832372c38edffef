#include "reference/cli/files.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "reference/base/status_error.h"
#include "reference/cli/fatal_signals.h"

namespace weft::engine::cli {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

Result<std::string> ReadText(const std::string& path) {
  const bool input = path == "-";
  const std::string name = input ? "standard input" : path;
  std::FILE* file = input ? stdin : std::fopen(path.c_str(), "rb");
  if (file == nullptr) return SystemError(name, "cannot open", errno);
  std::string text;
  char buffer[1 << 16];
  while (const size_t read = std::fread(buffer, 1, sizeof(buffer), file)) text.append(buffer, read);
  const int code = std::ferror(file) ? errno : 0;
  if (!input) std::fclose(file);
  if (code != 0) return SystemError(name, "cannot read", code);
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  return text;
}

Result<void> Print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return SystemError("standard output", "cannot write", errno);
  }
  return {};
}

Result<OutputFile> OutputFile::Create(const std::string& path) {
  OutputFile output;
  if (path == "-") {
    output.path_ = "standard output";
    output.file_ = stdout;
    return output;
  }
  output.path_ = path;
  struct stat info;
  const bool exists = stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) return Error{ErrorKind::kBadArgument, path + ": is a folder, not a file"};
  std::string name = path;
  if (!exists || S_ISREG(info.st_mode)) name = path + "." + std::to_string(getpid()) + ".tmp";
  if (name != path) SetTemporaryFile(name);
  output.file_ = std::fopen(name.c_str(), "wb");
  if (output.file_ == nullptr) return SystemError(path, "cannot create", errno);
  if (name != path) output.temporary_ = name;
  return output;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, "")),
      file_(std::exchange(other.file_, nullptr)) {}

OutputFile::~OutputFile() {
  if (file_ != nullptr && file_ != stdout) std::fclose(file_);
  if (temporary_.empty()) return;
  std::remove(temporary_.c_str());
  SetTemporaryFile("");
}

Result<void> OutputFile::Write(std::span<const uint8_t> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size()) return {};
  return SystemError(path_, "cannot write", errno);
}

Result<void> OutputFile::Write(std::span<const float> values) {
  return Write({reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()});
}

Result<void> OutputFile::Commit() {
  std::FILE* file = std::exchange(file_, nullptr);
  if ((file == stdout ? std::fflush(file) : std::fclose(file)) != 0) return SystemError(path_, "cannot write", errno);
  if (temporary_.empty()) return {};
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) return SystemError(path_, "cannot create", errno);
  temporary_.clear();
  SetTemporaryFile("");
  return {};
}

size_t PeakResidentBytes() {
  rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
#ifdef __APPLE__
  return static_cast<size_t>(usage.ru_maxrss);
#else
  return static_cast<size_t>(usage.ru_maxrss) * 1024;
#endif
}

}  // namespace weft::engine::cli
