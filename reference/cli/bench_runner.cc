#include "reference/cli/bench_runner.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "reference/cli/roofline_meter.h"
#include "reference/cli/session.h"
#include "reference/model/prompt.h"

namespace weft::engine::cli {
namespace {

using Clock = std::chrono::steady_clock;

double Mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// Of a sample; 0 for a single value.
double Deviation(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double mean = Mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

// The first batch or the first tokens of the test: enough to have everything in memory and all threads awake.
BenchTest WarmUp(BenchTest test) {
  test.prompt = std::min(test.prompt, kPromptBatch);
  test.generated = std::min<size_t>(test.generated, 8);
  return test;
}

// The lines of a profile of `tokens` tokens that took `seconds`.
std::vector<BenchOperation> Operations(const Profile& profile, const RooflineMeter& roofline, double seconds,
                                       double tokens) {
  std::vector<BenchOperation> operations;
  double rest = seconds;
  const auto add = [&](const std::string& name, double spent) -> BenchOperation& {
    operations.push_back({name, "", spent / tokens, spent / seconds, std::nullopt});
    return operations.back();
  };
  for (const ProfileEntry& entry : profile.entries()) {
    BenchOperation& operation = add(std::string(entry.name), entry.seconds);
    rest -= entry.seconds;
    if (!entry.product) continue;
    operation.type = Name(entry.type);
    operation.roofline_fraction = roofline.LeastSeconds(entry.type, entry.macs, entry.bytes) / entry.seconds;
  }
  std::ranges::sort(operations, std::ranges::greater(), &BenchOperation::seconds);
  add("other", rest);
  return operations;
}

}  // namespace

Result<BenchRunner> BenchRunner::Create(const Model& model, std::span<const BenchTest> tests, DType kv_type,
                                        Precision precision) {
  size_t context = 0;
  for (const BenchTest& test : tests) {
    const size_t needed = test.depth + test.tokens();
    const size_t limit = model.config.learned_positions ? model.config.context : kMaxContext;
    if (needed > limit) {
      return Error{ErrorKind::kBadArgument, test.Name() + " needs a context of " + std::to_string(needed) +
                                                " tokens; the model has at most " + std::to_string(limit)};
    }
    context = std::max(context, needed);
  }
  auto sequence = Sequence::Create(model.config, context, kv_type);
  if (!sequence.ok()) return sequence.error();
  return BenchRunner(model, *std::move(sequence), precision);
}

Result<BenchResult> BenchRunner::Run(const BenchTest& test, size_t repetitions, bool profiled, const ThreadPool& pool) {
  const Executor executor = pool.executor();
  auto transformer = Transformer::Create(
      model_, executor,
      {.max_batch = kPromptBatch, .max_logits = 1, .max_context = sequence_.context(), .precision = precision_});
  if (!transformer.ok()) return transformer.error();
  if (Result<void> there = GoTo(test.depth, *transformer); !there.ok()) return there.error();

  RooflineMeter roofline(model_, test, executor);
  roofline.Measure();
  if (Result<void> warm = RunOnce(WarmUp(test), *transformer); !warm.ok()) return warm.error();
  Profile profile;
  std::vector<double> seconds, speeds;
  for (size_t i = 0; i < repetitions; ++i) {
    if (Result<void> there = GoTo(test.depth, *transformer); !there.ok()) return there.error();
    if (profiled) transformer->SetProfile(&profile);
    const auto start = Clock::now();
    if (Result<void> ran = RunOnce(test, *transformer); !ran.ok()) return ran.error();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    transformer->SetProfile(nullptr);
    speeds.push_back(static_cast<double>(test.tokens()) / seconds.back());
  }
  roofline.Measure();
  BenchResult result{.test = test,
                     .mean = Mean(speeds),
                     .deviation = Deviation(speeds),
                     .roofline_fraction = roofline.LeastSeconds(sequence_) / Mean(seconds),
                     .profile = {}};
  const double runs = static_cast<double>(repetitions);
  if (profiled) result.profile = Operations(profile, roofline, runs * Mean(seconds), runs * test.tokens());
  return result;
}

// What an earlier test has left there is as good as any other tokens.
Result<void> BenchRunner::GoTo(size_t depth, Transformer& transformer) {
  sequence_.Truncate(depth);
  return depth == sequence_.length() ? Result<void>() : Feed(depth - sequence_.length(), transformer);
}

Result<void> BenchRunner::Feed(size_t tokens, Transformer& transformer) {
  const auto logits = FeedPrompt(transformer, sequence_, RandomTokens(tokens));
  return logits.ok() ? Result<void>() : logits.error();
}

Result<void> BenchRunner::RunOnce(const BenchTest& test, Transformer& transformer) {
  if (test.prompt != 0) return Feed(test.prompt, transformer);
  for (size_t i = 0; i < test.generated; ++i) {
    if (Result<void> fed = Feed(1, transformer); !fed.ok()) return fed;
  }
  return {};
}

std::span<const uint32_t> BenchRunner::RandomTokens(size_t count) {
  tokens_.resize(count);
  for (uint32_t& token : tokens_) token = static_cast<uint32_t>(random_() % model_.config.vocabulary);
  return tokens_;
}

}  // namespace weft::engine::cli
