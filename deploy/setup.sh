#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages Tributary needs to build and test itself. Does
# nothing when all are there. Called by make demo, test, bench and soak.
#
#   deploy/setup.sh           the packages to build and run
#   deploy/setup.sh --test    those of the tests as well
#   deploy/setup.sh --bench   those of the benchmarks as well
set -euo pipefail

build=(
  build-essential cmake ninja-build pkg-config ccache
  libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev protobuf-compiler
  libtorch-dev libgloo-dev libopenblas-dev libssl-dev libeigen3-dev libabsl-dev
  libyaml-cpp-dev libcli11-dev libspdlog-dev nlohmann-json3-dev
  libsqlite3-dev prometheus-cpp-dev libcpp-httplib-dev zlib1g-dev libxxhash-dev
  libmatio-dev libzip-dev
)
test=(catch2 chromium librapidcheck-dev python3-torch sqlite3 openssl clang libclang-rt-dev)

bench=(python3-torch)

wanted=("${build[@]}")
for option in "$@"; do
  case $option in
    --test) wanted+=("${test[@]}") ;;
    --bench) wanted+=("${bench[@]}") ;;
    -h | --help) sed -n '3,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "setup.sh: unknown option $option (see --help)" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null; then
  cat >&2 <<TEXT
setup.sh: this is not a Debian system, so nothing was installed.
Tributary builds wherever these libraries are (Debian package names):
  ${wanted[*]}
Install them, then configure with: cmake --preset release
TEXT
  exit 1
fi

missing=()
installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' 2>/dev/null)
for package in "${wanted[@]}"; do
  grep -q -x -F "$package installed" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup.sh: run this as root, or install sudo; missing packages:" >&2
    echo "  ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
log=$(mktemp)
if ! { "${as_root[@]}" apt-get update &&
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}"; } \
  >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "setup.sh: installing the packages failed; the whole log: $log" >&2
  exit 1
fi
rm -f "$log"
