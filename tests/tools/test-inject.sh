#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# X1, X3 of the whole program: `cask` under strace, which fails one system call, or kills at it. After each: the
# status is 0 and the output right, or it is 2 or 3 and each line on stderr an error; `cask verify` finds
# nothing; the command comes again and succeeds. Absence (status 1) is never an answer: everything asked for is there.
#
# Everyday a selection; CASK_TEST_LONG=1 has every call, with every error. What needs no store (the dynamic
# loader) is not failed: only what comes after the store's root was opened.
# shellcheck source-path=SCRIPTDIR source=shell-test.bash
source "${BASH_SOURCE[0]%/*}/shell-test.bash"

not_run () {
  printf 'not run: %s\n' "$1"
  exit 77
}
[[ -z ${CASK_SANITIZED-} ]] || not_run "a sanitizer's own calls would fail"
command -v strace >/dev/null || not_run 'there is no strace'
strace -o /dev/null -e inject=getppid:error=EIO true 2>/dev/null || not_run 'strace may not trace here'

printf 'hello' >hello
head -c 100000 /dev/urandom >large
hello=$(digest_of hello) large=$(digest_of large)
run 0 put hello || exit 1
run 0 upload begin || exit 1
id=$(<out)
run 0 upload append "$id" hello || exit 1
mv store template

# ---- The commands, and what is right after a success ----

# By name, in traced and first.
# shellcheck disable=SC2034
{
cmd_put=(put large) cmd_hit=(put hello) cmd_get=(get "$hello" -o got) cmd_cat=(cat "$hello") cmd_has=(has "$hello")
cmd_stat=(stat "$hello") cmd_ls=(ls) cmd_rm=(rm "$hello") cmd_begin=(upload begin) cmd_append=(upload append "$id" large)
cmd_commit=(upload commit "$id" "$hello") cmd_uploads=(upload ls)
}
right_put () { [[ $(<out) == "$large created"* ]] && run 0 cat "$large" && cmp -s out large; }
right_hit () { [[ $(<out) == "$hello exists"* ]] && run 0 cat "$hello" && cmp -s out hello; }
right_get () { cmp -s got hello; }
right_cat () { cmp -s out hello; }
right_has () { run 0 has "$hello"; }
right_stat () { grep -q 5 out; }
right_ls () { grep -q "$hello" out; }
right_rm () { run 1 has "$hello"; }
right_begin () { run 0 upload status "$(<out)"; }
right_append () { run 0 upload status "$id" && grep -q '^offset  100005$' out; }
right_commit () { [[ $(<out) == "$hello"* ]] && run 0 cat "$hello" && cmp -s out hello; }
right_uploads () { grep -q "$id" out; }

# ---- Which calls fail, and how ----

declare -A errors_of=(
  [openat2]='EIO EACCES EMFILE ENOMEM' [openat]='EIO ENOSPC EACCES EMFILE' [pwrite64]='EIO ENOSPC EDQUOT' [fsync]='EIO ENOSPC'
  [linkat]='EIO ENOSPC EROFS' [renameat2]='EIO ENOSPC' [renameat]='EIO ENOSPC' [unlinkat]='EIO EACCES' [mkdirat]='EIO ENOSPC'
  [pread64]='EIO EINTR' [read]='EIO' [newfstatat]='EIO ENOMEM' [fstat]='EIO ENOMEM' [flock]='ENOLCK EINTR' [fcntl]='ENOLCK'
  [statx]='EIO' [utimensat]='EIO EPERM' [getdents64]='EIO' [mmap]='ENOMEM' [close]='EIO')
commands=(put hit get rm ls append)
calls=(openat2 openat pwrite64 fsync linkat pread64 unlinkat)
if [[ ${CASK_TEST_LONG-} == 1 ]]; then
  commands=(put hit get cat has stat ls rm begin append commit uploads)
  calls=("${!errors_of[@]}")
fi
n_points=0 n_kills=0

fresh () {
  rm -rf store got
  cp -a template store
}

# traced CALL FATE N COMMAND: runs it; the status is in status, and whether the call was reached in reached.
traced () {
  local -n arguments=cmd_$4
  status=0
  fresh
  # Around it, for the shell's own word on who was killed.
  { strace -f -o log -e "trace=$1" -e "inject=$1:$2:when=$3" "$CASK" -s "$store" "${arguments[@]}" >out 2>err || status=$?; } 2>/dev/null
  if [[ $2 == signal* ]]; then
    reached=$((status == 137))
  else
    reached=$(grep -c INJECTED log)
  fi
}

is_sound () {
  run 0 verify && run 0 put hello && run 0 put large && [[ -z $(find store/.tmp -mindepth 1 2>/dev/null) ]] &&
    run 0 cat "$large" && cmp -s out large
}

judge_failure () {
  if ((status == 0)); then
    "right_$1"
  else
    ((status == 2 || status == 3)) && [[ -s err ]] && ! grep -qv '^cask: ' err
  fi && is_sound
}

# What was killed may have done it, or not.
judge_kill () { is_sound; }

# first CALL COMMAND: the number of the first such call of the main thread once the root was opened; 0: none.
first () {
  local -n arguments=cmd_$2
  fresh
  strace -f -o log -e "trace=$1,openat" "$CASK" -s "$store" "${arguments[@]}" >out 2>err || return 1
  awk -v call="$1" -v root="\"$work/store\"" '
    NR == 1 { main = $1 }
    $1 != main { next }
    index ($0, root) && !is_open { is_open = 1; if (call == "openat") print ++before; if (call == "openat") exit; next }
    $2 ~ "^" call "\\(" { before++; if (is_open) { print before; exit } }' log
}

each_call () {
  local command=$1 call=$2 kind=$3 fate=$4 number
  number=$(first "$call" "$command")
  [[ -n $number ]] || return 0
  # A list opens as many directories as there may be shards.
  for ((step = 1, last = number + 24; ; number += step)); do
    ((number < last)) || step=41
    traced "$call" "$fate" "$number" "$command"
    ((reached > 0)) || return 0
    if [[ $kind == failure ]]; then n_points=$((n_points + 1)); else n_kills=$((n_kills + 1)); fi
    check "$command: $fate of $call number $number (status $status: $(head -c 200 err))" "judge_$kind" "$command"
  done
}

for command in "${commands[@]}"; do
  for call in "${calls[@]}"; do
    # shellcheck disable=SC2206
    errors=(${errors_of[$call]})
    [[ ${CASK_TEST_LONG-} == 1 ]] || errors=("${errors[0]}")
    for error in "${errors[@]}"; do
      each_call "$command" "$call" failure "error=$error"
    done
  done
done
for command in put append rm; do
  for call in openat2 linkat fsync pwrite64 renameat unlinkat mkdirat; do
    [[ ${CASK_TEST_LONG-} == 1 || $call == linkat || ($command == append && $call == fsync) ]] || continue
    each_call "$command" "$call" kill signal=KILL
  done
done

score () {
  printf '%s: %s\n' "$1" "$2"
  [[ -z ${CASK_SCORE_FILE-} ]] || printf '%s\t%s\n' "$1" "$2" >>"$CASK_SCORE_FILE"
}
score 'injected by strace: points' "$n_points calls of the program failed, $n_kills killed"
finish
