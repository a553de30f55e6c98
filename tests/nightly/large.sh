#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Blobs over 4 GiB (C11), and an upload that is saved and resumed after 10 GiB without reading them again (C53):
# large.sh CASK DIRECTORY. Takes a few minutes, and 20 GiB in the directory.
set -euo pipefail
export LC_ALL=C
cask=$1
work=$(mktemp -d "$2/cask-large.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
export CASK_STORE="fs:$work/blobs?durability=data"

say () { printf '   %s\n' "$*"; }
fail () { printf 'large: FAILED: %s\n' "$*" >&2; exit 1; }

# bytes COUNT: so many, and no two pieces of them alike.
bytes () { (seq -f '%.0f of a blob whose size no 32 bits can hold' 1 1000000000 2>/dev/null || true) | head -c "$1"; }

size=$((4 * 1024 * 1024 * 1024 + 4097))
say "a blob of $size bytes, from a pipe"
wanted=sha256:$(bytes "$size" | sha256sum | cut -d ' ' -f 1)
[[ $(bytes "$size" | "$cask" put -) == "$wanted created -" ]] || fail "put says something else than $wanted created"
[[ $("$cask" stat "$wanted" | awk '{ print $2 }') == "$size" ]] || fail "stat gives another size"
[[ sha256:$("$cask" cat "$wanted" | sha256sum | cut -d ' ' -f 1) == "$wanted" ]] || fail "cat gives other bytes"
first=$((4 * 1024 * 1024 * 1024 - 50))
"$cask" cat "$wanted" --range "$first-$((first + 99))" >"$work/range"
bytes "$((first + 100))" | tail -c 100 | cmp - "$work/range" || fail "a range across 4 GiB has other bytes"
[[ $("$cask" verify | tail -n 1) == "verified 1 blobs"*", 0 damaged, 0 failed" ]] || fail "verify does not find it good"
say "put, stat, cat, a range across 4 GiB and verify agree"
"$cask" rm "$wanted" >/dev/null

say "an upload of 10 GiB, saved, and finished by other processes"
half=$((10 * 1024 * 1024 * 1024))
id=$("$cask" upload begin)
[[ $(bytes "$half" | "$cask" upload append "$id" -) == *"$half"* ]] || fail "append does not say $half"
tail=$(bytes 1000 | tail -c 100)
wanted=sha256:$({ bytes "$half"; printf %s "$tail"; } | sha256sum | cut -d ' ' -f 1)

# read_by COMMAND…: runs it, its output in $work/out. Returns how many bytes it has read, of files or anything else.
read_by () {
  bash -c '"${@:2}" >"$1/out"; awk "/^rchar/ { print \$2 }" "/proc/$$/io" >"$1/rchar"' - "$work" "$@"
  cat "$work/rchar"
}
printf %s "$tail" >"$work/tail"
n=$(read_by "$cask" upload append "$id" "$work/tail")
m=$(read_by "$cask" upload commit "$id" "$wanted")
[[ $(<"$work/out") == "$wanted created"* ]] || fail "the commit says: $(<"$work/out")"
((n + m < 100000000)) || fail "resuming and committing has read $((n + m)) bytes"
say "the two that resumed it have read $(((n + m) / 1024)) KiB"
