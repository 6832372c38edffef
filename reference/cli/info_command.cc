#include <memory>

#include "reference/cli/commands.h"
#include "reference/cli/info.h"

namespace weft::engine::cli {

void AddInfo(CLI::App& app, Action* action) {
  CLI::App* command = app.add_subcommand("info", "Describe a GGUF file");
  const auto path = std::make_shared<std::string>();
  AddModelArgument(command, path.get());
  command->footer("Prints the metadata, the tensors with their types and sizes, and the memory that running it needs.");
  command->callback([=] { *action = [path] { return RunInfo(*path); }; });
}

}  // namespace weft::engine::cli
