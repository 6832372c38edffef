#include "reference/gguf/gguf_writer.h"

#include <array>
#include <bit>
#include <string>

namespace weft::engine {
namespace {

constexpr uint64_t kAlignment = 32;  // what GGUF means where general.alignment is absent

uint64_t AlignedUp(uint64_t position) { return (position + kAlignment - 1) / kAlignment * kAlignment; }

// `value` in as many little-endian bytes as its type has.
template <class T>
void Append(std::vector<uint8_t>& bytes, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

void AppendString(std::vector<uint8_t>& bytes, std::string_view text) {
  Append(bytes, uint64_t{text.size()});
  bytes.insert(bytes.end(), text.begin(), text.end());
}

}  // namespace

void GgufWriter::BeginValue(std::string_view key, GgufType type) {
  AppendString(values_, key);
  Append(values_, static_cast<uint32_t>(type));
  ++keys_;
}

void GgufWriter::AddString(std::string_view key, std::string_view value) {
  BeginValue(key, GgufType::kString);
  AppendString(values_, value);
}

void GgufWriter::AddUint(std::string_view key, uint32_t value) {
  BeginValue(key, GgufType::kU32);
  Append(values_, value);
}

void GgufWriter::AddFloat(std::string_view key, float value) {
  BeginValue(key, GgufType::kF32);
  Append(values_, std::bit_cast<uint32_t>(value));
}

void GgufWriter::AddBool(std::string_view key, bool value) {
  BeginValue(key, GgufType::kBool);
  Append(values_, uint8_t{value});
}

void GgufWriter::AddTensor(std::string_view name, std::span<const uint64_t> shape, DType type) {
  uint64_t rows = 1;
  AppendString(infos_, name);
  Append(infos_, static_cast<uint32_t>(shape.size()));
  for (size_t i = 0; i < shape.size(); ++i) {
    Append(infos_, shape[i]);
    if (i > 0) rows *= shape[i];
  }
  Append(infos_, static_cast<uint32_t>(type));
  Append(infos_, offset_);
  sizes_.push_back(rows * RowBytes(type, shape[0]));
  offset_ += AlignedUp(sizes_.back());
}

Result<void> GgufWriter::WriteData(std::span<const uint8_t> bytes) {
  if (Result<void> written = WriteHeader(); !written.ok()) return written;
  if (current_ == sizes_.size() || bytes.size() > sizes_[current_] - done_) {
    return Error{ErrorKind::kInternal, "more data than tensor number " + std::to_string(current_) + " has"};
  }
  if (Result<void> written = Put(bytes); !written.ok()) return written;
  done_ += bytes.size();
  if (done_ < sizes_[current_]) return {};
  ++current_;
  done_ = 0;
  return Pad();
}

Result<void> GgufWriter::Finish() {
  if (Result<void> written = WriteHeader(); !written.ok()) return written;
  if (current_ == sizes_.size()) return {};
  return Error{ErrorKind::kInternal, "the data of tensor number " + std::to_string(current_) + " are missing"};
}

Result<void> GgufWriter::WriteHeader() {
  if (has_header_) return {};
  has_header_ = true;
  std::vector<uint8_t> start = {'G', 'G', 'U', 'F'};
  Append(start, uint32_t{3});
  Append(start, uint64_t{sizes_.size()});
  Append(start, keys_);
  for (const std::vector<uint8_t>* part : {&start, &values_, &infos_}) {
    if (Result<void> written = Put(*part); !written.ok()) return written;
  }
  return Pad();
}

Result<void> GgufWriter::Put(std::span<const uint8_t> bytes) {
  written_ += bytes.size();
  return sink_(bytes);
}

Result<void> GgufWriter::Pad() {
  constexpr std::array<uint8_t, kAlignment> kZeros = {};
  return Put(std::span(kZeros).first(static_cast<size_t>(AlignedUp(written_) - written_)));
}

}  // namespace weft::engine
