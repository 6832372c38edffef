// A reader of GGUF files (versions 2 and 3). It works on a span of bytes that the caller keeps alive (usually a mapped
// file) and copies nothing but the names; tensors point into the span. A file is hostile until Parse has accepted it:
// every count, length, offset and product is checked in 64 bits against the bytes that are there.
//
//   byte 0    "GGUF"  u32 version  u64 tensor count  u64 key count
//             key count    x { string key, u32 value type, value }
//             tensor count x { string name, u32 dimensions, u64 size[dimensions], u32 type, u64 offset }
//             padding to `general.alignment` (32 unless the file says otherwise)
//             tensor data; a tensor's offset counts from here
#ifndef WEFT_REFERENCE_GGUF_GGUF_H_
#define WEFT_REFERENCE_GGUF_GGUF_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reference/base/result.h"
#include "weft/weft.h"

namespace weft::engine {

enum class GgufType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};
const char* Name(GgufType type);

inline constexpr int kMaxArrayDepth = 8;  // of arrays inside each other

// An array value: `count` elements of `type`, packed in `bytes` bytes at `data`; strings are each a u64 length and
// their characters, arrays each a u32 type, a u64 count and their elements (no getter reads them).
struct GgufArray {
  GgufType type = GgufType::kU8;
  uint64_t count = 0;
  const uint8_t* data = nullptr;
  uint64_t bytes = 0;
};

// One metadata value, pointing into the file.
struct GgufValue {
  GgufType type = GgufType::kU8;
  const uint8_t* data = nullptr;  // scalars: the bytes; strings: the characters
  uint64_t length = 0;            // strings: bytes
  GgufArray array;                // kArray only
};

struct GgufTensor {
  std::string_view name;
  DType type = DType::kF32;
  uint32_t dimensions = 0;
  uint64_t shape[4] = {1, 1, 1, 1};  // shape[0] is contiguous: a matrix has shape {cols, rows}
  const uint8_t* data = nullptr;
  uint64_t bytes = 0;

  uint64_t elements() const { return shape[0] * shape[1] * shape[2] * shape[3]; }  // fits: Parse has checked
};

class Gguf {
 public:
  // `name` is what errors call the file. `bytes` must outlive the object. Errors: not GGUF, another version or byte
  // order, truncated, counts or sizes that do not fit, empty or duplicate keys or tensor names, unknown types, arrays
  // inside each other more than kMaxArrayDepth deep, tensors that are misaligned (in the file, or in memory for their
  // elements' type) or reach past the end.
  static Result<Gguf> Parse(std::span<const uint8_t> bytes, std::string name);

  const std::string& name() const { return name_; }
  uint32_t version() const { return version_; }
  const std::vector<std::pair<std::string_view, GgufValue>>& values() const { return values_; }  // in file order
  const std::vector<GgufTensor>& tensors() const { return tensors_; }                            // in file order

  const GgufValue* Find(std::string_view key) const;  // null: absent
  const GgufTensor* FindTensor(std::string_view name) const;

  // Where another GGUF file begins behind this one's last tensor: files that were joined.
  std::optional<uint64_t> next_file() const { return next_file_; }

  // Typed getters. An absent key gives an error (Get...) or the fallback (Get...Or); a value of another kind is always
  // an error that names file, key, and both types. Integers of any width and sign convert where the value fits.
  Result<uint64_t> GetUint(std::string_view key) const;
  Result<uint64_t> GetUintOr(std::string_view key, uint64_t fallback) const;
  Result<double> GetFloat(std::string_view key) const;  // F32 or F64
  Result<double> GetFloatOr(std::string_view key, double fallback) const;
  Result<bool> GetBoolOr(std::string_view key, bool fallback) const;
  Result<std::string_view> GetString(std::string_view key) const;
  Result<std::string_view> GetStringOr(std::string_view key, std::string_view fallback) const;
  // Arrays, converted. Elements must be of the kind asked for.
  Result<std::vector<std::string_view>> GetStrings(std::string_view key) const;
  Result<std::vector<float>> GetFloats(std::string_view key) const;
  Result<std::vector<int64_t>> GetInts(std::string_view key) const;  // any integer type or bool

  // "FILE: " + message, as an Error. Messages may quote the file: what does not print is escaped, long ones are cut.
  Error ErrorAt(ErrorKind kind, const std::string& message) const;
  Error ErrorAt(const Error& error) const { return ErrorAt(error.kind, error.message); }

 private:
  std::string name_;
  uint32_t version_ = 0;
  std::vector<std::pair<std::string_view, GgufValue>> values_;
  std::vector<GgufTensor> tensors_;
  // Indices in order of name. Sorted rather than hashed, so that no choice of names makes a file slow to read.
  std::vector<size_t> value_order_, tensor_order_;
  std::optional<uint64_t> next_file_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_GGUF_GGUF_H_
