#!/usr/bin/env bash
# The contract's program with these arguments; what its random cases have done goes to the scoreboard, as a line
# for each run, which the scoreboard adds up.
set -uo pipefail

report=$(mktemp) || exit 2
trap 'rm -f "$report"' EXIT
"$@" | tee "$report"
status=${PIPESTATUS[0]}
if [ -n "${CASK_SCORE_FILE:-}" ]; then
  sed -nE 's/^(# )?([0-9]+) random steps compared with a model$/model: random steps compared\t+\2/p
    s/^(# )?([0-9]+) histories checked for linearizability$/linearizability: histories checked\t+\2/p' \
    "$report" >>"$CASK_SCORE_FILE" || status=1
fi
exit "$status"
