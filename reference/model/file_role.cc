#include "reference/model/file_role.h"

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "reference/gguf/printable.h"

namespace weft::engine {
namespace {

struct Role {
  std::string_view key, value, description;
};

constexpr Role kOthers[] = {
    {"general.type", "adapter", "an adapter"},
    {"general.type", "mmproj", "a projector for images or sound (mmproj)"},
    {"general.architecture", "clip", "a projector for images or sound (mmproj)"},
    {"general.type", "imatrix", "an importance matrix"},
};

// "-00002-of-00003.gguf": how the files of a split model end.
std::string PartEnding(uint64_t part, uint64_t count) {
  char text[64];
  std::snprintf(text, sizeof(text), "-%05llu-of-%05llu.gguf", static_cast<unsigned long long>(part),
                static_cast<unsigned long long>(count));
  return text;
}

// The first part that is not beside the file `path`, which is called as parts are; empty: all are there.
std::string MissingPart(const std::string& path, uint64_t part, uint64_t count) {
  const std::string ending = PartEnding(part, count);
  if (!path.ends_with(ending) || count > 9999) return "";
  for (uint64_t other = 1; other <= count; ++other) {
    const std::string name = path.substr(0, path.size() - ending.size()) + PartEnding(other, count);
    std::error_code error;
    if (!std::filesystem::exists(name, error)) return std::filesystem::path(name).filename().string();
  }
  return "";
}

Result<void> CheckIsWhole(const Gguf& file) {
  const auto number = file.GetUintOr("split.no", 0), count = file.GetUintOr("split.count", 1);
  if (!number.ok()) return number.error();
  if (!count.ok()) return count.error();
  constexpr std::string_view kAdvice = "merge them into one file (llama-gguf-split --merge)";
  if (file.next_file()) {
    std::string message = "is several files joined: at byte " + std::to_string(*file.next_file()) + " another begins";
    if (*count > 1) message += ". Parts of a split model cannot be joined like this: " + std::string(kAdvice);
    return file.ErrorAt(ErrorKind::kBadFile, message);
  }
  if (*count <= 1) return {};
  const uint64_t part = *number + 1;
  std::string message = "is part " + std::to_string(part) + " of " + std::to_string(*count) + " of a split model";
  const std::string missing = MissingPart(file.name(), part, *count);
  if (!missing.empty()) message += "; " + missing + " is not beside it";
  return file.ErrorAt(ErrorKind::kBadFile, message + ". Parts cannot be loaded: " + std::string(kAdvice));
}

}  // namespace

Result<void> CheckIsModel(const Gguf& file) {
  for (const Role& role : kOthers) {
    const GgufValue* value = file.Find(role.key);
    if (value == nullptr || value->type != GgufType::kString) continue;
    const std::string_view text(reinterpret_cast<const char*>(value->data), static_cast<size_t>(value->length));
    if (text != role.value) continue;
    const auto kind = file.GetStringOr("adapter.type", "");
    std::string description(role.description);
    if (role.value == "adapter" && kind.ok() && *kind == "lora") description = "a LoRA adapter";
    return file.ErrorAt(ErrorKind::kBadFile, "is " + description + ", not a model (" + std::string(role.key) + " is '" +
                                                 std::string(role.value) + "')");
  }
  return CheckIsWhole(file);
}

}  // namespace weft::engine
