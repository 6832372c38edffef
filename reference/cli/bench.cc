#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "reference/base/cpu_count.h"
#include "reference/cli/bench_report.h"
#include "reference/cli/bench_runner.h"
#include "reference/cli/commands.h"
#include "reference/cli/files.h"
#include "reference/cli/session.h"

namespace weft::engine::cli {
namespace {

struct Options {
  std::string model;
  std::vector<size_t> prompts = {512}, generated = {128}, depths = {0}, threads = {0};
  size_t repetitions = 5;
  Precision precision = Precision::kFast;
  DType kv_type = kUsualKvType;
  BenchReport::Style style = BenchReport::Style::kMarkdown;
  bool profile = false;
};

// As many as will run.
size_t ThreadsToRun(size_t wanted) { return std::min(wanted != 0 ? wanted : UsableCores(), ThreadPool::MostThreads()); }

// For every number of threads and depth, the prompts and then the generations; 0 tokens mean no test.
std::vector<BenchTest> Tests(const Options& options) {
  std::vector<BenchTest> tests;
  for (const size_t threads : options.threads) {
    for (const size_t depth : options.depths) {
      BenchTest test{.prompt = 0, .generated = 0, .depth = depth, .threads = ThreadsToRun(threads)};
      for (const size_t count : options.prompts) {
        test.prompt = count;
        if (count != 0) tests.push_back(test);
      }
      test.prompt = 0;
      for (const size_t count : options.generated) {
        test.generated = count;
        if (count != 0) tests.push_back(test);
      }
    }
  }
  return tests;
}

Result<void> Bench(const Options& options, const std::vector<BenchTest>& tests) {
  const auto file = ModelFile::Open(options.model);
  if (!file.ok()) return file.error();
  const auto failed = [&](const Error& error) { return file->gguf.ErrorAt(error); };
  const auto model = LoadModel(file->gguf);
  if (!model.ok()) return model.error();
  auto runner = BenchRunner::Create(*model, tests, options.kv_type, options.precision);
  if (!runner.ok()) return failed(runner.error());
  NoteContext(runner->context(), model->config);
  const size_t most = *std::ranges::max_element(options.threads);
  NoteThreads(most, ThreadsToRun(most));

  const std::string name =
      options.model.empty() ? file->gguf.name() : std::filesystem::path(options.model).filename().string();
  BenchReport report(options.style, name, model->weight_bytes, ActiveTarget(), options.kv_type);
  std::string begin = report.Begin();  // printed with the first result: where there is none, nothing is
  std::unique_ptr<ThreadPool> pool;
  for (size_t i = 0; i < tests.size(); ++i) {
    const BenchTest& test = tests[i];
    if (pool == nullptr || pool->threads() != test.threads) {
      pool.reset();  // the threads of one are gone before those of the next come
      pool = std::make_unique<ThreadPool>(test.threads);
    }
    fmt::print(stderr, "weft: {}/{}: {}, {} {}\n", i + 1, tests.size(), test.Name(), test.threads,
               test.threads == 1 ? "thread" : "threads");
    const auto result = runner->Run(test, options.repetitions, options.profile, *pool);
    if (!result.ok()) return failed(result.error());
    if (Result<void> printed = Print(begin + report.Row(*result)); !printed.ok()) return printed;
    begin.clear();
  }
  return Print(report.End());
}

// -x 1,2 or -x 1 -x 2
void AddListOption(CLI::App* command, const std::string& name, std::vector<size_t>* values, uint64_t high,
                   const std::string& description) {
  command->add_option(name, *values, description)
      ->delimiter(',')
      ->type_size(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(WholeNumber(high))
      ->type_name("N,...")
      ->capture_default_str();
}

}  // namespace

void AddBench(CLI::App& app, Action* action) {
  CLI::App* command = app.add_subcommand("bench", "Measure the speed of a model");
  const auto options = std::make_shared<Options>();
  const auto style = std::make_shared<std::string>("md");
  constexpr uint64_t kMaxThreads = 4096;
  AddModelArgument(command, &options->model);
  AddListOption(command, "-p,--n-prompt", &options->prompts, kMaxContext, "Tokens of the prompt; 0: no such test");
  AddListOption(command, "-n,--n-gen", &options->generated, kMaxContext, "Tokens to generate; 0: no such test");
  AddListOption(command, "-d,--n-depth", &options->depths, kMaxContext, "Tokens in the context before the test");
  AddListOption(
      command, "-t,--threads", &options->threads, kMaxThreads,
      "Threads, at most " + std::to_string(ThreadPool::MostThreads()) + "; 0: one per core that the process may use");
  command
      ->add_option("-r,--repetitions", options->repetitions,
                   "Measured runs of every test, after a short one to warm up")
      ->type_name("N")
      ->check(WholeNumber(1000000, 1))
      ->capture_default_str();
  AddKvTypeOption(command, &options->kv_type);
  AddPrecisionOption(command, &options->precision);
  static const std::map<std::string, BenchReport::Style> kStyles = {
      {"md", BenchReport::Style::kMarkdown}, {"json", BenchReport::Style::kJson}, {"csv", BenchReport::Style::kCsv}};
  command->add_option("-o,--output", *style, "md, json or csv")
      ->type_name("STYLE")
      ->check(CLI::Validator(
          [](std::string& text) { return kStyles.contains(text) ? "" : "'" + text + "' is none of md, json, csv"; },
          ""))
      ->capture_default_str();
  command->add_flag("--profile", options->profile,
                    "Also tell what the time goes to: a table per test after the results, or \"profile\" in JSON");
  command->footer(
      "Lists make a test of every combination. pp512: a prompt of 512 tokens, in one batch per 512, logits of the "
      "last\n"
      "token only. tg128: 128 tokens one by one, without sampling. @d4096: after 4096 tokens, which are not measured.\n"
      "Tokens are random. Speeds are means of the runs ± their standard deviation.\n"
      "The roofline is what the machine can do at most, measured before and after each test with as many threads: for\n"
      "prompts, multiply-accumulates of the matrix products against those possible on registers (with the fastest\n"
      "instructions that the target has for each type of weights); for generation, bytes of the weights, keys\n"
      "and values in use against the bandwidth of reading memory (more than 100 % where a small model stays in the\n"
      "cache).\n"
      "Progress is reported on standard error.");
  command->callback([=] {
    options->style = kStyles.at(*style);
    if (options->profile && options->style == BenchReport::Style::kCsv) {
      throw CLI::ValidationError("--profile", "needs -o md or json");
    }
    const std::vector<BenchTest> tests = Tests(*options);
    if (tests.empty()) throw CLI::ValidationError("--n-prompt and --n-gen", "0 tokens are nothing to measure");
    *action = [=] { return StatusOf(Bench(*options, tests)); };
  });
}

}  // namespace weft::engine::cli
