// Runs a test on every instruction set that is compiled in and that this CPU has.
#ifndef WEFT_TESTS_ENGINE_EACH_TARGET_H_
#define WEFT_TESTS_ENGINE_EACH_TARGET_H_

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>
#include <string>

#include "weft/weft.h"

namespace weft::engine::test {

// Calls test(name) with each target active, or with the one that the environment variable WEFT_TARGET names.
template <class F>
void ForEachTarget(const F& test) {
  const char* only = std::getenv("WEFT_TARGET");
  size_t tested = 0;
  for (size_t i = 0; i < TargetCount(); ++i) {
    const std::string name = GetTarget(i).name;
    if (!GetTarget(i).supported || (only != nullptr && name != only)) continue;
    REQUIRE(SetTarget(name.c_str()).ok());
    REQUIRE(ActiveTarget() == name);
    INFO("target ", name);
    test(name);
    ++tested;
  }
  REQUIRE(SetTarget(nullptr).ok());
  CHECK_MESSAGE(tested > 0, "no target to test");
}

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_EACH_TARGET_H_
