// The parser. Values, with their conversions, are in gguf_values.cc.
#include "reference/gguf/gguf.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <exception>
#include <numeric>

#include "reference/gguf/byte_reader.h"
#include "reference/gguf/gguf_types.h"
#include "reference/gguf/other_files.h"
#include "reference/gguf/printable.h"

namespace weft::engine {
namespace {

constexpr size_t kMaxNameBytes = 65535;  // of a key, by the specification; tensor names are far shorter
constexpr size_t kMaxErrorBytes = 800;
constexpr uint64_t kDefaultAlignment = 32;
constexpr uint64_t kMinAlignment = 8;                  // by the specification
constexpr uint64_t kMaxAlignment = uint64_t{1} << 24;  // far above any page size
// The shortest key (u64 length, one character, u32 type, one byte of value) and tensor entry (u64 length, one
// character, u32 dimensions, no sizes, u32 type, u64 offset) bound the counts that a file of a given size can have.
constexpr uint64_t kMinKeyBytes = 8 + 1 + 4 + 1;
constexpr uint64_t kMinTensorBytes = 8 + 1 + 4 + 4 + 8;
constexpr uint64_t kMinArrayBytes = 4 + 8;  // of an array in an array: u32 type, u64 count
constexpr std::string_view kMagic = "GGUF";

// The indices of `items` in order of name.
template <class T, class NameOf>
std::vector<size_t> OrderByName(const std::vector<T>& items, const NameOf& name_of) {
  std::vector<size_t> order(items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return name_of(items[a]) < name_of(items[b]); });
  return order;
}

// The item called `name`, or null.
template <class T, class NameOf>
const T* FindByName(const std::vector<T>& items, const std::vector<size_t>& order, const NameOf& name_of,
                    std::string_view name) {
  const auto at = std::lower_bound(order.begin(), order.end(), name,
                                   [&](size_t index, std::string_view key) { return name_of(items[index]) < key; });
  return at != order.end() && name_of(items[*at]) == name ? &items[*at] : nullptr;
}

constexpr auto kKeyOf = [](const std::pair<std::string_view, GgufValue>& item) { return item.first; };
constexpr auto kNameOf = [](const GgufTensor& tensor) { return tensor.name; };

std::string Text(uint64_t value) { return std::to_string(value); }

// One pass over the file. Every step returns false after it has written the sentence that says why.
class Parser {
 public:
  explicit Parser(std::span<const uint8_t> bytes) : bytes_(bytes), reader_(bytes) {}

  bool Run() { return Header() && Values() && TensorInfos() && PlaceTensors(); }

  std::optional<Error> error;  // without the file's name
  uint32_t version = 0;
  std::vector<std::pair<std::string_view, GgufValue>> values;
  std::vector<GgufTensor> tensors;
  std::vector<size_t> value_order, tensor_order;
  std::optional<uint64_t> next_file;

 private:
  // Of a bad file.
  bool Fail(std::string message) {
    error = {ErrorKind::kBadFile, std::move(message)};
    return false;
  }
  bool FailUnsupported(std::string message) {
    error = {ErrorKind::kUnsupported, std::move(message)};
    return false;
  }
  bool FailAtKey(std::string_view key, const std::string& message) {
    return Fail("key " + Printable(key) + ": " + message);
  }
  bool FailAtTensor(std::string_view name, const std::string& message) {
    return Fail("tensor " + Printable(name) + ": " + message);
  }
  std::string Left() const { return Text(reader_.remaining()) + " bytes are left in the file"; }

  bool Header();
  bool ReadName(const char* what, size_t index, std::string_view* name);
  bool Values();
  bool Value(std::string_view key, GgufValue* value);
  bool Array(std::string_view key, GgufArray* array, int depth = 1);
  bool CheckBools(std::string_view key, const uint8_t* data, uint64_t count);
  bool Alignment();
  bool TensorInfos();
  bool TensorInfo(GgufTensor* tensor, uint64_t* offset);
  bool SizeTensor(GgufTensor* tensor);
  bool PlaceTensors();
  void FindNextFile(uint64_t end);

  std::span<const uint8_t> bytes_;
  ByteReader reader_;
  uint64_t tensor_count_ = 0, key_count_ = 0, alignment_ = kDefaultAlignment;
  std::vector<uint64_t> offsets_;  // of the tensors, from the start of the tensor data
};

bool Parser::Header() {
  const std::string_view magic(reinterpret_cast<const char*>(reader_.next()), std::min<size_t>(reader_.remaining(), 4));
  if (magic.empty()) return Fail("is empty");
  if (const auto other = DescribeOtherFile(bytes_); !other.empty()) {
    return Fail("is not a GGUF file but " + std::string(other));
  }
  if (magic != kMagic) return Fail("is not a GGUF file: it starts with \"" + Printable(magic) + "\"");
  reader_.Skip(4);
  if (!reader_.Read(&version)) return Fail("ends before the version number");
  if (version != 0 && (version & 0xFFFF) == 0) {
    return FailUnsupported("is a big-endian GGUF file; only little-endian files can be read");
  }
  if (version < 2 || version > 3)
    return FailUnsupported("is GGUF version " + Text(version) + "; only 2 and 3 can be read");
  if (!reader_.Read(&tensor_count_) || !reader_.Read(&key_count_)) return Fail("ends inside its header");
  if (key_count_ > reader_.remaining() / kMinKeyBytes) {
    return Fail("says that it has " + Text(key_count_) + " keys, but " + Left());
  }
  if (tensor_count_ > reader_.remaining() / kMinTensorBytes) {
    return Fail("says that it has " + Text(tensor_count_) + " tensors, but " + Left());
  }
  return true;
}

bool Parser::ReadName(const char* what, size_t index, std::string_view* name) {
  const std::string where = std::string(what) + " number " + Text(index);
  uint64_t length;
  ByteReader ahead = reader_;
  if (!ahead.Read(&length)) return Fail(where + ": the file ends before its name");
  if (length == 0) return Fail(where + ": its name is empty");
  if (length > kMaxNameBytes) return Fail(where + ": a name of " + Text(length) + " bytes is too long");
  if (!reader_.ReadString(name)) {
    return Fail(where + ": a name of " + Text(length) + " bytes, but " + Text(ahead.remaining()) +
                " bytes are left in the file");
  }
  return true;
}

bool Parser::Values() {
  // Grows with what is really there: the count alone must not make a small file take much memory.
  for (uint64_t i = 0; i < key_count_; ++i) {
    std::string_view key;
    GgufValue value;
    if (!ReadName("key", values.size(), &key) || !Value(key, &value)) return false;
    values.emplace_back(key, value);
  }
  value_order = OrderByName(values, kKeyOf);
  for (size_t i = 1; i < value_order.size(); ++i) {
    const std::string_view key = values[value_order[i]].first;
    if (key == values[value_order[i - 1]].first) return FailAtKey(key, "is there more than once");
  }
  return Alignment();
}

bool Parser::Value(std::string_view key, GgufValue* value) {
  uint32_t type;
  if (!reader_.Read(&type)) return FailAtKey(key, "the file ends before its type");
  value->type = static_cast<GgufType>(type);
  if (value->type == GgufType::kArray) return Array(key, &value->array);
  if (value->type == GgufType::kString) {
    uint64_t length;
    if (!reader_.Read(&length)) return FailAtKey(key, "the file ends before the string's length");
    if (length > reader_.remaining()) {
      return FailAtKey(key, "a string of " + Text(length) + " bytes, but " + Left());
    }
    value->data = reader_.next();
    value->length = length;
    return reader_.Skip(length);
  }
  const uint64_t width = ScalarBytes(value->type);
  if (width == 0) return FailAtKey(key, "value type " + Text(type) + " is not one that GGUF defines");
  value->data = reader_.next();
  if (!reader_.Skip(width)) return FailAtKey(key, "the file ends inside its value");
  return value->type != GgufType::kBool || CheckBools(key, value->data, 1);
}

bool Parser::Array(std::string_view key, GgufArray* array, int depth) {
  uint32_t type;
  if (!reader_.Read(&type) || !reader_.Read(&array->count)) return FailAtKey(key, "the file ends inside its value");
  array->type = static_cast<GgufType>(type);
  array->data = reader_.next();
  if (array->type == GgufType::kArray) {
    if (depth == kMaxArrayDepth) {
      return FailAtKey(key, "arrays inside each other more than " + std::to_string(kMaxArrayDepth) + " deep");
    }
    if (array->count > reader_.remaining() / kMinArrayBytes) {
      return FailAtKey(key, "an array of " + Text(array->count) + " arrays, but " + Left());
    }
    GgufArray inner;
    for (uint64_t i = 0; i < array->count; ++i) {
      if (!Array(key, &inner, depth + 1)) return false;
    }
  } else if (array->type == GgufType::kString) {
    if (array->count > reader_.remaining() / sizeof(uint64_t)) {
      return FailAtKey(key, "an array of " + Text(array->count) + " strings, but " + Left());
    }
    std::string_view text;
    for (uint64_t i = 0; i < array->count; ++i) {
      if (!reader_.ReadString(&text)) return FailAtKey(key, "string " + Text(i) + " reaches past the end of the file");
    }
  } else {
    const uint64_t width = ScalarBytes(array->type);
    if (width == 0) return FailAtKey(key, "element type " + Text(type) + " is not one that GGUF defines");
    const Checked size = Checked(array->count) * width;
    if (!size.AtMost(reader_.remaining()) || !reader_.Skip(size.value())) {
      return FailAtKey(key, "an array of " + Text(array->count) + " x " + Text(width) + " bytes, but " + Left());
    }
    if (array->type == GgufType::kBool && !CheckBools(key, array->data, array->count)) return false;
  }
  array->bytes = static_cast<uint64_t>(reader_.next() - array->data);
  return true;
}

bool Parser::CheckBools(std::string_view key, const uint8_t* data, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    if (data[i] > 1) return FailAtKey(key, "a bool of value " + Text(data[i]) + "; only 0 and 1 are bools");
  }
  return true;
}

bool Parser::Alignment() {
  const auto* item = FindByName(values, value_order, kKeyOf, "general.alignment");
  if (item == nullptr) return true;
  const GgufValue& value = item->second;
  if (value.type != GgufType::kU32) {
    return FailAtKey(item->first, std::string("is ") + Name(value.type) + ", expected u32");
  }
  alignment_ = LoadAt<uint32_t>(value.data);
  if (!std::has_single_bit(alignment_) || alignment_ < kMinAlignment || alignment_ > kMaxAlignment) {
    return FailAtKey(item->first, Text(alignment_) + " is not a power of two from " + Text(kMinAlignment) + " to " +
                                      Text(kMaxAlignment));
  }
  return true;
}

bool Parser::TensorInfos() {
  for (uint64_t i = 0; i < tensor_count_; ++i) {
    GgufTensor tensor;
    uint64_t offset = 0;
    if (!ReadName("tensor", tensors.size(), &tensor.name) || !TensorInfo(&tensor, &offset)) return false;
    tensors.push_back(tensor);
    offsets_.push_back(offset);
  }
  tensor_order = OrderByName(tensors, kNameOf);
  for (size_t i = 1; i < tensor_order.size(); ++i) {
    const std::string_view name = tensors[tensor_order[i]].name;
    if (name == tensors[tensor_order[i - 1]].name) return FailAtTensor(name, "is there more than once");
  }
  return true;
}

bool Parser::TensorInfo(GgufTensor* tensor, uint64_t* offset) {
  const auto cut = [&] { return FailAtTensor(tensor->name, "the file ends inside its description"); };
  if (!reader_.Read(&tensor->dimensions)) return cut();
  if (tensor->dimensions > 4) {
    return FailAtTensor(tensor->name, Text(tensor->dimensions) + " dimensions; at most 4 are possible");
  }
  for (uint32_t i = 0; i < tensor->dimensions; ++i) {
    if (!reader_.Read(&tensor->shape[i])) return cut();
    if (tensor->shape[i] == 0) return FailAtTensor(tensor->name, "dimension " + Text(i) + " is zero");
  }
  uint32_t type;
  if (!reader_.Read(&type) || !reader_.Read(offset)) return cut();
  tensor->type = static_cast<DType>(type);
  return SizeTensor(tensor);
}

bool Parser::SizeTensor(GgufTensor* tensor) {
  const DTypeLayout layout = LayoutOf(tensor->type);
  if (layout.name == nullptr) {
    return FailAtTensor(tensor->name,
                        "type " + Text(static_cast<uint32_t>(tensor->type)) + " is not one that this reader knows");
  }
  if (tensor->shape[0] % layout.block_elements != 0) {
    return FailAtTensor(tensor->name, "rows of " + Text(tensor->shape[0]) + " elements are not a multiple of the " +
                                          Text(layout.block_elements) + " of a " + layout.name + " block");
  }
  const Checked rows = Checked(tensor->shape[1]) * tensor->shape[2] * tensor->shape[3];
  const Checked elements = rows * tensor->shape[0];
  const Checked size = rows * (tensor->shape[0] / layout.block_elements) * layout.block_bytes;
  if (!elements.ok() || !size.ok()) return FailAtTensor(tensor->name, "its size does not fit in 64 bits");
  tensor->bytes = size.value();
  return true;
}

bool Parser::PlaceTensors() {
  if (tensors.empty()) {
    FindNextFile(reader_.position());
    return true;
  }
  const Checked begin = Checked(reader_.position()).AlignedUp(alignment_);
  const bool inside = begin.AtMost(bytes_.size());
  uint64_t data_end = 0;
  const uint64_t data_bytes = inside ? bytes_.size() - begin.value() : 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    GgufTensor& tensor = tensors[i];
    if (offsets_[i] % alignment_ != 0) {
      return FailAtTensor(tensor.name,
                          "offset " + Text(offsets_[i]) + " is not a multiple of the alignment " + Text(alignment_));
    }
    if (!(Checked(offsets_[i]) + tensor.bytes).AtMost(data_bytes)) {
      return FailAtTensor(tensor.name, "offset " + Text(offsets_[i]) + " + " + Text(tensor.bytes) +
                                           " bytes exceeds the " + Text(data_bytes) + " bytes of tensor data");
    }
    tensor.data = bytes_.data() + begin.value() + offsets_[i];
    data_end = std::max(data_end, begin.value() + offsets_[i] + tensor.bytes);
    // Block formats are bytes; plain elements are read as what they are.
    const DTypeLayout layout = LayoutOf(tensor.type);
    if (layout.block_elements == 1 && reinterpret_cast<uintptr_t>(tensor.data) % layout.block_bytes != 0) {
      return FailAtTensor(tensor.name, std::string("its ") + layout.name + " elements are not aligned in memory");
    }
  }
  FindNextFile(data_end);
  return true;
}

// `end`: of what belongs to this file, apart from padding.
void Parser::FindNextFile(uint64_t end) {
  for (const Checked at : {Checked(end), Checked(end).AlignedUp(alignment_)}) {
    if (!(at + kMagic.size()).AtMost(bytes_.size())) return;
    if (std::memcmp(bytes_.data() + at.value(), kMagic.data(), kMagic.size()) == 0) next_file = at.value();
  }
}

}  // namespace

Result<Gguf> Gguf::Parse(std::span<const uint8_t> bytes, std::string name) {
  Gguf file;
  file.name_ = std::move(name);
  try {
    Parser parser(bytes);
    if (!parser.Run()) return file.ErrorAt(*parser.error);
    file.version_ = parser.version;
    file.values_ = std::move(parser.values);
    file.tensors_ = std::move(parser.tensors);
    file.value_order_ = std::move(parser.value_order);
    file.tensor_order_ = std::move(parser.tensor_order);
    file.next_file_ = parser.next_file;
  } catch (const std::exception&) {  // of the standard library: no memory
    return file.ErrorAt(ErrorKind::kNoMemory, "not enough memory for its keys and tensor names");
  }
  return file;
}

const GgufValue* Gguf::Find(std::string_view key) const {
  const auto* item = FindByName(values_, value_order_, kKeyOf, key);
  return item != nullptr ? &item->second : nullptr;
}

const GgufTensor* Gguf::FindTensor(std::string_view name) const {
  return FindByName(tensors_, tensor_order_, kNameOf, name);
}

Error Gguf::ErrorAt(ErrorKind kind, const std::string& message) const {
  return {kind, name_ + ": " + Printable(message, kMaxErrorBytes)};
}

}  // namespace weft::engine
