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
#define WEFT_NAME_(name, highway, products, supported) WEFT_IF_COMPILED_(name, highway, (#name, ), ())
  std::istringstream stream(WEFT_TEST_TARGETS);
  std::set<std::string> expected;
  for (std::string name; stream >> name;) expected.insert(name);
  const std::set<std::string> compiled = {WEFT_TARGET_LIST(WEFT_NAME_)};
#undef WEFT_NAME_
  EXPECT_EQ(compiled, expected);

  std::string names;
  for (const size_t row : RowsToTest()) names += std::string(" ") + units::kTargets[row].name;
  printf("Targets: %zu of %zu compiled run here:%s\n", RowsToTest().size(), compiled.size(), names.c_str());
  EXPECT_FALSE(RowsToTest().empty()) << "WEFT_TARGET names no target that is compiled in and supported";
}

}  // namespace
}  // namespace weft::test
