// weft: runs GGUF models with weft's kernels.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>

#include "reference/cli/commands.h"
#include "weft/weft.h"

namespace weft::engine::cli {
namespace {

// WEFT_TARGET chooses the instruction set; empty is as good as unset.
int ChooseTarget() {
  const char* name = std::getenv("WEFT_TARGET");
  if (name == nullptr || *name == '\0' || SetTarget(name).ok()) return kOk;
  return Fail("WEFT_TARGET: this program and CPU have no target '" + std::string(name) +
                  "'; they have: " + TargetNames(/*supported=*/true),
              kUsage);
}

int Main(int argc, char** argv) {
  CLI::App app("Runs language models from GGUF files with weft's kernels.", "weft");
  app.set_version_flag("--version",
                       "weft " + std::to_string(WEFT_VERSION_MAJOR) + "." + std::to_string(WEFT_VERSION_MINOR) + "." +
                           std::to_string(WEFT_VERSION_PATCH),
                       "Print the version and exit");
  app.require_subcommand(0, 1);  // where there is none, the error below says more
  app.footer(
      "'weft COMMAND --help' describes a command.\n"
      "Results go to standard output, everything else to standard error.\n"
      "Exit status: 0 done, 1 failed (a file, or what was asked of a model), 2 wrong usage,\n"
      "3 not supported by this program, 4 not enough memory.\n"
      "Environment: WEFT_TARGET names the instruction set to use; 'weft targets' lists them.");
  Action action;
  AddGenerate(app, &action);
  AddLogits(app, &action);
  AddTokenize(app, &action);
  AddInfo(app, &action);
  AddBench(app, &action);
  AddSynth(app, &action);
  AddTargets(app, &action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    const auto chosen = app.get_subcommands();
    const std::string command = chosen.empty() ? "weft" : "weft " + chosen.front()->get_name();
    return Fail(std::string(error.what()) + " (see '" + command + " --help')", kUsage);
  }
  if (!action) return Fail("a command is missing (see 'weft --help')", kUsage);
  if (const int status = ChooseTarget(); status != kOk) return status;
  return action();
}

}  // namespace
}  // namespace weft::engine::cli

int main(int argc, char** argv) {
  try {
    return weft::engine::cli::Main(argc, argv);
  } catch (const std::bad_alloc&) {
    return weft::engine::cli::Fail("not enough memory", weft::engine::cli::kNoMemory);
  } catch (const std::exception& error) {
    return weft::engine::cli::Fail(error.what(), weft::engine::cli::kFailed);
  }
}
