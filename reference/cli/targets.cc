#include <algorithm>
#include <cstdio>
#include <cstring>

#include "reference/cli/commands.h"
#include "weft/weft.h"

namespace weft::engine::cli {
namespace {

int Targets() {
  int width = static_cast<int>(std::strlen("target"));
  for (size_t i = 0; i < TargetCount(); ++i) width = std::max(width, static_cast<int>(std::strlen(GetTarget(i).name)));
  std::printf("%-*s  %-9s  %s\n", width, "target", "supported", "active");
  for (size_t i = 0; i < TargetCount(); ++i) {
    const TargetInfo target = GetTarget(i);
    std::printf("%-*s  %-9s  %s\n", width, target.name, target.supported ? "yes" : "no", target.active ? "yes" : "no");
  }
  return kOk;
}

}  // namespace

std::string TargetNames(bool supported) {
  std::string names;
  for (size_t i = 0; i < TargetCount(); ++i) {
    const TargetInfo target = GetTarget(i);
    if (supported && !target.supported) continue;
    names += (names.empty() ? "" : ", ") + std::string(target.name);
  }
  return names;
}

void AddTargets(CLI::App& app, Action* action) {
  CLI::App* command = app.add_subcommand("targets", "List the instruction sets that the kernels are compiled for");
  command->footer(
      "Best first. 'supported': this CPU has it. 'active': what is used, the best supported one unless the\n"
      "environment variable WEFT_TARGET names another.");
  command->callback([action] { *action = Targets; });
}

}  // namespace weft::engine::cli
