// How the engine reports errors: a value, or a kind and one sentence that names the file, key, tensor or option at
// fault.
#ifndef WEFT_REFERENCE_BASE_RESULT_H_
#define WEFT_REFERENCE_BASE_RESULT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace weft::engine {

// What a caller can do about an error: the program's exit status follows from it (cli/commands.h), as the status of a
// server's reply would.
enum class ErrorKind : uint8_t {
  kBadFile,      // what a file holds is wrong, or contradicts itself: take another file
  kBadArgument,  // the caller asks for what makes no sense, or what the model cannot give: ask for something else
  kUnsupported,  // this program does not do it; another might
  kNoMemory,     // less might fit
  kInputOutput,  // the system could not open, read or write something
  kInternal,     // the engine has contradicted itself
};

// Neither part has a default: each place that makes an error says which kind it is.
struct Error {
  ErrorKind kind;
  std::string message;
};

// A T or an Error.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose

  bool ok() const { return state_.index() == 0; }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  bool ok() const { return !error_.has_value(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace weft::engine

#endif  // WEFT_REFERENCE_BASE_RESULT_H_
