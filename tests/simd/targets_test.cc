// That the tests of simd/ are compiled for the targets they should be, and which of them run.
#include "weft/instantiate/targets.h"
// Highway's headers come after targets.h.
#include <stdio.h>

#include <set>
#include <sstream>

#include "tests/simd/simd_test.h"

namespace weft::test {
namespace {

TEST(SimdTargetsTest, CompiledTargetsAreTheExpectedOnes) {
  std::istringstream stream(WEFT_TEST_TARGETS);
  std::set<std::string> expected, compiled;
  for (std::string name; stream >> name;) {
    if (name != "AVX2_VNNI") expected.insert(name);  // part of AVX2; see int8_dot_test.cc
  }
  for (int64_t left = HWY_TARGETS; left != 0; left &= left - 1) compiled.insert(SimdTargetName(left & -left));
  EXPECT_EQ(compiled, expected);

  std::string names;
  for (int64_t target : SimdTargets()) names += " " + SimdTargetName(target);
  printf("Targets: %zu of %zu compiled run here:%s\n", SimdTargets().size(), compiled.size(), names.c_str());
  EXPECT_FALSE(SimdTargets().empty()) << "WEFT_TARGET names no target that is compiled in and supported";
}

}  // namespace
}  // namespace weft::test
