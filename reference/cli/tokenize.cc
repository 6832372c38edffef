#include <fmt/format.h>

#include <memory>

#include "reference/cli/commands.h"
#include "reference/cli/files.h"
#include "reference/cli/session.h"
#include "reference/gguf/printable.h"

namespace weft::engine::cli {
namespace {

struct Options {
  std::string model, text, file;
  bool ids = false, no_bos = false;
};

std::string Quoted(std::string_view piece) {
  std::string escaped;
  for (const char c : piece) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return '"' + Printable(escaped, escaped.size()) + '"';
}

Result<void> Tokenize(const Options& options) {
  std::string text = options.text;
  if (!options.file.empty()) {
    auto read = ReadText(options.file);
    if (!read.ok()) return read.error();
    text = *std::move(read);
  }
  const auto file = ModelFile::Open(options.model);
  if (!file.ok()) return file.error();
  const auto loaded = RequireTokenizer(file->gguf);
  if (!loaded.ok()) return loaded.error();
  const Tokenizer& tokenizer = **loaded;

  std::vector<TokenId> ids = tokenizer.Encode(text);
  if (tokenizer.add_bos() && !options.no_bos) ids.insert(ids.begin(), *tokenizer.bos());
  std::string output;
  for (const TokenId id : ids) {
    if (options.ids) {
      fmt::format_to(std::back_inserter(output), "{}{}", output.empty() ? "" : " ", id);
    } else {
      fmt::format_to(std::back_inserter(output), "{}\t{}\n", id, Quoted(tokenizer.Piece(id, /*first=*/false)));
    }
  }
  if (options.ids) output += '\n';
  return Print(output);
}

}  // namespace

void AddTokenize(CLI::App& app, Action* action) {
  CLI::App* command = app.add_subcommand("tokenize", "Print the tokens of a text");
  const auto options = std::make_shared<Options>();
  auto* model = AddModelArgument(command, &options->model);
  auto* text = command->add_option("TEXT", options->text, "The text");
  auto* file = command->add_option("--file", options->file, "Read the text from FILE; -: from standard input")
                   ->type_name("FILE")
                   ->excludes(text);
  command->add_flag("--ids", options->ids, "Print the ids only, on one line");
  command->add_flag("--no-bos", options->no_bos, "Leave out the token that begins a text (BOS)");
  command->footer(
      "Without --ids: a line per token with its id, a tab and the text it stands for, quoted, with \\n, \\t and \\xNN\n"
      "for what cannot be printed; control tokens stand for \"\". BOS comes first where the model expects it. The "
      "text\n"
      "is taken as it is: special tokens that it spells out are not recognised. A single argument that does not end "
      "in\n"
      ".gguf is the text, for the built-in model.");
  command->callback([=] {
    if (text->empty() && file->empty()) {
      // One argument: the text for the built-in model, unless it is the name of a model.
      if (model->empty() || options->model.ends_with(".gguf")) throw CLI::RequiredError("TEXT or --file");
      options->text.swap(options->model);
    }
    *action = [options] { return StatusOf(Tokenize(*options)); };
  });
}

}  // namespace weft::engine::cli
