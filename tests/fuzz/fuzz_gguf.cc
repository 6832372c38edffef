// A libFuzzer target for everything that reads a GGUF file; what it looks for is in tests/engine/gguf_examine.h. Not
// part of ctest. From the top of the repository, after scripts/setup.sh, with clang:
//
//   cmake --preset asan -B build/fuzz -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_CXX_FLAGS=-fsanitize=fuzzer-no-link
//   cmake --build build/fuzz --target weft_engine
//   clang++-19 -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude -I. tests/fuzz/fuzz_gguf.cc \
//     -Wl,--start-group $(find build/fuzz -name '*.a') -Wl,--end-group -lpcre2-8 -o build/fuzz/fuzz_gguf
//   mkdir -p build/fuzz/corpus && cp SOME_SMALL_FILES.gguf build/fuzz/corpus
//   build/fuzz/fuzz_gguf -max_len=65536 -rss_limit_mb=4096 build/fuzz/corpus
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/engine/gguf_examine.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const weft::engine::test::Examination examination({data, size});
  if (!examination.defect.empty()) {
    std::fprintf(stderr, "%s\n", examination.defect.c_str());
    std::abort();
  }
  return 0;
}
