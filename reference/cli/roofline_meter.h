// What the machine could do at most with a model.
#ifndef WEFT_REFERENCE_CLI_ROOFLINE_METER_H_
#define WEFT_REFERENCE_CLI_ROOFLINE_METER_H_

#include <array>
#include <cstddef>
#include <optional>

#include "bench/roofline.h"
#include "reference/cli/bench_test.h"
#include "reference/model/model.h"
#include "reference/model/sequence.h"

namespace weft::engine::cli {

// Measures what the roofline of a test is made of and derives the least time that the test can take.
//   prompts: the multiply-accumulates of all matrix products (the output's for one token), each against the peak of
//     what its weights can be multiplied with on this target (roofline::PeakOf)
//   generation: all weights that a token uses, and its keys and values, against the bandwidth of reading memory
class RooflineMeter {
 public:
  RooflineMeter(const Model& model, const BenchTest& test, const Executor& executor);

  // Measures for a moment and keeps the best.
  void Measure();
  // Of one run of the test, by the best measurements so far.
  double LeastSeconds(const Sequence& sequence) const;
  // Of `macs` products with weights of `type`, or of reading `bytes`, whichever the test's roofline is made of.
  double LeastSeconds(DType type, double macs, double bytes) const;

 private:
  const Model& model_;
  BenchTest test_;
  Executor executor_;
  std::array<bool, roofline::kPeaks> uses_ = {};
  std::array<double, roofline::kPeaks> macs_per_second_ = {};
  std::optional<roofline::ReadBandwidth> memory_;
  double bytes_per_second_ = 0;
};

}  // namespace weft::engine::cli

#endif  // WEFT_REFERENCE_CLI_ROOFLINE_METER_H_
