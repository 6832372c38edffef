// The subcommands of the program `weft`.
#ifndef WEFT_REFERENCE_CLI_COMMANDS_H_
#define WEFT_REFERENCE_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "reference/base/result.h"
#include "weft/weft.h"

namespace weft::engine::cli {

// Exit statuses.
constexpr int kOk = 0;
constexpr int kFailed = 1;  // with a file, or with what was asked of a model
constexpr int kUsage = 2;   // the command line alone shows it
constexpr int kUnsupported = 3;
constexpr int kNoMemory = 4;

// What a command does once the whole command line has been understood; returns the exit status.
using Action = std::function<int()>;

// Each adds a subcommand that sets `action` when the user has chosen it.
void AddGenerate(CLI::App& app, Action* action);
void AddLogits(CLI::App& app, Action* action);
void AddTokenize(CLI::App& app, Action* action);
void AddInfo(CLI::App& app, Action* action);
void AddSynth(CLI::App& app, Action* action);
void AddBench(CLI::App& app, Action* action);
void AddTargets(CLI::App& app, Action* action);

// The compiled targets, best first, separated by commas; only those that this CPU supports if `supported`.
std::string TargetNames(bool supported);

// Prints "weft: MESSAGE" on stderr and returns `status`.
int Fail(const std::string& message, int status);
// kOk, or Fail with the error and the status of its kind.
int StatusOf(const Result<void>& result);

// Options that several commands have.
CLI::Option* AddModelArgument(CLI::App* command, std::string* path);
CLI::Option* AddThreadsOption(CLI::App* command, size_t* threads);
// What keys and values are kept in; the default is what `type` is.
CLI::Option* AddKvTypeOption(CLI::App* command, DType* type);
// How activations are rounded; the default is what `precision` is.
CLI::Option* AddPrecisionOption(CLI::App* command, Precision* precision);
// Accepts numbers in [low, high] only, and no NaN.
CLI::Validator InRange(double low, double high);
// Accepts whole numbers from `low` to `high` only.
CLI::Validator WholeNumber(uint64_t high = UINT64_MAX, uint64_t low = 0);

}  // namespace weft::engine::cli

#endif  // WEFT_REFERENCE_CLI_COMMANDS_H_
