#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The FedAvg paper's rounds to 97 % (2NN) and 99 % (CNN) on MNIST (McMahan et
# al. 2017, table 1), run and shown beside the paper's figures. Interrupted with
# Ctrl-C, the same command goes on. docs/reproduce.md says what was seen.
#
#   deploy/reproduce.sh BIN [DATA] [FOLDER]
#     BIN     holds tributary-simulate
#     DATA    holds the folder mnist with the four files; default ../shared/data
#     FOLDER  of the runs and the table; default build/reproduce
#   RUNS="2nn_iid cnn_iid"  only these of simulation/plans/reproduce
#   WORKERS=1               threads that train; default: one for each core
set -euo pipefail
cd "$(dirname "$0")/.."
simulate=$1/tributary-simulate
data=${2:-../shared/data}
folder=${3:-build/reproduce}
plans=simulation/plans/reproduce
# The cheapest first.
runs=${RUNS:-2nn_iid 2nn_shards cnn_iid cnn_shards}
workers=${WORKERS:-$(nproc)}

mkdir -p "$folder"
if ! "$simulate" data check mnist "$data/mnist" >"$folder/data.txt" 2>&1; then
  cat "$folder/data.txt" >&2
  printf '\nreproduce: give the folder that holds mnist/: make reproduce DATA=FOLDER\n' >&2
  exit 1
fi

# The program's own way to stop is to save and exit with 130.
trap : INT
status=0
begun=()
for run in $runs; do
  out=$folder/$run
  begun+=("$out")
  if grep -qs '"end": "finished"' "$out/run.json"; then
    printf '%s: finished before\n' "$run"
    continue
  fi
  printf '%s\n' "$run"
  if [ -e "$out/checkpoint/run" ]; then
    "$simulate" --resume "$out" --workers "$workers" || status=$?
  else
    "$simulate" "$plans/$run.yaml" --data "$data" --workers "$workers" \
      --out "$out" --force || status=$?
  fi
  [ "$status" = 0 ] || break
done

printf '\n'
"$simulate" compare "${begun[@]}" --published "$plans/published.csv" \
  --out "$folder/compare.html" | tee "$folder/table.txt"
if [ "$status" = 130 ]; then
  printf '\ninterrupted; the same command goes on\n' >&2
else
  printf '\nThe runs, this table and the curves are in %s\n' "$folder"
fi
exit "$status"
