#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# P3, P4: examples/plugin and examples/plugin-cxx, with make and with CMake, against the moved tree, which has
# all of Cask that they see: installed where cask-plugin.pc says, found there, and held to the contract.
#
# plugins.sh TREE LIBDIR SOURCE COMMAND CONTRACT: the installed command, the contract suite of this build
source "$(dirname "$0")/moved.bash"
cask=$tree/$4 contract=$5

printf '#include <lmdb.h>\n' | "${CC:-cc}" -E -o /dev/null - 2>"$work/error" ||
  fail "liblmdb-dev is not installed (scripts/install-deps): $(<"$work/error")"

# Nothing of the source tree is in reach of the builds: only copies of the two folders.
cp -r "$source/examples/plugin" "$work/lmdb"
cp -r "$source/examples/plugin-cxx" "$work/readonly"
plugindir=$(pkg-config --variable=plugindir cask-plugin)
[[ $(realpath "$plugindir") == "$(realpath "$tree")"/* ]] || fail "plugindir is $plugindir, not in the moved tree"
trap 'rm -rf "$plugindir"/cask-{lmdb,readonly}.so "$work"' EXIT

# exports_one PLUGIN…
exports_one () {
  local plugin symbols
  for plugin; do
    symbols=$(nm -D --defined-only "$plugin" | awk '$3 !~ /^__(odr_)?asan/ { print $3 }')
    [[ $symbols == cask_plugin ]] || fail "${plugin##*/} exports" $symbols
  done
}

# ---- Built and installed with make ----

if "$cask" -s "lmdb:$work/none" ls 2>"$work/error"; then fail "lmdb was found before it was installed"; fi
make -s -C "$work/lmdb" CC="${CC:-cc}" \
  CFLAGS="${CFLAGS:-} -O2 -Wall -Wextra -Wshadow -Wmissing-prototypes -Werror" install
make -s -C "$work/readonly" CXX="${CXX:-c++}" CXXFLAGS="${CXXFLAGS:-} -O2 -Wall -Wextra -Wpedantic -Werror" install
links_glib_only "$plugindir"/cask-{lmdb,readonly}.so
exports_one "$plugindir"/cask-lmdb.so

# ---- What a user sees ----

# says EXPECTED STATUS ARGUMENT…: the command fails so, with these words.
says () {
  local expected=$1 status=$2 got=0
  shift 2
  "$cask" "$@" >"$work/out" 2>"$work/error" || got=$?
  [[ $got == "$status" ]] || fail "status $got, not $status: cask $*: $(<"$work/error")"
  grep -qF -- "$expected" "$work"/{out,error} || fail "'$expected' expected: cask $*: $(cat "$work"/{out,error})"
}

store=lmdb:$work/blobs
for i in 1 2 3 4 5; do printf 'blob %s of the lmdb backend' "$i" >"$work/file$i"; done
"$cask" -s "$store" put "$work"/file? >"$work/put"
[[ $(grep -c ' created ' "$work/put") == 5 ]] || fail "five blobs were put: $(<"$work/put")"
[[ $("$cask" -s "$store" put "$work/file1") == *' exists '* ]] || fail "a blob was created twice"
digest=$(awk 'NR == 3 { print $1 }' "$work/put")
[[ $("$cask" -s "$store" cat "$digest") == "$(<"$work/file3")" ]] || fail "other bytes came back"
[[ $("$cask" -s "$store" ls) == "$(awk '{ print $1 }' "$work/put" | sort)" ]] || fail "the list is not that of what was put"
says "no such blob" 1 -s "$store" cat "sha256:$(printf '%064d' 0)"

# The layer lets reads through and nothing else.
layer="readonly($store)"
[[ $("$cask" -s "$layer" cat "$digest") == "$(<"$work/file3")" ]] || fail "readonly gives other bytes"
[[ $("$cask" -s "$layer" ls) == "$("$cask" -s "$store" ls)" ]] || fail "readonly lists something else"
says "can not be written to" 3 -s "$layer" put "$work/file1"
says "can not be written to" 3 -s "$layer" rm "$digest"
"$cask" -s "$store" has "$digest" >/dev/null || fail "a blob was removed through readonly"

# A flipped byte in the file is CORRUPT, and a put heals it. Pages that are no longer in use have copies too.
for offset in $(grep -abo "$(<"$work/file3")" "$work/blobs/data.mdb" | cut -d: -f1); do
  printf 'B' | dd of="$work/blobs/data.mdb" bs=1 seek="$offset" conv=notrunc status=none
done
says "$digest" 3 -s "$store" cat "$digest"
says "$digest" 3 -s "$store" verify
[[ $("$cask" -s "$store" put --verify-existing "$work/file3") == *' exists '* ]] || fail "the corrupt blob was created anew"
[[ $("$cask" -s "$store" cat "$digest") == "$(<"$work/file3")" ]] || fail "the corrupt blob is not healed"

# Full is full, and a removal makes room; the map grows from its least size on the way.
small="lmdb:$work/small?max-size=2MiB&map-size=1MiB&durability=none"
for i in $(seq 30); do head -c 100000 /dev/urandom >"$work/large$i"; done
says "max-size is reached" 3 -s "$small" put "$work"/large*
stored=$("$cask" -s "$small" ls | wc -l)
((stored > 12 && stored < 21)) || fail "$stored blobs of 100,000 bytes in 2 MiB"
for blob in $("$cask" -s "$small" ls | head -n 3); do "$cask" -s "$small" rm "$blob" >/dev/null; done
"$cask" -s "$small" put "$work/file1" "$work/file2" >/dev/null
says "more than an environment takes" 3 -s "$small" put <(head -c 3000000 /dev/zero)

# Four processes let one map grow.
grown="lmdb:$work/grown?map-size=1MiB&durability=none"
writers=()
for i in 1 2 3 4; do
  "$cask" -s "$grown" put "$work"/large*[$i$((i + 4))] "$work"/large*0 >/dev/null &
  writers+=($!)
done
for writer in "${writers[@]}"; do wait "$writer" || fail "a writer beside others failed"; done
[[ $("$cask" -s "$grown" ls | wc -l) == $(ls "$work"/large*[0-8] | wc -l) ]] || fail "blobs of several writers are missing"
"$cask" -s "$grown" verify >/dev/null || fail "blobs of several writers are damaged"

# One durability for all who have it open, and another for who has it alone.
mkfifo "$work/pipe"
"$cask" -s "$store" put - <"$work/pipe" >/dev/null &
holder=$!
exec 7>"$work/pipe"
while flock -n "$work/blobs" true; do kill -0 "$holder" || fail "put of standard input has ended"; done
says "durability: another process has this open with one that is not 'none'" 3 -s "$store?durability=none" ls
"$cask" -s "$store" ls >/dev/null
exec 7>&-
wait "$holder" || fail "put of standard input failed"
"$cask" -s "$store?durability=none" ls >/dev/null
"$cask" -s "$store" has "$digest" >/dev/null || fail "a blob is gone after its durability was changed"

# Sixteen processes that have read, and do nothing now, leave the sixteen readers' places to others. Each opens its
# pipe when it is through with the file before that.
idle="lmdb:$work/idle?max-readers=16&durability=none"
"$cask" -s "$idle" put "$work/file1" >/dev/null
idlers=() pipes=()
for i in {0..15}; do
  mkfifo "$work/idle$i"
  "$cask" -s "$idle" put "$work/file1" "$work/idle$i" >/dev/null &
  idlers+=($!)
done
for i in {0..15}; do exec {pipes[i]}>"$work/idle$i"; done
"$cask" -s "$idle" ls >/dev/null || fail "processes that only have lmdb open keep others from reading"
for pipe in "${pipes[@]}"; do exec {pipe}>&-; done
for idler in "${idlers[@]}"; do wait "$idler" || fail "a put beside others failed"; done

# What is not an environment of ours is refused, and left as it is.
mkdir "$work/odd" "$work/fifo"
head -c 65536 /dev/urandom >"$work/odd/data.mdb"
cp "$work/odd/data.mdb" "$work/odd.copy"
says "$work/odd" 3 -s "lmdb:$work/odd" ls
cmp "$work/odd/data.mdb" "$work/odd.copy" || fail "a foreign file was changed"
mkfifo "$work/fifo/data.mdb"
says "data.mdb: is not a regular file" 3 -s "lmdb:$work/fifo" ls

# Who only reads makes nothing: no directory, no environment, and not the databases of one.
# left_empty DIRECTORY: nothing was made in it.
left_empty () { [[ -z $(ls -A "$1") ]] || fail "made by a reading command in $1:" $(ls -A "$1"); }
says "lmdb:$work/absent: no such directory (the store does not exist)" 3 -s "lmdb:$work/absent" ls
[[ ! -e $work/absent ]] || fail "a directory was made by ls"
mkdir "$work/empty" "$work/begun"
for command in ls verify info "has $digest" "cat $digest"; do
  says "lmdb:$work/empty: data.mdb: there is none yet (the store does not exist)" 3 -s "lmdb:$work/empty" $command
  left_empty "$work/empty"
done
says "data.mdb: there is none yet" 3 -s "lmdb:$work/empty?create=no" put "$work/file1"
left_empty "$work/empty"
: >"$work/begun/data.mdb"
: >"$work/begun/lock.mdb"
says "data.mdb: there is none yet" 3 -s "lmdb:$work/begun" ls
[[ ! -s $work/begun/data.mdb ]] || fail "an environment was made by ls where the making of one had begun"
mkdir "$work/bare"
"${CC:-cc}" ${CFLAGS:-} -x c -o "$work/bare-env" - -llmdb <<'END' || fail "the maker of a bare environment does not build"
#include <lmdb.h>
int
main (int argc, char **argv)
{
  MDB_env *env;
  int failed = argc != 2 || mdb_env_create (&env) || mdb_env_open (env, argv[1], 0, 0666);
  if (!failed)
    mdb_env_close (env);
  return failed;
}
END
"$work/bare-env" "$work/bare" || fail "no bare environment was made"
says "holds no blobs of Cask's" 2 -s "lmdb:$work/bare" ls
for place in empty begun bare; do
  "$cask" -s "lmdb:$work/$place" put "$work/file1" >/dev/null || fail "no environment was made in $place"
  [[ $("$cask" -s "lmdb:$work/$place" ls | wc -l) == 1 ]] || fail "the blob that was put in $place is not there"
done

# Nor is one made among the files of somebody else, whoever asks.
"$cask" -s "fs:$work/fs" put "$work/file1" >/dev/null
find "$work/fs" | sort >"$work/fs.names"
for command in ls "put $work/file2"; do
  says "lmdb:$work/fs: has no data.mdb and is not empty: name an empty directory" 2 -s "lmdb:$work/fs" $command
done
find "$work/fs" | sort | cmp - "$work/fs.names" || fail "lmdb has left something in the root of an fs store"

# ---- The contract ----

# What AddressSanitizer keeps of freed memory is not the store's: C12 bounds that.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=4

# holds CONFIG: no case fails, and of those that are not run each says why.
holds () {
  CASK_CONTRACT_CONFIG=$1 CASK_PLUGIN_PATH=$plugindir "$contract" >"$work/log" 2>&1 || {
    grep -E -A 8 'FAILED|^the contract' "$work/log" >&2
    fail "the contract of $1 is broken"
  }
  printf 'plugins: %s: %s, %s cases skipped\n' "$1" "$(sed -n 's/^\([0-9]* passed\),.*/\1/p' "$work/log")" \
    "$(grep -c '^skipped' "$work/log")"
}
holds 'lmdb:%d'
holds 'lmdb:%d?durability=none&map-size=1MiB'
holds 'readonly(lmdb:%d)'

# ---- Built and installed with CMake ----

rm "$plugindir"/cask-{lmdb,readonly}.so
unset PKG_CONFIG_PATH
for project in lmdb readonly; do
  cmake -S "$work/$project" -B "$work/build-$project" -DCMAKE_PREFIX_PATH="$tree" >"$work/log" 2>&1 &&
    cmake --build "$work/build-$project" >>"$work/log" 2>&1 &&
    cmake --install "$work/build-$project" >>"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$project does not build"; }
  [[ -f $plugindir/cask-$project.so ]] || fail "CMake has not installed $project in $plugindir"
done
links_glib_only "$plugindir"/cask-{lmdb,readonly}.so
exports_one "$plugindir"/cask-{lmdb,readonly}.so
[[ $("$cask" -s "$layer" cat "$digest") == "$(<"$work/file3")" ]] || fail "what CMake built gives other bytes"
