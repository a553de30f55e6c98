#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The headers that are kept of an ABI are, to the byte, those that its plugins were built from; and every minor
# before the live header's is kept.
#
# frozen.sh ABI PLUGIN_HEADER, where ABI/MAJOR.MINOR/SHA256SUMS lists the headers below it
set -euo pipefail
export LC_ALL=C
abi=$1 header=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0 kept=0
fail () { printf 'frozen: %s\n' "$*" >&2; failures=$((failures + 1)); }

number () { sed -n "s/^#define CASK_PLUGIN_ABI_$1 \([0-9][0-9]*\)$/\1/p" "$header"; }

# check_one DIRECTORY
check_one () {
  local sum file
  while read -r sum file; do
    if [[ ! -f $1/$file ]]; then
      fail "$1/$file is gone: bring it back from the history; plugins that are in use were built from it"
    elif [[ $(sha256sum <"$1/$file") != "$sum  -" ]]; then
      fail "$1/$file has changed: take that back, and change include/$file instead; plugins that are in use were" \
           "built from the frozen one, and a new minor has a directory of its own"
    fi
    kept=$((kept + 1))
  done <"$1/SHA256SUMS"
  for file in "$1"/cask/*; do
    grep -q "  cask/${file##*/}\$" "$1/SHA256SUMS" || fail "$file is not in $1/SHA256SUMS: nothing is added to what is frozen"
  done
}

# check_all DIRECTORY MAJOR MINOR
check_all () {
  local minor
  for ((minor = 0; minor <= $3; minor++)); do
    if [[ -e $1/$2.$minor/SHA256SUMS ]]; then
      check_one "$1/$2.$minor"
    elif ((minor == 0 || minor < $3)); then
      fail "the header has ABI $2.$3, and of $2.$minor nothing is kept: copy its headers to $1/$2.$minor/cask" \
           "and write their SHA256SUMS"
    fi
  done
}

major=$(number MAJOR) minor=$(number MINOR)
[[ -n $major && -n $minor ]] || { fail "$header names no ABI"; exit 1; }
check_all "$abi" "$major" "$minor"
((failures == 0 && kept > 0)) || exit 1

# The proof that each breach is found, and said.
proved=0
# breach TEXT MINOR: what the copy has become is refused with that text.
breach () {
  failures=0
  check_all "$work/abi" "$major" "$2" 2>"$work/said"
  ((failures == 1)) && grep -qF "$1" "$work/said" ||
    { printf 'frozen: "%s" expected, not\n' "$1" >&2; cat "$work/said" >&2; exit 1; }
  proved=$((proved + 1))
}
fresh () {
  rm -rf "$work/abi"
  mkdir -p "$work/abi"
  cp -R "$abi/$major."* "$work/abi"
}
count=$kept
fresh
printf '\n' >>"$work/abi/$major.0/cask/cask-plugin.h"
breach "cask-plugin.h has changed: take that back" "$minor"
fresh
rm "$work/abi/$major.0/cask/cask-option.h"
breach "cask-option.h is gone" "$minor"
fresh
: >"$work/abi/$major.0/cask/cask-late.h"
breach "cask-late.h is not in" "$minor"
fresh
breach "of $major.$((minor + 1)) nothing is kept" "$((minor + 2))"
printf 'frozen: %s headers, %s breaches found\n' "$count" "$proved"
