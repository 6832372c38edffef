// Writes GGUF files in memory for tests: good ones through Add...(), bad ones by patching the fields that it recorded.
//   GgufWriter writer;
//   writer.AddString("general.architecture", "llama").AddUint("llama.block_count", 2);
//   writer.AddTensor("output_norm.weight", {64}, std::vector<float>(64, 1.0f));
//   std::vector<uint8_t> file = writer.Finish();
#ifndef WEFT_TESTS_ENGINE_GGUF_WRITER_H_
#define WEFT_TESTS_ENGINE_GGUF_WRITER_H_

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reference/gguf/gguf.h"

namespace weft::engine::test {

using Bytes = std::vector<uint8_t>;

// A number in the file: `width` little-endian bytes at `position`. Labels: "version", "tensor count", "key count",
// "KEY key length", "KEY value type", "KEY value", "KEY string length", "KEY element type", "KEY count",
// "KEY[i] string length", "NAME name length", "NAME dimensions", "NAME size i", "NAME type", "NAME offset".
struct GgufField {
  std::string label;
  size_t position = 0;
  size_t width = 0;
};

// Appends the `width` low bytes of `value`.
inline void Append(Bytes& bytes, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

// Overwrites a field of a finished file.
inline void Patch(Bytes& file, const GgufField& field, uint64_t value) {
  for (size_t i = 0; i < field.width; ++i) file.at(field.position + i) = static_cast<uint8_t>(value >> (8 * i));
}

class GgufWriter {
 public:
  explicit GgufWriter(uint32_t version = 3) : version_(version) {}

  // Metadata, written in the order of the calls. Integer types take the low bytes of `value`.
  GgufWriter& AddUint(std::string_view key, uint64_t value, GgufType type = GgufType::kU32) {
    BeginValue(key, type);
    return AppendField(values_, std::string(key) + " value", value, WidthOf(type));
  }
  GgufWriter& AddInt(std::string_view key, int64_t value, GgufType type = GgufType::kI32) {
    return AddUint(key, static_cast<uint64_t>(value), type);
  }
  GgufWriter& AddBool(std::string_view key, bool value) { return AddUint(key, value, GgufType::kBool); }
  GgufWriter& AddFloat(std::string_view key, float value) {
    return AddUint(key, std::bit_cast<uint32_t>(value), GgufType::kF32);
  }
  GgufWriter& AddDouble(std::string_view key, double value) {
    return AddUint(key, std::bit_cast<uint64_t>(value), GgufType::kF64);
  }
  GgufWriter& AddString(std::string_view key, std::string_view value) {
    BeginValue(key, GgufType::kString);
    return AppendString(values_, std::string(key) + " string length", value);
  }
  GgufWriter& AddStrings(std::string_view key, const std::vector<std::string>& values) {
    BeginArray(key, GgufType::kString, values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      AppendString(values_, std::string(key) + "[" + std::to_string(i) + "] string length", values[i]);
    }
    return *this;
  }
  GgufWriter& AddFloats(std::string_view key, const std::vector<float>& values) {
    BeginArray(key, GgufType::kF32, values.size());
    for (const float value : values) Append(values_.bytes, std::bit_cast<uint32_t>(value), 4);
    return *this;
  }
  GgufWriter& AddDoubles(std::string_view key, const std::vector<double>& values) {
    BeginArray(key, GgufType::kF64, values.size());
    for (const double value : values) Append(values_.bytes, std::bit_cast<uint64_t>(value), 8);
    return *this;
  }
  // Any integer type or bool.
  GgufWriter& AddInts(std::string_view key, const std::vector<int64_t>& values, GgufType type = GgufType::kI32) {
    BeginArray(key, type, values.size());
    for (const int64_t value : values) Append(values_.bytes, static_cast<uint64_t>(value), WidthOf(type));
    return *this;
  }
  // A value that is written as given: for what no other function can write.
  GgufWriter& AddRaw(std::string_view key, uint32_t type, const Bytes& value) {
    BeginValue(key, static_cast<GgufType>(type));
    values_.bytes.insert(values_.bytes.end(), value.begin(), value.end());
    return *this;
  }
  // Writes general.alignment and aligns the tensors to it; 32 without this call.
  GgufWriter& SetAlignment(uint32_t alignment) {
    alignment_ = alignment;
    return AddUint("general.alignment", alignment);
  }

  // Tensors, in the order of the calls, each at the next aligned offset. shape[0] is contiguous: {cols, rows}.
  GgufWriter& AddTensor(std::string_view name, const std::vector<uint64_t>& shape, DType type, const Bytes& data) {
    const std::string label(name);
    AppendString(infos_, label + " name length", name);
    AppendField(infos_, label + " dimensions", shape.size(), 4);
    for (size_t i = 0; i < shape.size(); ++i) AppendField(infos_, label + " size " + std::to_string(i), shape[i], 8);
    AppendField(infos_, label + " type", static_cast<uint32_t>(type), 4);
    data_.resize((data_.size() + alignment_ - 1) / alignment_ * alignment_);
    AppendField(infos_, label + " offset", data_.size(), 8);
    data_.insert(data_.end(), data.begin(), data.end());
    ++tensor_count_;
    return *this;
  }
  GgufWriter& AddTensor(std::string_view name, const std::vector<uint64_t>& shape, const std::vector<float>& data) {
    Bytes bytes;
    bytes.reserve(4 * data.size());
    for (const float value : data) Append(bytes, std::bit_cast<uint32_t>(value), 4);
    return AddTensor(name, shape, DType::kF32, bytes);
  }

  // The file, padded to the alignment at its end. May be called more than once, with calls of Add...() in between.
  Bytes Finish() {
    fields_.clear();
    Section file;
    Append(file.bytes, 0x46554747u, 4);  // "GGUF"
    AppendField(file, "version", version_, 4);
    AppendField(file, "tensor count", tensor_count_, 8);
    AppendField(file, "key count", key_count_, 8);
    for (const Section* section : {&values_, &infos_}) {
      for (GgufField field : section->fields) {
        field.position += file.bytes.size();
        file.fields.push_back(std::move(field));
      }
      file.bytes.insert(file.bytes.end(), section->bytes.begin(), section->bytes.end());
    }
    header_bytes_ = file.bytes.size();
    fields_ = std::move(file.fields);
    Pad(file.bytes);
    data_begin_ = file.bytes.size();
    file.bytes.insert(file.bytes.end(), data_.begin(), data_.end());
    Pad(file.bytes);
    return std::move(file.bytes);
  }

  // Of the last Finish(): every number outside the tensor data, the bytes before the padding, and where the data begin.
  const std::vector<GgufField>& fields() const { return fields_; }
  size_t header_bytes() const { return header_bytes_; }
  size_t data_begin() const { return data_begin_; }

  // A field by its label; one of width 0 where there is none.
  GgufField FindField(std::string_view label) const {
    for (const GgufField& field : fields_) {
      if (field.label == label) return field;
    }
    return {};
  }

 private:
  struct Section {
    Bytes bytes;
    std::vector<GgufField> fields;
  };

  static size_t WidthOf(GgufType type) {
    switch (type) {
      case GgufType::kU8:
      case GgufType::kI8:
      case GgufType::kBool: return 1;
      case GgufType::kU16:
      case GgufType::kI16: return 2;
      case GgufType::kU64:
      case GgufType::kI64:
      case GgufType::kF64: return 8;
      default: return 4;
    }
  }

  GgufWriter& AppendField(Section& section, std::string label, uint64_t value, size_t width) {
    section.fields.push_back({std::move(label), section.bytes.size(), width});
    Append(section.bytes, value, width);
    return *this;
  }
  GgufWriter& AppendString(Section& section, std::string label, std::string_view text) {
    AppendField(section, std::move(label), text.size(), 8);
    section.bytes.insert(section.bytes.end(), text.begin(), text.end());
    return *this;
  }
  void BeginValue(std::string_view key, GgufType type) {
    AppendString(values_, std::string(key) + " key length", key);
    AppendField(values_, std::string(key) + " value type", static_cast<uint32_t>(type), 4);
    ++key_count_;
  }
  void BeginArray(std::string_view key, GgufType type, size_t count) {
    BeginValue(key, GgufType::kArray);
    AppendField(values_, std::string(key) + " element type", static_cast<uint32_t>(type), 4);
    AppendField(values_, std::string(key) + " count", count, 8);
  }
  void Pad(Bytes& bytes) const { bytes.resize((bytes.size() + alignment_ - 1) / alignment_ * alignment_); }

  uint32_t version_;
  uint64_t alignment_ = 32, key_count_ = 0, tensor_count_ = 0;
  Section values_, infos_;
  Bytes data_;
  std::vector<GgufField> fields_;
  size_t header_bytes_ = 0, data_begin_ = 0;
};

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_GGUF_WRITER_H_
