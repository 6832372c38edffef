// Reads an architecture's hyperparameters from a GGUF file and checks each against the range that makes sense.
#ifndef WEFT_REFERENCE_MODEL_KEY_READER_H_
#define WEFT_REFERENCE_MODEL_KEY_READER_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reference/base/result.h"
#include "reference/gguf/gguf.h"

namespace weft::engine {

// Keys are named without the architecture's prefix. A number may be an array with one for every layer: inside a layer
// (Enter) its own is read, outside they must all be equal. After the first error, which is kept, values are the low end
// of their range, so that a list of reads needs one check at its end.
class KeyReader {
 public:
  KeyReader(const Gguf& file, std::string_view prefix) : file_(file), prefix_(std::string(prefix) + ".") {}

  std::string Name(std::string_view key) const { return prefix_ + std::string(key); }
  bool Has(std::string_view key) const { return file_.Find(Name(key)) != nullptr; }

  // How many elements such an array has; before this call there may be none.
  void SetLayers(size_t layers) { layers_ = layers; }
  // The layer (less than their number) whose numbers are read from now on, until Leave.
  void Enter(size_t layer) { layer_ = layer; }
  void Leave() { layer_.reset(); }

  // An integer in [low, high].
  size_t Count(std::string_view key, uint64_t low, uint64_t high) {
    return static_cast<size_t>(InRange(key, Uint(key), low, high));
  }
  size_t CountOr(std::string_view key, size_t fallback, uint64_t low, uint64_t high) {
    return Has(key) ? Count(key, low, high) : fallback;
  }
  // A finite number in [low, high].
  double Number(std::string_view key, double low, double high) { return InRange(key, Float(key), low, high); }
  double NumberOr(std::string_view key, double fallback, double low, double high) {
    return Has(key) ? Number(key, low, high) : fallback;
  }
  bool BoolOr(std::string_view key, bool fallback) {
    const Result<bool> value = file_.GetBoolOr(Name(key), fallback);
    if (value.ok()) return *value;
    Keep(value.error());
    return fallback;
  }
  std::string_view StringOr(std::string_view key, std::string_view fallback) {
    const Result<std::string_view> text = file_.GetStringOr(Name(key), fallback);
    if (text.ok()) return *text;
    Keep(text.error());
    return fallback;
  }

  // Records "key NAME: MESSAGE" unless there is an error already.
  void Fail(ErrorKind kind, std::string_view key, const std::string& message) { Keep(ErrorAt(kind, key, message)); }
  void Keep(Error error) {
    if (!error_) error_ = std::move(error);
  }
  bool ok() const { return !error_; }
  const Error& error() const { return *error_; }

 private:
  static std::string Text(uint64_t value) { return std::to_string(value); }
  static std::string Text(double value) {
    char text[32];
    snprintf(text, sizeof(text), "%g", value);
    return text;
  }

  bool IsArray(std::string_view key) const {
    const GgufValue* value = file_.Find(Name(key));
    return layers_ != 0 && value != nullptr && value->type == GgufType::kArray;
  }
  Result<uint64_t> Uint(std::string_view key) const {
    if (!IsArray(key)) return file_.GetUint(Name(key));
    const auto value = OfLayer(key, file_.GetInts(Name(key)));
    if (!value.ok()) return value.error();
    if (*value < 0)
      return ErrorAt(ErrorKind::kBadFile, key, "is " + std::to_string(*value) + Where(key) + ", expected 0 or more");
    return static_cast<uint64_t>(*value);
  }
  Result<double> Float(std::string_view key) const {
    if (!IsArray(key)) return file_.GetFloat(Name(key));
    const auto value = OfLayer(key, file_.GetFloats(Name(key)));
    return value.ok() ? Result<double>(double{*value}) : value.error();
  }
  // The element of the layer, or the value that all have.
  template <class T>
  Result<T> OfLayer(std::string_view key, const Result<std::vector<T>>& values) const {
    if (!values.ok()) return values.error();
    if (values->size() != layers_) {
      return ErrorAt(ErrorKind::kBadFile, key,
                     "has " + std::to_string(values->size()) + " elements, for " + std::to_string(layers_) +
                         (layers_ == 1 ? " layer" : " layers"));
    }
    if (layer_) return (*values)[*layer_];
    for (const T value : *values) {
      if (value != values->front()) {
        return ErrorAt(ErrorKind::kUnsupported, key,
                       "differs between the layers (" + std::to_string(values->front()) + " and " +
                           std::to_string(value) + "), which is not supported");
      }
    }
    return values->front();
  }
  // Which of an array's elements a message speaks of.
  std::string Where(std::string_view key) const {
    if (!IsArray(key)) return "";
    return layer_ ? " in layer " + std::to_string(*layer_) : " in every layer";
  }
  Error ErrorAt(ErrorKind kind, std::string_view key, const std::string& message) const {
    return file_.ErrorAt(kind, "key " + Name(key) + ": " + message);
  }

  template <class T>
  T InRange(std::string_view key, const Result<T>& value, T low, T high) {
    if (!value.ok()) {
      Keep(value.error());
    } else if (*value >= low && *value <= high) {  // false for NaN
      return *value;
    } else {
      Fail(ErrorKind::kBadFile, key,
           "is " + Text(*value) + Where(key) + ", expected " + Text(low) + " to " + Text(high));
    }
    return low;
  }

  const Gguf& file_;
  std::string prefix_;
  size_t layers_ = 0;
  std::optional<size_t> layer_;
  std::optional<Error> error_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_MODEL_KEY_READER_H_
