#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures what is installed: each figure beside its limit, on the terminal and
# as JSON.
#
#   deploy/bench.sh BIN [JSON]     BIN holds the programs of the release preset;
#                                  default: build/bench.json
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$1
json=${2:-build/bench.json}

mkdir -p "$(dirname "$json")"
rm -f "$json"
# 2,000 connections, each a descriptor here and there.
ulimit -n "$(ulimit -Hn)"
"$bin/tributary-bench" --out "$json"
echo "The figures are in $json"
