#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# P2: each public header compiles alone, as C17 and as C++20, with every compiler that is here; so does the
# definition of a plugin.
#
# headers.sh INCLUDE
set -euo pipefail
include=$1
flags=(-I "$include" $(pkg-config --cflags gio-2.0) -Wall -Wextra -Wpedantic -Werror -fsyntax-only)
compiled=0 failures=0

# compile COMPILER STANDARD LANGUAGE WHAT, the source on standard input
compile () {
  if "$1" -std="$2" -x "$3" "${flags[@]}" -; then
    compiled=$((compiled + 1))
  else
    printf 'headers: %s with %s -std=%s\n' "$4" "$1" "$2" >&2
    failures=$((failures + 1))
  fi
}

each () {
  local header
  for header in "$include"/cask/*.h; do
    compile "$1" "$2" "$3" "${header##*/}" <<<"#include <cask/${header##*/}>"
  done
  compile "$1" "$2" "$3" CASK_PLUGIN_DEFINE <<<'#include <cask/cask-plugin.h>
static CaskBackendOps ops;
CASK_PLUGIN_DEFINE (.kind = CASK_PLUGIN_BACKEND, .name = "bare", .ops = &ops)'
}

for compiler in gcc clang; do
  command -v "$compiler" >/dev/null && each "$compiler" c17 c
done
for compiler in g++ clang++; do
  command -v "$compiler" >/dev/null && each "$compiler" c++20 c++
done
((compiled > 0)) || { echo "headers: no compiler found" >&2; exit 1; }
((failures == 0)) || exit 1

# The proof that a header which needs another before it is noticed.
if "${CC:-cc}" -std=c17 -x c "${flags[@]}" - <<<'gboolean cask_late (void);' 2>/dev/null; then
  echo "headers: a header that includes nothing passes" >&2
  exit 1
fi
printf 'headers: %s compiled\n' "$compiled"
