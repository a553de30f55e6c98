#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# examples/host builds with make and with CMake against the moved tree; stores a file by stream, reads it back by ranges,
# and leaves nothing when it is interrupted.
source "$(dirname "$0")/moved.bash"

cp -r "$source/examples/host" "$work/host"
make -s -C "$work/host" CFLAGS="${CFLAGS:-} -Wall -Wextra -Werror" CC="${CC:-cc}"
host=$work/host/host

head -c 3000000 /dev/urandom >"$work/file"
digest=sha256:$(sha256sum <"$work/file" | cut -d ' ' -f 1)
for store in memory: "fs:$work/blobs"; do
  "$host" "$store" "$work/file" 0-15 2999990-2999999 1000000-1000099 0-15 >"$work/back" 2>"$work/said"
  { head -c 16 "$work/file"; tail -c 10 "$work/file"; tail -c +1000001 "$work/file" | head -c 100; head -c 16 "$work/file"; } |
    cmp - "$work/back" || fail "the host program reads other bytes back from $store"
  grep -q "$digest created, 3000000 bytes" "$work/said" || fail "the host program says: $(<"$work/said")"
done
"$host" "fs:$work/blobs" "$work/file" 2>&1 | grep -q "$digest exists" || fail "a second upload does not say that the blob exists"

# refused STATUS WORDS ARGUMENT…: whether the program ends with this status and says these words.
refused () {
  local wanted=$1 words=$2 status=0
  shift 2
  "$host" "$@" >/dev/null 2>"$work/said" || status=$?
  ((status == wanted)) || fail "host $* ended with $status, not $wanted"
  grep -q "$words" "$work/said" || fail "host $* says: $(<"$work/said")"
}
refused 2 '^usage: ' memory:
refused 1 'nowhere: no such plugin' nowhere: "$work/file"
refused 1 'No such file' memory: "$work/missing"

# A range with a typo costs nothing: it is found before the store is opened, which would make it.
for range in 5-1 x 5 5- -5 +1-2 ' 1-2' 0-1-2 0x1-2 0-67108864 9223372036854775808-9223372036854775808; do
  refused 2 "'$range': FIRST-LAST expected" "fs:$work/typo" "$work/file" 0-15 "$range"
done
[[ ! -e $work/typo ]] || fail "a range with a typo was found after the store was opened"

# A name's letters are what the terminal shows.
LC_ALL=C.UTF-8 refused 1 'Grüße-日本' memory: "$work/Grüße-日本"

refused 1 "host: " memory: "$work/file" 3000001-3000002

# What was read and could not be written is not done.
status=0
"$host" memory: "$work/file" 0-15 >/dev/full 2>"$work/said" || status=$?
((status == 1)) && grep -q 'standard output: No space left' "$work/said" || fail "a full standard output is status $status: $(<"$work/said")"

# Interrupted in the middle of a file that is too large to be through by then.
truncate -s 12G "$work/large"
"$host" "fs:$work/interrupted?durability=none" "$work/large" >/dev/null 2>"$work/said" &
pid=$!
until (($(awk '/^rchar/ { print $2 }' "/proc/$pid/io") > 20000000)); do :; done
kill -INT "$pid"
status=0
wait "$pid" || status=$?
((status == 1)) || fail "the interrupted host program ended with $status"
grep -qi 'cancelled' "$work/said" || fail "the interrupted host program says: $(<"$work/said")"
[[ -z $(find "$work/interrupted" -type f) ]] || fail "the interrupted host program left: $(find "$work/interrupted" -type f)"

unset PKG_CONFIG_PATH
cmake -S "$work/host" -B "$work/build" -DCMAKE_PREFIX_PATH="$tree" >/dev/null
cmake --build "$work/build" >/dev/null
"$work/build/host" memory: "$work/file" 2>&1 | grep -q "$digest created" || fail "the host program built with CMake does not work"
