// Measures the speed of a model.
#ifndef WEFT_REFERENCE_CLI_BENCH_RUNNER_H_
#define WEFT_REFERENCE_CLI_BENCH_RUNNER_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "reference/base/result.h"
#include "reference/base/thread_pool.h"
#include "reference/cli/bench_test.h"
#include "reference/model/transformer.h"

namespace weft::engine::cli {

class BenchRunner {
 public:
  // `tests` is what Run will be asked for at most. Errors name the test that does not fit the model's context.
  static Result<BenchRunner> Create(const Model& model, std::span<const BenchTest> tests, DType kv_type,
                                    Precision precision);

  size_t context() const { return sequence_.context(); }  // what the longest test needs

  // Runs a test on the pool's threads: fills the context up to the test's depth, warms up, then measures `repetitions`
  // runs, with measurements of the roofline before and after them. The result has a profile if `profiled`.
  Result<BenchResult> Run(const BenchTest& test, size_t repetitions, bool profiled, const ThreadPool& pool);

 private:
  BenchRunner(const Model& model, Sequence sequence, Precision precision)
      : model_(model), precision_(precision), sequence_(std::move(sequence)) {}
  Result<void> GoTo(size_t depth, Transformer& transformer);
  Result<void> Feed(size_t tokens, Transformer& transformer);
  Result<void> RunOnce(const BenchTest& test, Transformer& transformer);
  std::span<const uint32_t> RandomTokens(size_t count);

  const Model& model_;
  Precision precision_;
  Sequence sequence_;
  std::minstd_rand random_;
  std::vector<uint32_t> tokens_;
};

}  // namespace weft::engine::cli

#endif  // WEFT_REFERENCE_CLI_BENCH_RUNNER_H_
