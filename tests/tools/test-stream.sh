#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The `cask` command with what does not fit one buffer: pipes, large files, sources that fail, damaged blobs,
# signals, and the progress line.
# shellcheck disable=SC2002 # where cat feeds a command, a pipe is meant
# shellcheck source-path=SCRIPTDIR source=shell-test.bash
source "${BASH_SOURCE[0]%/*}/shell-test.bash"

head -c 20M /dev/urandom >large
large=$(digest_of large)
path=$work/store/sha256/${large:7:2}/${large:9}

# residue: what is in the store's folder besides blobs that ls shows.
residue () { run 0 ls && find store -type f ! -path 'store/.tmp/*/lock' -printf '%P\n' | sed 's,^\(sha[0-9]*\)/\(..\)/,\1:\2,' | sort | comm -3 - <(sort out); }
clean () { [[ -z $(residue) ]] || { residue | sed 's/^/  | left: /'; return 1; }; }

# ---- put ----

put_pipe () { cat large | run 0 put - && [[ $(<out) == "$large created -" ]] && cmp "$path" large; }
put_file () { run 0 put large && [[ $(<out) == "$large exists large" ]]; }
put_sha512 () { cat large | run 0 put -a sha512 - && [[ $(<out) == "sha512:$(sha512sum <large | cut -d ' ' -f 1) created -" ]]; }
# A buffer holds 1 MiB.
put_edges () {
  local size
  for size in 1048575 1048576 1048577 2097152; do
    head -c $size large >edge && run 0 put edge && [[ $(<out) == "$(digest_of edge) created edge" ]] && run 0 cat "$(digest_of edge)" && cmp out edge &&
      cat edge | run 0 put - && [[ $(<out) == "$(digest_of edge) exists -" ]] || return 1
  done
}
put_middle () {
  { head -c 1000 >/dev/null && run 0 put -; } <large
  [[ $(<out) == "$(tail -c +1001 large | sha256sum | sed 's/ .*//; s/^/sha256:/') created -" ]]
}
put_eio () { "$CASK_TERMINAL" feed "$1" "$CASK" -s "$store" put - >out 2>err; [[ $? == 3 ]] && errors 1 && grep -q 'Input/output error' err && [[ ! -s out ]] && clean; }
# Grows sparse, so that reading it takes much longer than cutting it short.
put_cut () {
  truncate -s 4G sparse
  "$CASK" -s "$store" put sparse >out 2>err & local pid=$! status=0
  until_true eval "grep -qs '^pos:[[:space:]]*[1-9][0-9]\{6\}' /proc/$pid/fdinfo/*"
  truncate -s 1M sparse
  wait $pid || status=$?
  rm -f sparse
  [[ $status == 3 ]] && errors 1 && grep -q 'cut short while it was read: [0-9]* of 4294967296 bytes' err && clean
}
put_full () { store='memory:?max-bytes=1MiB' run 3 put - < <(cat large) && errors 1 && [[ ! -s out ]]; }
# A signal while the source gives nothing: SIGTERM, because a shell's background jobs ignore SIGINT.
put_signal () {
  rm -f pipe && mkfifo pipe
  env --default-signal=HUP "$CASK" -s "$store" put pipe >out 2>err & local pid=$! status=0
  exec 9>pipe && head -c 4M large >&9 && kill -"$1" $pid
  wait $pid || status=$?
  exec 9>&-
  [[ $status == 3 ]] && errors 1 && grep -q '^cask: put: interrupted$' err && [[ ! -s out ]] && clean
}
check "put - stores 20 MiB from a pipe" put_pipe
check "put of the same as a file says exists" put_file
check "put - by sha512" put_sha512
check "put is right on both sides of a buffer's size" put_edges
check "put - goes on where standard input stands in a file" put_middle
check "C17: put - of a source that fails at once leaves nothing" put_eio 0
check "C17: put - of a source that fails within the first buffer leaves nothing" put_eio 100000
check "C17: put - of a source that fails later leaves nothing" put_eio 3000000
check "C15: put of a file that is cut short meanwhile leaves nothing" put_cut
check "put - into a full store is status 3" put_full
check "put that is interrupted leaves nothing, and is status 3" put_signal TERM
check "and so it is where the terminal is closed" put_signal HUP

# ---- cat, get ----

cat_pipe () { "$CASK" -s "$store" cat "$large" | cmp - large; }
cat_closed () { "$CASK" -s "$store" cat "$large" 2>err | head -c 1000 | cmp - <(head -c 1000 large); errors 0; }
get_file () { rm -f fetched && run 0 get -o fetched "$large" && cmp fetched large; }
range () { run 0 cat --range "$1" "$large" && cmp out <(tail -c "+$(($2 + 1))" large | head -c "$3"); }
# C78: the last bytes are never delivered, whichever byte it is that is wrong.
damaged () {
  local at
  cp --no-preserve=mode large "$work/sound"
  for at in 0 10000000 20971519; do
    chmod u+w "$path" && printf '\x00' | dd of="$path" bs=1 seek=$at conv=notrunc status=none
    cmp -s "$path" large && printf '\x01' | dd of="$path" bs=1 seek=$at conv=notrunc status=none
    run 3 cat "$large" && errors 1 && (($(stat -c %s out) < 20971520)) || return 1
    printf old >kept && run 3 get -o kept "$large" && errors 1 && [[ $(<kept) == old ]] || return 1
    rm -f kept && run 3 get -o kept "$large" && [[ ! -e kept ]] && [[ -z $(find . -maxdepth 1 -name '.cask-*') ]] || return 1
    run 0 put --verify-existing large && run 0 cat "$large" && cmp out large || return 1
  done
}
shortened () {
  chmod u+w "$path" && truncate -s "$1" "$path" && run 3 cat "$large" && errors 1 && (($(stat -c %s out) < 20971520)) &&
    rm -f kept && run 3 get -o kept "$large" && [[ ! -e kept ]] && run 0 put --verify-existing large
}
get_full () { "$CASK" -s "$store" get "$large" >/dev/full 2>err; [[ $? == 3 ]] && errors 1; }
check "cat writes 20 MiB to a pipe" cat_pipe
check "cat into a closed pipe says nothing" cat_closed
check "get -o writes 20 MiB" get_file
check "C23: a range in the middle" range 5000000-14999999 5000000 10000000
check "C24: a range to the end" range 15000000- 15000000 5971520
check "C26: the last byte" range 20971519- 20971519 1
check "C29: the end is cut to the blob" range 20971000-99999999 20971000 520
check "C28: a range that starts past the end is an error" run 3 cat --range 20971521- "$large"
check "C78: a damaged blob is never delivered to its end, and get -o leaves the old file" damaged
check "C79: nor is one that was cut short" shortened 10000000
check "C81: nor is one that was cut to nothing" shortened 0
check "get notices a full standard output" get_full

# ---- cp ----

cp_large () { run 0 cp "$store" "fs:$work/copy" && store=fs:$work/copy run 0 verify && store=fs:$work/copy run 0 cat "$large" && cmp out large; }
cp_max_get () { run 0 cp "$store?max-get=5MiB" 'memory:?max-get=5MiB' && grep -q ', 0 failed$' out; }
cp_damaged () {
  chmod u+w "$path" && printf 'x' | dd of="$path" bs=1 seek=20971519 conv=notrunc status=none && ! cmp -s "$path" large || return 0
  run 3 cp "$store" "fs:$work/third" && errors 1 && grep -q ', 1 failed$' out && store=fs:$work/third run 1 has -q "$large" &&
    run 0 put --verify-existing large
}
check "cp copies large blobs" cp_large
check "cp needs no room for a whole blob" cp_max_get
check "cp of a large blob that is damaged reports it, and copies the others" cp_damaged

# ---- progress ----

# slowly FILE: the file, with more than a second in the middle of it.
slowly () {
  local end=$((${EPOCHREALTIME/./} + 1200000))
  head -c 2M
  while ((${EPOCHREALTIME/./} < end)); do :; done
  cat
} <"$1"
# get_slowly COMMAND…: the command, which writes to a FIFO whose reader takes more than a second.
get_slowly () { rm -f pipe && mkfifo pipe && { slowly pipe >got & } && "$@" -s "$store" get -o pipe "$large" && wait && cmp got large; }
shown () {
  slowly large | "$CASK_TERMINAL" show "$CASK" -s "$store" put - >out 2>screen && [[ $(<out) == "$large exists -" ]] &&
    grep -Eq 'storing -  [0-9.]+ MiB, [0-9.]+ [KMG]iB/s' screen
}
sized () {
  get_slowly "$CASK_TERMINAL" show "$CASK" 2>screen &&
    grep -Eq 'reading pipe +[0-9]+%  [0-9.]+ MiB of 20\.0 MiB, [0-9.]+ [KMG]iB/s, [0-9]+:[0-9]{2} left \[=+ +\]' screen
}
# The last thing written takes the line away.
wiped () { [[ $(tail -c 4 screen) == $'\r\033[K' ]]; }
quiet () { get_slowly "$CASK" 2>err && [[ ! -s err ]] && slowly large | run 0 put - && [[ ! -s err ]]; }
short () { "$CASK_TERMINAL" show "$CASK" -s "$store" put hello >out 2>screen && [[ -s out && ! -s screen ]]; }
dumb () { slowly large | "$CASK_TERMINAL" show env TERM=dumb "$CASK" -s "$store" put - >out 2>screen && [[ -s out && ! -s screen ]]; }
unnamed () { slowly large | "$CASK_TERMINAL" show env -u TERM "$CASK" -s "$store" put - >out 2>screen && [[ -s out && ! -s screen ]]; }
printf hello >hello
check "put - shows bytes and rate on a terminal" shown
check "the progress line is wiped at the end" wiped
check "get shows the share and the time left as well" sized
check "the progress line is wiped at the end" wiped
check "nothing is shown where standard error is no terminal" quiet
check "nothing is shown of what takes less than a second" short
check "nothing is shown on a dumb terminal" dumb
check "nothing is shown on one of which nothing is known" unnamed

# ---- signals ----

get_signal () {
  truncate -s 1G sparse && run 0 put sparse && rm -f sparse kept && local huge status=0
  huge=$(cut -d ' ' -f 1 out)
  "$CASK" -s "$store" get -o kept "$huge" >out 2>err & local pid=$!
  until_true compgen -G '.cask-*' >/dev/null && until_true test -s .cask-* && kill -TERM $pid
  wait $pid || status=$?
  run 0 rm "$huge" && [[ $status == 3 && ! -e kept && -z $(find . -maxdepth 1 -name '.cask-*') ]]
}
check "get -o that is interrupted leaves nothing, and is status 3" get_signal

finish
