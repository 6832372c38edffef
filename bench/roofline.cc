#include "bench/roofline.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "bench/roofline_kernels.h"
#include "weft/core/kernel_set.h"
#include "weft/weft.h"

namespace weft::roofline {
namespace {

using Clock = std::chrono::steady_clock;
double Seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

// Runs work(worker) on every worker at once and returns the time until the last is done.
template <class F>
double TimeOnAll(const Executor& executor, const F& work) {
  const auto start = Clock::now();
  executor.For(executor.workers, [&](size_t i, uint32_t) { work(i); });
  return Seconds(Clock::now() - start);
}

uint8_t* AlignedToLine(uint8_t* data) { return data + (64 - reinterpret_cast<uintptr_t>(data) % 64) % 64; }

}  // namespace

const char* Name(Peak peak) {
  static constexpr const char* kNames[kPeaks] = {"int8_dot", "int16_dot", "f32_fma", "bf16_dot"};
  return kNames[static_cast<size_t>(peak)];
}

Peak PeakOf(DType type, Precision precision) {
  const ProductKernels& product = weft::ActiveKernels().Find(type)->Product(precision);
  if (IsQuantized(product.form)) return product.panel.pair_sums == 0 ? Peak::kInt16Dot : Peak::kInt8Dot;
  return product.form == ActivationForm::kBF16 ? Peak::kBF16Dot : Peak::kF32Fma;
}

double MeasurePeak(Peak peak, const Executor& executor, double seconds) {
  const auto run = ActiveKernels().peaks[static_cast<size_t>(peak)];
  constexpr uint64_t kSteps = 100000;  // a few hundred microseconds
  double best = 0.0;
  const auto start = Clock::now();
  do {
    std::vector<uint64_t> macs(executor.workers);
    const double took = TimeOnAll(executor, [&](size_t i) { macs[i] = run(kSteps); });
    best = std::max(best, static_cast<double>(macs[0]) * executor.workers / took);
  } while (Seconds(Clock::now() - start) < seconds);
  return best;
}

double MeasureClock(double seconds) {
  constexpr uint64_t kAdds = 200000;
  double best = 0.0;
  const auto start = Clock::now();
  do {
    const auto begin = Clock::now();
    uint64_t sum = 0, step = kAdds;
    for (uint64_t i = 0; i < kAdds; i += 8) {
      // Each addition waits for the one before, which takes it a cycle on every CPU; the empty statement keeps the
      // compiler from joining them.
#pragma GCC unroll 8
      for (int j = 0; j < 8; ++j) {
        sum += step;
        __asm__ volatile("" : "+r"(sum));
      }
    }
    best = std::max(best, static_cast<double>(kAdds) / Seconds(Clock::now() - begin));
  } while (Seconds(Clock::now() - start) < seconds);
  return best;
}

constexpr size_t kUnit = 64 * 1024;  // of what a kernel reads

ReadBandwidth::ReadBandwidth(size_t bytes)
    : bytes_((bytes + kUnit - 1) / kUnit * kUnit), data_(new uint8_t[bytes_ + 64]) {
  std::memset(data_.get(), 1, bytes_ + 64);  // pages of their own, not the kernel's page of zeros
}

double ReadBandwidth::Measure(const Executor& executor, double seconds) {
  const Kernels& kernels = ActiveKernels();
  const uint8_t* data = AlignedToLine(data_.get());
  // Each sample reads a 16th of the buffer, so that all of it passes before any line is read again.
  const size_t share = std::max<size_t>(1, bytes_ / 16 / kUnit / executor.workers) * kUnit;
  const size_t sample = share * executor.workers;
  double best = 0.0;
  const auto start = Clock::now();
  do {
    for (int pattern = 0; pattern < kPatterns; ++pattern) {
      if (next_ + sample > bytes_) next_ = 0;
      const uint8_t* from = data + next_;
      next_ += sample;
      std::vector<uint64_t> sums(executor.workers);
      const double took = TimeOnAll(
          executor, [&](size_t i) { sums[i] = kernels.read(static_cast<Pattern>(pattern), from + i * share, share); });
      best = std::max(best, static_cast<double>(sample) / took);
    }
  } while (Seconds(Clock::now() - start) < seconds);
  return best;
}

StreamBandwidth::StreamBandwidth(size_t read, size_t written, uint32_t workers) {
  const auto part = [&](size_t bytes) { return (bytes / workers + kStreamStep - 1) / kStreamStep * kStreamStep; };
  read_ = part(read);
  written_ = std::max(part(written), read_ == 0 ? kStreamStep : 0);
  const size_t bytes = (read_ + written_) * workers + 64;
  data_.reset(new uint8_t[bytes]);
  std::memset(data_.get(), 1, bytes);
}

double StreamBandwidth::Measure(const Executor& executor, double seconds) {
  const Kernels& kernels = ActiveKernels();
  uint8_t* data = AlignedToLine(data_.get());
  const auto run = [&] {
    return TimeOnAll(executor, [&](size_t i) {
      uint8_t* from = data + i * (read_ + written_);
      for (size_t pass = 0; pass < passes_; ++pass) kernels.stream(from, read_, from + read_, written_);
    });
  };
  while (run() < 0.0002) passes_ *= 2;
  double best = 0.0;
  const auto start = Clock::now();
  do {
    best = std::max(best, static_cast<double>((read_ + written_) * passes_ * executor.workers) / run());
  } while (Seconds(Clock::now() - start) < seconds);
  return best;
}

}  // namespace weft::roofline
