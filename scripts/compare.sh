#!/usr/bin/env bash
# Is a change of kernels slower? Measures two builds in turn, many short pairs of runs, and compares. `--help` says more.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"

usage='usage: scripts/compare.sh [options] OLD NEW [FILTER] [-- options of kernel_bench]'
help="$usage

Measures rows of kernel_bench, and of weft bench if a model is named, with two builds in turn; prints each row's speeds,
their ratio and an interval for it; and exits 1 if any row is slower beyond noise by more than the tolerance.

OLD, NEW   a checkout (its build/release is built), a build folder, or a git revision of this repository
FILTER     a regular expression that chooses rows, as --benchmark_filter does; default: all of both sides

--pairs N          pairs of runs per row, old and new; default: 16. Rows that look slow get three times as many again
--tolerance PCT    how much slower is accepted; default: 3
--threads N,...    numbers of threads; default: one and all cores (models: all cores)
--target NAME      the SIMD target of both sides
--model FILE       adds pp512 and tg32 of this GGUF file
--time SECONDS     least time that a run of a row measures; default: 0.05
--json             JSON instead of markdown
After --: for example --shape 64,2560,9728, which adds rows.

A row of N threads runs on the last N of the CPUs that this script may use; choose others with taskset.
Exit status: 0 no row is slower, 1 a row is slower, 2 wrong usage or a failure."

fail() {  # 1 would say that a row is slower
  printf 'compare.sh: %s\n' "$*" >&2
  exit 2
}

pairs=16 tolerance=3 threads='' target='' model='' seconds=0.05 style=markdown
positional=() bench_options=()

check() { [[ $2 =~ $3 ]] || fail "$1: '$2' is not $4"; }

while (($#)); do
  case $1 in
    --pairs | --tolerance | --threads | --target | --model | --time)
      (($# > 1)) || fail "$1 needs a value ($usage)" ;;&
    --pairs) pairs=$2; check "$1" "$2" '^[1-9][0-9]{0,3}$' 'a whole number from 1 to 9999' ;;
    --tolerance) tolerance=$2; check "$1" "$2" '^[0-9]{1,2}([.][0-9]+)?$' 'a percentage from 0 to below 100' ;;
    --threads) threads=$2; check "$1" "$2" '^[1-9][0-9]{0,3}(,[1-9][0-9]{0,3})*$' 'a list of numbers' ;;
    --time) seconds=$2; check "$1" "$2" '^[0-9]+([.][0-9]+)?$' 'a number of seconds' ;;
    --target) target=$2 ;;
    --model) model=$2 ;;
    --json) style=json; shift; continue ;;
    --help | -h) printf '%s\n' "$help"; exit 0 ;;
    --) shift; bench_options+=("$@"); break ;;
    -*) fail "unknown option $1 ($usage)" ;;
    *) positional+=("$1"); shift; continue ;;
  esac
  shift 2
done
((${#positional[@]} == 2 || ${#positional[@]} == 3)) || fail "two builds and perhaps a filter, please ($usage)"
filter=${positional[2]:-.}
[[ -z $model || -f $model && -r $model ]] || fail "--model: cannot read a file $model"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

## The two sides

programs=(kernel_bench)
[[ -z $model ]] || programs+=(weft)

# build_checkout FOLDER: what is out of date of the programs. lib.sh's functions work on weft_root.
build_checkout() (
  weft_root=$1 log_dir=$1/build/log
  mkdir -p "$log_dir"
  cd "$weft_root" || exit
  if [[ ! -f build/release/build.ninja ]]; then  # else as its user configured it
    "$here/setup.sh" || exit
    configure release
  fi
  build release --target "${programs[@]}"
)

has_programs() {
  local program
  for program in "${programs[@]}"; do [[ -x $1/$program && ! -d $1/$program ]] || return 1; done
}

# export_revision COMMIT FOLDER: all of it or nothing.
export_revision() {
  rm -rf "$2.new"
  mkdir -p "$2.new"
  git -C "$weft_root" archive "$1" | tar -x -C "$2.new" && mv -T "$2.new" "$2"
}

# find_build WHAT: builds it if need be; the folder of its programs in $found.
find_build() {
  local what=$1 commit
  if [[ -f $what/CMakePresets.json ]]; then
    found=$(realpath "$what")
    build_checkout "$found" || fail "cannot build $what"
    found+=/build/release
  elif [[ -d $what ]]; then
    found=$(realpath "$what")
    if ! has_programs "$found" && [[ -f $found/CMakeCache.txt ]]; then
      (step compare-build "Building $what" \
        cmake --build "$found" --parallel "$(jobs_for_this_machine)" --target "${programs[@]}") || fail "cannot build $what"
    fi
  elif commit=$(git -C "$weft_root" rev-parse --verify --quiet "$what^{commit}" 2>/dev/null); then
    found=$weft_root/build/compare/${commit:0:12}
    [[ -d $found ]] || export_revision "$commit" "$found" || fail "cannot check out $what"
    build_checkout "$found" || fail "cannot build $what"
    found+=/build/release
  else
    fail "$what is neither a folder nor a revision of this repository"
  fi
  has_programs "$found" || fail "$what is neither a checkout nor a build folder with ${programs[*]}"
}

declare -A named=([old]=${positional[0]} [new]=${positional[1]}) folder
for side in old new; do
  find_build "${named[$side]}"
  folder[$side]=$found
done

## The rows

# Weights that do not fit the last-level cache: four times its size.
cache=$(cat /sys/devices/system/cpu/cpu0/cache/index3/size 2>/dev/null) || cache=
megabytes=128
[[ ! $cache =~ ^([0-9]+)K$ ]] || ((BASH_REMATCH[1] <= 32768)) || megabytes=$((BASH_REMATCH[1] / 256))
bench_options+=(--memory "$megabytes")
[[ -z $target ]] || bench_options+=(--target "$target")

# Builds from before that option measure the machine with every run: then both sides must.
if [[ $("${folder[old]}/kernel_bench" --help) == *--no-roofline* &&
  $("${folder[new]}/kernel_bench" --help) == *--no-roofline* ]]; then
  bench_options+=(--no-roofline)
fi

# last_line FILE: of an error message
last_line() { tail -n 1 "$1" | cut -c 1-200; }

# list_rows SIDE: into a file of that name; without those that are not weft's.
list_rows() {
  local status=0 list=("${folder[$1]}/kernel_bench" "${bench_options[@]}")
  [[ -z $threads ]] || list+=(--threads "$threads")
  "${list[@]}" --benchmark_list_tests=true "--benchmark_filter=$filter" >"$work/list" 2>"$work/error" || status=$?
  ((status == 0)) || fail "$1 (${named[$1]}): kernel_bench lists no rows: exit status $status: $(last_line "$work/error")"
  awk '!/^roofline\// && !/\/openblas/ && !seen[$0]++' "$work/list" >"$work/$1"
}

list_rows old
list_rows new
mapfile -t rows < <(grep -Fxf "$work/new" "$work/old")
{
  grep -vFxf "$work/new" "$work/old" | sed 's/$/\tonly\t0\told/'
  grep -vFxf "$work/old" "$work/new" | sed 's/$/\tonly\t0\tnew/'
} >"$work/measures" || true
if [[ -n $model ]]; then
  counts=${threads:-$(nproc)}
  for count in ${counts//,/ }; do rows+=("model/pp512/threads:$count" "model/tg32/threads:$count"); done
fi
((${#rows[@]})) || fail "no row that both sides have matches '$filter'"

statistics() { awk -f "$here/compare.awk" -v risk=0.05 -v tolerance="$tolerance" "$@"; }
least=$(statistics -v ask=least_pairs -v rows=${#rows[@]} </dev/null)
((pairs >= least)) || fail "--pairs: intervals for ${#rows[@]} rows need $least pairs or more"

## Measuring

mapfile -t cpus < <(taskset -cp $$ 2>/dev/null | sed 's/.*: //; s/-/ /g' | tr , '\n' | while read -r from to; do
  seq "$from" "${to:-$from}"
done)

# The speed and its unit in what a run printed; where a row has no rate of multiply-accumulates, its calls per second (of
# the median call, but for rows that print no more than the mean time).
read_kernel_bench() {
  awk -F '": ' -v about="$work/about.$1" '
    { sub(/,$/, "", $2); gsub(/"/, "", $2) }
    $1 ~ /"target$/ { target = $2 }
    $1 ~ /"compiler$/ { compiler = $2 }
    $1 ~ /"error_message$/ { print $2; failed = 1; exit 1 }
    $1 ~ /"macs_per_s$/ { speed = $2 / 1e9; unit = "GMAC/s" }
    $1 ~ /"calls_per_s$/ { calls = $2 }
    $1 ~ /"real_time$/ { time = $2 }
    $1 ~ /"time_unit$/ { per_second = $2 == "ns" ? 1e9 : $2 == "us" ? 1e6 : $2 == "ms" ? 1e3 : 1 }
    END {
      if (failed) exit 1
      if (unit == "" && time > 0) { speed = calls > 0 ? calls : per_second / time; unit = "calls/s" }
      if (!(speed > 0)) { print "it printed no speed"; exit 1 }
      print target ", " compiler >about
      printf "%.9g\t%s\n", speed, unit
    }'
}
read_weft_bench() {
  sed -n 's/.*"avg_ts": \([0-9.e+]*\),.*/\1\ttokens\/s/p' | grep . || { echo "it printed no speed"; return 1; }
}

# measure SIDE ROW: one run; its speed and unit in $measured.
measure() {
  local side=$1 row=$2 count=1 pin=() status=0 run reader=read_weft_bench
  [[ ! $row =~ /threads:([0-9]+) ]] || count=${BASH_REMATCH[1]}
  ((count >= ${#cpus[@]})) || pin=(taskset -c "$(IFS=, && echo "${cpus[*]: -count}")")
  local bench=("${folder[$side]}/weft" bench "$model" -t "$count" -r 1 -o json)
  [[ -z $target ]] || bench=(env "WEFT_TARGET=$target" "${bench[@]}")
  case $row in
    model/pp512/*) run=("${bench[@]}" -p 512 -n 0) ;;
    model/tg32/*) run=("${bench[@]}" -p 0 -n 32) ;;
    *)
      reader=read_kernel_bench
      run=("${folder[$side]}/kernel_bench" "${bench_options[@]}" --threads "$count" --benchmark_format=json
        "--benchmark_min_time=$seconds" "--benchmark_filter=^${row//./[.]}\$")
      ;;
  esac
  "${pin[@]}" "${run[@]}" >"$work/out" 2>"$work/error" || status=$?
  ((status == 0)) || fail "$side (${named[$side]}): row $row: exit status $status: $(last_line "$work/error")"
  measured=$($reader "$side" <"$work/out") || fail "$side (${named[$side]}): row $row: $measured"
}

# measure_rows STAGE PAIRS ROW...: a pair of every row, then the next of every row; who is first alternates.
measure_rows() {
  local stage=$1 count=$2 pair i side order start=$SECONDS
  shift 2
  for ((pair = 1; pair <= count; ++pair)); do
    for ((i = 1; i <= $#; ++i)); do
      (((pair + i) % 2)) && order=(new old) || order=(old new)
      for side in "${order[@]}"; do
        measure "$side" "${!i}"
        printf '%s\t%d\t%d\t%s\t%s\n' "${!i}" "$stage" "$pair" "$side" "$measured" >>"$work/measures"
      done
      [[ ! -t 2 ]] || printf '\rpair %d of %d, row %d of %d \e[K' "$pair" "$count" "$i" $# >&2
    done
    ((pair > 1)) || printf '%s%d x %d pairs: about %d min\n' "$([[ -t 2 ]] && printf '\r\e[K')" $# "$count" \
      $((((SECONDS - start) * (count - 1) + 59) / 60)) >&2
  done
  [[ ! -t 2 ]] || printf '\r\e[K' >&2
}

measure_rows 1 "$pairs" "${rows[@]}"
mapfile -t suspects < <(statistics -v ask=suspects "$work/measures")
if ((${#suspects[@]})); then
  printf '%d of %d rows look slow: measured again\n' ${#suspects[@]} ${#rows[@]} >&2
  measure_rows 2 $((3 * pairs)) "${suspects[@]}"
fi

describe() { printf '%s' "${named[$1]}"; [[ ! -f $work/about.$1 ]] || printf ' (%s)' "$(<"$work/about.$1")"; }
status=0
COMPARE_OLD=$(describe old) COMPARE_NEW=$(describe new) statistics -v "ask=$style" "$work/measures" || status=$?
exit "$status"
