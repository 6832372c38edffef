// Tests of simd/ and of kernels below dispatch: each file is compiled once per target, and its functions are run on all
// that this CPU supports. Layout of a test file: see int8_dot_test.cc.
//
// One target only: WEFT_TARGET=AVX2 weft_simd_tests, or weft_simd_tests --gtest_filter='*/AVX2'.
#ifndef WEFT_TESTS_SIMD_SIMD_TEST_H_
#define WEFT_TESTS_SIMD_SIMD_TEST_H_

#include <gtest/gtest.h>
#include <stdint.h>
#include <stdlib.h>

#include <string>
#include <vector>

#include "hwy/highway.h"
#include "weft/instantiate/cpu.inc"

namespace weft::test {

inline std::string SimdTargetName(int64_t target) { return units::NameOf(target); }

// The compiled targets that this CPU supports, as weft sees it: or the one of them that WEFT_TARGET names.
inline std::vector<int64_t> SimdTargets() {
  const char* only = getenv("WEFT_TARGET");
  std::vector<int64_t> targets;
  for (int64_t left = HWY_TARGETS & units::SupportedTargets(); left != 0; left &= left - 1) {
    const int64_t target = left & -left;
    const bool has_vnni = SimdTargetName(target) == "AVX2";  // whose tests try AVX2_VNNI's instructions, too
    if (only == nullptr || SimdTargetName(target) == only || (has_vnni && std::string(only) == "AVX2_VNNI")) {
      targets.push_back(target);
    }
  }
  return targets;
}

// HWY_DYNAMIC_DISPATCH goes to the target of the test.
class SimdTest : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override {
    hwy::SetSupportedTargetsForTest(GetParam());
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  void TearDown() override {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().DeInit();
  }
};

#define WEFT_SIMD_TEST(Suite)                                                            \
  class Suite : public weft::test::SimdTest {};                                          \
  INSTANTIATE_TEST_SUITE_P(Targets, Suite, testing::ValuesIn(weft::test::SimdTargets()), \
                           [](const auto& test) { return weft::test::SimdTargetName(test.param); })

}  // namespace weft::test

#endif  // WEFT_TESTS_SIMD_SIMD_TEST_H_
