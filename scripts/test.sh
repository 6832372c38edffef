#!/usr/bin/env bash
# Installs what is missing, builds and runs the tests; the exit status says whether all passed.
#   scripts/test.sh          on this machine, with every target that its CPU supports, and on EMU128
#   scripts/test.sh --all    also: outside projects against the installed package, gcc with assertions and warnings as
#                            errors, address and undefined-behaviour sanitizers, a while of each fuzzer, the thread
#                            sanitizer, 64-bit Arm under qemu-user. gcc and the sanitizers compile two targets each, of
#                            every vector size together; EMU128 and the others are left to the first stage. The fuzzers
#                            start from the same seed, so that what they find is found again: scripts/fuzz.sh takes others
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/lib.sh"

all=
case ${1:-} in
  '') ;;
  --all) all=--all ;;
  *) echo "usage: scripts/test.sh [--all]" >&2 && exit 2 ;;
esac
"$here/setup.sh" $all

failed=()
summary=()
fuzzed=()

# run_tests PRESET TITLE [ctest options]
run_tests() {
  local preset=$1 title=$2 log=$log_dir/$1-test.log
  shift 2
  printf '\n== %s\n' "$title"
  ctest --preset "$preset" --parallel "$(nproc)" "$@" 2>&1 | tee "$log" || failed+=("$title")
  summary+=("$title: $(grep -a 'tests passed' "$log" || echo 'no tests ran')")
}

# run_fuzzers SECONDS
run_fuzzers() {
  local log=$log_dir/fuzz.log
  printf '\n== Fuzzers, %d s each\n' "$1"
  "$here/fuzz.sh" all "$1" -seed=1 2>&1 | tee "$log" || failed+=("Fuzzers")
  mapfile -t fuzzed < <(grep -a '^fuzz_' "$log")
}

# targets NAME...: the option that compiles these only, on the architecture that has them.
targets() {
  [[ $(uname -m) != x86_64 ]] || (IFS=';' && echo "-DWEFT_TARGETS=$*")
}

configure release
build release
if [[ -z $all ]]; then
  run_tests release "This machine" --label-exclude consumer
else
  run_tests release "This machine, and projects that use the installed package"
  configure dev -DCMAKE_CXX_COMPILER=g++ -DWEFT_TEST_EMU128=OFF $(targets SSE2 AVX2)
  build dev
  # The tests of headers have tried both compilers above.
  run_tests dev "gcc, with assertions" --label-exclude 'consumer|headers|source'
  configure asan -DWEFT_TEST_EMU128=OFF -DWEFT_BUILD_BENCH=OFF $(targets SSE2 AVX3_ZEN4)
  build asan
  run_tests asan "Address and undefined-behaviour sanitizers" --label-exclude 'consumer|headers|source' \
    --exclude-regex '^formats[.]refused'
  run_fuzzers 30
  # How threads meet does not depend on the instruction set: the one that every machine has and that compiles fastest.
  configure tsan "-DWEFT_TARGETS=$([[ $(uname -m) == x86_64 ]] && echo SSE2 || echo NEON)"
  build tsan
  run_tests tsan "Thread sanitizer"
  configure aarch64 "-DCMAKE_PREFIX_PATH=$arm64_dir/usr"
  build aarch64
  run_tests aarch64 "64-bit Arm under qemu-user" --label-exclude 'consumer|source' --exclude-regex '^headers[.](plain|inl)'
fi

printf '\n'
printf '%s\n' "${fuzzed[@]}" "${summary[@]}"
((${#failed[@]} == 0)) || fail "failed: ${failed[*]}"
