#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The demo's second part: 2,000 virtual clients train under differential privacy.
# The clients add the noise in shares, each round is a secure session with real
# masks, and what it costs is in a ledger that is verified at the end.
#
#   deploy/demo_privacy.sh BIN [FOLDER]   BIN holds the programs; default folder:
#                                         build/demo/private, made anew
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(realpath "$1")
folder=${2:-build/demo/private}
wanted_accuracy=0.75
started=$(date +%s)

printf '   12 rounds with real masks, a minute or so:\n'
"$bin/tributary-simulate" simulation/plans/privacy/digits_2000.yaml \
  --out "$folder" --force --workers "$(nproc)" 2>&1 | sed -u 's/^/   /'
value() { # KEY of run.json
  grep -o "\"$1\": *[^,]*" "$folder/run.json" | head -n 1 | sed 's/[^:]*: *//; s/"//g'
}
accuracy=$(grep -o '"accuracy":[0-9.]*' "$folder/metrics.jsonl" | tail -n 1 | cut -d: -f2)
[ "$(value end)" = finished ] || {
  printf 'demo: the private run ended %s: %s\n' "$(value end)" "$(value reason)" >&2
  exit 1
}
printf '   accuracy %s   epsilon %.2f at delta %s   %d s\n' \
  "$(awk "BEGIN{printf \"%.2f %%\", 100*$accuracy}")" "$(value epsilon)" \
  "$(value delta)" $(($(date +%s) - started))
printf '   unit: %s   neighbours: %s   sampling: %s   accountant: %s\n' \
  "$(value unit)" "$(value neighbours)" "$(value sampling)" "$(value accountant)"
printf '   It holds against those who see models, not against the coordinator or members\n'
printf '   of the same sessions, who know the cohorts; and this simulation draws its noise\n'
printf '   from a seed, which protects nobody.\n'
printf '   masks: %s, %d secure sessions of some 100 of 2,000 clients\n' \
  "$(value masks)" "$(wc -l <"$folder/metrics.jsonl")"
"$bin/tributaryctl" privacy verify "$folder/privacy.ledger" | sed -n '1s/^/   ledger: /p'
printf '   report   %s\n' "$folder/report.html"
awk "BEGIN{exit !($accuracy >= $wanted_accuracy)}" || {
  printf 'demo: accuracy %s is under %s\n' "$accuracy" "$wanted_accuracy" >&2
  exit 1
}
