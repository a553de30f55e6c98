#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The proof that each rule of scripts/check-house can fail: a small tree that keeps them all passes, and each
# breach of one, alone, is found by that rule and by no other.
#
# house.sh CHECK_HOUSE
set -euo pipefail
check=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The fixture is no part of a git tree that it may happen to lie in.
export GIT_CEILING_DIRECTORIES=${work%/*}
spdx='/* SPDX-License-Identifier: Apache-2.0 */'
proved=0

# lines COUNT TEXT
lines () { awk -v count="$1" -v text="$2" 'BEGIN { while (count-- > 0) print text }'; }

# house FUNCTION_LINES FILE_LINES: a tree that keeps the rules, as far as these numbers do.
house () {
  rm -rf "$work/tree"
  mkdir -p "$work"/tree/{core/base,plugins/fs,tests}
  printf '%s\n#include <nettle/sha2.h>\n' "$spdx" >"$work/tree/core/base/hasher.c"
  {
    printf '%s\n\nstruct room\n{\n' "$spdx"
    lines 70 '  int (*slot) (void);'
    printf '};\n\nstatic int\nroom (void)\n{\n'
    lines $(($1 - 4)) '  ;'
    printf '}\n'
  } >"$work/tree/plugins/fs/room.c"
  { printf '%s\n' "$spdx"; lines $(($2 - 1)) 'extern int lines;'; } >"$work/tree/core/base/base.c"
  printf '%s\nint asleep (int sleeper);\n' "$spdx" >"$work/tree/tests/test.c"
  printf 'mktemp /tmp/a.XXXXXX\n' >"$work/tree/tests/test.sh"
  printf 'file (STRINGS a b)\n' >"$work/tree/CMakeLists.txt"
}

keeps () {
  "$check" "$work/tree" >"$work/said" || { echo "house: a tree that keeps the rules fails:" >&2; cat "$work/said" >&2; exit 1; }
}

breaks () {
  if "$check" "$work/tree" >"$work/said"; then
    printf 'house: %s: not found in %s\n' "$1" "$2" >&2
    exit 1
  fi
  [[ $(wc -l <"$work/said") == 1 ]] && grep -q "^$2:[0-9]*: $1: " "$work/said" ||
    { printf 'house: %s in %s expected, not\n' "$1" "$2" >&2; cat "$work/said" >&2; exit 1; }
  proved=$((proved + 1))
}

# breach RULE FILE LINE: adds the line to the file of a tree that keeps the rules.
breach () {
  house 60 500
  printf '%s\n' "$3" >>"$work/tree/$2"
  breaks "$1" "$2"
}

house 60 500
keeps
house 61 500
breaks function plugins/fs/room.c
house 60 501
breaks length core/base/base.c
house 60 500
printf 'int naked;\n' >"$work/tree/core/base/naked.h"
breaks licence core/base/naked.h
breach nettle plugins/fs/room.c '#include <nettle/sha2.h>'
breach path core/base/hasher.c '#include "../loader/node-private.h"'
breach glob CMakeLists.txt 'file(GLOB sources *.c)'
for word in TO''DO FIX''ME X''XX HA''CK; do
  breach promise plugins/fs/room.c "/* $word: explain */"
done
breach sleep tests/test.c '  g_usleep (1000);'
breach sleep tests/test.sh 'do sleep'' 1; done'
printf 'house: %s breaches found\n' "$proved"
