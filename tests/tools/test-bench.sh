#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# `cask bench`: what it counts, what it leaves behind, and what it says of a store that does not do everything. How fast
# anything is, nothing here looks at.
# shellcheck source=tests/tools/shell-test.bash
source "$(dirname "$0")/shell-test.bash"

export CASK_PLUGIN_PATH=$CASK_REFUSING_PLUGINS:$CASK_PLUGIN_PATH
fs="fs:$work/store?durability=none"
all=9 # operations

# bench STATUS CONFIG OPTION…: the object of --json is in out.
bench () { run "$1" bench "$2" --json --blobs 20 "${@:3}"; }
# holds FILTER: what jq finds true of the object.
holds () { jq -e "$1" out >/dev/null && return; printf '  not %s in %s\n' "$1" "$(<out)"; return 1; }
# listing: the digests in the directory's store, whatever $store is.
listing () { "$CASK" -s "$fs" ls --json | jq -r '[.digest, .size] | @text'; }
# is_as_before: nothing came and nothing went.
is_as_before () { listing >after && cmp before after; }

mkdir many
for i in {1..30}; do printf 'blob %d' "$i" >"many/$i"; done
"$CASK" -s "$fs" put many/* >/dev/null || exit 1
listing >before

# ---- What is counted ----

each='[.operations[] | select(.status == "done" and .done == 100 and .errors == 0 and .unexpected == 0 and .reason == null)] | length'
counts () {
  local mode number
  for mode in 'sync' 'sync -c 3' 'async' 'async -c 7' 'async -c 300'; do
    # shellcheck disable=SC2086
    bench 0 "$1" --count 100 --mode $mode && [[ $(wc -l <out) == 1 ]] && json out && [[ ! -s err ]] && holds ".complete and ($each) == $all" &&
      holds '[.operations[].calls] | all(. == 100)' || return 1
  done
  for number in 1 7 64 500; do
    bench 0 "$1" --count 100 --mode batch --batch "$number" && holds ".batch == $number and ($each) == $((all - 2))" &&
      holds "[.operations[].calls] | all(. == $(((100 + number - 1) / number)))" || return 1
  done
  bench 0 "$1" --count 100 --mode batch --batch 7 -c 3 && holds "($each) == $((all - 2))"
}
counts_bytes () {
  bench 0 memory: --count 100 --size 5000 --ops put,put-existing,get,range,stat &&
    holds '[.operations[].bytes] == [500000, 500000, 500000, 250000, 0] and .sizes == [{"bytes": 5000, "weight": 1}]'
}
# Each size is there about as often as its weight says: of 600 blobs 450, give or take ten standard deviations.
counts_mix () {
  bench 0 "$fs" --count 600 --size 1KiB:3,3KiB --ops put --keep && listing | grep -c ',1024\]$' >small && listing | grep -c ',3072\]$' >large &&
    (($(<small) + $(<large) == 600 && $(<small) > 344 && $(<small) < 556)) && holds ".operations[0].bytes == $(<small) * 1024 + $(<large) * 3072" &&
    rm -r store && run_put_many
}
run_put_many () { "$CASK" -s "$fs" put many/* >/dev/null; }
counts_many_phases () { bench 0 memory: --count 3 --ops get,put,get && holds '[.operations[].operation] == ["get", "put", "get"]'; }
counts_time () {
  bench 0 memory: --duration 50ms --warmup 10ms --ops put,get,delete && holds '[.operations[] | select(.seconds >= 0.05 and .done > 0 and .errors == 0)] | length == 3' &&
    holds '.duration == 0.05 and .warmup == 0.01 and .count == null'
}
counts_latency () {
  bench 0 memory: --count 1000 &&
    holds '[.operations[].latency_usec] | all(0 <= .min and 0 < .max and .min <= .p50 and .p50 <= .p90 and .p90 <= .p99 and .p99 <= ."p99.9" and ."p99.9" <= .max)' &&
    holds '[.operations[].latency_usec] | all(.min <= .mean and .mean <= .max)' && holds '.peak_memory > 1000000 and .concurrency == 1' &&
    holds '[.operations[] | .ops_per_second * .seconds | round] | all(. == 1000)'
}
# Two hundred puts of a page each do not fit, unless those before them go.
counts_space () {
  bench 3 'memory:?max-bytes=80MiB' --count 30000 --ops put && holds '.operations[0].errors > 0' &&
    bench 0 'memory:?max-bytes=80MiB' --count 30000 --ops put --space 8MiB && holds '.operations[0] | .done == 30000 and .errors == 0'
}
check "a count is exact on memory, in every mode" counts memory:
check "a count is exact on fs, in every mode" counts "$fs"
check "after all of that the store is as it was" is_as_before
check "bytes are those of the blobs" counts_bytes
check "a mix has each size as often as its weight" counts_mix
check "operations come in the order they are given, also twice" counts_many_phases
check "a duration is kept to" counts_time
check "latencies are in order" counts_latency
check "a store that is soon full is tidied in between" counts_space

# ---- What is left behind ----

keeps () {
  bench 0 "$fs" --count 50 --keep --seed 7 && listing >kept && [[ $(wc -l <kept) == $((30 + 20 + 50)) ]] && [[ -z $(comm -13 <(sort kept) <(sort before)) ]] &&
    run 0 bench "$fs" --count 1 --ops list && "$CASK" -s "$fs" verify -q
}
# The bytes of that run come again: what was there already is not this run's to delete.
keeps_what_was_there () {
  bench 0 "$fs" --count 60 --seed 7 && holds '.seed == 7 and (.operations[0] | .done == 60 and .unexpected == 50)' &&
    holds '[.operations[1:][] | .unexpected] | all(. == 0)' && listing >after && cmp kept after
}
keeps_says () { run 0 bench "$fs" --count 60 --blobs 20 --seed 7 --ops put && grep -q '50 of these blobs were there already' out; }
# Blobs to delete that another run has put: left by one that could not delete them.
keeps_doomed () {
  bench 2 "refusing?what=remove($fs)" --count 5 --ops delete --seed 9 --keep && listing >kept && (($(wc -l <kept) == 105)) &&
    bench 3 "$fs" --count 5 --ops delete,get --seed 9 && errors 1 && grep -q 'another --seed' err &&
    holds '.operations[0].status == "failed" and .operations[1].done == 5' && listing >after && cmp kept after
}
keeps_others () { bench 0 "$fs" --count 60 --seed 8 && holds '[.operations[].unexpected] | all(. == 0)' && listing >after && cmp kept after; }
check "--keep keeps what was put, and what was there" keeps
check "a seed repeats its blobs, and those that were there before stay" keeps_what_was_there
check "puts of what is there are told" keeps_says
check "delete deletes nothing that was there before" keeps_doomed
check "another seed has other blobs" keeps_others
rm -r store && run_put_many || exit 1

# ---- What it prints ----

prints_table () {
  run 0 bench "$fs" --count 20 --seed 42 && [[ ! -s err ]] && [[ $(head -n 1 out) == "$fs" ]] && grep -q '^sync, 1 thread; .*4.0 KiB.*seed 42$' out &&
    [[ $(awk 'NF == 9 && $9 == 0' out | wc -l) == "$all" ]] && tail -n 1 out | grep -q '^latency and CPU time in microseconds; peak memory [0-9.]* MiB$'
}
prints_batch () { run 0 bench memory: --count 20 --mode batch && grep -q '64 blobs a call: latency is of a call' out; }
prints_store () { store=memory: run 0 bench --count 1 --ops put && CASK_STORE=memory: "$CASK" bench --count 1 --ops put >out; }
# The line is drawn five times a second, from the first on: on a machine that is busy then, not in a run this short.
prints_progress () {
  "$CASK_TERMINAL" show "$CASK" bench memory: --duration 1200ms --warmup 0s --ops "$1" --mode "$2" >out 2>err && grep -q "measuring $1" err && grep -q "^$1 " out
}
check "a table has a line for each operation" prints_table
check "in batches it says what latency is of" prints_batch
check "without CONFIG it is the store of -s, or of CASK_STORE" prints_store
check "a terminal sees how far it is" until_true prints_progress get 'sync'
check "a terminal sees how far it is with operations in flight" until_true prints_progress stat async

# ---- What a store does not do ----

lacks_put () {
  bench 0 "refusing?what=put($fs)" --count 10 &&
    holds '[.operations[] | select(.status == "unsupported") | .operation] == ["put", "put-existing", "delete"]' &&
    holds '[.operations[] | select(.status == "done" and .done == 10 and .errors == 0)] | length == 6' && holds '[.operations[0].latency_usec, .operations[0].done] == [null, 0]' &&
    errors 4 && grep -q 'cannot be written: 20 blobs that it has are read' err && is_as_before
}
lacks_put_named () { run 2 bench "refusing?what=put($fs)" --count 10 --ops put,get && grep -q '^put  *unsupported$' out && errors 2 && grep -q '^cask: bench: put .*not to be written' err && grep -q '^get ' out; }
lacks_everything () { bench 2 'refusing?what=put(memory:)' --count 10 --ops get,list && holds '[.operations[].status] == ["unsupported", "done"]'; }
lacks_list () { bench 2 'refusing?what=list(memory:)' --count 10 --ops list,get && holds '[.operations[].status] == ["unsupported", "done"]' && errors 1; }
lacks_delete () {
  bench 3 'refusing?what=remove(memory:)' --count 10 && holds '[.operations[] | select(.status == "unsupported") | .operation] == ["delete"]' &&
    grep -q '38 blobs that it has put are still there' err
}
lacks_some () {
  local mode
  for mode in sync async; do
    bench 3 'refusing?what=fourth(memory:)' --count 100 --ops get,put --mode "$mode" && errors 1 && grep -q 'get: 25 failed, first: .*every fourth' err &&
      holds '[.operations[] | .done, .errors] == [75, 25, 100, 0] and .complete' || return 1
  done
}
lacks_truth () { bench 3 'refusing?what=contains(memory:)' --count 10 --ops contains,contains-absent && holds '[.operations[] | .done, .errors] == [0, 10, 10, 0]' && grep -q 'was put, and is absent' err; }
lacks_space () { bench 3 'memory:?max-bytes=64KiB' --count 10 --ops get,contains-absent && holds '[.operations[].status] == ["failed", "done"]' && grep -q '^cask: bench: get: ' err; }
check "of a store that cannot be written, what it has is read" lacks_put
check "what was asked for by name and is not supported is status 2" lacks_put_named
check "an empty store that cannot be written has nothing to read" lacks_everything
check "a store without a list is measured in all else" lacks_list
check "what cannot be deleted is told, with status 3" lacks_delete
check "operations that fail are counted, with status 3" lacks_some
check "a store that denies what was put is found out" lacks_truth
check "a store that is too small for the set says so, and the rest goes on" lacks_space

# ---- Ctrl-C ----

# has_grown: the bench has put something.
has_grown () { (($(find store -type f | wc -l) > 40)); }
interrupted () {
  local status=0 pid
  env --default-signal=INT "$CASK" bench "$fs" --duration 1h --warmup 0s --ops "$2,contains" --blobs 20 "${@:3}" >out 2>err &
  pid=$!
  until_true has_grown && kill -s "$1" "$pid"
  wait "$pid" || status=$?
  ((status == 3)) && grep -q '^cask: bench: interrupted$' err && is_as_before
}
interrupt_table () { interrupted INT put && grep -q '^put  .*  interrupted$' out && ! grep -q ^contains out && grep -q 'peak memory' out; }
interrupt_json () {
  interrupted TERM put --json -c 2 && holds '(.complete | not) and (.operations | length) == 1 and .operations[0].status == "interrupted" and .operations[0].done > 0'
}
interrupt_ways () { interrupted INT put --async -c 8 && interrupted INT put --mode batch && interrupted INT put --warmup 1h && interrupted INT delete; }
# Its reader leaves after the first line, and so before the last operation is over.
unread () {
  local status
  { "$CASK" bench "$fs" --count 200 --warmup 0s --blobs 20 2>err; echo $? >status; } | head -n 1 >out
  status=$(<status)
  ((status == 3)) && errors 0 && is_as_before
}
check "where nobody reads on it ends, and deletes what was put" unread
check "Ctrl-C prints what was measured, and deletes what was put" interrupt_table
check "SIGTERM does, with --json" interrupt_json
check "so it is in every mode, in the warm-up, and between puts and deletes" interrupt_ways

# ---- What is wrong ----

# refused TEXT OPTION…
refused () { run 2 bench "${@:2}" && errors 1 && grep -q "$1" err && [[ ! -s out ]]; }
wrong_options () {
  refused "unknown operation 'pat': there are put, " memory: --ops put,pat && refused 'names no operation' memory: --ops '' && refused 'no size such as' memory: --size 4KB &&
    refused 'no size such as' memory: --size 4KiB:0 && refused 'no size such as' memory: --size 4KiB:x && refused 'names no size' memory: --size '' && refused 'too small' memory: --size 0 &&
    refused 'from 1 to' memory: -c 0 && refused 'from 1 to' memory: -c -1 && refused 'from 1 to' memory: --count 0 && refused 'from 1 to' memory: --blobs x &&
    refused 'no time such as' memory: --duration 5 && refused 'no time such as' memory: --duration 0s && refused 'no time such as' memory: --warmup x && refused 'no size such as' memory: --space x &&
    refused 'sync, async and batch' memory: --mode fast && refused 'goes not with' memory: --async --mode 'sync' && refused 'about --mode batch' memory: --batch 3 &&
    refused 'no batch of range' memory: --mode batch --ops get,range && refused 'mode async has more' memory: -c 2000 && refused 'too many' memory: memory:
}
wrong_memory () { refused "half of this machine's memory" memory: --size 1TiB && refused 'half of' memory: --size 1GiB --async -c 60000; }
wrong_store () { "$CASK" bench >out 2>err; (($? == 2)) && errors 1 && grep -q 'CONFIG expected' err && refused 'nosuch' nosuch: && run 3 bench fs:/nowhere/at/all && errors 1; }
check "what is wrong with an option is told, with status 2" wrong_options
check "blobs that do not fit into memory are refused" wrong_memory
check "a store that is none is refused" wrong_store
check "after all of this the store is as it was" is_as_before

finish
