// Good files: what was written comes back, through every getter and conversion.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "reference/gguf/gguf.h"
#include "reference/gguf/printable.h"
#include "tests/engine/gguf_writer.h"
#include "tests/engine/guarded_bytes.h"

namespace weft::engine::test {
namespace {

// A parsed file together with the bytes that it points into.
struct ParsedFile {
  explicit ParsedFile(GgufWriter& writer) : bytes(writer.Finish()), file(Gguf::Parse(bytes.bytes(), "m.gguf")) {
    REQUIRE_MESSAGE(file.ok(), file.error().message);
  }
  const Gguf* operator->() const { return &*file; }

  GuardedBytes bytes;
  Result<Gguf> file;
};

template <class T>
std::string MessageOf(const Result<T>& result) {
  return result.ok() ? "no error" : result.error().message;
}

}  // namespace

TEST_CASE("GGUF: versions 2 and 3, keys and tensors in file order") {
  for (const uint32_t version : {2u, 3u}) {
    GgufWriter writer(version);
    writer.AddString("z.last", "first in the file").AddUint("a.first", 7);
    writer.AddTensor("two", {3, 2}, {1, 2, 3, 4, 5, 6});
    writer.AddTensor("one", {2}, {8, 9});
    ParsedFile file(writer);
    CHECK(file->version() == version);
    CHECK(file->name() == "m.gguf");
    REQUIRE(file->values().size() == 2);
    CHECK(file->values()[0].first == "z.last");
    CHECK(file->values()[1].first == "a.first");
    REQUIRE(file->tensors().size() == 2);

    const GgufTensor& two = file->tensors()[0];
    CHECK(two.name == "two");
    CHECK(two.type == DType::kF32);
    CHECK(two.dimensions == 2);
    CHECK(two.shape[0] == 3);
    CHECK(two.shape[1] == 2);
    CHECK(two.shape[2] == 1);
    CHECK(two.elements() == 6);
    CHECK(two.bytes == 24);
    CHECK(two.data == file.bytes.bytes().data() + writer.data_begin());
    CHECK(reinterpret_cast<const float*>(two.data)[5] == 6.0f);
    CHECK(file->FindTensor("two") == &two);
    CHECK(file->FindTensor("one") == &file->tensors()[1]);
    CHECK(file->tensors()[1].data == two.data + 32);
    CHECK(file->FindTensor("three") == nullptr);
    CHECK(file->FindTensor("") == nullptr);
  }
}

TEST_CASE("GGUF: a file without keys and tensors, and one with keys only") {
  GgufWriter empty;
  Bytes bytes = empty.Finish();
  bytes.resize(empty.header_bytes());
  const GuardedBytes guarded_empty(bytes);
  const Result<Gguf> file = Gguf::Parse(guarded_empty.bytes(), "m.gguf");
  REQUIRE(file.ok());
  CHECK(file->values().empty());
  CHECK(file->tensors().empty());

  // Nothing has to follow the last key where there are no tensors.
  GgufWriter keys;
  keys.AddUint("a", 1);
  bytes = keys.Finish();
  bytes.resize(keys.header_bytes());
  const GuardedBytes guarded(bytes);
  CHECK(Gguf::Parse(guarded.bytes(), "m.gguf").ok());
}

TEST_CASE("GGUF: every tensor type that has a layout, and a scalar without dimensions") {
  GgufWriter writer;
  size_t types = 0;
  for (uint32_t id = 0; id < kDTypeEnd; ++id) {
    const DTypeLayout layout = LayoutOf(static_cast<DType>(id));
    if (layout.name == nullptr) continue;
    ++types;
    const Bytes data(size_t{2} * 3 * layout.block_bytes, static_cast<uint8_t>(id));
    writer.AddTensor(layout.name, {2 * layout.block_elements, 3}, static_cast<DType>(id), data);
  }
  writer.AddTensor("scalar", {}, std::vector<float>{42.0f});
  ParsedFile file(writer);
  REQUIRE(file->tensors().size() == types + 1);
  for (size_t i = 0; i < types; ++i) {
    const GgufTensor& tensor = file->tensors()[i];
    CHECK(tensor.name == Name(tensor.type));
    CHECK(tensor.bytes == 6 * LayoutOf(tensor.type).block_bytes);
    CHECK(tensor.data[0] == static_cast<uint8_t>(tensor.type));
    CHECK(tensor.data[tensor.bytes - 1] == static_cast<uint8_t>(tensor.type));
  }
  const GgufTensor* scalar = file->FindTensor("scalar");
  REQUIRE(scalar != nullptr);
  CHECK(scalar->dimensions == 0);
  CHECK(scalar->elements() == 1);
  CHECK(*reinterpret_cast<const float*>(scalar->data) == 42.0f);
}

TEST_CASE("GGUF: alignment of the tensor data") {
  for (const uint32_t alignment : {8u, 16u, 64u, 4096u}) {
    GgufWriter writer;
    writer.SetAlignment(alignment);
    writer.AddTensor("a", {1}, std::vector<float>{1}).AddTensor("b", {1}, std::vector<float>{2});
    ParsedFile file(writer);
    CHECK((file->tensors()[0].data - file.bytes.bytes().data()) % alignment == 0);
    CHECK(file->tensors()[1].data == file->tensors()[0].data + alignment);
    CHECK(*reinterpret_cast<const float*>(file->tensors()[1].data) == 2.0f);
  }
}

TEST_CASE("GGUF: integers of any width and sign") {
  GgufWriter writer;
  writer.AddUint("u8", 255, GgufType::kU8).AddUint("u16", 65535, GgufType::kU16);
  writer.AddUint("u32", 0xFFFFFFFFu).AddUint("u64", ~uint64_t{0}, GgufType::kU64);
  writer.AddInt("i8", 127, GgufType::kI8).AddInt("i16", 32767, GgufType::kI16);
  writer.AddInt("i32", 2147483647).AddInt("i64", std::numeric_limits<int64_t>::max(), GgufType::kI64);
  writer.AddInt("-8", -1, GgufType::kI8).AddInt("-16", -2, GgufType::kI16);
  writer.AddInt("-32", -3).AddInt("-64", std::numeric_limits<int64_t>::min(), GgufType::kI64);
  ParsedFile file(writer);
  CHECK(*file->GetUint("u8") == 255);
  CHECK(*file->GetUint("u16") == 65535);
  CHECK(*file->GetUint("u32") == 0xFFFFFFFFu);
  CHECK(*file->GetUint("u64") == ~uint64_t{0});
  CHECK(*file->GetUint("i8") == 127);
  CHECK(*file->GetUint("i16") == 32767);
  CHECK(*file->GetUint("i32") == 2147483647);
  CHECK(*file->GetUint("i64") == uint64_t{0x7FFFFFFFFFFFFFFF});
  CHECK(MessageOf(file->GetUint("-8")) == "m.gguf: key -8: -1 is negative, expected 0 or more");
  CHECK(MessageOf(file->GetUint("-16")) == "m.gguf: key -16: -2 is negative, expected 0 or more");
  CHECK(MessageOf(file->GetUint("-32")) == "m.gguf: key -32: -3 is negative, expected 0 or more");
  CHECK(MessageOf(file->GetUint("-64")) == "m.gguf: key -64: -9223372036854775808 is negative, expected 0 or more");
  CHECK(*file->GetUintOr("u8", 3) == 255);
  CHECK(*file->GetUintOr("absent", 3) == 3);
  CHECK(!file->GetUintOr("-8", 3).ok());
}

TEST_CASE("GGUF: floats, bools and strings") {
  GgufWriter writer;
  writer.AddFloat("f32", 1.5f).AddDouble("f64", 1e300).AddBool("yes", true).AddBool("no", false);
  writer.AddString("text", "h\xC3\xA9").AddString("empty", "");
  ParsedFile file(writer);
  CHECK(*file->GetFloat("f32") == 1.5);
  CHECK(*file->GetFloat("f64") == 1e300);
  CHECK(*file->GetFloatOr("f32", 2.0) == 1.5);
  CHECK(*file->GetFloatOr("absent", 2.0) == 2.0);
  CHECK(*file->GetBoolOr("yes", false) == true);
  CHECK(*file->GetBoolOr("no", true) == false);
  CHECK(*file->GetBoolOr("absent", true) == true);
  CHECK(*file->GetString("text") == "h\xC3\xA9");
  CHECK(*file->GetString("empty") == "");
  CHECK(*file->GetStringOr("text", "x") == "h\xC3\xA9");
  CHECK(*file->GetStringOr("absent", "x") == "x");
}

TEST_CASE("GGUF: arrays, converted") {
  GgufWriter writer;
  writer.AddStrings("strings", {"", "a", "bc"}).AddStrings("none", {});
  writer.AddFloats("f32", {1.0f, -2.5f}).AddDoubles("f64", {0.5, 1e39}).AddDoubles("f64 fits", {0.5, HUGE_VAL});
  writer.AddInts("bool", {0, 1, 1}, GgufType::kBool).AddInts("u8", {0, 255}, GgufType::kU8);
  writer.AddInts("i8", {-128, 127}, GgufType::kI8).AddInts("u16", {65535}, GgufType::kU16);
  writer.AddInts("i16", {-32768}, GgufType::kI16).AddInts("u32", {0xFFFFFFFF}, GgufType::kU32);
  writer.AddInts("i32", {-2147483648}).AddInts("u64", {5, -1}, GgufType::kU64);
  writer.AddInts("i64", {std::numeric_limits<int64_t>::min()}, GgufType::kI64);
  ParsedFile file(writer);
  CHECK(*file->GetStrings("strings") == std::vector<std::string_view>{"", "a", "bc"});
  CHECK(file->GetStrings("none")->empty());
  CHECK(*file->GetFloats("f32") == std::vector<float>{1.0f, -2.5f});
  CHECK(*file->GetFloats("f64 fits") == std::vector<float>{0.5f, HUGE_VALF});
  CHECK(MessageOf(file->GetFloats("f64")) == "m.gguf: key f64: element 1 is out of range");
  CHECK(*file->GetInts("bool") == std::vector<int64_t>{0, 1, 1});
  CHECK(*file->GetInts("u8") == std::vector<int64_t>{0, 255});
  CHECK(*file->GetInts("i8") == std::vector<int64_t>{-128, 127});
  CHECK(*file->GetInts("u16") == std::vector<int64_t>{65535});
  CHECK(*file->GetInts("i16") == std::vector<int64_t>{-32768});
  CHECK(*file->GetInts("u32") == std::vector<int64_t>{0xFFFFFFFF});
  CHECK(*file->GetInts("i32") == std::vector<int64_t>{-2147483648});
  CHECK(*file->GetInts("i64") == std::vector<int64_t>{std::numeric_limits<int64_t>::min()});
  CHECK(MessageOf(file->GetInts("u64")) == "m.gguf: key u64: element 1 is out of range");
}

// Arrays of the wrong element type, read as what they are not, have been holes in other readers.
TEST_CASE("GGUF: getters refuse every other type and name file, key and both types") {
  GgufWriter writer;
  writer.AddUint("u32", 1).AddFloat("f32", 1.0f).AddBool("bool", true).AddString("string", "x");
  writer.AddFloats("floats", {1.0f}).AddInts("ints", {1}).AddStrings("strings", {"x"});
  ParsedFile file(writer);
  for (const auto& [key, value] : file->values()) {
    INFO(key);
    const bool array = value.type == GgufType::kArray;
    CHECK(file->GetUint(key).ok() == (key == "u32"));
    CHECK(file->GetUintOr(key, 0).ok() == (key == "u32"));
    CHECK(file->GetFloat(key).ok() == (key == "f32"));
    CHECK(file->GetFloatOr(key, 0).ok() == (key == "f32"));
    CHECK(file->GetBoolOr(key, false).ok() == (key == "bool"));
    CHECK(file->GetString(key).ok() == (key == "string"));
    CHECK(file->GetStringOr(key, "").ok() == (key == "string"));
    CHECK(file->GetStrings(key).ok() == (array && key == "strings"));
    CHECK(file->GetFloats(key).ok() == (array && key == "floats"));
    CHECK(file->GetInts(key).ok() == (array && key == "ints"));
  }
  CHECK(MessageOf(file->GetUint("string")) == "m.gguf: key string: is string, expected an integer");
  CHECK(MessageOf(file->GetString("u32")) == "m.gguf: key u32: is u32, expected string");
  CHECK(MessageOf(file->GetFloats("ints")) == "m.gguf: key ints: is array of i32, expected array of f32 or f64");
  CHECK(MessageOf(file->GetInts("u32")) == "m.gguf: key u32: is u32, expected array of integers or bools");
  CHECK(MessageOf(file->GetStrings("floats")) == "m.gguf: key floats: is array of f32, expected array of string");
  for (const std::string& message : {MessageOf(file->GetUint("absent")), MessageOf(file->GetFloat("absent")),
                                     MessageOf(file->GetString("absent")), MessageOf(file->GetStrings("absent")),
                                     MessageOf(file->GetFloats("absent")), MessageOf(file->GetInts("absent"))}) {
    CHECK(message == "m.gguf: key absent: is missing");
  }
}

TEST_CASE("GGUF: a file may be moved") {
  GgufWriter writer;
  writer.AddString("a", "b").AddTensor("t", {1}, std::vector<float>{3});
  ParsedFile file(writer);
  const Gguf moved = std::move(*file.file);
  CHECK(*moved.GetString("a") == "b");
  CHECK(moved.FindTensor("t") == &moved.tensors()[0]);
  CHECK(moved.ErrorAt(ErrorKind::kBadFile, "x\n\xFF").message == "m.gguf: x\\n\\xFF");
}

TEST_CASE("Printable text neither drives a terminal nor fakes a line") {
  CHECK(Printable("plain \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80") == "plain \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
  CHECK(Printable("a\nb\tc\x1B[31m\x7F") == "a\\nb\\tc\\x1B[31m\\x7F");
  CHECK(Printable(std::string_view("\0", 1)) == "\\x00");
  CHECK(Printable("\xC2\x9B") == "\\xC2\\x9B");                    // a control character beyond ASCII
  CHECK(Printable("\xC0\x80") == "\\xC0\\x80");                    // overlong
  CHECK(Printable("\xE0\x80\x80") == "\\xE0\\x80\\x80");           // overlong
  CHECK(Printable("\xED\xA0\x80") == "\\xED\\xA0\\x80");           // surrogate
  CHECK(Printable("\xF4\x90\x80\x80") == "\\xF4\\x90\\x80\\x80");  // beyond Unicode
  CHECK(Printable("\xE2\x82") == "\\xE2\\x82");                    // cut
  CHECK(Printable("\xFFz") == "\\xFFz");
  CHECK(Printable("abcdef", 3) == "abc...");
  CHECK(Printable("abc", 3) == "abc");
  CHECK(Printable("ab\xC3\xA9", 3) == "ab...");
}

}  // namespace weft::engine::test
