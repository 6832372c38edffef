#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "reference/cli/commands.h"

namespace weft::engine::cli {
namespace {

// Names and what they stand for, in the order in which they are listed.
template <class T>
using Choices = std::vector<std::pair<std::string, T>>;

// An option that takes one of the names; the default is the name of *value. `choices` must live as long as the command.
template <class T>
CLI::Option* AddChoice(CLI::App* command, const std::string& option, const Choices<T>& choices, T* value,
                       const std::string& help) {
  const auto find = [&choices](const std::string& name) {
    return std::ranges::find(choices, name, [](const auto& choice) -> const std::string& { return choice.first; });
  };
  const auto check = [&choices, find](std::string& text) {
    if (find(text) != choices.end()) return std::string();
    std::string names;
    for (const auto& choice : choices) names += (names.empty() ? "" : ", ") + choice.first;
    return "'" + text + "' is none of " + names;
  };
  const auto usual = std::ranges::find(choices, *value, [](const auto& choice) { return choice.second; });
  return command
      ->add_option_function<std::string>(
          option, [find, value](const std::string& name) { *value = find(name)->second; }, help)
      ->check(CLI::Validator(check, ""))
      ->default_str(usual->first);
}

}  // namespace

int Fail(const std::string& message, int status) {
  std::fprintf(stderr, "weft: %s\n", message.c_str());
  return status;
}

int StatusOf(const Result<void>& result) {
  if (result.ok()) return kOk;
  const auto status = [](ErrorKind kind) {
    switch (kind) {
      case ErrorKind::kUnsupported: return kUnsupported;
      case ErrorKind::kNoMemory: return kNoMemory;
      case ErrorKind::kBadFile:
      case ErrorKind::kBadArgument:
      case ErrorKind::kInputOutput:
      case ErrorKind::kInternal: return kFailed;
    }
    return kFailed;
  };
  return Fail(result.error().message, status(result.error().kind));
}

CLI::Option* AddModelArgument(CLI::App* command, std::string* path) {
  return command->add_option("MODEL", *path, "The GGUF file; without one: the built-in model");
}

CLI::Option* AddThreadsOption(CLI::App* command, size_t* threads) {
  return command->add_option("-t,--threads", *threads, "Threads; 0: one per core that the process may use")
      ->check(WholeNumber())
      ->type_name("N")
      ->capture_default_str();
}

CLI::Option* AddKvTypeOption(CLI::App* command, DType* type) {
  static const Choices<DType> kTypes = {{"f32", DType::kF32}, {"f16", DType::kF16}, {"bf16", DType::kBF16}};
  return AddChoice(command, "--kv-type", kTypes, type, "Keep keys and values in f32, f16 or bf16")->type_name("TYPE");
}

CLI::Option* AddPrecisionOption(CLI::App* command, Precision* precision) {
  static const Choices<Precision> kPrecisions = {{"fast", Precision::kFast}, {"fine", Precision::kFine}};
  return AddChoice(
             command, "--precision", kPrecisions, precision,
             "Round activations for K-quants per 256 of them (fast) or per 32 (fine: nearer to the exact product)")
      ->type_name("HOW");
}

CLI::Validator InRange(double low, double high) {
  const bool bounded = high < std::numeric_limits<double>::infinity();
  char range[64];
  std::snprintf(range, sizeof(range), bounded ? "in [%g, %g]" : "at least %g", low, high);
  const std::string expected = range;
  const auto check = [=](std::string& text) {
    double value = 0;
    const bool number = CLI::detail::lexical_cast(text, value);
    return number && std::isfinite(value) && value >= low && value <= high
               ? ""
               : "'" + text + "' is not a number " + expected;
  };
  return CLI::Validator(check, "");
}

CLI::Validator WholeNumber(uint64_t high, uint64_t low) {
  const auto check = [=](std::string& text) {
    uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, value);
    if (code == std::errc() && stop == end && value >= low && value <= high) return std::string();
    return "'" + text + "' is not a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  };
  return CLI::Validator(check, "");
}

}  // namespace weft::engine::cli
