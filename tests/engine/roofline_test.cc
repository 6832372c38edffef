// Which peak a product stands beside.
#include "bench/roofline.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/engine/each_target.h"
#include "weft/weft.h"

namespace weft::engine::test {

using roofline::Peak;
using roofline::PeakOf;

TEST_CASE("Roofline: the peak is that of instructions that the target has for the type") {
  ForEachTarget([](const std::string& target) {
    const bool narrow = target == "SSE2" || target == "AVX2" || target == "EMU128";  // no quad dot of bytes
    const bool pairs = target == "AVX3_ZEN4" || target == "NEON_BF16";
    for (DType type : {DType::kF32, DType::kF16}) CHECK(PeakOf(type) == Peak::kF32Fma);
    CHECK(PeakOf(DType::kBF16) == (pairs ? Peak::kBF16Dot : Peak::kF32Fma));
    CHECK(PeakOf(DType::kBF16, Precision::kFine) == Peak::kF32Fma);
    for (DType type : {DType::kQ4_0, DType::kQ4_K, DType::kQ6_K}) CHECK(PeakOf(type) == Peak::kInt8Dot);
    for (Precision precision : {Precision::kFast, Precision::kFine}) {
      CHECK(PeakOf(DType::kQ8_0, precision) == (narrow ? Peak::kInt16Dot : Peak::kInt8Dot));
    }
  });
}

TEST_CASE("Roofline: every peak has a name and can be measured") {
  for (size_t i = 0; i < roofline::kPeaks; ++i) {
    const auto peak = static_cast<Peak>(i);
    CHECK(std::string(roofline::Name(peak)).size() > 4);
    CHECK(roofline::MeasurePeak(peak, {}, 0.001) > 0);
  }
}

}  // namespace weft::engine::test
