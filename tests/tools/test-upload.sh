#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# `cask upload`: each command a process of its own, as a script or a server's hooks would run it.
# shellcheck source-path=SCRIPTDIR source=shell-test.bash
source "${BASH_SOURCE[0]%/*}/shell-test.bash"

head -c 3000000 /dev/urandom >first
head -c 5000000 /dev/urandom >second
cat first second >both
printf 'hello' >hello
both=$(digest_of both)
hello=$(digest_of hello)
absent=sha256:$(printf '0%.0s' {1..64})
nobody=00000000-0000-0000-0000-000000000000

# begin ARGUMENT…: begins an upload; its id is in id.
begin () { run 0 upload begin "$@" && [[ $(wc -l <out) == 1 ]] && errors 0 && id=$(<out) && [[ -n $id ]]; }
# at N: the upload id is at N bytes.
at () { run 0 upload status "$id" && grep -q "^offset  $1\$" out; }
gone () { run 1 upload status "$id" && errors 1; }
none () { run 0 upload ls && [[ ! -s out ]] && [[ -z $(find store -type f ! -path '*/.tmp/*/lock' ! -path 'store/sha*') ]]; }

# ---- a life ----

life () {
  begin && at 0 && run 0 upload append "$id" first && [[ $(<out) == 3000000 ]] && at 3000000 &&
    run 1 has -q "$both" && run 0 upload append "$id" - <second && [[ $(<out) == 8000000 ]] &&
    run 0 upload commit "$id" && [[ $(<out) == "$both created" ]] && run 0 cat "$both" && cmp out both
}
life_again () { begin && run 0 upload append "$id" first second && [[ $(<out) == 8000000 ]] && run 0 upload commit "$id" "$both" && [[ $(<out) == "$both exists" ]]; }
life_empty () { begin && run 0 upload commit "$id" && [[ $(<out) == 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 created' ]]; }
life_pieces () {
  begin && for piece in a b c d e; do printf %s $piece | run 0 upload append "$id" - || return 1; done
  run 0 upload commit "$id" && [[ $(<out) == "sha256:$(printf abcde | sha256sum | cut -d ' ' -f 1) created" ]]
}
life_sha512 () { begin -a sha512 && run 0 upload append "$id" hello && run 0 upload commit "$id" && [[ $(<out) == "sha512:$(sha512sum <hello | cut -d ' ' -f 1) created" ]]; }
life_all () {
  local other
  other=sha512:$(sha512sum <second | cut -d ' ' -f 1)
  begin --all-algorithms && run 0 upload append "$id" second && run 0 upload commit "$id" && [[ $(<out) == "$(digest_of second) created $other" ]] &&
    begin --all-algorithms && run 0 upload append "$id" second && run 0 upload commit "$id" "$other" && [[ $(<out) == "$other created $(digest_of second)" ]]
}
check "C50-C52: an upload in processes of its own becomes a blob, and none before" life
check "C60: it is gone once it is committed" gone
check "C59: commit of what exists says so" life_again
check "C7: an upload of nothing is the empty blob" life_empty
check "an upload in many pieces" life_pieces
check "an upload by sha512" life_sha512
check "--all-algorithms tells the other digest, and commits by either" life_all
check "nothing is left of them" none

# ---- what was announced ----

announced () { begin --digest "$both" --size 8000000 && run 0 upload status "$id" && grep -q '^size    8000000$' out && run 0 upload append "$id" both && run 0 upload commit "$id" && [[ $(<out) == "$both exists" ]]; }
announced_wrong () { begin -d "$absent" && run 0 upload append "$id" hello && run 3 upload commit "$id" && errors 1 && at 5 && run 0 upload abort "$id"; }
too_many () { begin --size 4 && run 3 upload append "$id" hello && errors 1 && [[ $(<out) == 0 ]] && at 0 && run 0 upload abort "$id"; }
too_few () { begin --size 10 && run 0 upload append "$id" hello && run 3 upload commit "$id" && errors 1 && at 5 && run 0 upload append "$id" hello && run 0 upload commit "$id" && [[ $(<out) == *' created' ]]; }
wrong_then_right () {
  begin && run 0 upload append "$id" hello && run 3 upload commit "$id" "$absent" && errors 1 && grep -q "$absent" err && run 1 has -q "$absent" &&
    run 1 has -q "$hello" && at 5 && run 0 upload commit "$id" "$hello" && [[ $(<out) == "$hello created" ]]
}
check "an announced digest and size are shown and kept" announced
check "an announced digest that is wrong is status 3" announced_wrong
check "C55: more bytes than announced are refused, and the upload stays" too_many
check "C55: a commit of fewer is refused, and the upload goes on" too_few
check "C54: a wrong digest is refused, and the right one then taken" wrong_then_right

# ---- going on ----

offset_right () { begin && run 0 upload append --offset 0 "$id" first && run 0 upload append --offset 3000000 "$id" second && [[ $(<out) == 8000000 ]]; }
offset_wrong () { run 3 upload append --offset 3000000 "$id" second && errors 1 && grep -q 'is at 8000000, not at 3000000' err && [[ $(<out) == 8000000 ]] && at 8000000; }
offset_nonsense () { run 2 upload append --offset x "$id" first && run 2 upload append --offset -1 "$id" first; }
# kill -9 in the middle of an append: the next goes on where the last one saved.
killed () {
  begin && run 0 upload append "$id" first || return 1
  rm -f pipe && mkfifo pipe
  "$CASK" -s "$store" upload append "$id" pipe >/dev/null 2>&1 & local pid=$!
  exec 9>pipe && head -c 2M second >&9 && kill -KILL $pid
  wait $pid 2>/dev/null
  exec 9>&-
  at 3000000 && run 0 upload append --offset 3000000 "$id" second && [[ $(<out) == 8000000 ]] && run 0 upload commit "$id" "$both" && [[ $(<out) == "$both exists" ]]
}
# What a source gave before it failed is kept: the rest can follow.
source_fails () {
  begin && local status=0
  "$CASK_TERMINAL" feed 3000000 "$CASK" -s "$store" upload append "$id" - >out 2>err || status=$?
  [[ $status == 3 && $(<out) == 3000000 ]] && errors 1 && grep -q 'Input/output error' err && at 3000000 && run 0 upload abort "$id"
}
source_missing () { begin && run 3 upload append "$id" first missing second && errors 1 && [[ $(<out) == 3000000 ]] && at 3000000 && run 0 upload abort "$id"; }
signalled () {
  begin && rm -f pipe && mkfifo pipe || return 1
  "$CASK" -s "$store" upload append "$id" pipe >out 2>err & local pid=$! status=0
  exec 9>pipe && head -c 2M second >&9 && kill -TERM $pid
  wait $pid || status=$?
  exec 9>&-
  [[ $status == 3 ]] && errors 1 && grep -q '^cask: upload append: interrupted$' err && local saved && saved=$(<out) && at "$saved" &&
    run 0 upload append --offset "$saved" "$id" - < <(tail -c "+$((saved + 1))" second) && run 0 upload commit "$id" "$(digest_of second)"
}
check "append --offset goes on where the upload is" offset_right
check "append --offset elsewhere is status 3, and appends nothing" offset_wrong
check "append --offset with nonsense is a usage error" offset_nonsense
check "C52: kill -9 in an append loses nothing that was saved" killed
check "C17: what a source gave before it failed is kept" source_fails
check "append of a missing file keeps those before it" source_missing
check "append that is interrupted keeps what it had, and can go on" signalled

# ---- who, and which ----

busy () {
  run 0 upload expire 0s && begin && rm -f pipe && mkfifo pipe || return 1
  "$CASK" -s "$store" upload append "$id" pipe >held 2>held-err & local pid=$! status=0
  exec 9>pipe && head -c 2M second >&9
  run 3 upload append "$id" hello && errors 1 && grep -q 'in another process' err && [[ ! -s out ]] &&
    run 3 upload commit "$id" && errors 1 && run 3 upload abort "$id" && errors 1 && run 3 upload status "$id" && errors 1 &&
    run 0 upload expire 0s && [[ $(<out) == 'expired 0 uploads' ]] || status=1
  exec 9>&-
  wait $pid && [[ $status == 0 && $(<held) == 2097152 && ! -s held-err ]] && at 2097152 && run 0 upload abort "$id" && gone
}
unknown () {
  local forged
  for forged in "$nobody" ../x ../../etc/passwd /etc/passwd . .. '' 'a b' $'a\nb' "$(printf 'a%.0s' {1..2000})"; do
    run 1 upload status -- "$forged" && errors 1 && run 1 upload append -- "$forged" hello && errors 1 && [[ ! -s out ]] &&
      run 1 upload commit -- "$forged" && errors 1 && run 1 upload abort -- "$forged" && errors 1 || return 1
  done
}
aborted () { begin && run 0 upload append "$id" first && run 0 upload abort "$id" && [[ ! -s out ]] && gone && run 1 upload commit "$id" && errors 1; }
abort_many () { begin && local one=$id && begin && run 1 upload abort "$one" "$nobody" "$id" && errors 1 && gone && id=$one && gone; }
check "C56, C62: a second user of an upload is told, and a sweep spares it" busy
check "C58: an unknown or forged id is status 1" unknown
check "C57: abort removes it" aborted
check "abort of several goes on past one that is unknown" abort_many

# ---- ls, expire ----

ls_all () {
  run 0 upload expire 0s && begin && local one=$id && begin && run 0 upload append "$id" hello && run 0 upload ls && [[ $(wc -l <out) == 2 ]] &&
    grep -qxF -- "$one" out && grep -qxF -- "$id" out && run 0 upload ls -l && grep -Eq "^$one 0 20[0-9-]{8}T[0-9:]{8}\.[0-9]{6}Z\$" out && grep -q "^$id 5 20" out
}
ls_json () { run 0 upload ls --json && json out && grep -q "^{\"id\":\"$id\",\"offset\":5,\"saved\":\"20" out; }
status_json () { run 0 upload status --json "$id" && json out && grep -q "^{\"id\":\"$id\",\"offset\":5,\"size\":null,\"saved\":\"20" out; }
status_text () { run 0 upload status "$id" && [[ $(cut -d ' ' -f 1 out | tr '\n' ' ') == 'offset size saved age ' ]] && grep -q '^size    unknown$' out && grep -Eq '^age     [0-9]+ s$' out; }
expire_young () { run 0 upload expire 24h && [[ $(<out) == 'expired 0 uploads' ]] && at 5; }
expire_old () { run 0 upload expire 0s && [[ $(<out) == 'expired 2 uploads' ]] && gone && none; }
expire_nonsense () { for age in '' 1 1d -1h x; do run 2 upload expire -- "$age" && errors 1 || return 1; done; }
check "C61: ls lists the uploads that wait" ls_all
check "ls --json is JSON" ls_json
check "status --json is JSON" status_json
check "status shows offset, size, time and age" status_text
check "C62: expire keeps what is younger" expire_young
check "C62: expire removes what is older, and leaves nothing" expire_old
check "expire of no duration is a usage error" expire_nonsense

# ---- the command ----

help_all () {
  run 0 upload --help && cp out help && for command in begin append commit abort status ls expire; do
    grep -q "^  $command " help && run 0 upload $command --help && grep -q "cask upload $command" out || return 1
  done
}
usage () {
  run 2 upload && errors 1 && run 2 upload frobnicate && errors 1 && run 2 upload append "$nobody" && run 2 upload commit && errors 1 &&
    run 2 upload commit "$nobody" nonsense && errors 1 && run 2 upload begin --size x && errors 1 && run 2 upload begin --digest x && errors 1 &&
    run 2 upload begin -a md5 && errors 1 && run 2 upload begin -a sha512 -d "$hello" && errors 1 && run 2 upload begin extra && errors 1 && run 2 upload abort
}
missing () {
  for command in ls "status $nobody" "append $nobody hello" "commit $nobody" "abort $nobody" 'expire 1h'; do
    # shellcheck disable=SC2086 # words are meant
    store=fs:$work/mistyped run 3 upload $command && errors 1 && [[ ! -e mistyped ]] || return 1
  done
}
full () { begin && "$CASK" -s "$store" upload "$@" >/dev/full 2>err; [[ $? == 3 ]] && errors 1; }
# What nobody was told the id of does not stay; 9 is a pipe that nobody reads.
begin_untold () {
  run 0 upload expire 0s && "$CASK" -s "$store" upload begin >/dev/full 2>err; [[ $? == 3 ]] && errors 1 && none || return 1
  rm -f pipe && mkfifo pipe && exec 8<>pipe && exec 9>pipe 8<&-
  "$CASK" -s "$store" upload begin >&9 2>err; [[ $? == 3 ]] && errors 0 && none
  local status=$?
  exec 9>&-
  return $status
}
append_full () { begin && "$CASK" -s "$store" upload append "$id" hello >/dev/full 2>err; [[ $? == 3 ]] && errors 1 && at 5; }
check "every command has help" help_all
check "what is wrong on the command line is status 2" usage
check "a store that does not exist is status 3, and is not made" missing
check "ls notices a full standard output" full ls
check "begin notices a full standard output" full begin
check "begin leaves no upload whose id could not be told" begin_untold
check "append notices a full standard output, and has saved" append_full

finish
