#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>

#include "reference/cli/commands.h"
#include "reference/cli/files.h"
#include "reference/cli/generation.h"
#include "reference/cli/interrupt.h"
#include "reference/cli/session.h"

namespace weft::engine::cli {
namespace {

struct Options {
  std::string model, prompt, file;
  size_t count = 256, threads = 0, context = 0;
  Precision precision = Precision::kFast;
  DType kv_type = kUsualKvType;
  SamplerOptions sampler;
  std::vector<std::string> stops;
};

std::string Size(size_t bytes) {
  return bytes < (size_t{1} << 30) ? fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20))
                                   : fmt::format("{:.2f} GiB", static_cast<double>(bytes) / (1 << 30));
}

std::string Rate(size_t passes, double seconds) {
  return passes == 0 || !(seconds > 0) ? "-" : fmt::format("{:.1f}", static_cast<double>(passes) / seconds);
}

void PrintStatistics(const GenerationStatistics& s, const Session& session, const Transformer& transformer,
                     const KvPool& pool) {
  fmt::print(stderr, "prompt:     {} tokens, {} tokens/s\n", s.prompt_tokens, Rate(s.prompt_tokens, s.prompt_seconds));
  fmt::print(stderr, "generation: {} tokens, {} tokens/s\n", s.generated,
             Rate(s.generation_passes, s.generation_seconds));
  fmt::print(stderr, "target:     {}, {} {}\n", ActiveTarget(), session.pool.threads(),
             session.pool.threads() == 1 ? "thread" : "threads");
  fmt::print(stderr, "memory:     weights {}, KV cache {}, buffers {}, peak resident {}\n",
             Size(session.model.weight_bytes), Size(pool.bytes()), Size(transformer.bytes()),
             Size(PeakResidentBytes()));
}

// BOS where the model expects it or where there is nothing else to start from, then the prompt.
Result<std::vector<TokenId>> PromptTokens(const Tokenizer& tokenizer, const std::string& prompt) {
  std::vector<TokenId> ids = tokenizer.Encode(prompt, /*parse_special=*/true);
  const bool starts_with_bos = !ids.empty() && tokenizer.bos() == ids.front();
  if (tokenizer.bos() && !starts_with_bos && (tokenizer.add_bos() || ids.empty())) {
    ids.insert(ids.begin(), *tokenizer.bos());
  }
  if (ids.empty())
    return Error{ErrorKind::kBadArgument,
                 "the model has no token to begin a text with (BOS): give a prompt with -p or --file"};
  return ids;
}

// Positions to make room for: `wanted`, or as many as prompt and answer need, at most what the model was trained for.
Result<size_t> ContextLength(size_t wanted, size_t prompt, size_t count, size_t trained) {
  const size_t context = wanted != 0 ? wanted : std::min(trained, count < trained ? prompt + count : trained);
  if (prompt <= context) return context;
  return Error{ErrorKind::kBadArgument, fmt::format("the prompt has {} tokens, the context {}", prompt, context)};
}

Result<void> Generate(const Options& options) {
  std::string prompt = options.prompt;
  if (!options.file.empty()) {
    auto read = ReadText(options.file);
    if (!read.ok()) return read.error();
    prompt = *std::move(read);
  }
  const auto opened = Session::Open(options.model, options.threads);
  if (!opened.ok()) return opened.error();
  const Session& session = **opened;
  const auto failed = [&](const Error& error) { return session.file.gguf.ErrorAt(error); };
  const auto tokenizer = RequireTokenizer(session.file.gguf);
  if (!tokenizer.ok()) return tokenizer.error();
  const auto ids = PromptTokens(**tokenizer, prompt);
  if (!ids.ok()) return failed(ids.error());

  const ModelConfig& config = session.model.config;
  const auto context = ContextLength(options.context, ids->size(), options.count, config.context);
  if (!context.ok()) return failed(context.error());
  if (auto checked = CheckContext(*context, KvPool::MostContext(config)); !checked.ok()) return failed(checked.error());
  const auto pool = KvPool::Create(config, *context, options.kv_type);
  if (!pool.ok()) return failed(pool.error());
  NoteContext(*context, config);
  const TransformerOptions shape{.max_batch = std::min(ids->size(), kPromptBatch),
                                 .max_logits = 1,
                                 .max_context = *context,
                                 .precision = options.precision};
  auto transformer = Transformer::Create(session.model, session.pool.executor(), shape);
  if (!transformer.ok()) return failed(transformer.error());
  auto generator = Generator::Create(*transformer, *pool);
  if (!generator.ok()) return failed(generator.error());

  CatchInterrupt();
  Generation generation(**tokenizer, *generator, options.stops, prompt.empty());
  const GenerationRequest request{
      .prompt = *ids, .context = *context, .max_tokens = options.count, .sampler = options.sampler};
  if (auto generated = generation.Run(request, prompt); !generated.ok()) return failed(generated.error());
  if (generation.statistics().context_full) {
    fmt::print(stderr, "weft: note: stopped because the context of {} tokens is full{}\n", *context,
               options.context == 0 ? ", which is what the model was trained for" : " (-c)");
  }
  PrintStatistics(generation.statistics(), session, *transformer, **pool);
  return {};
}

void AddSamplerOptions(CLI::App* command, SamplerOptions* options) {
  constexpr double kAny = std::numeric_limits<double>::infinity();
  command->add_option("--temp", options->temperature, "Temperature; 0: always the most probable token")
      ->check(InRange(0, kAny));
  command->add_option("--top-k", options->top_k, "Choose among the K most probable tokens; 0: all")
      ->type_name("K")
      ->check(WholeNumber(UINT32_MAX));
  command
      ->add_option("--top-p", options->top_p,
                   "Choose among the fewest tokens that together reach probability P; 1: all")
      ->type_name("P")
      ->check(InRange(0, 1));
  command
      ->add_option("--min-p", options->min_p, "Drop tokens less probable than P times the most probable one; 0: none")
      ->type_name("P")
      ->check(InRange(0, 1));
  command
      ->add_option("--repeat-penalty", options->repeat_penalty,
                   "Divide the positive, multiply the negative logits of the last " +
                       std::to_string(options->repeat_last) + " tokens by R; 1: off")
      ->type_name("R")
      ->check(InRange(0.01, 100));
  command->add_option("--seed", options->seed, "The same seed, options and prompt give the same text")
      ->type_name("S")
      ->check(WholeNumber());
  command->get_option("--temp")->type_name("T");
  for (const char* name : {"--temp", "--top-k", "--top-p", "--min-p", "--repeat-penalty", "--seed"}) {
    command->get_option(name)->capture_default_str();
  }
}

}  // namespace

void AddGenerate(CLI::App& app, Action* action) {
  CLI::App* command = app.add_subcommand("generate", "Continue a prompt");
  const auto options = std::make_shared<Options>();
  AddModelArgument(command, &options->model);
  auto* prompt = command
                     ->add_option("-p,--prompt", options->prompt,
                                  "The prompt; without one a text is made up (by the built-in model: a story)")
                     ->type_name("TEXT");
  command->add_option("--file", options->file, "Read the prompt from FILE; -: from standard input")
      ->type_name("FILE")
      ->excludes(prompt);
  command->add_option("-n,--count", options->count, "Generate at most N tokens")
      ->type_name("N")
      ->check(WholeNumber())
      ->capture_default_str();
  AddSamplerOptions(command, &options->sampler);
  command->add_option("--stop", options->stops, "Stop before this text; may be given several times")
      ->type_name("TEXT")
      ->type_size(1)
      ->allow_extra_args(false)
      ->check(CLI::Validator([](std::string& text) { return text.empty() ? "the text is empty" : ""; }, ""));
  AddThreadsOption(command, &options->threads);
  command
      ->add_option("-c,--context", options->context,
                   "Tokens of prompt and answer that the model sees at most; 0: as many as needed, up to what it was "
                   "trained for")
      ->type_name("CONTEXT")
      ->check(WholeNumber())
      ->capture_default_str();
  AddKvTypeOption(command, &options->kv_type);
  AddPrecisionOption(command, &options->precision);
  command->footer(
      "Prints the prompt and its continuation, as it is made, and ends the line. Special tokens that the prompt "
      "spells\n"
      "out (<s>, ...) are recognised. Ends after N tokens, at the end of the text, at a stop text (not printed), when\n"
      "the context is full, or with Ctrl-C (a second one kills). Speed and memory are reported on standard error.\n"
      "The order of sampling is: repetition penalty, temperature, top-k, top-p, min-p.");
  command->callback([=] { *action = [options] { return StatusOf(Generate(*options)); }; });
}

}  // namespace weft::engine::cli
