#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# examples/host builds with make and with CMake against the moved tree, and runs.
source "$(dirname "$0")/moved.bash"

cp -r "$source/examples/host" "$work/host"
make -s -C "$work/host" CFLAGS="${CFLAGS:-} -Wall -Wextra -Werror" CC="${CC:-cc}"
for store in memory: "fs:$work/blobs"; do
  [[ $("$work/host/host" "$store") == hello ]] || fail "the host program does not say hello for $store"
done
if "$work/host/host" nowhere: 2>"$work/error"; then fail "a store that does not exist was opened"; fi
grep -q '^host: .*nowhere' "$work/error" || fail "the host program says: $(<"$work/error")"

unset PKG_CONFIG_PATH
cmake -S "$work/host" -B "$work/build" -DCMAKE_PREFIX_PATH="$tree" >/dev/null
cmake --build "$work/build" >/dev/null
[[ $("$work/build/host") == hello ]] || fail "the host program built with CMake does not say hello"
