// Every kernel test runs on every compiled target that this CPU supports:
//   class NormTest : public KernelTest {};
//   WEFT_TEST_ON_TARGETS(NormTest);
//   TEST_P(NormTest, Name) { ... }              called Targets/NormTest.Name/AVX2 and so on
//
// One target only: WEFT_TARGET=AVX2 weft_kernel_tests, or weft_kernel_tests --gtest_filter='*/AVX2'.
// targets_test.cc prints which targets there are and fails the program where one of them did not run.
#ifndef WEFT_TESTS_KERNELS_TARGETS_H_
#define WEFT_TESTS_KERNELS_TARGETS_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "weft/weft.h"

namespace weft::test {

// The targets to test: all supported ones, or the one that WEFT_TARGET names.
std::vector<std::string> TargetsToTest();

// Makes the library use the target of the test, and records that a test ran on it.
class KernelTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override;
  void TearDown() override;
};

#define WEFT_TEST_ON_TARGETS(Suite)                                                        \
  INSTANTIATE_TEST_SUITE_P(Targets, Suite, testing::ValuesIn(weft::test::TargetsToTest()), \
                           [](const auto& test) { return test.param; })

// Whether the call succeeded; says why it did not.
inline testing::AssertionResult IsOk(const Status& status) {
  char text[200];
  if (status.ok()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << ToText(status, text, sizeof(text));
}

}  // namespace weft::test

#endif  // WEFT_TESTS_KERNELS_TARGETS_H_
