# Shared by the scripts beside it; sourced by bash.
set -euo pipefail

weft_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
log_dir=$weft_root/build/log
highway_dir=${WEFT_HIGHWAY_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/weft/highway-1.3.0}
arm64_dir=${XDG_CACHE_HOME:-$HOME/.cache}/weft/debian-arm64
mkdir -p "$log_dir"

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# step NAME TEXT COMMAND...: runs a command quietly; one line of progress, and the end of its output if it fails.
step() {
  local text=$2 log=$log_dir/$1.log start=$SECONDS watch=
  shift 2
  printf '%-58s ' "$text ..." >&2
  if [[ -t 2 ]]; then
    watch_progress "$log" &
    watch=$!
  fi
  local status
  set +e  # not `|| status=$?`: that would switch errexit off inside the command
  (set -e && "$@") >"$log" 2>&1
  status=$?
  set -e
  if [[ -n $watch ]]; then
    kill "$watch" 2>/dev/null || true
    wait "$watch" 2>/dev/null || true
  fi
  if ((status == 0)); then
    printf '%d s\n' $((SECONDS - start)) >&2
  else
    printf 'failed\n\n' >&2
    tail -n 60 "$log" >&2
    printf '\nAll of it: %s\n' "$log" >&2
    exit 1
  fi
}

# Shows the [done/all] of a build while it runs.
watch_progress() {
  local count
  while sleep 1; do
    count=$(grep -ao '^\[[0-9]*/[0-9]*\]' "$1" 2>/dev/null | tail -n 1) || true
    [[ -z $count ]] || printf '%s\e[%dD' "$count" "${#count}" >&2
  done
}

# As many compilers at once as there are processors and memory for (one takes up to 1.5 GB).
jobs_for_this_machine() {
  local jobs memory
  jobs=$(nproc)
  memory=$(awk '/^MemAvailable:/ {print int($2 / 1500000)}' /proc/meminfo)
  ((memory >= jobs)) || jobs=$((memory > 0 ? memory : 1))
  echo "$jobs"
}

# configure PRESET [cmake options]
configure() {
  local preset=$1
  shift
  cd "$weft_root"
  step "$preset-configure" "Configuring build/$preset" cmake --preset "$preset" "-DWEFT_HIGHWAY_DIR=$highway_dir" "$@"
}

# build PRESET [cmake --build options]
build() {
  local preset=$1
  shift
  step "$preset-build" "Building build/$preset" \
    cmake --build --preset "$preset" --parallel "$(jobs_for_this_machine)" "$@"
}
