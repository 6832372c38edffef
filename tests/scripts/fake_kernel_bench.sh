#!/usr/bin/env bash
# Stands for kernel_bench in compare_test.sh. Its rows are lines of the file `rows` beside it: name, speed in GMAC/s, noise
# in percent, and perhaps what else it does: `crash`, `error`, `silent`, `slow:N` (half the speed in its first N runs),
# `wild` (70 and 105 % in turn). Rows with `plain` in their name print their time only; those with `interrupted` the mean,
# which half of the runs have thrice as long, and calls_per_s. Every run is a line of ../runs and of `count`. As with
# kernel_bench, names end in /manual_time, and the noise has a long tail.
FAKE_FOLDER=${0%/*} exec awk -- '
function lines(file,    n, line) { while ((getline line < file) > 0) text[++n] = line; close(file); return n }
function hash(s,    h, i) {
  for (i = 1; i <= length(s); ++i) h = (h * 31 + index("abcdefghijklmnopqrstuvwxyz0123456789/:", substr(s, i, 1))) % 1000003
  return h
}
BEGIN {
  side = folder = ENVIRON["FAKE_FOLDER"]
  sub(/.*\//, "", side)
  for (i = 1; i < ARGC; ++i) {
    options = options " " ARGV[i]
    if (ARGV[i] == "--refused") { print "kernel_bench: refused" >"/dev/stderr"; exit 2 }
    if (ARGV[i] == "--help") { n = lines(folder "/help"); for (j = 1; j <= n; ++j) print text[j]; exit }
    if (ARGV[i] ~ /^--benchmark_list_tests/) list = 1
    if (ARGV[i] ~ /^--benchmark_filter=/) filter = substr(ARGV[i], 20)
  }
  n = lines(folder "/rows")
  for (j = 1; j <= n; ++j) {
    split(text[j], field, " ")
    if (field[1] "/manual_time" !~ filter) continue
    if (list) print field[1] "/manual_time"
    else { name = field[1]; speed = field[2]; noise = field[3]; manner = field[4] }
  }
  if (list) exit
  print side "\t" options >>(folder "/../runs")
  print name >>(folder "/count")
  close(folder "/count")
  n = lines(folder "/count")
  for (j = 1; j <= n; ++j) count += text[j] == name

  if (manner == "crash") system("kill -KILL $PPID")
  if (manner == "silent") exit
  if (manner ~ /^slow:/ && count <= substr(manner, 6) + 0) speed /= 2
  if (manner == "wild") speed *= count % 2 ? 0.7 : 1.05
  srand(hash(side name count))
  rand()
  speed *= 1 + noise / 100 * (2 * rand() - 1)
  if (noise > 0 && rand() < 0.1) speed /= 2
  printf "{\n  \"context\": {\n    \"executable\": \"x\",\n    \"compiler\": \"fake 1\",\n    \"target\": \"EMU128\"\n  },\n"
  printf "  \"benchmarks\": [\n    {\n      \"name\": \"%s/manual_time\",\n", name
  if (manner == "error") printf "      \"error_occurred\": true,\n      \"error_message\": \"no such luck\",\n"
  mean = 1e3 / speed
  if (name ~ /interrupted/) mean *= count % 2 ? 3 : 1
  printf "      \"threads\": 1,\n      \"real_time\": %.16e,\n      \"time_unit\": \"us\"", mean
  if (name ~ /interrupted/) printf ",\n      \"calls_per_s\": %.16e", speed * 1e3
  else if (name !~ /plain/) printf ",\n      \"bytes_per_s\": 7.0e+09,\n      \"macs_per_s\": %.16e", speed * 1e9
  printf "\n    }\n  ]\n}\n"
}' "$@"
