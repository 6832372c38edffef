// The writer of the engine, against its reader.
#include "reference/gguf/gguf_writer.h"

#include <doctest/doctest.h>

#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "reference/gguf/gguf.h"

namespace weft::engine::test {
namespace {

std::vector<uint8_t> Count(size_t n) {
  std::vector<uint8_t> bytes(n);
  std::iota(bytes.begin(), bytes.end(), uint8_t{0});
  return bytes;
}

}  // namespace

TEST_CASE("GGUF writer: the reader finds everything, data written in pieces") {
  std::vector<uint8_t> file;
  engine::GgufWriter writer([&](std::span<const uint8_t> bytes) {
    file.insert(file.end(), bytes.begin(), bytes.end());
    return Result<void>();
  });
  writer.AddString("a.text", "value");
  writer.AddUint("a.count", 4000000000u);
  writer.AddFloat("a.number", 0.25f);
  writer.AddBool("a.switch", true);
  writer.AddTensor("vector", {3}, DType::kF32);
  writer.AddTensor("matrix", {64, 5}, DType::kQ8_0);
  writer.AddTensor("last", {2, 2, 2}, DType::kF16);
  const std::vector<uint8_t> vector = Count(12), matrix = Count(5 * 68), last = Count(16);
  CHECK(writer.WriteData(vector).ok());
  for (size_t i = 0; i < matrix.size(); i += 100) {
    CHECK(writer.WriteData(std::span(matrix).subspan(i, std::min<size_t>(100, matrix.size() - i))).ok());
  }
  CHECK(writer.WriteData(last).ok());
  REQUIRE(writer.Finish().ok());
  CHECK(file.size() % 32 == 0);

  const auto gguf = Gguf::Parse(file, "written");
  REQUIRE_MESSAGE(gguf.ok(), gguf.error().message);
  CHECK(gguf->version() == 3);
  CHECK(*gguf->GetString("a.text") == "value");
  CHECK(*gguf->GetUint("a.count") == 4000000000u);
  CHECK(*gguf->GetFloat("a.number") == 0.25);
  CHECK(*gguf->GetBoolOr("a.switch", false));
  REQUIRE(gguf->tensors().size() == 3);
  const auto check = [&](const char* name, const std::vector<uint8_t>& data) {
    const GgufTensor* tensor = gguf->FindTensor(name);
    REQUIRE(tensor != nullptr);
    REQUIRE(tensor->bytes == data.size());
    CHECK(std::memcmp(tensor->data, data.data(), data.size()) == 0);
  };
  check("vector", vector);
  check("matrix", matrix);
  check("last", last);
  CHECK(gguf->FindTensor("matrix")->shape[0] == 64);
  CHECK(gguf->FindTensor("matrix")->shape[1] == 5);
  CHECK(gguf->FindTensor("last")->dimensions == 3);
}

TEST_CASE("GGUF writer: too much, too little, and a sink that is full") {
  const auto ignore = [](std::span<const uint8_t>) { return Result<void>(); };
  engine::GgufWriter much(ignore);
  much.AddTensor("a", {4}, DType::kF32);
  much.AddTensor("b", {4}, DType::kF32);
  CHECK_FALSE(much.WriteData(Count(20)).ok());  // a piece of two tensors
  CHECK(much.WriteData(Count(16)).ok());
  CHECK(much.WriteData(Count(8)).ok());
  CHECK_FALSE(much.Finish().ok());
  CHECK(much.WriteData(Count(8)).ok());
  CHECK_FALSE(much.WriteData(Count(1)).ok());
  CHECK(much.Finish().ok());

  engine::GgufWriter full([](std::span<const uint8_t>) {
    return Result<void>(Error{ErrorKind::kInputOutput, "full"});
  });
  full.AddTensor("a", {4}, DType::kF32);
  const Result<void> written = full.WriteData(Count(16));
  REQUIRE_FALSE(written.ok());
  CHECK(written.error().message == "full");
}

}  // namespace weft::engine::test
