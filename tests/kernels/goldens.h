// Golden vectors: x.f32 (input), NAME/q.bin (x encoded by GGUF's reference), NAME/y.f32 (decoded from q by it).
#ifndef WEFT_TESTS_KERNELS_GOLDENS_H_
#define WEFT_TESTS_KERNELS_GOLDENS_H_

#include <gtest/gtest.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "weft/core/dtype.h"

namespace weft::test {

template <class T>
std::vector<T> ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

struct Golden {
  std::vector<float> x, y;
  std::vector<uint8_t> q;
  size_t row = 0;  // elements per row
};

struct GoldenFolder {
  std::filesystem::path path;
  size_t row;
};

// The folders to test with: the one in the repository and, where the machine has it, the shared one.
inline std::vector<GoldenFolder> GoldenFolders() {
  std::vector<GoldenFolder> folders = {{std::filesystem::path(WEFT_TEST_DATA) / "formats", 256}};
  const char* variable = getenv("WEFT_SHARED_DATA");
  const std::filesystem::path shared = std::filesystem::path(variable ? variable : WEFT_SHARED_DATA) / "formats";
  if (std::filesystem::exists(shared)) {
    folders.push_back({shared, 1024});
  } else {
    printf("SKIPPED: no shared test data at %s\n", shared.c_str());
  }
  return folders;
}

// Whether the folder has vectors of that format.
inline bool HasGolden(const GoldenFolder& folder, DType type) {
  return std::filesystem::exists(folder.path / Name(type));
}

inline Golden ReadGolden(const GoldenFolder& folder, DType type) {
  Golden golden;
  golden.x = ReadFile<float>(folder.path / "x.f32");
  golden.y = ReadFile<float>(folder.path / Name(type) / "y.f32");
  golden.q = ReadFile<uint8_t>(folder.path / Name(type) / "q.bin");
  golden.row = folder.row;
  EXPECT_EQ(golden.x.size(), golden.y.size());
  EXPECT_EQ(golden.q.size(), golden.x.size() / LayoutOf(type).block_elements * LayoutOf(type).block_bytes);
  return golden;
}

}  // namespace weft::test

#endif  // WEFT_TESTS_KERNELS_GOLDENS_H_
