#!/usr/bin/env bash
# scripts/compare.sh and its statistics, with programs that only pretend to measure: compare_test.sh CMAKE
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cmake=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

failures=0
complain() {
  printf 'FAILED: %s: %s\n' "$title" "$*"
  failures=$((failures + 1))
}

# A tree of its own, so that nothing is written into the repository; its setup.sh installs nothing.
mkdir "$tmp/scripts"
cp "$root"/scripts/{compare.sh,compare.awk,lib.sh} "$tmp/scripts/"
printf '#!/bin/sh\n' >"$tmp/scripts/setup.sh"
chmod +x "$tmp/scripts/setup.sh"

# fake_build FOLDER ROW...
fake_build() {
  rm -rf "$1"
  mkdir -p "$1"
  cp "$here/fake_kernel_bench.sh" "$1/kernel_bench"
  echo '  --no-roofline' >"$1/help"
  printf '%s\n' "${@:2}" >"$1/rows"
}

# compare OPTIONS...: the exit status in $status, the output in $tmp/out and $tmp/err.
compare() {
  status=0
  rm -f "$tmp/runs" "$tmp"/{old,older,new,fake}/count
  "$tmp/scripts/compare.sh" --pairs 8 "$@" >"$tmp/out" 2>"$tmp/err" || status=$?
}
expect_status() { ((status == $1)) || complain "exit status $status instead of $1: $(tail -n 3 "$tmp/err")"; }
expect_verdict() {  # ROW VERDICT
  grep -q "^| $1  *|.*| $2  *|\$" "$tmp/out" || complain "$1 is not '$2': $(grep -- "$1" "$tmp/out" || echo 'no such row')"
}
expect_text() { grep -qe "$2" "$tmp/$1" || complain "no '$2' in: $(tail -n 5 "$tmp/$1")"; }
expect_no_text() { ! grep -qe "$2" "$tmp/$1" || complain "'$2' in: $(grep -e "$2" "$tmp/$1")"; }
expect_json() {  # VALUE PATH...
  local value
  printf 'file(READ "%s/out" text)\nstring(JSON value GET "${text}" %s)\nmessage("${value}")\n' "$tmp" "${*:2}" \
    >"$tmp/get.cmake"
  value=$("$cmake" -P "$tmp/get.cmake" 2>&1) || true
  [[ $value == "$1" ]] || complain "${*:2} is '$value' instead of '$1'"
}

rows=('matvec/a/threads:1 20 3' 'matmul/b/m:8/threads:1 200 3' 'matmul/c/m:512/threads:1/warm 2000 3')
fake_build "$tmp/old" "${rows[@]}"

title="equal builds, in noise"
fake_build "$tmp/new" "${rows[@]}"
compare "$tmp/old" "$tmp/new"
expect_status 0
for row in matvec/a matmul/b/m:8; do expect_verdict $row/threads:1 '\(ok\|faster\)'; done
expect_verdict matmul/c/m:512/threads:1/warm '\(ok\|faster\)'
expect_text out '^0 of 3 rows slower by more than 3 %'

title="interleaved pairs; who is first alternates"
[[ $(grep -c ^old "$tmp/runs") == $(grep -c ^new "$tmp/runs") ]] || complain "not as many runs of both"
awk -F '\t' 'NR % 2 { first = $1; next } $1 == first { exit 1 }' "$tmp/runs" || complain "two runs of one side in a pair"
awk -F '\t' 'NR % 2 && NR <= 48 { ++first[$1] } END { exit first["old"] != first["new"] }' "$tmp/runs" ||
  complain "one side is first more often"
[[ $(head -n 6 "$tmp/runs" | sed 's/.*filter=//' | sort -u | wc -l) == 3 ]] ||
  complain "the first round is not one of all rows"

title="one row 10 % slower"
fake_build "$tmp/new" "${rows[0]}" 'matmul/b/m:8/threads:1 180 3' "${rows[2]}"
compare "$tmp/old" "$tmp/new"
expect_status 1
expect_verdict matvec/a/threads:1 '\(ok\|faster\)'
expect_verdict matmul/b/m:8/threads:1 slower
expect_text out '^1 of 3 rows slower by more than 3 %'
expect_text err 'look slow: measured again'
expect_text out '| matmul/b/m:8/threads:1 .*|    24 | slower' # of fresh pairs

title="within the tolerance"
compare --tolerance 15 "$tmp/old" "$tmp/new"
expect_status 0
compare --tolerance 5.5 "$tmp/old" "$tmp/new"
expect_status 1

title="a filter"
compare "$tmp/old" "$tmp/new" matvec
expect_status 0
expect_no_text out matmul

title="10 % faster"
compare --pairs 24 "$tmp/new" "$tmp/old"
expect_status 0
expect_verdict matmul/b/m:8/threads:1 faster

title="slow at first only"
fake_build "$tmp/new" "${rows[0]}" "${rows[1]} slow:8" "${rows[2]}"
compare "$tmp/old" "$tmp/new"
expect_status 0
expect_text err '^[12] of 3 rows look slow'
expect_verdict matmul/b/m:8/threads:1 '\(ok\|faster\)'

title="too noisy to tell"
fake_build "$tmp/new" 'matvec/a/threads:1 20 0 wild'
fake_build "$tmp/older" 'matvec/a/threads:1 20 0'
compare "$tmp/older" "$tmp/new" a/
expect_status 0
expect_verdict matvec/a/threads:1 unclear
expect_text out '1 unclear'

title="the median of calls, where it is printed, counts and not their mean"
fake_build "$tmp/new" 'interrupted/norm 20 0'
fake_build "$tmp/older" 'interrupted/norm 20 0'
compare "$tmp/older" "$tmp/new"
expect_status 0
expect_text out '| interrupted/norm | *20000 | *20000 | calls/s '

title="rows of one side only, and rows without a rate of multiply-accumulates"
fake_build "$tmp/new" "${rows[0]}" 'plain/norm 50 0' 'new/row 1 1'
fake_build "$tmp/older" "${rows[0]}" 'plain/norm 50 0' 'old/row 1 1' 'roofline/read 1 1' 'matmul/openblas_f32 1 1'
compare "$tmp/older" "$tmp/new"
expect_status 0
expect_text out '^Only new has new/row\.'
expect_text out '^Only old has old/row\.'
expect_text out '| plain/norm .* calls/s '
expect_no_text out 'roofline\|openblas'
compare "$tmp/older" "$tmp/new" /row
expect_status 2

title="JSON"
mv "$tmp/older" "$tmp/the \"o\\ld\" one"
compare --json "$tmp/the \"o\\ld\" one" "$tmp/new"
expect_status 0
expect_json 'matvec/a/threads:1' rows 0 row
expect_json 'GMAC/s' rows 0 unit
expect_json 3 tolerance_percent
expect_json 'ok' rows 1 verdict
expect_json 'old/row' only_one_side 0 row
expect_json 'new' only_one_side 1 side
expect_json "$tmp/the \"o\\ld\" one (EMU128, fake 1)" old
fake_build "$tmp/new" 'matvec/a/threads:1 15 5'
compare --json "$tmp/old" "$tmp/new" a/
expect_status 1
expect_json 1 slower
expect_json slower rows 0 verdict

title="an option that one side lacks goes to neither"
expect_text runs --no-roofline
: >"$tmp/new/help"
compare "$tmp/old" "$tmp/new" a/
expect_no_text runs --no-roofline
compare "$tmp/new" "$tmp/old" a/
expect_no_text runs --no-roofline

title="what is passed on"
fake_build "$tmp/new" "${rows[@]}"
compare --pairs 6 --threads 1,2 --target AVX2 --time 0.2 "$tmp/old" "$tmp/new" a/ -- --shape 1,2,3
expect_status 0
expect_text runs '--shape 1,2,3 .*--target AVX2 .*--threads 1 .*--benchmark_min_time=0.2'

title="failures"
fake_build "$tmp/new" "${rows[0]}" "${rows[1]} crash" "${rows[2]} error"
for row in b:'exit status 137' c:'no such luck'; do
  compare "$tmp/old" "$tmp/new" "^matmul/${row%%:*}"
  expect_status 2
  expect_text err "^compare.sh: new ($tmp/new): row matmul/${row%%:*}/.*: ${row#*:}"
done
fake_build "$tmp/new" "${rows[0]} silent"
compare "$tmp/old" "$tmp/new" a/
expect_status 2
expect_text err 'it printed no speed'
compare "$tmp/old" "$tmp/new" -- --refused
expect_status 2
expect_text err 'old .*lists no rows: .*refused'

title="wrong usage"
while IFS= read -r options; do
  read -ra words <<<"$options"
  compare "${words[@]}"
  expect_status 2
  [[ $(wc -l <"$tmp/err") == 1 ]] || complain "$options: not one line: $(cat "$tmp/err")"
  [[ ! -s $tmp/out ]] || complain "$options: something on standard output"
done <<END
$tmp/old
$tmp/old $tmp/new a b
--tolerance x $tmp/old $tmp/new
--tolerance 100 $tmp/old $tmp/new
--pairs 0 $tmp/old $tmp/new
--pairs 5 $tmp/old $tmp/old
--threads 1, $tmp/old $tmp/new
--threads
--unknown $tmp/old $tmp/new
--model $tmp/none.gguf $tmp/old $tmp/new
$tmp/old $tmp/none
$tmp/old $tmp/scripts
$tmp/old $tmp/new nothing-like-it
END
compare --help
expect_status 0
expect_text out '^usage: '

title="a model"
fake_build "$tmp/new" "${rows[@]}"
for side in old new; do
  cat >"$tmp/$side/weft" <<'END'
#!/usr/bin/env bash
[[ "$*" == "bench "*"-t 3 -r 1 -o json -p "* && $WEFT_TARGET == SSE2 ]] || exit 3
speed=50
[[ $0 != */new/* || $* != *"-n 32" ]] || speed=45.5
printf '[\n  {"test": "x", "n_threads": 3, "avg_ts": %s, "stddev_ts": 0}\n]\n' $speed
END
  chmod +x "$tmp/$side/weft"
done
compare --model "$tmp/old/rows" --threads 3 --target SSE2 "$tmp/old" "$tmp/new" a/
expect_status 1
expect_verdict model/pp512/threads:3 ok
expect_verdict model/tg32/threads:3 slower
expect_text out '50.0 |     45.5 | tokens/s'

title="a checkout and a revision are built"
cat >"$tmp/CMakePresets.json" <<'END'
{
  "version": 6,
  "configurePresets": [{"name": "release", "generator": "Ninja", "binaryDir": "${sourceDir}/build/release"}],
  "buildPresets": [{"name": "release", "configurePreset": "release"}]
}
END
cat >"$tmp/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(fake NONE)
add_custom_target(kernel_bench COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_SOURCE_DIR}/fake/kernel_bench
  ${CMAKE_SOURCE_DIR}/fake/rows ${CMAKE_SOURCE_DIR}/fake/help ${CMAKE_BINARY_DIR})
END
fake_build "$tmp/fake" "${rows[0]}"
if command -v git >/dev/null && command -v ninja >/dev/null; then
  git -C "$tmp" init -q
  git -C "$tmp" add CMakePresets.json CMakeLists.txt scripts fake
  git -C "$tmp" -c user.name=x -c user.email=x@example.org commit -qm fake
  fake_build "$tmp/fake" 'matvec/a/threads:1 10 5'
  compare HEAD "$tmp"
  expect_status 1
  expect_text out '| matvec/a/threads:1 .* slower'
  expect_text out '^old: HEAD (EMU128'
  echo 'message(FATAL_ERROR "broken")' >>"$tmp/CMakeLists.txt"
  compare HEAD "$tmp"
  expect_status 2
  expect_text err 'cannot build'
else
  echo "skipped: $title: there is no git or ninja"
fi

title="the interval misses as often as it may"
# 400 rows of 20 pairs whose true ratio is 0.9, in noise with long tails and a common part; each may miss with 5 %.
awk 'function uniform() { seed = seed * 16807 % 2147483647; return seed / 2147483647 }
  function noise() { return exp(0.05 * log(uniform() / (1 - uniform() + 1e-9)) + (uniform() < 0.1 ? 0.5 : 0)) }
  BEGIN {
    seed = 20261126
    for (row = 1; row <= 400; ++row) {
      for (pair = 1; pair <= 20; ++pair) {
        common = 100 * noise()
        printf "row%d\t1\t%d\told\t%.9g\tGMAC/s\n", row, pair, common / noise()
        printf "row%d\t1\t%d\tnew\t%.9g\tGMAC/s\n", row, pair, 0.9 * common / noise()
      }
    }
  }' >"$tmp/measures"
awk -v risk=20 -v tolerance=3 -v ask=json -f "$root/scripts/compare.awk" "$tmp/measures" >"$tmp/out" || true
missed=$(awk -F '[:,] *' '/"row": / { for (i = 1; i < NF; ++i) value[$i] = $(i + 1)
    rows += 1; missed += value["\"low\""] > 0.9 || value["\"high\""] < 0.9 } END { print (rows == 400 ? missed : -1) }' "$tmp/out")
# 2 P(Binomial(20, 1/2) < 6) = 4.14 %: 16.6 of 400, with a standard deviation of 4.
((missed >= 5 && missed <= 29)) || complain "$missed of 400 intervals miss"

((failures == 0)) || { echo "$failures failures"; exit 1; }
echo "all passed"
