#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The full counts: every kill seed, long fuzzing, large property counts.
# Interrupt it at any time: what has passed for this commit is written down and
# not run again (delete build/soak to start anew). Prints what it covered.
#
#   deploy/soak.sh BUILD        e.g. build/dev
#   SOAK_KILL_SEEDS=50 SOAK_FUZZ_RUNS=200000 SOAK_PROPERTIES=2000
#   SOAK_SESSIONS=300
#
# Secure sessions of up to 500 clients then have inputs of up to 100,000 words
# (TRIBUTARY_SECAGG_WORDS: those of a session together). A case takes seconds,
# so that there are fewer: SOAK_SESSIONS.
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1
seeds=${SOAK_KILL_SEEDS:-50}
fuzz_runs=${SOAK_FUZZ_RUNS:-200000}
properties=${SOAK_PROPERTIES:-2000}
sessions=${SOAK_SESSIONS:-300}
commit=$(git describe --always --dirty 2>/dev/null || echo unversioned)
folder=build/soak
mkdir -p "$folder/log"
done_list=$folder/$commit.done
touch "$done_list"

passed=0
failed=()
trap 'echo; echo "Interrupted: $passed steps passed so far; make soak goes on from here."; exit 130' INT

step() { # NAME COMMAND...
  local name=$1
  shift
  if grep -q -x -F "$name" "$done_list"; then
    passed=$((passed + 1))
    return
  fi
  printf '%-52s ' "$name"
  local started=$SECONDS
  if "$@" >"$folder/log/$name.log" 2>&1; then
    echo "passed  $((SECONDS - started)) s"
    echo "$name" >>"$done_list"
    passed=$((passed + 1))
  else
    echo "FAILED  see $folder/log/$name.log"
    failed+=("$name")
  fi
}

# The ordinary tests with large property counts; those that start processes have
# their own counts below.
while read -r test; do
  case $test in
    fuzz_*) step "$test.$fuzz_runs" env "TRIBUTARY_FUZZ_RUNS=$fuzz_runs" \
      ctest --test-dir "$build" -R "^$test\$" --timeout 3600 --output-on-failure ;;
    kill_*) for ((seed = 1; seed <= seeds; seed++)); do
      step "$test.seed-$seed" env "TRIBUTARY_KILL_SEED=$seed" \
        TRIBUTARY_KILL_SEEDS=1 ctest --test-dir "$build" -R "^$test\$" \
        --timeout 3600 --output-on-failure
    done ;;
    tree_process_test) step "$test.full" env TRIBUTARY_TREE=full \
      ctest --test-dir "$build" -R "^$test\$" --timeout 3600 \
      --output-on-failure ;;
    privacy_secagg_session_test) step "$test.$sessions" \
      env "RC_PARAMS=max_success=$sessions" TRIBUTARY_SECAGG_WORDS=50000000 \
      ctest --test-dir "$build" -R "^$test\$" --output-on-failure ;;
    *) step "$test.$properties" env "RC_PARAMS=max_success=$properties" \
      ctest --test-dir "$build" -R "^$test\$" --timeout 3600 \
      --output-on-failure ;;
  esac
done < <(ctest --test-dir "$build" -N | sed -n 's/^ *Test *#[0-9]*: //p')

echo "Covered at $commit: $passed steps passed, ${#failed[@]} failed" \
  "(kill seeds 1-$seeds, $fuzz_runs inputs a fuzzer, $properties cases a property, $sessions secure sessions)."
[ ${#failed[@]} -eq 0 ]
