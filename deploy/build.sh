#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Configures a preset and builds it (or the targets after --), quietly unless
# something is wrong: build.sh PRESET [-DOPTION=VALUE]... [-- TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
options=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  options+=("$1")
  shift
done
targets=()
if [ $# -gt 0 ]; then
  shift
  targets=(--target "$@")
fi
mkdir -p "build/$preset"
log=build/$preset/configure.log
if ! cmake --preset "$preset" "${options[@]}" >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "Configuring failed; the whole log: $log" >&2
  exit 1
fi
echo "Building ($preset). The first time takes some minutes."
exec cmake --build --preset "$preset" "${targets[@]}"
