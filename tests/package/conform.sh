#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# P3, P4: the conformance kit in the moved tree: the command, and an author's own program, built with pkg-config
# and with CMake, whose second process finds the backend wherever the program has it from.
source "$(dirname "$0")/moved.bash"
here=$source/tests/package/conform
read -ra cflags <<<"${CFLAGS:-}"
second='SHARED a second process sees every put and delete'

"${CC:-cc}" "${cflags[@]}" -Wall -Wextra -Werror -o "$work/host" "$here/conform-host.c" \
  $(pkg-config --cflags --libs cask-conform) -ldl
"$work/host" || fail "the kit's functions: status $?"

# holds PROGRAM…: passes the case, which has a second process, and skips nothing.
holds () {
  "$@" --case "$second" 'fs:%d?durability=none' >"$work/log" 2>&1 || fail "$* says: $(<"$work/log")"
  grep -q '^2 passed, 0 failed, 0 skipped' "$work/log" || fail "$* says: $(<"$work/log")"
}
holds "$work/host"
cask=$tree/bin/cask
if [[ -x $cask ]]; then
  (unset LD_LIBRARY_PATH && holds "$cask" conform) || exit 1
fi
[[ $("$work/host" --list memory: | wc -l) -gt 400 ]] || fail "the list of cases is short"

# Nothing finds fs by itself: what the second process knows, it was told.
cp -r "$tree/." "$work/bare"
mv "$work/bare/$libdir/cask/plugins-1" "$work/plugins"
export LD_LIBRARY_PATH=$work/bare/$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
if "$work/host" --case C1 'fs:%d' 2>/dev/null; then fail "fs is still found"; fi
CASK_PLUGIN_PATH=$work/plugins holds "$work/host"
PLUGIN_DIR=$work/plugins holds "$work/host"
PLUGIN_FILE=$work/plugins/cask-fs.so holds "$work/host"

# A second process that dies fails the cases that need it, and not the run.
printf '#!/bin/sh\nexit 0\n' >"$work/bare/$libdir/cask/cask-conform"
got=0
CASK_PLUGIN_PATH=$work/plugins "$work/host" --case C66 'fs:%d?durability=none' >"$work/log" 2>&1 || got=$?
[[ $got == 3 ]] || fail "a second process that dies is status $got: $(<"$work/log")"
grep -q '^FAILED .*C66' "$work/log" || fail "a second process that dies fails no case: $(<"$work/log")"
export LD_LIBRARY_PATH=${LD_LIBRARY_PATH#*:}

# What is wrong with the command line or the config, is said.
# says STATUS TEXT ARGUMENT…
says () {
  local status=$1 text=$2 got=0
  shift 2
  "$work/host" "$@" >"$work/out" 2>&1 || got=$?
  [[ $got == "$status" ]] || fail "status $got, not $status: $*: $(<"$work/out")"
  grep -qF -- "$text" "$work/out" || fail "'$text' expected of $*: $(<"$work/out")"
}
says 2 "nowhere" nowhere:
says 2 "no case has that number or text" --case C4711 memory:
says 2 "exclude each other" --quick --long memory:
says 2 "put %d where its directory belongs" "fs:$work/blobs"
says 2 "Bail out!" --tap nowhere:
says 0 " passed, 0 failed, 0 skipped" --case 'C87 an unknown option' 'memory: '
says 0 "# cask" --tap --case 'C19 the first put is created' $'memory:\n'
grep -q '^# cask .*seed' "$work/out" || fail "a line end in the config ends a line of TAP: $(<"$work/out")"
got=0
"$work/host" --case C19 memory: >/dev/full 2>"$work/out" || got=$?
[[ $got == 3 ]] || fail "a report that could not be written is status $got"
[[ $(<"$work/out") == 'host: standard output: '* ]] || fail "a report that could not be written says $(<"$work/out")"
got=0
"$work/host" $'--\e[31m' memory: 2>"$work/out" || got=$?
[[ $got == 2 && $(wc -l <"$work/out") == 1 ]] && ! grep -q $'\e' "$work/out" || fail "a terminal would obey $(cat -v "$work/out")"

# A store that has blobs is left alone, also where %d stands for something else in the config.
if [[ -x $cask ]]; then
  "$cask" -s "fs:$work/kept" put "$here/conform-host.c" >"$work/put"
  says 2 "it has blobs" --case C36 "fs:$work/kept?spool=%d"
  "$cask" -s "fs:$work/kept" ls | cmp -s - <(cut -d ' ' -f 1 "$work/put") || fail "the kit touched a store that has blobs"
fi
says 0 "1..2" --tap --case 'C19 the first put is created' memory:
says 0 "seed 42" --seed 42 --case C19 memory:

unset PKG_CONFIG_PATH
cmake -S "$here" -B "$work/build" -DCMAKE_PREFIX_PATH="$tree" >"$work/log" 2>&1 &&
  cmake --build "$work/build" >>"$work/log" 2>&1 || { cat "$work/log" >&2; fail "the program does not build with CMake"; }
holds "$work/build/conform-host"
