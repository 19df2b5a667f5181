#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# exit_codes.sh TRIBUTARY-CLIENT TRIBUTARY-MODEL: 0 done, 1 failed, 2 wrong usage,
# and errors on stderr that name what was wrong.
client=$1 model=$2
. "$(dirname "$0")/../../expect.sh"

expect 0 "tributary-client [0-9]" "$client" --version
expect 0 "--population" "$client" --help
expect 2 "--coordinator" "$client" --population p --state s --data d
expect 2 "\"--coordinatr\" is no option" "$client" --coordinatr localhost:1 \
  --population p --state s --data d
expect 2 "give --data" "$client" --coordinator localhost:1 --population p \
  --state "$folder/state" --insecure --name a
expect 2 "name" "$client" --coordinator localhost:1 --population p \
  --state "$folder/state" --insecure --data "$folder/none.csv"
expect 2 "\"localhost:99999\" is not host:port" "$client" --coordinator \
  localhost:99999 --population p --state "$folder/state" --insecure --name a \
  --data "$folder/none.csv"
expect 2 "tributary-client: --ca: must be set" "$client" --coordinator \
  localhost:1 --population p --state "$folder/state" --data "$folder/none.csv"
expect 2 "tributary-client: --min-survivors: 10 is not at least 2 and below" \
  "$client" --coordinator localhost:1 --population p --state "$folder/state" \
  --insecure --name a --data "$folder/none.csv" --min-cohort 5
expect 2 "tributary-client: --secure-aggregation: required, but" "$client" \
  --coordinator localhost:1 --population p --state "$folder/state" \
  --insecure --name a --data "$folder/none.csv" --secure-aggregation required
expect 2 "loopback" "$client" --coordinator example.org:1 --population p \
  --state "$folder/state" --insecure --name a --data "$folder/none.csv"
expect 2 "--device cuda: .*choose cpu" env \
  CUDA_VISIBLE_DEVICES= "$client" \
  --coordinator localhost:1 --population p --state "$folder/state" --insecure \
  --name a --data "$folder/none.csv" --device cuda
expect 1 "none.csv" "$client" --coordinator localhost:1 --population p \
  --state "$folder/state" --insecure --name a --data "$folder/none.csv"
echo "1,0" >"$folder/data.csv"
expect 1 "--ca: cannot read .*none.pem" "$client" --coordinator localhost:1 --population p \
  --state "$folder/state" --ca "$folder/none.pem" --cert "$folder/none.pem" \
  --key "$folder/none.key" --data "$folder/data.csv"

expect 0 "tributary-model [0-9]" "$model" --version
expect 2 "subcommand" "$model"
expect 2 "FILE" "$model" inspect
expect 2 "\"--oot\" is no option here" "$model" init "$folder/plan.yaml" \
  --oot "$folder/x.safetensors"
expect 2 "\"isnpect\" is no command here" "$model" isnpect
expect 1 "none.safetensors" "$model" inspect "$folder/none.safetensors"
echo "not a model" >"$folder/broken.safetensors"
expect 1 "tributary-model: " "$model" inspect "$folder/broken.safetensors"
expect 1 "tributary-model: " "$model" export "$folder/broken.safetensors" \
  --out "$folder/out.pt"
echo "nme: x" >"$folder/plan.yaml"
expect 1 "nme" "$model" init "$folder/plan.yaml" --out "$folder/x.safetensors"
[ ! -e "$folder/x.safetensors" ] || bad=1
exit $bad
