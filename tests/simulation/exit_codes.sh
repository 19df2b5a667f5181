#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# exit_codes.sh TRIBUTARY-SIMULATE: 0 done, 1 failed, 2 wrong usage, and errors
# on stderr that name what was wrong.
simulate=$1
. "$(dirname "$0")/../expect.sh"

cat >"$folder/plan.yaml" <<'PLAN'
name: exit-codes
population: exit-codes
seed: 1
model: {architecture: {linear: {inputs: 2, outputs: 2}}}
round: {cohort_size: 2, over_selection: 1, min_updates: 1}
training: {epochs: 1, batch_size: 2, learning_rate: 0.1}
update: {max_abs: 4, max_weight: 100}
stop: {rounds: 1}
simulation: {clients: 2, train: {csv: {path: train.csv}}}
PLAN
printf '1,0,0\n0,1,1\n1,1,0\n0,0,1\n' >"$folder/train.csv"

expect 0 "tributary-simulate [0-9]" "$simulate" --version
expect 0 "$folder/first" "$simulate" "$folder/plan.yaml" --out "$folder/first"
expect 1 "none.yaml" "$simulate" "$folder/none.yaml" --out "$folder/x"

# What was misspelt is named, not what it leaves missing.
expect 2 '"--oot" is no option here' "$simulate" "$folder/plan.yaml" \
  --oot "$folder/x"
expect 2 '"--wrokers" is no option here' "$simulate" "$folder/plan.yaml" \
  --out "$folder/x" --wrokers 2
expect 2 '"--gird" is no option here' "$simulate" sweep "$folder/plan.yaml" \
  --gird seed=1,2
expect 2 '"chekc" is no command here' "$simulate" data chekc mnist
expect 2 '"rnu" is no command here' "$simulate" rnu "$folder/plan.yaml"
# A folder of a command's name, such as the tutorial's sweep, hides no command.
mkdir "$folder/data"
cd "$folder" || exit 1
expect 0 "mnist" "$simulate" data list
expect 2 "PLAN is required" "$simulate" --out "$folder/x"
expect 2 "out is required" "$simulate" "$folder/plan.yaml"
expect 2 "see tributary-simulate compare --help" "$simulate" compare

# Where clients train.
expect 2 "--device" "$simulate" "$folder/plan.yaml" --out "$folder/x" \
  --device gpu
expect 2 "--device cuda: .*choose cpu" env \
  CUDA_VISIBLE_DEVICES= "$simulate" \
  "$folder/plan.yaml" --out "$folder/x" --device cuda
[ ! -e "$folder/x" ] || bad=1
expect 2 "LOCAL_RANK: 'first'" env \
  LOCAL_RANK=first "$simulate" \
  "$folder/plan.yaml" --out "$folder/x" --device auto
expect 0 "$folder/auto" env \
  CUDA_VISIBLE_DEVICES= "$simulate" \
  "$folder/plan.yaml" --out "$folder/auto" --device auto
cmp "$folder/first/model.safetensors" "$folder/auto/model.safetensors" || bad=1
grep -q '"device": "cpu"' "$folder/auto/run.json" || {
  echo "run.json does not say where clients trained"
  bad=1
}
exit $bad
