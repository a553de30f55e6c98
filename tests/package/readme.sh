#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The README's host program, its first block of C, compiles as it stands against the moved tree, and runs.
source "$(dirname "$0")/moved.bash"
read -ra cflags <<<"${CFLAGS:-}"

[[ -e $source/README.md ]] || fail "there is no README.md"
awk '/^```c$/ && !seen { inside = seen = 1; next } /^```/ { inside = 0 } inside' "$source/README.md" >"$work/host.c"
grep -q 'main' "$work/host.c" || fail "README.md has no block of C with a program"
"${CC:-cc}" "${cflags[@]}" -Wall -Wextra -Werror -o "$work/host" "$work/host.c" $(pkg-config --cflags --libs cask)
cd "$work"
"$work/host" "fs:$work/blobs" </dev/null
