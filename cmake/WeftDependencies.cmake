# Libraries of the engine, the tests and the benchmarks: an installed package where there is one, else a download with a
# fixed hash. Nothing here is needed to use weft's headers.
include(FetchContent)

# weft_dependency(package target url sha256): makes `target` available.
function(weft_dependency package target url sha256)
  if(TARGET ${target})
    return()
  endif()
  find_package(${package} CONFIG QUIET GLOBAL)
  if(NOT TARGET ${target})
    message(STATUS "weft: ${package} is not installed, downloading ${url}")
    FetchContent_Declare(${package} URL "${url}" URL_HASH SHA256=${sha256} DOWNLOAD_EXTRACT_TIMESTAMP OFF)
    FetchContent_MakeAvailable(${package})
  endif()
endfunction()

if(WEFT_BUILD_ENGINE)
  # The header-only variant: it needs no library built for the machine that is compiled for.
  weft_dependency(fmt fmt::fmt-header-only https://github.com/fmtlib/fmt/archive/refs/tags/9.1.0.tar.gz 0)
  weft_dependency(CLI11 CLI11::CLI11 https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.1.2.tar.gz 0)
endif()
if(WEFT_BUILD_TESTS)
  weft_dependency(GTest GTest::gtest_main https://github.com/google/googletest/archive/refs/tags/release-1.12.1.tar.gz 0)
  weft_dependency(doctest doctest::doctest https://github.com/doctest/doctest/archive/refs/tags/v2.4.9.tar.gz 0)
endif()
if(WEFT_BUILD_BENCH)
  weft_dependency(benchmark benchmark::benchmark https://github.com/google/benchmark/archive/refs/tags/v1.7.1.tar.gz 0)
endif()
