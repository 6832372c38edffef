#!/usr/bin/env bash
# From a fresh clone to text out of a model: installs what is missing, builds build/release, runs `weft generate`.
#   scripts/demo.sh [MODEL] [options of weft generate]
# MODEL is a GGUF file; without one the built-in model tells a story. Options are passed on, for example
#   scripts/demo.sh -p "Once upon a time" -n 100 --temp 0.8 --seed 1
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/lib.sh"

model=()
if [[ $# -gt 0 && $1 != -* ]]; then
  [[ -f $1 ]] || {
    printf 'demo.sh: there is no file %s\nusage: scripts/demo.sh [MODEL] [options of weft generate]\n' "$1" >&2
    exit 2
  }
  model=("$(realpath "$1")")
  shift
fi

"$here/setup.sh"
configure release
build release --target weft
exec "$weft_root/build/release/weft" generate "${model[@]}" "$@"
