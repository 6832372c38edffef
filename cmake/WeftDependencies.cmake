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
    message(STATUS "weft: no package ${package} installed, building it from source")
    set(CMAKE_COMPILE_WARNING_AS_ERROR OFF)
    FetchContent_Declare(${package} URL "${url}" URL_HASH SHA256=${sha256} DOWNLOAD_EXTRACT_TIMESTAMP OFF)
    FetchContent_MakeAvailable(${package})
  endif()
endfunction()

# PCRE2, which cuts texts into words, as weft::pcre2. Debian's package has no CMake files.
function(weft_find_pcre2)
  find_path(PCRE2_INCLUDE_DIR pcre2.h)
  find_library(PCRE2_LIBRARY NAMES pcre2-8 pcre2-8-static)
  mark_as_advanced(PCRE2_INCLUDE_DIR PCRE2_LIBRARY)
  if(PCRE2_INCLUDE_DIR AND PCRE2_LIBRARY)
    add_library(weft_pcre2 UNKNOWN IMPORTED GLOBAL)
    set_target_properties(weft_pcre2 PROPERTIES
      IMPORTED_LOCATION "${PCRE2_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${PCRE2_INCLUDE_DIR}")
    add_library(weft::pcre2 ALIAS weft_pcre2)
    return()
  endif()
  message(STATUS "weft: no PCRE2 installed (Debian: libpcre2-dev), building it from source")
  set(CMAKE_COMPILE_WARNING_AS_ERROR OFF)
  set(CMAKE_POLICY_VERSION_MINIMUM 3.5)  # its own minimum is too old for CMake 4
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
  set(PCRE2_SUPPORT_JIT ON)
  set(PCRE2_BUILD_PCRE2GREP OFF)
  set(PCRE2_BUILD_TESTS OFF)
  # src has no CMakeLists.txt: add_subdirectory can exclude what weft does not link, and the install rules.
  FetchContent_Declare(pcre2 DOWNLOAD_EXTRACT_TIMESTAMP OFF SOURCE_SUBDIR src
    URL https://github.com/PCRE2Project/pcre2/releases/download/pcre2-10.42/pcre2-10.42.tar.gz
    URL_HASH SHA256=c33b418e3b936ee3153de2c61cc638e7e4fe3156022a5c77d0711bcbb9d64f1f)
  FetchContent_MakeAvailable(pcre2)
  add_subdirectory("${pcre2_SOURCE_DIR}" "${pcre2_BINARY_DIR}" EXCLUDE_FROM_ALL)
  add_library(weft::pcre2 ALIAS pcre2-8-static)
endfunction()

if(WEFT_BUILD_ENGINE OR WEFT_BUILD_TESTS)
  # The header-only variant: it needs no library built for the machine that is compiled for.
  weft_dependency(fmt fmt::fmt-header-only https://github.com/fmtlib/fmt/archive/refs/tags/9.1.0.tar.gz
    5dea48d1fcddc3ec571ce2058e13910a0d4a6bab4cc09a809d8b1dd1c88ae6f2)
endif()
if(WEFT_BUILD_ENGINE)
  weft_find_pcre2()
  weft_dependency(CLI11 CLI11::CLI11 https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.4.2.tar.gz
    f2d893a65c3b1324c50d4e682c0cdc021dd0477ae2c048544f39eed6654b699a)
endif()
if(WEFT_BUILD_TESTS)
  set(INSTALL_GTEST OFF)
  weft_dependency(GTest GTest::gtest_main
    https://github.com/google/googletest/archive/refs/tags/release-1.12.1.tar.gz
    81964fe578e9bd7c94dfdb09c8e4d6e6759e19967e397dbea48d1c10e45d0df2)
  weft_dependency(doctest doctest::doctest https://github.com/doctest/doctest/archive/refs/tags/v2.4.11.tar.gz
    632ed2c05a7f53fa961381497bf8069093f0d6628c5f26286161fbd32a560186)
endif()
if(WEFT_BUILD_BENCH)
  set(BENCHMARK_ENABLE_TESTING OFF)
  set(BENCHMARK_ENABLE_INSTALL OFF)
  weft_dependency(benchmark benchmark::benchmark
    https://github.com/google/benchmark/archive/refs/tags/v1.7.1.tar.gz
    6430e4092653380d9dc4ccb45a1e2dc9259d581f4866dc0759713126056bc1d7)
endif()
