#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# `cask verify`: what is moved aside, how fast it reads, and how it goes on after an end that came too early.
# shellcheck source=tests/tools/shell-test.bash
source "$(dirname "$0")/shell-test.bash"

store="fs:$work/store?durability=none"
mkdir many
for i in {1..300}; do printf 'blob %d' "$i" >"many/$i"; done
printf '%s\0' many/* | "$CASK" -s "$store" put -0 --files-from - >/dev/null || exit 1
printf hello >hello
head -c 3000000 /dev/zero >large
"$CASK" -s "$store" put hello large >/dev/null || exit 1
hello=$(digest_of hello) large=$(digest_of large)
n_blobs=302

# path DIGEST [STORE]: the blob's file.
path () { local hex=${1#sha256:}; printf '%s/%s/sha256/%s/%s' "$work" "${2:-store}" "${hex:0:2}" "${hex:2}"; }
# damage FILE…: the blobs of these files.
damage () {
  local file
  for file; do chmod u+w "$(path "$(digest_of "$file")")" && printf '!' | dd of="$(path "$(digest_of "$file")")" conv=notrunc status=none || return 1; done
}
heal () { run 0 put --verify-existing "$@"; }
summary () { [[ $(tail -n 1 out) == "$1" ]]; }
quarantined () { find store/.quarantine -type f 2>/dev/null | wc -l; }

# ---- --quarantine ----

quarantine_good () { run 0 verify --quarantine && [[ $(wc -l <out) == 1 && ! -e store/.quarantine ]] && grep -q ', 0 damaged, 0 quarantined, 0 failed$' out; }
quarantine_bad () {
  damage hello many/7 && run 3 verify && [[ ! -e store/.quarantine ]] &&
    run 3 verify --quarantine && [[ $(wc -l <out) == 5 ]] && grep -q "^$hello corrupt " out &&
    grep -q "^$hello quarantined .quarantine/${hello/:/-}\.[0-9]*T[0-9]*Z\$" out && grep -q ', 2 damaged, 2 quarantined, 0 failed$' out &&
    [[ $(quarantined) == 2 ]]
}
quarantine_kept () { cmp <(printf '!ello') "store/$(sed -n "s/^$hello quarantined //p" out)"; }
quarantine_reason () { run 1 get "$hello" && errors 1 && grep -q "quarantined: corrupt, kept as .quarantine/${hello/:/-}" err && run 1 has -q "$hello"; }
quarantine_cat () { run 1 cat "$hello" && errors 1 && grep -q "kept as .quarantine/${hello/:/-}" err; }
quarantine_others () { run 1 get "sha256:$(printf '0%.0s' {1..64})" && ! grep -q quarantine err; }
quarantine_rest () { run 0 verify && summary "verified $((n_blobs - 2)) blobs (2.9 MiB), 0 damaged, 0 failed"; }
quarantine_heals () { run 0 put hello many/7 && [[ $(grep -c ' created ' out) == 2 ]] && run 0 get "$hello" && cmp out hello && run 0 verify; }
quarantine_named () {
  damage hello && run 3 verify --quarantine "$hello" "$large" && grep -q "^$hello quarantined " out && [[ $(quarantined) == 3 ]] &&
    run 1 verify --quarantine "$hello" && errors 1 && heal hello
}
quarantine_same_second () { for _ in 1 2 3; do damage hello && run 3 verify -q --quarantine "$hello" && heal hello || return 1; done; [[ $(quarantined) == 6 ]]; }
quarantine_json () {
  damage hello && run 3 verify --json --quarantine && json out && [[ $(wc -l <out) == 2 ]] &&
    jq -es '.[0].digest == "'"$hello"'" and .[0].quarantined and (.[0].kept | startswith(".quarantine/sha256-"))
      and .[1].damaged == 1 and .[1].quarantined == 1 and .[1].complete' out >/dev/null && heal hello
}
quarantine_memory () { store=memory: run 2 verify --quarantine && errors 1 && grep -q 'no quarantine' err; }
# What is in the way of the folder is not followed.
quarantine_link () {
  mkdir elsewhere && mv store/.quarantine kept && ln -s ../elsewhere store/.quarantine && damage hello &&
    run 3 verify --quarantine && [[ -z $(ls elsewhere) && -e $(path "$hello") ]] && ! grep -q ' quarantined \.' out &&
    rm store/.quarantine && mv kept store/.quarantine && heal hello
}
quarantine_listed () { run 0 ls && [[ $(wc -l <out) == "$n_blobs" ]] && ! grep -q quarantine out; }
check "verify --quarantine leaves good blobs alone" quarantine_good
check "verify --quarantine moves exactly the damaged ones, and says where" quarantine_bad
check "what was moved is kept" quarantine_kept
check "get of a quarantined blob is status 1, and says why" quarantine_reason
check "cat of a quarantined blob is status 1, and says why" quarantine_cat
check "get of a blob that never was does not speak of quarantine" quarantine_others
check "what was moved is damaged no more" quarantine_rest
check "a put stores anew what was moved" quarantine_heals
check "verify --quarantine DIGEST moves that one" quarantine_named
check "a blob is moved three times in a second, and each copy kept" quarantine_same_second
check "verify --quarantine --json says where" quarantine_json
check "a store without quarantine is status 2" quarantine_memory
check "a link in the place of .quarantine is not followed" quarantine_link
check "ls does not list the quarantine" quarantine_listed

# ---- --max-rate ----

# The bucket holds a quarter of a second: at 2 MiB a second 2.9 MiB take one.
rate_limits () {
  local begun=$EPOCHREALTIME ended
  run 0 verify --max-rate 2MiB && ended=$EPOCHREALTIME && summary "verified $n_blobs blobs (2.9 MiB), 0 damaged, 0 failed" &&
    ((${ended/./} - ${begun/./} > 1000000))
}
rate_finds () { damage large hello && run 3 verify --max-rate 1G && grep -q "^$large corrupt " out && grep -q "^$hello corrupt " out && grep -q ', 2 damaged, 0 failed$' out; }
rate_moves () { run 3 verify --max-rate 1G --quarantine && grep -q "^$large quarantined " out && heal hello large && run 0 verify --max-rate 1TiB; }
rate_wrong () { for r in '' 0 -1 1.5M 1m 5KB 99999999999TiB fast; do run 2 verify --max-rate "$r" && errors 1 || return 1; done; }
# The large blob is seen to move, as one of all and alone.
rate_shows () {
  "$CASK_TERMINAL" show "$CASK" -s "$store" verify --max-rate 1200KiB >out 2>screen && summary "verified $n_blobs blobs (2.9 MiB), 0 damaged, 0 failed" &&
    grep -Eq 'verifying sha256 +[0-9]+%  [0-9]+ blobs, [12]\.[0-9] MiB, ' screen &&
    "$CASK_TERMINAL" show "$CASK" -s "$store" verify --max-rate 1200KiB "$large" >out 2>screen && grep -Eq 'verifying \.\.[0-9a-f]+ +[0-9]+%  [0-9.]+ MiB of 2\.9 MiB, ' screen
}
# Where somebody watches, a named blob is read in another way.
watched_finds () {
  damage large && "$CASK_TERMINAL" show "$CASK" -s "$store" verify "$large" >out 2>err
  [[ $? == 3 ]] && grep -q "^$large corrupt " out && heal large && "$CASK_TERMINAL" show "$CASK" -s "$store" verify "$large" >out 2>err
}
check "verify DIGEST on a terminal finds what is damaged" watched_finds
check "verify --max-rate reads no faster" rate_limits
check "verify --max-rate shows how far it is within a blob" rate_shows
check "verify --max-rate finds what is damaged" rate_finds
check "verify --max-rate --quarantine moves it" rate_moves
check "what is no rate is a usage error" rate_wrong

# ---- --resume ----

# catches PID: whether it has begun, and ends by itself when it is told to: SIGHUP, SIGINT and SIGTERM are caught, which
# before it is the command the shell itself does.
catches () { [[ /proc/$1/exe -ef $CASK ]] && (((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status") & 0x4003) == 0x4003)); }
bytes_read () { sed -n 's/^rchar: //p' "/proc/$1/io"; }
has_read_more () { (($(bytes_read "$1") > $2)); }
# interrupt SIGNAL OPTION…: begins a slow pass and ends it when something was counted, and not all: the large blob in the
# middle takes ten seconds at that rate. A background job would ignore SIGINT.
interrupt () {
  local status=0 pid read_by
  env --default-signal=INT,HUP "$CASK" -s "$store" verify --resume state --max-rate 300k "${@:2}" >out 2>err &
  pid=$!
  until_true catches "$pid" && read_by=$(bytes_read "$pid") && until_true has_read_more "$pid" "$read_by"
  kill -s "$1" "$pid"
  wait "$pid" || status=$?
  if ((status != 3)) || ! grep -q interrupted err; then return 1; fi
  # On a busy machine nothing may have been read yet.
  grep -q '^after sha256:' state || interrupt "$@"
}
# The large blob takes for ever at that rate, and comes somewhere in the middle.
resume_goes_on () {
  interrupt TERM && local seen after && seen=$(sed -n 's/^verified //p' state) && after=$(sed -n 's/^after //p' state) &&
    ((seen > 0 && seen < n_blobs)) && [[ $("$CASK" -s "$store" ls --after "$after" | wc -l) == $((n_blobs - seen)) ]] &&
    run 0 verify --resume state && summary "verified $n_blobs blobs (2.9 MiB), 0 damaged, 0 failed" && [[ ! -e state ]]
}
resume_again () { interrupt INT && interrupt HUP && run 0 verify --resume state --max-rate 1G && summary "verified $n_blobs blobs (2.9 MiB), 0 damaged, 0 failed"; }
# Damage of an earlier run counts, and its status too. What it moved aside is found no more.
resume_counts () {
  local first
  first=$("$CASK" -s "$store" ls --limit 1) && for file in many/*; do [[ $(digest_of "$file") == "$first" ]] && break; done &&
    damage "$file" && interrupt INT --quarantine && grep -q "^$first quarantined " out && grep -q '^damaged 1$' state &&
    run 3 verify --resume state --quarantine && [[ $(wc -l <out) == 1 ]] &&
    grep -q "^verified $((n_blobs - 1)) blobs (2.9 MiB), 1 damaged, 1 quarantined, 0 failed\$" out && [[ ! -e state ]] && heal "$file"
}
resume_whole () { run 0 verify --resume state && [[ ! -e state ]] && summary "verified $n_blobs blobs (2.9 MiB), 0 damaged, 0 failed"; }
resume_killed () {
  "$CASK" -s "$store" verify --resume state --max-rate 100k >/dev/null 2>&1 &
  local pid=$!
  until_true grep -qs '^after sha256:' state && kill -KILL "$pid" && { wait "$pid" 2>/dev/null || true; } && [[ -z $(find . -maxdepth 1 -name '.cask-*') ]] &&
    run 0 verify --resume state && summary "verified $n_blobs blobs (2.9 MiB), 0 damaged, 0 failed"
}
# What was moved aside no later run finds: it is told and counted before anything else is read.
resume_killed_moved () {
  local first pid
  first=$("$CASK" -s "$store" ls | awk 'NR == 1 { print $1 }') && chmod u+w "$(path "$first")" && printf '!' >"$(path "$first")" || return 1
  "$CASK" -s "$store" verify --resume state --quarantine --max-rate 100k >out 2>/dev/null &
  pid=$!
  until_true grep -q "^$first quarantined" out && until_true grep -qs '^quarantined 1' state && kill -KILL "$pid" && { wait "$pid" 2>/dev/null || true; } &&
    run 3 verify --resume state --quarantine && summary "verified $((n_blobs - 1)) blobs (2.9 MiB), 1 damaged, 1 quarantined, 0 failed" &&
    run 0 put many/* && run 0 verify && summary "verified $n_blobs blobs (2.9 MiB), 0 damaged, 0 failed"
}
resume_unwritable () {
  local status=0 pid
  mkdir away
  "$CASK" -s "$store" verify --resume away/state --max-rate 600k >out 2>err &
  pid=$!
  until_true test -f away/state && rm -r away && { wait "$pid" || status=$?; }
  ((status == 3)) && grep -q 'away/state: ' err
}
# The second of two runs with one file is refused, and the first one's counts stay.
resume_busy () {
  local pid
  "$CASK" -s "$store" verify --resume state --max-rate 1 >/dev/null 2>&1 &
  pid=$!
  until_true test -f state && run 3 verify --resume state && errors 1 && grep -q 'state: another cask verify is at work with it' err && [[ -f state ]]
  local refused=$?
  kill -KILL "$pid" && { wait "$pid" 2>/dev/null || true; }
  ((refused == 0)) && run 0 verify --resume state && [[ ! -e state ]]
}
# One that finds its file replaced ends, and leaves the other's.
resume_replaced () {
  local status=0 pid
  "$CASK" -s "$store" verify --resume state --max-rate 600k >out 2>err &
  pid=$!
  until_true test -f state && echo theirs >new && mv new state && { wait "$pid" || status=$?; }
  ((status == 3)) && grep -q 'state: another cask verify' err && [[ $(cat state) == theirs ]] && rm state
}
# refused FILE: status 2, one line, and the file as it was.
refused () { cp "$1" before && run 2 verify --resume "$1" && errors 1 && grep -q 'remove it to begin anew' err && cmp "$1" before; }
resume_damaged () {
  interrupt INT && cp state whole || return 1
  sed 's/^verified .*/verified 1/' whole >state && refused state || return 1
  head -n -1 whole >state && refused state && head -c 40 whole >state && refused state || return 1
  { cat whole; echo; } >state && refused state && : >state && refused state && printf 'a\0b\n' >state && refused state || return 1
  cat whole whole >state && refused state && cp hello state && refused state && rm state
}
resume_foreign () { mkdir other && cp whole state && store="fs:$work/other" refused state && store="$store&threads=3" refused state && rm state; }
resume_relative () {
  mkdir here there && (cd here && store=fs:stock run 0 put ../hello ../large && { timeout --preserve-status -s INT 2 "$CASK" -s fs:stock verify --resume ../state --max-rate 1 >/dev/null 2>&1
    [[ -f ../state ]]; }) && cp -r here/stock there/ && (cd there && store=fs:stock run 2 verify --resume ../state) && (cd here && store=fs:stock run 0 verify --resume ../state)
}
resume_relative_odd () {
  local odd="fs:a:/stock"
  mkdir -p {here,there}/a: && (cd here && store=$odd run 0 put ../hello ../large && { timeout --preserve-status -s INT 2 "$CASK" -s "$odd" verify --resume ../state --max-rate 1 >/dev/null 2>&1
    [[ -f ../state ]]; }) && cp -r here/a:/stock there/a:/ && (cd there && store=$odd run 2 verify --resume ../state) && (cd here && store=$odd run 0 verify --resume ../state)
}
resume_odd () { mkfifo queue && mkdir folder && run 2 verify --resume queue && errors 1 && run 2 verify --resume folder && errors 1 && run 3 verify --resume nowhere/state && errors 1; }
resume_named () { run 2 verify --resume state "$hello" && errors 1 && [[ ! -e state ]]; }
resume_link () { ln -s real state && run 0 verify --resume state && [[ ! -e state ]]; }
check "verify --resume goes on after the last blob that was verified" resume_goes_on
check "verify --resume goes on twice, and at another rate" resume_again
check "verify --resume counts what earlier runs found and moved" resume_counts
check "a whole pass leaves no file" resume_whole
check "verify --resume goes on after a kill" resume_killed
check "what was moved aside is told and counted at once, for a kill" resume_killed_moved
check "a file that can not be written any more is an error" resume_unwritable
check "two runs with one file: the second is refused" resume_busy
check "a run whose file was replaced ends, and leaves the other's" resume_replaced
check "a damaged file is status 2, and stays" resume_damaged
check "another store's file is status 2, and stays" resume_foreign
check "a relative store is another one elsewhere" resume_relative
check "and so is one with a colon and a slash in its name" resume_relative_odd
check "what is no file is status 2, and does not hang" resume_odd
check "verify --resume with DIGEST is a usage error" resume_named
check "a link that leads nowhere is taken" resume_link
finish
