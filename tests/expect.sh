# SPDX-License-Identifier: Apache-2.0
# To be sourced by a test of programs: a $folder that goes when the test does,
# expect, and $bad, which is 1 once something was not as expected.
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
bad=0

# expect CODE TEXT COMMAND...: the command exits so and says so.
expect() {
  code=$1 text=$2
  shift 2
  "$@" >"$folder/out" 2>&1
  got=$?
  if [ "$got" -ne "$code" ] || ! grep -q -e "$text" "$folder/out"; then
    echo "$*: exit code $got, expected $code and \"$text\"; it said:"
    cat "$folder/out"
    bad=1
  fi
}
