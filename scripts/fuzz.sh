#!/usr/bin/env bash
# Builds a harness of tests/fuzz with sanitizers, if it is not there, and runs it.
#   scripts/fuzz.sh HARNESS SECONDS [libFuzzer options]     e.g. scripts/fuzz.sh kernels 600
#   scripts/fuzz.sh all SECONDS [libFuzzer options]         every harness, as many at a time as there are processors
# Starts from the inputs in tests/fuzz/corpus/HARNESS and those that earlier runs have found (build/fuzz/HARNESS). A
# finding ends the run: its input is kept in build/fuzz/findings, and the exit status is 1.
#   build/asan/fuzz_HARNESS FILE                            runs one input again
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

findings=$weft_root/build/fuzz/findings

usage() {
  echo "usage: scripts/fuzz.sh HARNESS|all SECONDS [libFuzzer options]; harnesses: ${harnesses[*]}" >&2
  exit 2
}

# fuzz HARNESS SECONDS [libFuzzer options]: one line of summary; what the harness itself says is in the log.
fuzz() {
  local harness=$1 seconds=$2 log=$log_dir/fuzz-$1.log status=0
  local work=$weft_root/build/fuzz/$1 corpus=$weft_root/tests/fuzz/corpus/$1 dictionary=$weft_root/tests/fuzz/$1.dict
  shift 2
  local options=("-max_total_time=$seconds" -max_len=16384 -timeout=60 -rss_limit_mb=3000 -print_final_stats=1
    "-artifact_prefix=$findings/$harness-")
  [[ ! -e $dictionary ]] || options+=("-dict=$dictionary")
  mkdir -p "$work" "$findings"
  ASAN_OPTIONS=external_symbolizer_path=/usr/bin/addr2line \
    UBSAN_OPTIONS=print_stacktrace=1:external_symbolizer_path=/usr/bin/addr2line \
    "$weft_root/build/asan/fuzz_$harness" "$work" "$corpus" "${options[@]}" "$@" >"$log" 2>&1 || status=$?

  local runs edges input
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  edges=$(grep -ao 'cov: [0-9]*' "$log" | tail -n 1) || edges="cov: 0"
  input=$(sed -n 's/^.*Test unit written to //p' "$log" | tail -n 1)
  if ((status == 0)) && [[ -n $runs ]]; then
    echo "fuzz_$harness: $runs executions, ${edges#cov: } edges, no finding"
    return
  fi
  grep -aE '^(FINDING|SUMMARY)|ERROR:|runtime error' "$log" | head -n 5 || tail -n 5 "$log"
  echo "fuzz_$harness: ${runs:-0} executions, ${edges#cov: } edges, A FINDING: ${input:-no input was written}" \
    "(run it again: build/asan/fuzz_$harness FILE; all of it: $log)"
  return 1
}

mapfile -t harnesses < <(cd "$weft_root/tests/fuzz" && printf '%s\n' *.cc | sed 's/\.cc$//')
(($# >= 2)) && [[ $2 =~ ^[1-9][0-9]*$ ]] || usage
chosen=("$1")
target=fuzz_$1
if [[ $1 == all ]]; then
  chosen=("${harnesses[@]}")
  target=weft_fuzzers
else
  [[ -e $weft_root/tests/fuzz/$1.cc ]] || usage
fi
configure asan
build asan --target "$target"

running=0 failed=0
for harness in "${chosen[@]}"; do
  if ((running >= $(nproc))); then
    wait -n || failed=1
    running=$((running - 1))
  fi
  fuzz "$harness" "${@:2}" &
  running=$((running + 1))
done
for ((; running > 0; --running)); do
  wait -n || failed=1
done
exit "$failed"
