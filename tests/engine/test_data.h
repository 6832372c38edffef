// Finds the shared test data, which a clone of the project does not have: tests that read it run where it exists and
// say that they skip where it does not.
#ifndef WEFT_TESTS_ENGINE_TEST_DATA_H_
#define WEFT_TESTS_ENGINE_TEST_DATA_H_

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

namespace weft::engine::test {

// The folder: the environment variable WEFT_SHARED_DATA, else what the build was told.
inline std::filesystem::path SharedDataFolder() {
  if (const char* folder = std::getenv("WEFT_SHARED_DATA")) return folder;
#ifdef WEFT_SHARED_DATA
  return WEFT_SHARED_DATA;
#else
  return {};
#endif
}

// The path of a file or folder in it, e.g. "stories260K/stories260K.gguf"; nothing, and a line that says so, where it
// does not exist. Use: const auto path = SharedData("..."); if (!path) return;
inline std::optional<std::string> SharedData(const std::string& name) {
  const std::filesystem::path path = SharedDataFolder() / name;
  std::error_code error;
  if (!SharedDataFolder().empty() && std::filesystem::exists(path, error)) return path.string();
  std::printf("SKIPPED: shared test data %s not found (folder: \"%s\")\n", name.c_str(),
              SharedDataFolder().string().c_str());
  return std::nullopt;
}

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_TEST_DATA_H_
