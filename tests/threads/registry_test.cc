// The choice of the target while several threads use the library for the first time.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "weft/weft.h"

namespace weft::engine {
namespace {

// Sets the target that every CPU of the architecture has. Its name.
const char* SetBaseline() {
  for (const char* name : {"SSE2", "NEON", "EMU128"}) {
    if (SetTarget(name).ok()) return name;
  }
  return "";
}

// One thread sets the target while others ask for the kernels, all for the first time. Whether the target stays set.
bool SetTargetPrevails() {
  constexpr int kOthers = 3;
  std::atomic<int> ready{0};
  const auto together = [&] {
    ++ready;
    while (ready.load() <= kOthers) {
    }
  };
  const char* name = "";
  std::vector<std::thread> threads;
  for (int i = 0; i < kOthers; ++i) {
    threads.emplace_back([&] {
      together();
      static_cast<void>(HasFormat(DType::kF32));
    });
  }
  together();
  name = SetBaseline();
  for (std::thread& thread : threads) thread.join();
  return std::strcmp(ActiveTarget(), name) == 0;
}

}  // namespace

// A first use happens once in a process, so every attempt is a process of its own.
TEST_CASE("Registry: a target that was set is not overwritten by another thread's first use") {
  int overwritten = 0;
  for (int attempt = 0; attempt < 200; ++attempt) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) _exit(SetTargetPrevails() ? 0 : 1);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) <= 1);  // any other: a sanitizer's
    overwritten += WEXITSTATUS(status);
  }
  CHECK(overwritten == 0);
}

}  // namespace weft::engine
