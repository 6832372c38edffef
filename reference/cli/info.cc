#include "reference/cli/info.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <vector>

#include "reference/cli/commands.h"
#include "reference/cli/files.h"
#include "reference/cli/session.h"
#include "reference/gguf/byte_reader.h"
#include "reference/gguf/gguf_types.h"
#include "reference/gguf/printable.h"
#include "reference/model/transformer.h"

namespace weft::engine::cli {
namespace {

constexpr uint64_t kShownElements = 6;  // of an array
constexpr size_t kShownText = 72;       // bytes of a string
constexpr size_t kShownElementText = 24;
constexpr size_t kMostWidth = 48;  // of a column: one long name must not pad every line

// The text, printed in pieces: a file may have millions of keys.
class Output {
 public:
  template <class... Args>
  void Line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
    if (text_.size() >= kPiece) Flush();
  }
  // Prints what is left; an error where that or an earlier piece could not be printed.
  Result<void> Finish() {
    Flush();
    return printed_;
  }

 private:
  static constexpr size_t kPiece = 1 << 16;
  void Flush() {
    if (printed_.ok()) printed_ = cli::Print(text_);
    text_.clear();
  }

  std::string text_;
  Result<void> printed_;
};

// 1.5 MiB
std::string Size(double bytes) {
  constexpr std::array<const char*, 5> kUnits = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

std::string ScalarText(GgufType type, const uint8_t* data) {
  switch (type) {
    case GgufType::kU8: return fmt::format("{}", LoadAt<uint8_t>(data));
    case GgufType::kI8: return fmt::format("{}", LoadAt<int8_t>(data));
    case GgufType::kU16: return fmt::format("{}", LoadAt<uint16_t>(data));
    case GgufType::kI16: return fmt::format("{}", LoadAt<int16_t>(data));
    case GgufType::kU32: return fmt::format("{}", LoadAt<uint32_t>(data));
    case GgufType::kI32: return fmt::format("{}", LoadAt<int32_t>(data));
    case GgufType::kU64: return fmt::format("{}", LoadAt<uint64_t>(data));
    case GgufType::kI64: return fmt::format("{}", LoadAt<int64_t>(data));
    case GgufType::kF32: return fmt::format("{}", LoadAt<float>(data));
    case GgufType::kF64: return fmt::format("{}", LoadAt<double>(data));
    case GgufType::kBool: return *data != 0 ? "true" : "false";
    case GgufType::kString:
    case GgufType::kArray: break;
  }
  return "?";
}

std::string Quoted(std::string_view text, size_t limit) { return '"' + Printable(text, limit) + '"'; }

// The first elements, and how many there are; of arrays inside arrays inside arrays only that.
std::string ArrayText(const GgufArray& array, int depth = 1) {
  if (depth > 2) return fmt::format("[... {} in all]", array.count);
  ByteReader reader({array.data, static_cast<size_t>(array.bytes)});
  const uint64_t shown = std::min(array.count, kShownElements);
  std::string text = "[";
  for (uint64_t i = 0; i < shown; ++i) {
    if (i > 0) text += ", ";
    if (array.type == GgufType::kString) {
      std::string_view element;
      reader.ReadString(&element);
      text += Quoted(element, kShownElementText);
    } else if (array.type == GgufType::kArray) {
      GgufArray element;
      ReadArray(reader, &element);
      text += ArrayText(element, depth + 1);
    } else {
      text += ScalarText(array.type, reader.next());
      reader.Skip(ScalarBytes(array.type));
    }
  }
  return text + (shown < array.count ? fmt::format(", ... {} in all]", array.count) : "]");
}

std::string ValueText(const GgufValue& value) {
  if (value.type == GgufType::kArray) return ArrayText(value.array);
  if (value.type != GgufType::kString) return ScalarText(value.type, value.data);
  const std::string_view text(reinterpret_cast<const char*>(value.data), static_cast<size_t>(value.length));
  return Quoted(text, kShownText) + (text.size() > kShownText ? fmt::format(" {} bytes in all", text.size()) : "");
}

// u32[]; u32[][] for an array of such arrays
std::string TypeText(GgufType type, const GgufArray& array) {
  if (type != GgufType::kArray) return Name(type);
  GgufArray element;
  ByteReader reader({array.data, static_cast<size_t>(array.bytes)});
  if (array.type == GgufType::kArray && array.count > 0) ReadArray(reader, &element);
  return TypeText(array.type, element) + "[]";
}

std::string ShapeText(const GgufTensor& tensor) {
  if (tensor.dimensions == 0) return "scalar";
  std::string text = fmt::format("{}", tensor.shape[0]);
  for (uint32_t i = 1; i < tensor.dimensions; ++i) text += fmt::format(" x {}", tensor.shape[i]);
  return text;
}

void AddMetadata(Output& out, const Gguf& file) {
  out.Line("\nmetadata: {} keys", file.values().size());
  size_t width = 0;
  for (const auto& item : file.values()) width = std::max(width, Printable(item.first).size());
  width = std::min(width, kMostWidth);
  for (const auto& [key, value] : file.values()) {
    out.Line("  {:<{}}  {:<8}  {}", Printable(key), width, TypeText(value.type, value.array), ValueText(value));
  }
}

void AddTensors(Output& out, const Gguf& file) {
  out.Line("\ntensors: {}", file.tensors().size());
  size_t name_width = 0, shape_width = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    name_width = std::max(name_width, Printable(tensor.name).size());
    shape_width = std::max(shape_width, ShapeText(tensor).size());
  }
  name_width = std::min(name_width, kMostWidth);
  shape_width = std::min(shape_width, kMostWidth);
  for (const GgufTensor& tensor : file.tensors()) {
    out.Line("  {:<{}}  {:<7}  {:<{}}  {:>12} bytes", Printable(tensor.name), name_width, Name(tensor.type),
             ShapeText(tensor), shape_width, tensor.bytes);
  }
}

// Sums are kept as floating-point numbers: tensors may overlap in a hostile file, so that their sizes need not fit.
struct Total {
  size_t tensors = 0;
  double elements = 0, bytes = 0;

  void Add(const GgufTensor& tensor) {
    ++tensors;
    elements += static_cast<double>(tensor.elements());
    bytes += static_cast<double>(tensor.bytes);
  }
  void Print(Output& out, const char* name) const {
    out.Line("  {:<7}  {:>6} {:<7}  {:>15.0f} weights  {:>12}  {:.4g} bits per weight", name, tensors,
             tensors == 1 ? "tensor" : "tensors", elements, Size(bytes), 8 * bytes / elements);
  }
};

void AddTotals(Output& out, const Gguf& file) {
  if (file.tensors().empty()) return;
  std::array<Total, kDTypeEnd> totals;
  Total all;
  for (const GgufTensor& tensor : file.tensors()) {
    totals[static_cast<size_t>(tensor.type)].Add(tensor);
    all.Add(tensor);
  }
  out.Line("\ntotals per type");
  for (size_t i = 0; i < totals.size(); ++i) {
    if (totals[i].tensors > 0) totals[i].Print(out, Name(static_cast<DType>(i)));
  }
  all.Print(out, "all");
}

// What generating text with the whole context takes.
Result<void> AddMemory(Output& out, const Gguf& file) {
  const Result<Model> model = LoadModel(file);
  if (!model.ok()) return model.error();
  const ModelConfig& config = model->config;
  const auto pool = KvPool::Create(config, 1, kUsualKvType);
  if (!pool.ok()) return pool.error();
  const size_t batch = std::min(kPromptBatch, config.context);
  const auto transformer = Transformer::Create(*model, Executor{}, {.max_batch = batch, .max_logits = 1});
  if (!transformer.ok()) return transformer.error();
  const double weights = static_cast<double>(model->weight_bytes), buffers = static_cast<double>(transformer->bytes());
  const double cache = static_cast<double>(config.context) * static_cast<double>((*pool)->position_bytes());
  out.Line("  {:<24}  {:>12}  mapped from the file", "weights", Size(weights));
  out.Line("  {:<24}  {:>12}  {} positions of {}", fmt::format("keys and values, {}", Name(kUsualKvType)), Size(cache),
           config.context, Size(static_cast<double>((*pool)->position_bytes())));
  out.Line("  {:<24}  {:>12}  prompts in batches of {}, one thread", "buffers", Size(buffers), batch);
  out.Line("  {:<24}  {:>12}", "all", Size(weights + cache + buffers));
  return {};
}

}  // namespace

int RunInfo(const std::string& path) {
  const Result<ModelFile> opened = ModelFile::Open(path);
  if (!opened.ok()) return StatusOf(opened.error());
  const Gguf& file = opened->gguf;
  Output out;
  out.Line("{}: GGUF version {}, {}", file.name(), file.version(), Size(static_cast<double>(opened->bytes.size())));
  AddMetadata(out, file);
  AddTensors(out, file);
  AddTotals(out, file);
  out.Line("\nmemory to run it with its whole context");
  if (const Result<void> added = AddMemory(out, file); !added.ok()) {
    out.Line("  weft cannot run it: {}", added.error().message);
  }
  return StatusOf(out.Finish());
}

}  // namespace weft::engine::cli
