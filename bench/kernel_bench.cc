// Microbenchmarks of the kernels:
//   kernel_bench [--target NAME] [--threads 1,2] [--shape M,N,K]... [--no-roofline] [Google Benchmark's options]
#include <benchmark/benchmark.h>
#include <stdio.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "bench/rows.h"
#include "reference/base/cpu_count.h"
#include "weft/weft.h"

namespace {

int Main(int argc, char** argv) {
  using weft::bench::Shape;
  CLI::App app(
      "Measures weft's kernels against what this machine can do. Rows of products are named "
      "operation/format/m:TOKENS/n:ROWS/k:COLS/threads:N, those of other operations "
      "operation/kind/m:ROWS/k:COLS/threads:N "
      "or operation/format/n:WEIGHTS/threads:N; 'warm': data from the cache.",
      "kernel_bench");
  app.footer("Other options, such as --benchmark_filter=REGEX or --benchmark_format=json, go to Google Benchmark.");
  app.allow_extras();
  std::string target;
  std::vector<std::string> shapes;
  size_t megabytes = 512;
  weft::bench::Plan plan;
  app.add_option("--target", target, "Use this SIMD target ('weft targets' lists them)")->type_name("NAME");
  app.add_option("--threads", plan.threads, "Numbers of threads to measure with; default: one, and all cores")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024));
  app.add_option("--shape", shapes,
                 "Adds rows of this shape: tokens, weight rows, columns; in the formats with whole blocks of them")
      ->type_name("M,N,K");
  app.add_option("--memory", megabytes, "MiB of weights to rotate through, several times the last-level cache")
      ->check(CLI::Range(1, 1 << 20));
  app.add_flag_callback(
      "--no-roofline", [&] { plan.roofline = false; },
      "Leave out the machine's peaks: a row then takes a fraction of the time");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return error.get_exit_code() == 0 ? app.exit(error) : (fprintf(stderr, "kernel_bench: %s\n", error.what()), 2);
  }
  if (!target.empty() && !weft::SetTarget(target.c_str()).ok()) {
    fprintf(stderr, "kernel_bench: --target: this program and CPU have no target '%s'\n", target.c_str());
    return 2;
  }
  for (const std::string& text : shapes) {
    Shape shape;
    char rest;
    if (sscanf(text.c_str(), "%zu,%zu,%zu%c", &shape.m, &shape.n, &shape.k, &rest) != 3 || shape.m == 0 ||
        shape.n == 0 || shape.k == 0) {
      fprintf(stderr, "kernel_bench: --shape: '%s' is not M,N,K\n", text.c_str());
      return 2;
    }
    plan.shapes.push_back(shape);
  }
  const size_t cores = weft::engine::UsableCores();
  if (plan.threads.empty()) plan.threads = cores > 1 ? std::vector<size_t>{1, cores} : std::vector<size_t>{1};
  plan.memory = megabytes << 20;

  std::vector<std::string> extras = app.remaining(true);
  std::vector<char*> rest{argv[0]};
  for (std::string& extra : extras) rest.push_back(extra.data());
  int count = static_cast<int>(rest.size());
  benchmark::AddCustomContext("target", weft::ActiveTarget());
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 2;
  if (plan.roofline) weft::bench::RegisterRoofline(plan);
  weft::bench::RegisterProducts(plan);
  weft::bench::RegisterSmallProducts(plan);
  weft::bench::RegisterOperations(plan);
  weft::bench::RegisterConversions(plan);
  weft::bench::RegisterAttention(plan);
  const size_t rows = benchmark::RunSpecifiedBenchmarks();  // says so if the filter matches none
  benchmark::Shutdown();
  return rows == 0 ? 2 : weft::bench::FailedRows() != 0;
}

}  // namespace

int main(int argc, char** argv) { return Main(argc, argv); }
