#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A backend that ends the process, or does not answer, is named with its case, and never taken for one that passed.
#
# $1: the program that is the kit behind --kit. CASK_SANITIZED: set where a sanitizer handles crashes, in its own words.
set -uo pipefail
kit=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/cask-ends.XXXXXX")
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work
ulimit -c 0
ulimit -S -s 8192 # one that never overflows would be taken for a hang
n_failed=0
sentence='C19 the first put is created, every later one is not'

fail () {
  printf '%s:\n%s\n' "$1" "$(<"$work/log")"
  n_failed=$((n_failed + 1))
}

# ends HOW STATUS TEXT ARGUMENT…: the run has that status, and a line with that text and the case.
ends () {
  local how=$1 status=$2 text=$3 got=0
  shift 3
  "$kit" --kit --sync --case "$sentence" "$@" "ending?how=$how" >"$work/log" 2>&1 || got=$?
  [[ $got == "$status" ]] || fail "$how: status $got, not $status"
  grep -F -- "$text" "$work/log" | grep -qF -- "$sentence" || fail "$how: '$text' and the case expected"
  grep -qF -- 'again: ' "$work/log" || fail "$how: no command that runs it again"
}

for form in '' --tap; do
  ends exit 3 'ended the process by exit()' $form
  ends hang 3 'not ended after 2 s' --timeout 2 $form
done
grep -q '^not ok 1 - ' "$work/log" || fail "hang: the case is not ok in TAP"
compgen -G "$work/cask-conform-*" >"$work/log" && fail "a run that was ended left its directory"
if [[ -z ${CASK_SANITIZED:-} ]]; then
  ends crash 139 'invalid memory access in the case'
  ends overflow 139 'invalid memory access in the case'
  ends message 133 'aborted by a message in the case'
  ends crash 139 'Bail out! invalid memory access in the case' --tap
fi
((n_failed == 0))
