// That the program has the targets it should have, and that none of them is silently left out.
#include "tests/kernels/targets.h"

#include <stdio.h>
#include <stdlib.h>

#include <map>
#include <set>
#include <sstream>

#include "weft/core/kernel_set.h"

namespace weft::test {
namespace {

// Suites (without their prefix) and the targets they ran on.
std::map<std::string, std::set<std::string>>& Runs() {
  static std::map<std::string, std::set<std::string>> runs;
  return runs;
}

std::vector<std::string> Words(const char* text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> SupportedTargets() {
  std::vector<std::string> names;
  for (size_t i = 0; i < TargetCount(); ++i) {
    if (GetTarget(i).supported) names.push_back(GetTarget(i).name);
  }
  return names;
}

// Whether the caller asked for some of the targets only.
bool IsRestricted() {
  if (getenv("WEFT_TARGET") != nullptr) return true;
  for (size_t i = 0; i < TargetCount(); ++i) {
    if (GTEST_FLAG_GET(filter).find(GetTarget(i).name) != std::string::npos) return true;
  }
  return false;
}

class AllTargetsRun : public testing::Environment {
 public:
  void SetUp() override {
    std::string list;
    for (size_t i = 0; i < TargetCount(); ++i) {
      const TargetInfo target = GetTarget(i);
      list += std::string(" ") + target.name + (target.supported ? "" : " (not supported by this CPU)");
    }
    printf("Targets: %zu of %zu compiled run here:%s%s\n", SupportedTargets().size(), TargetCount(), list.c_str(),
           IsRestricted() ? "; restricted by WEFT_TARGET or the filter" : "");
    ASSERT_FALSE(TargetsToTest().empty()) << "WEFT_TARGET names no target that is compiled in and supported";
  }
  void TearDown() override {
    if (IsRestricted()) return;
    for (const auto& [suite, targets] : Runs()) {
      for (const std::string& target : SupportedTargets()) {
        EXPECT_TRUE(targets.count(target)) << suite << " did not run on " << target;
      }
    }
  }
};
[[maybe_unused]] const testing::Environment* const registered = testing::AddGlobalTestEnvironment(new AllTargetsRun);

TEST(TargetsTest, CompiledTargetsAreTheExpectedOnes) {
  std::set<std::string> compiled;
  for (size_t i = 0; i < TargetCount(); ++i) compiled.insert(GetTarget(i).name);
  const std::vector<std::string> expected = Words(WEFT_TEST_TARGETS);
  EXPECT_EQ(compiled, std::set<std::string>(expected.begin(), expected.end()));
  EXPECT_EQ(compiled.size(), TargetCount()) << "a target is listed twice";
}

TEST(TargetsTest, BaselineIsSupported) {
  EXPECT_TRUE(GetTarget(TargetCount() - 1).supported) << GetTarget(TargetCount() - 1).name;
}

TEST(TargetsTest, ChoosesTheBestUnlessTold) {
  ASSERT_TRUE(IsOk(SetTarget(nullptr)));
  if (getenv("WEFT_TARGET") == nullptr) {
    EXPECT_EQ(ActiveTarget(), SupportedTargets().front());
  }
  for (const std::string& name : SupportedTargets()) {
    ASSERT_TRUE(IsOk(SetTarget(name.c_str())));
    EXPECT_EQ(ActiveTarget(), name);
    EXPECT_EQ(ActiveKernels().target, name);
    size_t active = 0;
    for (size_t i = 0; i < TargetCount(); ++i) {
      active += GetTarget(i).active;
      EXPECT_EQ(GetTarget(i).active, GetTarget(i).name == name);
    }
    EXPECT_EQ(active, 1u);
  }
  ASSERT_TRUE(IsOk(SetTarget(nullptr)));
}

// Kernels that a call names are used whatever the process has chosen, and change nothing for others.
TEST(TargetsTest, KernelsOfOneCall) {
  ASSERT_TRUE(IsOk(SetTarget(nullptr)));
  const std::string before = ActiveTarget();
  EXPECT_EQ(&ActiveKernels(), FindKernels(before.c_str()));
  for (const std::string& name : SupportedTargets()) {
    const Kernels* kernels = FindKernels(name.c_str());
    ASSERT_NE(kernels, nullptr) << name;
    EXPECT_EQ(TargetOf(*kernels), name);
    // Sizes that differ between targets tell whose kernels a call used.
    const MatMulShape shape{.type = DType::kQ4_K, .rows = 64, .cols = 512, .tokens = 300};
    const size_t bytes = MatMulWorkspaceBytes(shape, 2, *kernels);
    ASSERT_TRUE(IsOk(SetTarget(name.c_str())));
    EXPECT_EQ(MatMulWorkspaceBytes(shape, 2), bytes) << name;
    ASSERT_TRUE(IsOk(SetTarget(nullptr)));
    EXPECT_EQ(HasFormat(DType::kQ4_K, *kernels), kernels->Find(DType::kQ4_K) != nullptr);
    float x[] = {1.0f, 3.0f}, y[] = {0.0f, 0.0f};
    EXPECT_TRUE(IsOk(Softmax({.x = x, .y = y, .stride = 2, .y_stride = 2, .rows = 1, .cols = 2}, {}, *kernels)));
    EXPECT_NEAR(y[1], 0.880797f, 1e-5f);
    EXPECT_EQ(ActiveTarget(), before);
  }
  EXPECT_EQ(FindKernels(nullptr), nullptr);
  EXPECT_EQ(FindKernels("NO_SUCH_TARGET"), nullptr);
}

TEST(TargetsTest, RefusesUnknownNames) {
  const std::string before = ActiveTarget();
  for (const char* name : {"", "avx2", "AVX", "AVX3_ZEN4 ", "NO_SUCH_TARGET"}) {
    EXPECT_EQ(SetTarget(name).code, Code::kUnsupported) << name;
    EXPECT_EQ(ActiveTarget(), before);
  }
  for (size_t i = 0; i < TargetCount(); ++i) {
    if (GetTarget(i).supported) continue;
    EXPECT_EQ(SetTarget(GetTarget(i).name).code, Code::kUnsupported) << GetTarget(i).name;
  }
  EXPECT_EQ(ActiveTarget(), before);
}

TEST(TargetsTest, KernelTablesAreComplete) {
  for (const std::string& name : SupportedTargets()) {
    ASSERT_TRUE(IsOk(SetTarget(name.c_str())));
    const KernelSet& kernels = ActiveKernels();
    ASSERT_NE(kernels.ops, nullptr);
    ASSERT_NE(kernels.attention, nullptr);
    for (size_t id = 0; id < kDTypeEnd; ++id) {
      const FormatKernels* format = kernels.formats[id];
      EXPECT_EQ(format != nullptr, HasFormat(static_cast<DType>(id)));
      if (format == nullptr) continue;
      EXPECT_EQ(format->type, static_cast<DType>(id));
      EXPECT_NE(format->decode, nullptr);
      for (const ProductKernels& product : format->products) {
        EXPECT_TRUE(product.dot != nullptr && product.pack != nullptr);
        EXPECT_NE(kernels.Find(product.panel), nullptr);
      }
    }
  }
  ASSERT_TRUE(IsOk(SetTarget(nullptr)));
}

}  // namespace

std::vector<std::string> TargetsToTest() {
  const char* only = getenv("WEFT_TARGET");
  if (only == nullptr) return SupportedTargets();
  for (const std::string& name : SupportedTargets()) {
    if (name == only) return {name};
  }
  return {};
}

void KernelTest::SetUp() {
  ASSERT_TRUE(IsOk(SetTarget(GetParam().c_str())));
  ASSERT_EQ(ActiveTarget(), GetParam());
  Runs()[testing::UnitTest::GetInstance()->current_test_info()->test_suite_name()].insert(GetParam());
}

void KernelTest::TearDown() {
  EXPECT_EQ(ActiveKernels().target, GetParam()) << "the target changed during the test";
  ASSERT_TRUE(IsOk(SetTarget(nullptr)));
}

}  // namespace weft::test

// Tests ask for more memory than there is, under the address sanitizer as well.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
