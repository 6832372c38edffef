// Files that have broken readers before: each class of mistake, its check, and the sentence that the check reports.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "reference/gguf/gguf.h"
#include "tests/engine/gguf_writer.h"
#include "tests/engine/guarded_bytes.h"

namespace weft::engine::test {
namespace {

constexpr uint64_t kMax = ~uint64_t{0};

std::string ParseError(const Bytes& bytes) {
  const GuardedBytes guarded(bytes);
  const Result<Gguf> file = Gguf::Parse(guarded.bytes(), "m.gguf");
  return file.ok() ? "no error" : file.error().message;
}

// A small good file: a number, a string, three kinds of arrays, a bool, two tensors.
GgufWriter Good() {
  GgufWriter writer;
  writer.SetAlignment(32).AddUint("number", 1).AddString("string", "text").AddBool("bool", true);
  writer.AddInts("ints", {1, 2, 3}).AddStrings("strings", {"a", "bc"}).AddInts("bools", {0, 1}, GgufType::kBool);
  writer.AddTensor("first", {8, 2}, std::vector<float>(16, 1.0f));
  writer.AddTensor("second", {64}, DType::kQ4_0, Bytes(36));
  return writer;
}

// The error of the good file after some of its fields were overwritten.
std::string Patched(const std::vector<std::pair<std::string, uint64_t>>& patches) {
  GgufWriter writer = Good();
  Bytes file = writer.Finish();
  for (const auto& [label, value] : patches) {
    const GgufField field = writer.FindField(label);
    REQUIRE_MESSAGE(field.width > 0, label);
    Patch(file, field, value);
  }
  return ParseError(file);
}

// The bytes that follow a field, in words.
std::string LeftAfter(const std::string& label) {
  GgufWriter writer = Good();
  const size_t size = writer.Finish().size();
  const GgufField field = writer.FindField(label);
  return std::to_string(size - field.position - field.width) + " bytes are left in the file";
}

// The error of an F32 tensor of a shape that its 64 bytes of data do not have.
std::string Shaped(const std::vector<uint64_t>& shape, DType type = DType::kF32) {
  GgufWriter writer;
  writer.AddTensor("t", shape, type, Bytes(64));
  return ParseError(writer.Finish());
}

bool Contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("hostile GGUF: the good file is good") { CHECK(Patched({}) == "no error"); }

TEST_CASE("hostile GGUF: what is not GGUF, or not the right one") {
  CHECK(ParseError({}) == "m.gguf: is empty");
  CHECK(ParseError({'G', 'G'}) == "m.gguf: is not a GGUF file: it starts with \"GG\"");
  CHECK(ParseError({'<', 'h', 't', '\n', 'x'}) == "m.gguf: is not a GGUF file: it starts with \"<ht\\n\"");
  CHECK(ParseError({'G', 'G', 'U', 'F', 3}) == "m.gguf: ends before the version number");
  CHECK(Patched({{"version", 0}}) == "m.gguf: is GGUF version 0; only 2 and 3 can be read");
  CHECK(Patched({{"version", 1}}) == "m.gguf: is GGUF version 1; only 2 and 3 can be read");
  CHECK(Patched({{"version", 4}}) == "m.gguf: is GGUF version 4; only 2 and 3 can be read");
  for (const uint64_t big_endian : {0x03000000u, 0x02000000u, 0x01000000u}) {
    CHECK(Patched({{"version", big_endian}}) ==
          "m.gguf: is a big-endian GGUF file; only little-endian files can be read");
  }
}

TEST_CASE("hostile GGUF: counts beyond what the file can hold") {
  const std::string left = LeftAfter("key count");
  for (const uint64_t count : {kMax, kMax / 2 + 1, kMax / 14 + 2, uint64_t{1} << 32, uint64_t{100000}}) {
    CHECK(Patched({{"key count", count}}) ==
          "m.gguf: says that it has " + std::to_string(count) + " keys, but " + left);
    CHECK(Patched({{"tensor count", count}}) ==
          "m.gguf: says that it has " + std::to_string(count) + " tensors, but " + left);
  }
  // One more than there are: the next thing is then read as what it is not.
  CHECK(Patched({{"key count", 8}}) != "no error");
  CHECK(Patched({{"key count", 6}}) != "no error");
  CHECK(Patched({{"tensor count", 3}}) != "no error");
}

TEST_CASE("hostile GGUF: strings beyond the end, also where position + length would wrap") {
  const std::string left = LeftAfter("string string length");
  GgufWriter writer = Good();
  const uint64_t position = (static_cast<void>(writer.Finish()), writer.FindField("string string length").position);
  for (const uint64_t length : {kMax, kMax - position - 8, kMax - position - 7, kMax / 2 + 1, uint64_t{1} << 32}) {
    CHECK(Patched({{"string string length", length}}) ==
          "m.gguf: key string: a string of " + std::to_string(length) + " bytes, but " + left);
    CHECK(Patched({{"number key length", length}}) ==
          "m.gguf: key number 1: a name of " + std::to_string(length) + " bytes is too long");
    CHECK(Patched({{"second name length", length}}) ==
          "m.gguf: tensor number 1: a name of " + std::to_string(length) + " bytes is too long");
    CHECK(Patched({{"strings[1] string length", length}}) ==
          "m.gguf: key strings: string 1 reaches past the end of the file");
  }
  CHECK(Contains(Patched({{"string key length", 60000}}), "m.gguf: key number 2: a name of 60000 bytes, but "));
}

TEST_CASE("hostile GGUF: a string that ends exactly at the end of the file is good, one byte more is not") {
  GgufWriter writer;
  writer.AddString("s", "0123456789");
  Bytes file = writer.Finish();
  file.resize(writer.header_bytes());
  CHECK(ParseError(file) == "no error");
  Patch(file, writer.FindField("s string length"), 11);
  CHECK(ParseError(file) == "m.gguf: key s: a string of 11 bytes, but 10 bytes are left in the file");
}

TEST_CASE("hostile GGUF: arrays beyond the end, also where count x width would wrap") {
  const std::string left = LeftAfter("ints count");
  for (const uint64_t count : {kMax, kMax / 4 + 1, kMax / 4 + 4, kMax / 2 + 1, uint64_t{1} << 32}) {
    CHECK(Patched({{"ints count", count}}) ==
          "m.gguf: key ints: an array of " + std::to_string(count) + " x 4 bytes, but " + left);
  }
  for (const uint64_t count : {kMax, kMax / 8 + 1, kMax / 8 + 3, kMax / 16 + 1}) {
    CHECK(Patched({{"strings count", count}}) ==
          "m.gguf: key strings: an array of " + std::to_string(count) + " strings, but " + LeftAfter("strings count"));
  }
}

TEST_CASE("hostile GGUF: types that do not exist, and nested arrays") {
  for (const uint32_t type : {13u, 255u, 0x80000000u, 0xFFFFFFFFu}) {
    CHECK(Patched({{"number value type", type}}) ==
          "m.gguf: key number: value type " + std::to_string(type) + " is not one that GGUF defines");
    CHECK(Patched({{"ints element type", type}}) ==
          "m.gguf: key ints: element type " + std::to_string(type) + " is not one that GGUF defines");
  }
  CHECK(Patched({{"ints element type", 9}}).starts_with("m.gguf: key ints: "));
  // A hundred thousand levels deep: a reader that calls itself runs out of stack.
  Bytes nested;
  for (int level = 0; level < 100000; ++level) {
    Append(nested, 9, 4);
    Append(nested, 1, 8);
  }
  GgufWriter writer;
  writer.AddRaw("deep", 9, nested);
  CHECK(ParseError(writer.Finish()) == "m.gguf: key deep: arrays inside each other more than 8 deep");
}

TEST_CASE("hostile GGUF: bools are 0 or 1") {
  CHECK(Patched({{"bool value", 0}}) == "no error");
  CHECK(Patched({{"bool value", 2}}) == "m.gguf: key bool: a bool of value 2; only 0 and 1 are bools");
  CHECK(Patched({{"bool value", 255}}) == "m.gguf: key bool: a bool of value 255; only 0 and 1 are bools");
  GgufWriter writer;
  writer.AddInts("bools", {1, 0, 128}, GgufType::kBool);
  CHECK(ParseError(writer.Finish()) == "m.gguf: key bools: a bool of value 128; only 0 and 1 are bools");
}

TEST_CASE("hostile GGUF: empty and repeated names") {
  CHECK(Patched({{"number key length", 0}}) == "m.gguf: key number 1: its name is empty");
  CHECK(Patched({{"first name length", 0}}) == "m.gguf: tensor number 0: its name is empty");
  GgufWriter keys;
  keys.AddUint("a", 1).AddUint("b", 1).AddString("a", "x");
  CHECK(ParseError(keys.Finish()) == "m.gguf: key a: is there more than once");
  GgufWriter tensors;
  tensors.AddTensor("w", {1}, std::vector<float>{1}).AddTensor("v", {1}, std::vector<float>{1});
  tensors.AddTensor("w", {1}, std::vector<float>{1});
  CHECK(ParseError(tensors.Finish()) == "m.gguf: tensor w: is there more than once");
}

TEST_CASE("hostile GGUF: dimensions") {
  CHECK(Patched({{"first dimensions", 5}}) == "m.gguf: tensor first: 5 dimensions; at most 4 are possible");
  CHECK(Patched({{"first dimensions", 0xFFFFFFFF}}) ==
        "m.gguf: tensor first: 4294967295 dimensions; at most 4 are possible");
  CHECK(Patched({{"first size 0", 0}}) == "m.gguf: tensor first: dimension 0 is zero");
  CHECK(Patched({{"first size 1", 0}}) == "m.gguf: tensor first: dimension 1 is zero");
  CHECK(Shaped({0, kMax}) == "m.gguf: tensor t: dimension 0 is zero");
  CHECK(Shaped({16}) == "no error");
}

TEST_CASE("hostile GGUF: products of dimensions that wrap, to nothing, to little or to a negative number") {
  const std::string wraps = "m.gguf: tensor t: its size does not fit in 64 bits";
  const uint64_t half = uint64_t{1} << 32;
  CHECK(Shaped({half, half}) == wraps);                                  // 2^64 elements: 0
  CHECK(Shaped({half, half, 1, 16}) == wraps);                           // 0 again, in the rows
  CHECK(Shaped({16, half, half}) == wraps);                              // 0 rows
  CHECK(Shaped({kMax, kMax}) == wraps);                                  // 1
  CHECK(Shaped({uint64_t{1} << 62}) == wraps);                           // x 4 bytes: 0
  CHECK(Shaped({(uint64_t{1} << 62) + 16}) == wraps);                    // x 4 bytes: 64, all that there is
  CHECK(Shaped({(uint64_t{1} << 42) + 1, uint64_t{1} << 22}) == wraps);  // elements wrap to 2^22
  CHECK(Shaped({3, kMax / 3, 2}) == wraps);
  CHECK(Shaped({uint64_t{1} << 63, 1, 1, 2}, DType::kQ4_0) == wraps);
  // 2^63 elements are few enough for the product, but a negative number for who counts in int64; 18/32 of it in bytes.
  CHECK(Shaped({uint64_t{1} << 63}, DType::kQ4_0) ==
        "m.gguf: tensor t: offset 0 + 5188146770730811392 bytes exceeds the 64 bytes of tensor data");
  CHECK(Shaped({uint64_t{1} << 61}) ==
        "m.gguf: tensor t: offset 0 + 9223372036854775808 bytes exceeds the 64 bytes of tensor data");
}

TEST_CASE("hostile GGUF: tensor types and blocks") {
  for (const uint32_t type : {4u, 5u, 31u, 36u, 43u, 255u, 0x80000000u, 0xFFFFFFFFu}) {
    CHECK(Patched({{"first type", type}}) ==
          "m.gguf: tensor first: type " + std::to_string(type) + " is not one that this reader knows");
  }
  CHECK(Shaped({48}, DType::kQ4_0) ==
        "m.gguf: tensor t: rows of 48 elements are not a multiple of the 32 of a Q4_0 block");
  // The elements fill whole blocks, the rows do not.
  CHECK(Shaped({16, 4}, DType::kQ4_0) ==
        "m.gguf: tensor t: rows of 16 elements are not a multiple of the 32 of a Q4_0 block");
}

TEST_CASE("hostile GGUF: alignment") {
  for (const uint64_t alignment : {0u, 1u, 4u, 3u, 33u, 48u, 1u << 25, 1u << 31, 0xFFFFFFFFu}) {
    CHECK(Patched({{"general.alignment value", alignment}}) ==
          "m.gguf: key general.alignment: " + std::to_string(alignment) + " is not a power of two from 8 to 16777216");
  }
  CHECK(Patched({{"general.alignment value", 1 << 24}}) ==
        "m.gguf: tensor first: offset 0 + 64 bytes exceeds the 0 bytes of tensor data");
  for (const GgufType type : {GgufType::kU64, GgufType::kI32, GgufType::kF32}) {
    GgufWriter writer;
    writer.AddUint("general.alignment", 32, type);
    CHECK(ParseError(writer.Finish()) ==
          std::string("m.gguf: key general.alignment: is ") + Name(type) + ", expected u32");
  }
  GgufWriter text;
  text.AddString("general.alignment", "32");
  CHECK(ParseError(text.Finish()) == "m.gguf: key general.alignment: is string, expected u32");
}

TEST_CASE("hostile GGUF: offsets, of every tensor") {
  for (const std::string& tensor : {std::string("first"), std::string("second")}) {
    const std::string bytes = tensor == "first" ? "64" : "36", start = "m.gguf: tensor " + tensor + ": offset ";
    for (const uint64_t offset : {uint64_t{1}, uint64_t{31}, uint64_t{33}, kMax}) {
      CHECK(Patched({{tensor + " offset", offset}}) ==
            start + std::to_string(offset) + " is not a multiple of the alignment 32");
    }
    // The last wraps to less than nothing together with the tensor's size.
    for (const uint64_t offset : {uint64_t{128}, uint64_t{1} << 32, uint64_t{1} << 63, kMax - 31}) {
      CHECK(Patched({{tensor + " offset", offset}}) ==
            start + std::to_string(offset) + " + " + bytes + " bytes exceeds the 128 bytes of tensor data");
    }
  }
  // 64 + 64 bytes of 128 are inside, 96 + 64 are not.
  CHECK(Patched({{"first offset", 64}}) == "no error");
  CHECK(Patched({{"first offset", 96}}) ==
        "m.gguf: tensor first: offset 96 + 64 bytes exceeds the 128 bytes of tensor data");
  CHECK(Patched({{"second size 0", 128}}) ==
        "m.gguf: tensor second: offset 64 + 72 bytes exceeds the 128 bytes of tensor data");
}

TEST_CASE("hostile GGUF: the tensor data are missing, or lack their last byte") {
  GgufWriter writer;
  writer.AddTensor("blk.0.attn_q.weight", {64, 256}, std::vector<float>(64 * 256));
  Bytes file = writer.Finish();
  const size_t end = writer.data_begin() + 65536;
  REQUIRE(file.size() == end);
  CHECK(ParseError(file) == "no error");
  file.resize(end - 1);
  CHECK(ParseError(file) ==
        "m.gguf: tensor blk.0.attn_q.weight: offset 0 + 65536 bytes exceeds the 65535 bytes of tensor data");
  file.resize(writer.data_begin());
  const std::string nothing =
      "m.gguf: tensor blk.0.attn_q.weight: offset 0 + 65536 bytes exceeds the 0 bytes of tensor data";
  CHECK(ParseError(file) == nothing);
  // The data would begin beyond the end.
  REQUIRE(writer.header_bytes() < writer.data_begin());
  file.resize(writer.header_bytes());
  CHECK(ParseError(file) == nothing);
}

TEST_CASE("hostile GGUF: floats that would be misaligned in memory") {
  GgufWriter writer;
  writer.AddTensor("t", {16}, std::vector<float>(16));
  Bytes file = writer.Finish();
  file.push_back(0);  // the guarded copy then starts one byte before an aligned address
  CHECK(ParseError(file) == "m.gguf: tensor t: its F32 elements are not aligned in memory");
  GgufWriter blocks;
  blocks.AddTensor("t", {32}, DType::kQ8_0, Bytes(34));
  file = blocks.Finish();
  file.push_back(0);
  CHECK(ParseError(file) == "no error");
}

TEST_CASE("hostile GGUF: names in messages can neither drive the terminal nor fill it") {
  GgufWriter writer;
  writer.AddRaw("evil\x1B[2J\nm.gguf: all is well", 99, {});
  CHECK(ParseError(writer.Finish()) ==
        "m.gguf: key evil\\x1B[2J\\nm.gguf: all is well: value type 99 is not one that GGUF defines");
  GgufWriter longest;
  longest.AddRaw(std::string(65535, 'x'), 99, {});
  CHECK(ParseError(longest.Finish()) ==
        "m.gguf: key " + std::string(96, 'x') + "...: value type 99 is not one that GGUF defines");
}

}  // namespace weft::engine::test
