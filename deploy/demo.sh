#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The demo: a coordinator and a dozen client processes train a model of real
# handwritten digits over mutual TLS, with secure aggregation: the coordinator
# sees sums of updates and no update. They lose one client on the way, survive a
# kill -9 of the coordinator in the middle of a round, and finish.
#
# Twelve clients hide too little for an epsilon that means anything, so a second
# part simulates 2,000 (deploy/demo_privacy.sh).
#
#   deploy/demo.sh BIN [FOLDER]     BIN holds the programs; default folder:
#                                   build/demo, made anew
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(realpath "$1")
folder=${2:-build/demo}
clients=12
wanted_accuracy=0.94

rm -rf "$folder"
mkdir -p "$folder/log"
folder=$(realpath "$folder")
started=$(date +%s)

bold= plain=
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
fail() {
  printf 'demo: %s\n' "$*" >&2
  printf 'The logs are in %s\n' "$folder/log" >&2
  exit 1
}

declare -A pids=()
clean_up() {
  trap - EXIT INT TERM
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null && kill -CONT "$pid" 2>/dev/null || true
  done
  wait 2>/dev/null || true
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM

start() { # NAME COMMAND...
  local name=$1
  shift
  "$@" >>"$folder/log/$name.log" 2>&1 &
  pids[$name]=$!
}
kill_hard() { # NAME
  kill -9 "${pids[$1]}"
  wait "${pids[$1]}" 2>/dev/null || true
  unset "pids[$1]"
}

say "1. An authority, and a certificate for everyone (mutual TLS)"
"$bin/tributaryctl" pki init "$folder/pki" --name "Tributary demo" \
  >>"$folder/log/pki.log" || fail "pki init failed"
enrol() { # NAME ROLE [SAN...]
  local name=$1 role=$2
  shift 2
  "$bin/tributaryctl" pki request "$name" --out "$folder/pki/$name" "$@" &&
    "$bin/tributaryctl" pki sign "$folder/pki/$name/$name.csr" \
      --pki "$folder/pki" --role "$role" --out "$folder/pki/$name/$name.pem"
} >>"$folder/log/pki.log"
enrol coordinator coordinator --san localhost --ip 127.0.0.1
enrol operator operator
enrol evaluator evaluator
names=()
for ((i = 0; i < clients; i++)); do
  names+=("$(printf 'client-%04d' "$i")")
  enrol "${names[i]}" trainer
done
echo "   $folder/pki: 1 authority, $((clients + 3)) certificates"

say "2. The plan, its first weights, and each client's own digits (Dirichlet 0.3)"
plan=deploy/examples/secure_digits.yaml
"$bin/tributary-model" init "$plan" --out "$folder/first.safetensors" \
  >"$folder/log/model.log"
"$bin/tributary-simulate" partition "$plan" --out "$folder/data"

say "3. The coordinator"
cat >"$folder/coordinator.yaml" <<YAML
listen: 127.0.0.1:0
admin_listen: 127.0.0.1:0
http_listen: 127.0.0.1:0
state: state
idle_earliest: 200ms
idle_latest: 500ms
tls:
  authority: pki/ca.pem
  certificate: pki/coordinator/coordinator.pem
  key: pki/coordinator/coordinator.key
  crl: pki/crl.pem
YAML
start_coordinator() {
  local lines
  lines=$(grep -c 'federation=' "$folder/log/coordinator.log" 2>/dev/null || true)
  start coordinator "$bin/tributary-coordinator" \
    --config "$folder/coordinator.yaml"
  for ((try = 0; try < 300; try++)); do
    [ "$(grep -c 'federation=' "$folder/log/coordinator.log" || true)" -gt \
      "${lines:-0}" ] && return
    kill -0 "${pids[coordinator]}" 2>/dev/null || break
    sleep 0.05
  done
  tail -n 5 "$folder/log/coordinator.log" >&2
  fail "the coordinator did not start"
}
start_coordinator
address() { # KEY
  grep -o "$1=[^ ]*" "$folder/log/coordinator.log" | head -n 1 | cut -d= -f2
}
federation=$(address federation)
admin=$(address admin)
http=$(address http)
# A restarted coordinator comes back on the same ports.
sed -i -e "s/^listen: .*/listen: $federation/" \
  -e "s/^admin_listen: .*/admin_listen: $admin/" \
  -e "s/^http_listen: .*/http_listen: $http/" "$folder/coordinator.yaml"
ctl() {
  "$bin/tributaryctl" --admin "$admin" --ca "$folder/pki/ca.pem" \
    --cert "$folder/pki/operator/operator.pem" \
    --key "$folder/pki/operator/operator.key" "$@"
}
echo "   clients: $federation   operator: $admin   metrics: http://$http/metrics"
run=$(ctl --json run submit "$plan" --weights "$folder/first.safetensors" |
  grep -o '"run": *"[^"]*"' | cut -d'"' -f4)
[ -n "$run" ] || fail "the plan was not taken"
echo "   run $run submitted"

say "4. $clients training processes, which demand masks of at least 10, and one evaluator"
# What each trainer demands of a round, whatever the plan says.
policy=(--secure-aggregation required --min-cohort 10 --min-survivors 8)
start_client() { # NAME DATA [OPTION...]
  start "$1" "$bin/tributary-client" --coordinator "$federation" \
    --population digits --ca "$folder/pki/ca.pem" \
    --cert "$folder/pki/$1/$1.pem" --key "$folder/pki/$1/$1.key" \
    --state "$folder/clients/$1" --scale 0.0625 \
    --data "$folder/data/$2" "${@:3}"
}
for name in "${names[@]}"; do
  start_client "$name" "$name.csv" "${policy[@]}"
done
start_client evaluator test.csv --test "$folder/data/test.csv"

# What the run says of itself: round, accepted updates, phase, state.
show=
look() { show=$(ctl --json run show "$run" 2>/dev/null || true); }
number() { # KEY
  grep -o "\"$1\": *[0-9]*" <<<"$show" | head -n 1 | grep -o '[0-9]*$' || echo 0
}
word() { # KEY
  grep -o "\"$1\": *\"[^\"]*\"" <<<"$show" | head -n 1 | cut -d'"' -f4
}
wait_until() { # WHAT CONDITION...
  local what=$1
  shift
  for ((try = 0; try < 1200; try++)); do
    look
    if "$@"; then return; fi
    case $(word state) in FINISHED | FAILED | STOPPED)
      fail "the run ended before $what: $(word state) $(word message)" ;;
    esac
    sleep 0.05
  done
  fail "waited too long for $what"
}
released_at_least() { [ "$(number released_rounds)" -ge "$1" ]; }
# A round cannot close while clients that were asked stand still: stops three of
# them and looks whether that caught a round in the middle. While they stand none
# begins either, so each try is at another time after they were let go.
slow=("${names[0]}" "${names[1]}" "${names[2]}")
signal_slow() { for name in "${slow[@]}"; do kill "-$1" "${pids[$name]}"; done; }
caught_mid_round() {
  local delay
  for delay in 0.02 0.04 0.06 0.08 0.1 0.15 0.25 0.5; do
    signal_slow STOP
    local held=
    for ((pause = 0; pause < 20; pause++)); do
      look
      # Caught at another step: that one is not to run out of time.
      [ "$(word phase)" = collecting ] || break
      local now
      now="$(word phase) $(number round) $(number accepted_updates)"
      if [ "$now" = "$held" ] && [ "$(number accepted_updates)" -ge 1 ]; then
        return 0
      fi
      held=$now
      sleep 0.1
    done
    signal_slow CONT
    sleep "$delay"
  done
  return 1
}

wait_until "round 4" released_at_least 4
victim=${names[5]}
kill_hard "$victim"
say "5. kill -9 $victim after round $(number released_rounds): the rounds go on without it"

wait_until "round 8" released_at_least 8
wait_until "the middle of a round" caught_mid_round
say "6. kill -9 the coordinator in round $(number round), with $(number accepted_updates) masked updates accepted"
kill_hard coordinator
start_coordinator
signal_slow CONT
echo "   $(grep 'run resumed' "$folder/log/coordinator.log" | tail -n 1)"
echo "   Nobody can take those masks off any more: the round is made again."

say "7. Until the last round"
ctl run watch "$run" || fail "the run did not finish"
look
[ "$(word state)" = FINISHED ] || fail "the run ended $(word state): $(word message)"
ctl model get "$run" --out "$folder/digits.safetensors"
"$bin/tributary-model" export "$folder/digits.safetensors" \
  --out "$folder/digits.pt" >>"$folder/log/model.log"
echo "$show" >"$folder/run.json"
accuracy=$(grep -o '"accuracy": *[0-9.]*' <<<"$show" | tail -n 1 | grep -o '[0-9.]*$')
[ -n "$accuracy" ] || fail "the evaluator reported no accuracy"

clean_up
say "Test accuracy on the 1,797 test digits: $(awk "BEGIN{printf \"%.2f %%\", 100*$accuracy}")   ($(($(date +%s) - started)) s)"
cat <<TEXT
   model    $folder/digits.safetensors   (TorchScript: digits.pt)
   metrics  $folder/run.json   (rounds, losses, accuracies, refusals)
   logs     $folder/log
 The coordinator saw a sum of at least 8 masked updates a round, and no update.
TEXT
awk "BEGIN{exit !($accuracy >= $wanted_accuracy)}" ||
  fail "accuracy $accuracy is under $wanted_accuracy"

say "8. Privacy: 2,000 virtual clients, noise in shares under masks"
echo "   12 clients are far too few for differential privacy, so those were without"
deploy/demo_privacy.sh "$bin" "$folder/private"

cat <<TEXT

 Next:
   ${bin#"$PWD"/}/tributary-simulate $plan --out results
                        the plan of steps 2 to 7 in one process
   docs/secagg.md       what secure aggregation hides, and from whom
   docs/privacy.md      what an epsilon says, and what it does not cover
   docs/operations.md   launch a coordinator of your own
   docs/sdk.md          embed the client in your app
TEXT
