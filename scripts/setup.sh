#!/usr/bin/env bash
# Installs what weft is built with: compilers and libraries from the distribution (Debian 12 or later), and Highway 1.3.0
# in a cache folder outside the tree. Does nothing, and needs no network, when all of it is there.
#   scripts/setup.sh [--all]      --all: also the cross compiler, the emulator, the sanitizers' and fuzzers' run-time library
# WEFT_HIGHWAY_DIR names a Highway source tree to use instead.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

packages=(ca-certificates cmake ninja-build g++ clang-19 libcli11-dev libfmt-dev libpcre2-dev googletest libgtest-dev
  doctest-dev libbenchmark-dev)
extra_packages=(make pkg-config qemu-user g++-12-aarch64-linux-gnu libclang-rt-19-dev)
highway_sha256=07b3c1ba2c1096878a85a31a5b9b3757427af963b1141ca904db2f9f4afe0bc2
highway_url=https://github.com/google/highway/archive/refs/tags/1.3.0.tar.gz

case ${1:-} in
  '') ;;
  --all) packages+=("${extra_packages[@]}") ;;
  *) echo "usage: scripts/setup.sh [--all]" >&2 && exit 2 ;;
esac

as_root() {
  if ((EUID == 0)); then "$@"; else sudo -- "$@"; fi
}

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
  done
}

apt_install() {
  as_root apt-get -q update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$@"
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "as root, please: apt-get install ${missing[*]}"
    sudo -v || fail "sudo is needed to install: ${missing[*]}"
  fi
  step apt "Installing ${#missing[@]} packages" apt_install "${missing[@]}"
}

# Where there is no apt, the user installs; what cannot be found here CMake looks for, and downloads.
check_programs() {
  local program missing=()
  for program in cmake ninja c++; do
    command -v "$program" >/dev/null || missing+=("$program")
  done
  ((${#missing[@]} == 0)) || fail "not a Debian system, so please install: CMake 3.25 or later, Ninja, clang 19 or g++ 12 or" \
    "later and, if you can, CLI11, fmt, PCRE2, GoogleTest, doctest and Google Benchmark (missing now: ${missing[*]})"
}

# unpack_highway ARCHIVE: checks it and puts its content at $highway_dir, all or nothing.
unpack_highway() {
  echo "$highway_sha256  $1" | sha256sum --check --status || {
    echo "$1 is not Highway 1.3.0 as published (SHA-256 $(sha256sum "$1"))"
    return 1
  }
  rm -rf "$highway_dir.new" &&
    mkdir -p "$highway_dir.new" &&
    tar -xzf "$1" -C "$highway_dir.new" --strip-components=1 &&
    mv -T "$highway_dir.new" "$highway_dir"
}

# CMake can download; a machine with nothing installed need not have curl.
highway_from_github() {
  cat >"$1/download.cmake" <<END
file(DOWNLOAD "$highway_url" "$1/highway.tar.gz" TIMEOUT 60 INACTIVITY_TIMEOUT 10 STATUS status)
list(GET status 0 code)
if(code)
  message(FATAL_ERROR "$highway_url: \${status}")
endif()
END
  cmake -P "$1/download.cmake" && unpack_highway "$1/highway.tar.gz"
}

# The mirror that this machine has its own Debian packages from.
debian_mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' \
    'Component: main' | head -n 1
}

# The source package of a later Debian release is the same archive. apt gets it with a sources file, package lists and a
# cache of its own: the system's configuration is read, but neither changed nor mixed with other releases.
highway_from_debian() {
  command -v apt-get >/dev/null || return 1
  local mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg signed= version
  mirror=$(debian_mirror)
  if [[ -z $mirror ]]; then  # the package lists may have been cleaned away
    as_root apt-get -q update
    mirror=$(debian_mirror)
  fi
  [[ -n $mirror ]] || { echo "found no Debian mirror in apt's configuration"; return 1; }
  [[ ! -e $keyring ]] || signed="[signed-by=$keyring] "
  mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
  printf "deb-src $signed%s %s main\n" "$mirror" testing "$mirror" unstable >"$1/sources.list"
  # The archive is checked by its hash, so that a mirror which lags behind will do.
  local apt=(-q -o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false
    -o "Dir::Etc::sourcelist=$1/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$1/lists"
    -o "Dir::Cache=$1/cache" -o Acquire::Languages=none -o APT::Sandbox::User=root)
  apt-get "${apt[@]}" update
  version=$(apt-cache "${apt[@]}" showsrc highway | sed -n 's/^Version: \(1\.3\.0-.*\)/\1/p' | head -n 1)
  [[ -n $version ]] || { echo "$mirror has no source package of Highway 1.3.0 (any more)"; return 1; }
  (cd "$1" && apt-get "${apt[@]}" source --download-only "highway=$version")
  unpack_highway "$1/highway_1.3.0.orig.tar.gz"
}

# The one library that the cross build needs compiled, from the arm64 package: unpacked, not installed, and found with
# a configuration of its own, so that the system need not know the architecture.
get_arm64_libraries() (
  local work mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg signed=
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mirror=$(debian_mirror)
  [[ -n $mirror ]] || { echo "not Debian: CMake will build PCRE2 from source"; return 0; }
  [[ ! -e $keyring ]] || signed="[signed-by=$keyring] "
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  (. /etc/os-release && echo "deb $signed$mirror $VERSION_CODENAME main") >"$work/sources.list"
  local apt=(-q -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Dir::State::status=/dev/null
    -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/lists"
    -o "Dir::Cache=$work/cache" -o Acquire::Languages=none -o APT::Sandbox::User=root)
  cd "$work"
  apt-get "${apt[@]}" update
  apt-get "${apt[@]}" download libpcre2-dev
  rm -rf "$arm64_dir.new"
  mkdir -p "$arm64_dir.new"
  dpkg-deb -x libpcre2-dev_*_arm64.deb "$arm64_dir.new"
  mv -T "$arm64_dir.new" "$arm64_dir"
)

get_highway() (
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  highway_from_github "$work" || {
    echo "GitHub cannot be reached: trying the source package of a later Debian release"
    highway_from_debian "$work"
  }
)

if command -v apt-get >/dev/null; then
  install_packages
else
  check_programs
fi
if [[ ! -e $highway_dir/hwy/highway.h ]]; then
  [[ -z ${WEFT_HIGHWAY_DIR:-} ]] || fail "WEFT_HIGHWAY_DIR=$WEFT_HIGHWAY_DIR is not a Highway source tree"
  step highway "Getting Highway 1.3.0" get_highway
fi
if [[ ${1:-} == --all && ! -e $arm64_dir ]] && command -v apt-get >/dev/null; then
  step arm64 "Getting PCRE2 for 64-bit Arm" get_arm64_libraries
fi
