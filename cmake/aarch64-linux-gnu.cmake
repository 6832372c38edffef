# Cross build for 64-bit Arm with clang 19 and the libraries of Debian's g++-12-aarch64-linux-gnu; programs run under
# qemu-user with every CPU feature that it knows.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_CXX_COMPILER_TARGET aarch64-linux-gnu)
set(CMAKE_C_COMPILER clang-19)  # for PCRE2 where its arm64 package has not been unpacked (scripts/setup.sh --all)
set(CMAKE_C_COMPILER_TARGET aarch64-linux-gnu)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -cpu max)

# Header-only libraries of the build machine serve this one, too; the others are built from source.
file(GLOB fmt_DIR /usr/lib/*-linux-gnu/cmake/fmt)
if(EXISTS /usr/src/googletest/CMakeLists.txt)
  set(FETCHCONTENT_SOURCE_DIR_GTEST /usr/src/googletest CACHE PATH "")
endif()
