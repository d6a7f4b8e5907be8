#!/usr/bin/env bash
# From nothing to predictions on a simulated plant: builds what is missing, simulates, and for two
# questions builds sequences, trains, evaluates against baselines and scores:
#
#   conf/quickstart.conf           what will the sensors read over the next hours?
#   conf/quickstart-failure.conf   will the unit fail within 48 hours?
#
#   submit-scripts/quickstart.sh [--set key=value …] [-- spark-submit options …]
#
# Under five minutes on two cores once dependencies are there. Everything is written below
# quickstart-lake/ in the project, or SLUICE_LAKE. A rerun starts over.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=submit-scripts/lib/runtime.sh
. "$here/lib/runtime.sh"

case ${1:-} in
  -h | --help)
    sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
esac

lake=${SLUICE_LAKE:-$SLUICE_HOME/quickstart-lake}
case $lake in
  /* | *:*) ;;
  *) lake=$PWD/$lake ;;
esac
started=$SECONDS
output=$(mktemp "${TMPDIR:-/tmp}/sluice-quickstart.XXXXXX")
trap 'rm -f "$output"' EXIT

# prepared here, so that the steps below speak of their own work only
sluice_find_java
sluice_find_jar
sluice_find_spark

# step NUMBER TEXT SCRIPT CONFIG [arguments …]: the report goes to $output
step() {
  local number=$1 text=$2 script=$3 config=$4 status=0
  shift 4
  sluice_say "$number of 3 | $text"
  # a rerun starts over instead of continuing an earlier quickstart's checkpoints
  "$here/$script" --config "$SLUICE_HOME/conf/$config" --set "lake.root=\"$lake\"" \
    --set train.checkpoint.resume=false "$@" > "$output" || status=$?
  if [ "$status" -ne 0 ]; then
    sluice_say "$text failed with exit status $status; the message is above."
    exit "$status"
  fi
}

summary_of() {
  sed -n 's/.*"summary":"\([^"]*\)".*/\1/p' "$output" | tail -n 1
}

step 1 "simulate a plant" simulate.sh quickstart.conf "$@"
step 2 "forecast: build sequences, train, evaluate, score" pipeline.sh quickstart.conf "$@"
forecast=$(summary_of)
step 3 "failure within 48 hours: build sequences, train, evaluate, score" pipeline.sh quickstart-failure.conf "$@"
failure=$(summary_of)

# show FILE: a lake that is not on this machine is named instead
show() {
  local file=${1#file:}
  printf '\n'
  if [ -f "$file" ]; then cat "$file"; else printf 'Summary: %s\n' "$file"; fi
}

show "$forecast"
show "$failure"
printf '\nDone in %d min %d s. Everything lies in %s.\n' \
  $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)) "$lake"
