#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every strategy on three public data sets with very uneven labels, three seeds
# each, and a table of what each gains over FedAvg. Interrupted with Ctrl-C, the
# same command goes on. docs/strategies.md says what was seen.
#
#   deploy/strategies.sh BIN [DATA] [FOLDER]
#     BIN     holds tributary-simulate
#     DATA    holds the folders mnist, hapt and cwru; default ../shared/data
#     FOLDER  of the runs and the tables; default build/strategies
#   SWEEPS="mnist"  only these of simulation/sweeps/strategies_*.yaml
#   WORKERS=1       threads that train; default: one for each core
set -euo pipefail
cd "$(dirname "$0")/.."
simulate=$1/tributary-simulate
data=${2:-../shared/data}
folder=${3:-build/strategies}
workers=${WORKERS:-$(nproc)}
declare -A needed=([mnist]=mnist [activity]=hapt [bearings]=cwru)

mkdir -p "$folder"
trap : INT
for sweep in ${SWEEPS:-mnist activity bearings}; do
  set_name=${needed[$sweep]}
  if ! "$simulate" data check "$set_name" "$data/$set_name" \
      >"$folder/data.txt" 2>&1; then
    cat "$folder/data.txt" >&2
    printf '\nstrategies: give the folder that holds %s/: make strategies DATA=FOLDER\n' \
      "$set_name" >&2
    exit 1
  fi
  "$simulate" sweep "simulation/sweeps/strategies_$sweep.yaml" --data "$data" \
    --workers "$workers" --out "$folder/$sweep" --quiet |
    tee "$folder/$sweep.txt" || exit
done
printf '\nThe runs, the tables and the curves are in %s\n' "$folder"
