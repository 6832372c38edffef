// The typed getters: what a metadata value is, and its conversion to what the caller asks for.
#include <cmath>
#include <exception>
#include <limits>

#include "reference/gguf/byte_reader.h"
#include "reference/gguf/gguf.h"
#include "reference/gguf/gguf_types.h"
#include "reference/gguf/printable.h"

namespace weft::engine {
namespace {

// An integer of any type, in two's complement.
struct Integer {
  uint64_t bits = 0;
  bool negative = false;

  bool FitsSigned() const { return negative || bits <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()); }
};

template <class T>
Integer IntegerAt(const uint8_t* data) {
  const T value = LoadAt<T>(data);
  return {static_cast<uint64_t>(value), value < T{0}};
}

// Nothing where `type` is not an integer.
std::optional<Integer> IntegerOf(GgufType type, const uint8_t* data) {
  switch (type) {
    case GgufType::kU8: return IntegerAt<uint8_t>(data);
    case GgufType::kI8: return IntegerAt<int8_t>(data);
    case GgufType::kU16: return IntegerAt<uint16_t>(data);
    case GgufType::kI16: return IntegerAt<int16_t>(data);
    case GgufType::kU32: return IntegerAt<uint32_t>(data);
    case GgufType::kI32: return IntegerAt<int32_t>(data);
    case GgufType::kU64: return IntegerAt<uint64_t>(data);
    case GgufType::kI64: return IntegerAt<int64_t>(data);
    case GgufType::kF32:
    case GgufType::kF64:
    case GgufType::kBool:
    case GgufType::kString:
    case GgufType::kArray: return std::nullopt;
  }
  return std::nullopt;
}

std::string Describe(const GgufValue& value) {
  if (value.type == GgufType::kArray) return std::string("array of ") + Name(value.array.type);
  return Name(value.type);
}

Error KeyError(ErrorKind kind, const Gguf& file, std::string_view key, const std::string& message) {
  return file.ErrorAt(kind, "key " + Printable(key) + ": " + message);
}

Error Missing(const Gguf& file, std::string_view key) { return KeyError(ErrorKind::kBadFile, file, key, "is missing"); }

Error WrongType(const Gguf& file, std::string_view key, const GgufValue& value, const char* expected) {
  return KeyError(ErrorKind::kBadFile, file, key, "is " + Describe(value) + ", expected " + expected);
}

// The array of `key` if its elements are accepted, or an Error that says what was expected.
template <class Accepts>
Result<const GgufArray*> ArrayOf(const Gguf& file, std::string_view key, const char* expected, const Accepts& accepts) {
  const GgufValue* value = file.Find(key);
  if (value == nullptr) return Missing(file, key);
  if (value->type != GgufType::kArray || !accepts(value->array.type)) return WrongType(file, key, *value, expected);
  return &value->array;
}

// Fills a vector with convert(i) for every element; `convert` returns false where an element does not fit.
template <class T, class Convert>
Result<std::vector<T>> ConvertAll(const Gguf& file, std::string_view key, uint64_t count, const Convert& convert) {
  try {
    std::vector<T> out(static_cast<size_t>(count));
    for (size_t i = 0; i < out.size(); ++i) {
      if (!convert(i, &out[i])) {
        return KeyError(ErrorKind::kBadFile, file, key, "element " + std::to_string(i) + " is out of range");
      }
    }
    return out;
  } catch (const std::exception&) {  // of the standard library: no memory
    return KeyError(ErrorKind::kNoMemory, file, key, "not enough memory for " + std::to_string(count) + " elements");
  }
}

// Arrays that are nested deeper than Parse accepts are not read.
bool ReadArrayAt(ByteReader& reader, GgufArray* array, int depth) {
  uint32_t type;
  if (depth > kMaxArrayDepth || !reader.Read(&type) || !reader.Read(&array->count)) return false;
  array->type = static_cast<GgufType>(type);
  array->data = reader.next();
  if (const uint64_t width = ScalarBytes(array->type); width != 0) {
    if (array->count > reader.remaining() / width || !reader.Skip(array->count * width)) return false;
  } else {
    GgufArray inner;
    std::string_view text;
    for (uint64_t i = 0; i < array->count; ++i) {
      const bool read = array->type == GgufType::kArray ? ReadArrayAt(reader, &inner, depth + 1)
                                                        : array->type == GgufType::kString && reader.ReadString(&text);
      if (!read) return false;
    }
  }
  array->bytes = static_cast<uint64_t>(reader.next() - array->data);
  return true;
}

}  // namespace

bool ReadArray(ByteReader& reader, GgufArray* array) { return ReadArrayAt(reader, array, 2); }

const char* Name(GgufType type) {
  switch (type) {
    case GgufType::kU8: return "u8";
    case GgufType::kI8: return "i8";
    case GgufType::kU16: return "u16";
    case GgufType::kI16: return "i16";
    case GgufType::kU32: return "u32";
    case GgufType::kI32: return "i32";
    case GgufType::kF32: return "f32";
    case GgufType::kBool: return "bool";
    case GgufType::kString: return "string";
    case GgufType::kArray: return "array";
    case GgufType::kU64: return "u64";
    case GgufType::kI64: return "i64";
    case GgufType::kF64: return "f64";
  }
  return "unknown";
}

Result<uint64_t> Gguf::GetUint(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return Missing(*this, key);
  const std::optional<Integer> integer = IntegerOf(value->type, value->data);
  if (!integer) return WrongType(*this, key, *value, "an integer");
  if (integer->negative) {
    const int64_t number = static_cast<int64_t>(integer->bits);
    return KeyError(ErrorKind::kBadFile, *this, key, std::to_string(number) + " is negative, expected 0 or more");
  }
  return integer->bits;
}

Result<uint64_t> Gguf::GetUintOr(std::string_view key, uint64_t fallback) const {
  if (Find(key) == nullptr) return fallback;
  return GetUint(key);
}

Result<double> Gguf::GetFloat(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return Missing(*this, key);
  if (value->type == GgufType::kF32) return double{LoadAt<float>(value->data)};
  if (value->type == GgufType::kF64) return LoadAt<double>(value->data);
  return WrongType(*this, key, *value, "f32 or f64");
}

Result<double> Gguf::GetFloatOr(std::string_view key, double fallback) const {
  if (Find(key) == nullptr) return fallback;
  return GetFloat(key);
}

Result<bool> Gguf::GetBoolOr(std::string_view key, bool fallback) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return fallback;
  if (value->type != GgufType::kBool) return WrongType(*this, key, *value, "bool");
  return value->data[0] != 0;
}

Result<std::string_view> Gguf::GetString(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return Missing(*this, key);
  if (value->type != GgufType::kString) return WrongType(*this, key, *value, "string");
  return std::string_view(reinterpret_cast<const char*>(value->data), static_cast<size_t>(value->length));
}

Result<std::string_view> Gguf::GetStringOr(std::string_view key, std::string_view fallback) const {
  if (Find(key) == nullptr) return fallback;
  return GetString(key);
}

Result<std::vector<std::string_view>> Gguf::GetStrings(std::string_view key) const {
  const auto array = ArrayOf(*this, key, "array of string", [](GgufType type) { return type == GgufType::kString; });
  if (!array.ok()) return array.error();
  // Parse has checked the lengths, but the file under a mapping may have changed since.
  ByteReader reader({(*array)->data, static_cast<size_t>((*array)->bytes)});
  return ConvertAll<std::string_view>(*this, key, (*array)->count,
                                      [&](size_t, std::string_view* text) { return reader.ReadString(text); });
}

Result<std::vector<float>> Gguf::GetFloats(std::string_view key) const {
  const auto array = ArrayOf(*this, key, "array of f32 or f64",
                             [](GgufType type) { return type == GgufType::kF32 || type == GgufType::kF64; });
  if (!array.ok()) return array.error();
  const uint8_t* data = (*array)->data;
  if ((*array)->type == GgufType::kF32) {
    return ConvertAll<float>(*this, key, (*array)->count, [&](size_t i, float* out) {
      *out = LoadAt<float>(data + i * sizeof(float));
      return true;
    });
  }
  return ConvertAll<float>(*this, key, (*array)->count, [&](size_t i, float* out) {
    const double value = LoadAt<double>(data + i * sizeof(double));
    if (std::isfinite(value) && std::abs(value) > double{std::numeric_limits<float>::max()}) return false;
    *out = static_cast<float>(value);
    return true;
  });
}

Result<std::vector<int64_t>> Gguf::GetInts(std::string_view key) const {
  const auto array = ArrayOf(*this, key, "array of integers or bools", [](GgufType type) {
    return type == GgufType::kBool || (ScalarBytes(type) != 0 && type != GgufType::kF32 && type != GgufType::kF64);
  });
  if (!array.ok()) return array.error();
  const GgufType type = (*array)->type == GgufType::kBool ? GgufType::kU8 : (*array)->type;
  const uint64_t width = ScalarBytes(type);
  return ConvertAll<int64_t>(*this, key, (*array)->count, [&](size_t i, int64_t* out) {
    const std::optional<Integer> integer = IntegerOf(type, (*array)->data + i * width);
    if (!integer || !integer->FitsSigned()) return false;
    *out = static_cast<int64_t>(integer->bits);
    return true;
  });
}

}  // namespace weft::engine
