#include <algorithm>
#include <charconv>
#include <memory>
#include <vector>

#include "reference/cli/commands.h"
#include "reference/cli/files.h"
#include "reference/cli/session.h"
#include "reference/gguf/printable.h"
#include "reference/model/transformer.h"

namespace weft::engine::cli {
namespace {

struct Options {
  std::string model, tokens, output;
  size_t threads = 0;
  Precision precision = Precision::kFast;
  DType kv_type = DType::kF32;  // what is compared with other programs' logits is not rounded
  bool decode = false;
};

// Ids separated by commas, blanks or both. `name`: what an error, of the kind that is given, calls the list.
Result<std::vector<uint32_t>> ParseIds(std::string_view text, const std::string& name, ErrorKind kind) {
  constexpr std::string_view kSeparators = ", \t\r\n";
  std::vector<uint32_t> ids;
  for (size_t begin = text.find_first_not_of(kSeparators); begin != std::string_view::npos;) {
    const std::string_view word = text.substr(begin, text.find_first_of(kSeparators, begin) - begin);
    uint32_t id = 0;
    const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (code != std::errc() || end != word.data() + word.size()) {
      return Error{kind, name + ": '" + Printable(word) + "' is not a token id"};
    }
    ids.push_back(id);
    begin = text.find_first_not_of(kSeparators, begin + word.size());
  }
  if (ids.empty()) return Error{kind, name + ": no token ids"};
  return ids;
}

Result<void> Logits(const Options& options, const std::vector<uint32_t>& ids) {
  const auto opened = Session::Open(options.model, options.threads);
  if (!opened.ok()) return opened.error();
  const Session& session = **opened;
  const auto failed = [&](const Error& error) { return session.file.gguf.ErrorAt(error); };

  // Batches as large as they would be for a prompt, but not so large that the logits take more than 64 MiB.
  const size_t row_bytes = session.model.config.vocabulary * sizeof(float);
  const size_t batch = options.decode ? 1 : std::clamp<size_t>((64 << 20) / row_bytes, 8, 512);
  TransformerOptions shape;
  shape.max_batch = std::min(batch, ids.size());
  shape.max_context = ids.size();
  shape.precision = options.precision;
  auto transformer = Transformer::Create(session.model, session.pool.executor(), shape);
  if (!transformer.ok()) return failed(transformer.error());
  auto sequence = Sequence::Create(session.model.config, ids.size(), options.kv_type);
  if (!sequence.ok()) return failed(sequence.error());
  NoteContext(ids.size(), session.model.config);
  auto output = OutputFile::Create(options.output);
  if (!output.ok()) return output.error();

  for (size_t done = 0; done < ids.size();) {
    const size_t count = std::min(shape.max_batch, ids.size() - done);
    const BatchItem item{&*sequence, std::span(ids).subspan(done, count), /*all_logits=*/true};
    const auto logits = transformer->Forward({&item, 1});
    if (!logits.ok()) return failed(logits.error());
    if (auto written = output->Write(*logits); !written.ok()) return written;
    done += count;
  }
  return output->Commit();
}

int Run(const Options& options) {
  std::string text = options.tokens, name = "--tokens";
  if (text.starts_with('@')) {
    name = text.substr(1);
    auto read = ReadText(name);
    if (!read.ok()) return StatusOf(read.error());
    text = *std::move(read);
  }
  const bool from_file = options.tokens.starts_with('@');
  const auto ids = ParseIds(text, name, from_file ? ErrorKind::kBadFile : ErrorKind::kBadArgument);
  if (!ids.ok()) return from_file ? StatusOf(ids.error()) : Fail(ids.error().message, kUsage);
  return StatusOf(Logits(options, *ids));
}

}  // namespace

void AddLogits(CLI::App& app, Action* action) {
  CLI::App* command = app.add_subcommand("logits", "Write the logits of a sequence of tokens to a file");
  const auto options = std::make_shared<Options>();
  AddModelArgument(command, &options->model);
  command
      ->add_option("--tokens", options->tokens,
                   "The token ids, separated by commas or blanks; @FILE reads them from FILE. No BOS is added")
      ->type_name("IDS")
      ->required();
  command->add_flag("--decode", options->decode, "Feed one token at a time, as in generation, not all as a prompt");
  command
      ->add_option("-o,--output", options->output,
                   "The file to write, which appears when it is complete; -: standard output")
      ->type_name("FILE")
      ->required();
  AddThreadsOption(command, &options->threads);
  AddKvTypeOption(command, &options->kv_type);
  AddPrecisionOption(command, &options->precision);
  command->footer(
      "The file holds little-endian float32, [tokens, vocabulary]: row i are the logits of the token that follows\n"
      "token i. Works for models without a tokenizer, too. It is the forward pass that 'weft generate' samples from,\n"
      "with the same --kv-type.");
  command->callback([=] { *action = [options] { return Run(*options); }; });
}

}  // namespace weft::engine::cli
