// Tests of simd/ and of kernels below dispatch: each file is compiled once per target, and its functions are run on all
// that this CPU supports. Layout of a test file: see math_test.cc.
//
// One target only: WEFT_TARGET=AVX2 weft_simd_tests, or weft_simd_tests --gtest_filter='*/AVX2'.
#ifndef WEFT_TESTS_SIMD_SIMD_TEST_H_
#define WEFT_TESTS_SIMD_SIMD_TEST_H_

#include <gtest/gtest.h>
#include <stdint.h>
#include <stdlib.h>

#include <algorithm>
#include <string>
#include <vector>

#include "hwy/highway.h"
#include "weft/instantiate/cpu.inc"

namespace weft::test {

// The row that is nothing but this Highway target.
inline const units::TargetRow& RowOf(int64_t highway) {
  for (const units::TargetRow& row : units::kTargets) {
    if (row.highway == highway && row.products == Products::kTarget) return row;
  }
  abort();
}
inline std::string SimdTargetName(int64_t highway) { return RowOf(highway).name; }

// The compiled rows of the list of targets that this CPU supports: or the one of them that WEFT_TARGET names.
inline std::vector<size_t> RowsToTest() {
#define WEFT_IS_COMPILED_(name, highway, products, supported) WEFT_IF_COMPILED_(name, highway, (true), (false)),
  static constexpr bool kCompiled[] = {WEFT_TARGET_LIST(WEFT_IS_COMPILED_)};
#undef WEFT_IS_COMPILED_
  const char* only = getenv("WEFT_TARGET");
  std::vector<size_t> rows;
  for (size_t row = 0; row < units::kTargetRows; ++row) {
    if (!kCompiled[row] || !units::kTargets[row].supported()) continue;
    if (only == nullptr || std::string(only) == units::kTargets[row].name) rows.push_back(row);
  }
  return rows;
}

// The Highway targets of these rows, whose code the tests of everything but products are for.
inline std::vector<int64_t> SimdTargets() {
  std::vector<int64_t> targets;
  for (const size_t row : RowsToTest()) {
    const int64_t highway = units::kTargets[row].highway;
    if (std::find(targets.begin(), targets.end(), highway) == targets.end()) targets.push_back(highway);
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
