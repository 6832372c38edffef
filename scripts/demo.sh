#!/usr/bin/env bash
# From a fresh clone to text out of a model: installs what is missing, builds build/release, runs `weft generate`.
#   scripts/demo.sh MODEL [options of weft generate]
# MODEL is a GGUF file; options are passed on, for example -p "Once upon a time" -n 100 --temp 0.8 --seed 1.
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/lib.sh"

usage() {
  printf 'demo.sh: %s\nusage: scripts/demo.sh MODEL [options of weft generate]\n' "$1" >&2
  exit 2
}
[[ $# -gt 0 && $1 != -* ]] || usage "name a model, a GGUF file (weft has none built in yet)"
[[ -f $1 ]] || usage "there is no file $1"
model=$(realpath "$1")
shift

"$here/setup.sh"
configure release
build release --target weft
exec "$weft_root/build/release/weft" generate "$model" "$@"
