#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A federation on one machine, from nothing: an authority, a coordinator, an
# operator and two clients over mutual TLS. README.md goes through these
# commands one by one. The programs must be on the PATH.
#
#   deploy/examples/quickstart.sh [FOLDER]    FOLDER must not exist;
#                                             default: quickstart
set -euo pipefail
examples=$(cd "$(dirname "$0")" && pwd)
folder=${1:-quickstart}
if [ -e "$folder" ]; then
  echo "quickstart: $folder is there already; name another folder" >&2
  exit 1
fi
mkdir -p "$folder"
cd "$folder"

processes=()
clean_up() {
  trap - EXIT INT TERM
  [ ${#processes[@]} -eq 0 ] || kill "${processes[@]}" 2>/dev/null || true
  wait
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM

echo "1. An authority, and a certificate for everyone"
tributaryctl pki init pki
tributaryctl pki request coordinator --out . --san localhost --ip 127.0.0.1
tributaryctl pki sign coordinator.csr --pki pki --role coordinator
tributaryctl pki request operator --out .
tributaryctl pki sign operator.csr --pki pki --role operator
for name in client-0000 client-0001; do
  tributaryctl pki request "$name" --out .
  tributaryctl pki sign "$name.csr" --pki pki --role trainer \
    --population digits
done

echo "2. The coordinator"
cp "$examples/local.yaml" coordinator.yaml
# QUICKSTART_PORT=0 lets the system choose all three ports.
if [ "${QUICKSTART_PORT:-}" = 0 ]; then
  sed -i 's/127\.0\.0\.1:84[0-9]*/127.0.0.1:0/' coordinator.yaml
fi
: >coordinator.log
tributary-coordinator --config coordinator.yaml 2>coordinator.log &
coordinator=$!
processes+=("$coordinator")
until grep -q federation= coordinator.log; do
  if ! kill -0 "$coordinator" 2>/dev/null; then
    cat coordinator.log >&2
    exit 1
  fi
  sleep 0.1
done
address() { # KEY: what the log line "listening" says of it
  grep -o "$1=[^ ]*" coordinator.log | cut -d= -f2
}

echo "3. The operator submits a plan with its first weights"
export TRIBUTARY_ADMIN=$(address admin) TRIBUTARY_CA=pki/ca.pem
export TRIBUTARY_CERT=operator.pem TRIBUTARY_KEY=operator.key
tributary-model init "$examples/two_clients.yaml" --out first.safetensors
run=$(tributaryctl run submit "$examples/two_clients.yaml" \
  --weights first.safetensors)

echo "4. Two clients, each with digits of its own"
tributary-simulate partition "$examples/two_clients.yaml" --out data
for name in client-0000 client-0001; do
  tributary-client --coordinator "$(address federation)" --population digits \
    --ca pki/ca.pem --cert "$name.pem" --key "$name.key" \
    --state "$name" --data "data/$name.csv" --scale 0.0625 2>"$name.log" &
  processes+=($!)
done

echo "5. Until the last round"
tributaryctl run watch "$run"
tributaryctl clients list
tributaryctl model get "$run" --out digits.safetensors
tributary-model inspect digits.safetensors
echo "The model is in $folder/digits.safetensors, the logs beside it."
