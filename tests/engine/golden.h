// Readers of the shared test data: raw floats, lists of token ids.
#ifndef WEFT_TESTS_ENGINE_GOLDEN_H_
#define WEFT_TESTS_ENGINE_GOLDEN_H_

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/engine/test_model.h"

namespace weft::engine::test {

// A file of little-endian float32.
inline std::vector<float> ReadFloats(const std::string& path) {
  const Bytes bytes = LoadedModel::ReadFile(path);
  REQUIRE_MESSAGE((!bytes.empty() && bytes.size() % sizeof(float) == 0), path);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// A file of F32 tensors as data.
inline TestModel ReadTestModel(const std::string& path) {
  const Bytes bytes = LoadedModel::ReadFile(path);
  Result<Gguf> file = Gguf::Parse(bytes, path);
  REQUIRE_MESSAGE(file.ok(), file.error().message);
  TestModel model;
  for (const auto& [key, unused] : file->values()) {
    TestModel::Value& value = model.keys[std::string(key)];
    if (const auto number = file->GetUint(key); number.ok()) value = *number;
    if (const auto real = file->GetFloat(key); real.ok()) value = static_cast<float>(*real);
    if (const auto text = file->GetString(key); text.ok()) value = std::string(*text);
  }
  for (const GgufTensor& tensor : file->tensors()) {
    REQUIRE_MESSAGE(tensor.type == DType::kF32, path);
    TestTensor& copy = model.tensors[std::string(tensor.name)];
    copy.shape.assign(tensor.shape, tensor.shape + tensor.dimensions);
    copy.values.resize(tensor.elements());
    std::memcpy(copy.values.data(), tensor.data, tensor.bytes);
  }
  return model;
}

// A file of numbers separated by white space.
inline std::vector<uint32_t> ReadTokens(const std::string& path) {
  std::ifstream file(path);
  const std::vector<uint32_t> tokens(std::istream_iterator<uint32_t>(file), {});
  REQUIRE_MESSAGE(!tokens.empty(), path);
  return tokens;
}

// The list of numbers after "NAME": [ in a JSON file.
inline std::vector<uint32_t> ReadJsonNumbers(const std::string& path, const std::string& name) {
  const Bytes bytes = LoadedModel::ReadFile(path);
  const std::string text(bytes.begin(), bytes.end());
  const size_t key = text.find("\"" + name + "\"");
  REQUIRE_MESSAGE(key != std::string::npos, name);
  size_t at = text.find('[', key) + 1;
  std::vector<uint32_t> numbers;
  for (; text[at] != ']'; at = text.find_first_of(",]", at)) {
    if (text[at] == ',') ++at;
    numbers.push_back(static_cast<uint32_t>(std::stoul(text.substr(at, 16))));
  }
  return numbers;
}

// The number after the first "NAME": that follows "SECTION" in a JSON file.
inline double ReadJsonNumber(const std::string& path, const std::string& section, const std::string& name) {
  const Bytes bytes = LoadedModel::ReadFile(path);
  const std::string text(bytes.begin(), bytes.end());
  const size_t begin = text.find("\"" + section + "\"");
  const size_t key = text.find("\"" + name + "\":", begin);
  REQUIRE_MESSAGE((begin != std::string::npos && key != std::string::npos), section, " ", name);
  return std::stod(text.substr(text.find(':', key) + 1, 32));
}

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_GOLDEN_H_
