#include "reference/cli/roofline_meter.h"

#include <unistd.h>

#include <algorithm>

namespace weft::engine::cli {
namespace {

constexpr double kPeakSeconds = 0.05, kReadSeconds = 0.2;  // per measurement

// Far more than the last-level cache holds.
size_t BufferBytes() {
  constexpr size_t kLeast = size_t{256} << 20;
#ifdef _SC_LEVEL3_CACHE_SIZE
  const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
  if (cache > 0) return std::max(kLeast, 4 * static_cast<size_t>(cache));
#endif
  return kLeast;
}

// f(weights) for every matrix that a token is multiplied with.
template <class F>
void ForEachMatrix(const Model& model, const F& f) {
  for (const LayerWeights& layer : model.layers) {
    for (const Linear* linear : layer.products()) {
      if (linear->weight.data != nullptr) f(linear->weight);
    }
  }
  f(model.output.weight);
}

double Elements(const WeightView& w) { return static_cast<double>(w.rows) * static_cast<double>(w.cols); }
double Bytes(const WeightView& w) { return static_cast<double>(w.rows) * static_cast<double>(w.row_bytes); }

}  // namespace

RooflineMeter::RooflineMeter(const Model& model, const BenchTest& test, const Executor& executor)
    : model_(model), test_(test), executor_(executor) {
  if (test.prompt == 0) {
    memory_.emplace(BufferBytes());
  } else {
    ForEachMatrix(model, [&](const WeightView& w) { uses_[static_cast<size_t>(roofline::PeakOf(w.type))] = true; });
  }
}

void RooflineMeter::Measure() {
  if (memory_) bytes_per_second_ = std::max(bytes_per_second_, memory_->Measure(executor_, kReadSeconds));
  for (size_t i = 0; i < roofline::kPeaks; ++i) {
    if (!uses_[i]) continue;
    const double peak = roofline::MeasurePeak(static_cast<roofline::Peak>(i), executor_, kPeakSeconds);
    macs_per_second_[i] = std::max(macs_per_second_[i], peak);
  }
}

double RooflineMeter::LeastSeconds(DType type, double macs, double bytes) const {
  return memory_ ? bytes / bytes_per_second_ : macs / macs_per_second_[static_cast<size_t>(roofline::PeakOf(type))];
}

double RooflineMeter::LeastSeconds(const Sequence& sequence) const {
  const double tokens = static_cast<double>(test_.tokens());
  double seconds = 0;
  ForEachMatrix(model_, [&](const WeightView& w) {
    const double times = memory_ || w.data != model_.output.weight.data ? tokens : 1.0;
    seconds += times * LeastSeconds(w.type, Elements(w), Bytes(w));
  });
  if (!memory_) return seconds;
  // Token i sees its own keys and values and those of depth + i tokens before it.
  const double seen = static_cast<double>(test_.depth) + (tokens + 1) / 2;
  const double position_bytes = static_cast<double>(sequence.pool().position_bytes());
  return seconds + tokens * LeastSeconds(DType::kF32, 0, seen * position_bytes);
}

}  // namespace weft::engine::cli
