#include "reference/gguf/other_files.h"

#include <algorithm>
#include <string>

namespace weft::engine {
namespace {

using namespace std::string_view_literals;

struct OtherFile {
  std::string_view start;
  std::string_view description;
};

constexpr std::string_view kPage =
    "a web page (HTML), such as a server's message instead of the file: download it again";
constexpr std::string_view kOld = "a model in a format before GGUF, which is not supported: convert it to GGUF";

constexpr OtherFile kOtherFiles[] = {
    {"version https://git-lfs.", "a Git LFS pointer to it: fetch the file itself with 'git lfs pull'"},
    {"lmgg", kOld},
    {"tjgg", kOld},
    {"fmgg", kOld},
    {"PK\x03\x04", "a ZIP archive or a PyTorch checkpoint: unpack it, or convert it to GGUF"},
    {"\x1F\x8B", "compressed with gzip: unpack it"},
    {"\x28\xB5\x2F\xFD", "compressed with zstd: unpack it"},
    {"\xFD"
     "7zXZ\0"sv,
     "compressed with xz: unpack it"},
};

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Markup, after a byte order mark and blanks.
bool IsPage(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  std::string start(text.substr(0, 14));
  std::ranges::transform(start, start.begin(), Lower);
  return start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head");
}

}  // namespace

std::string_view DescribeOtherFile(std::span<const uint8_t> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min<size_t>(bytes.size(), 1024));
  for (const OtherFile& other : kOtherFiles) {
    if (text.starts_with(other.start)) return other.description;
  }
  if (IsPage(text)) return kPage;
  // A safetensors file starts with the length of its header, which is JSON.
  if (text.size() > 9 && text.substr(8, 2) == "{\"") return "a safetensors file: convert it to GGUF";
  return "";
}

}  // namespace weft::engine
