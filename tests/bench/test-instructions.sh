#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The proof that bench/instructions fails when it should, by figures made up here; that the kept file holds just the
# operations that are measured; and that each of those does its work, here without callgrind.
#
# test-instructions.sh BENCH [HOT]: bench/ of the tree, and the program that does the operations
set -uo pipefail
export LC_ALL=C
bench=$1 hot=${2-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n_failed=0 n_checked=0

check () {
  local sentence=$1
  shift
  n_checked=$((n_checked + 1))
  "$@" && return
  printf 'not so: %s\n' "$sentence"
  sed 's/^/  | /' "$work/said"
  n_failed=$((n_failed + 1))
}

# figures FILE "NAME FIGURE"…
figures () {
  local file=$1
  shift
  { echo "# made with something"; printf '%s\n' "$@"; } >"$file"
}

# ends STATUS ARGUMENT…: what the script says is in said.
ends () {
  local expected=$1 status=0
  shift
  "$bench/instructions" --kept "$work/kept" --measured "$work/now" "$@" >"$work/said" 2>&1 || status=$?
  ((status == expected))
}

says () { grep -q -- "$1" "$work/said"; }
silent_of () { ! says "$1"; }

# ---- The comparison ----

figures "$work/now" 'memory get 4 KiB   1000' 'async put, 64 at once   2000' 'digest parse 300'
figures "$work/kept" 'memory get 4 KiB   1000' 'async put, 64 at once   2000' 'digest parse 300'
check "figures that are the kept ones pass" ends 0
check "nothing is suggested then" silent_of "--update"

figures "$work/kept" 'memory get 4 KiB   850' 'async put, 64 at once   2000' 'digest parse 300'
check "a figure 15 % lower in the kept file fails" ends 1 --judge yes
check "it is named, with both figures" says '^grew: memory get 4 KiB: from 850 to 1000, by 17.6 %$'
check "no other is" silent_of '^[a-z]*: async put'
check "it says what to do" says 'bench/instructions --update and commit bench/instructions.txt'
check "where the file is not made, the same is no failure" ends 0 --judge no
check "but it is said" says '^grew: memory get 4 KiB'
check "as is that it was not judged" says '^not judged'
check "what was not asked for is not looked at" ends 0 --judge yes --only async

figures "$work/kept" 'memory get 4 KiB   910' 'async put, 64 at once   2000' 'digest parse 300'
check "9.9 % more is no failure" ends 0 --judge yes
figures "$work/kept" 'memory get 4 KiB   900' 'async put, 64 at once   2000' 'digest parse 300'
check "11.1 % more is one" ends 1 --judge yes

figures "$work/kept" 'memory get 4 KiB   1000' 'async put, 64 at once   3000' 'digest parse 300'
check "a figure that shrank is no failure" ends 0 --judge yes
check "it is named" says '^shrank: async put, 64 at once: from 3000 to 2000, by 33.3 %$'
check "and the update is suggested" says '--update keeps it'

figures "$work/kept" 'memory get 4 KiB   1000' 'digest parse 300'
check "an operation that was not kept fails" ends 1 --judge no
check "it is named so" says '^missing: async put, 64 at once: measured, but not in the kept file$'
figures "$work/kept" 'memory get 4 KiB   1000' 'async put, 64 at once   2000' 'digest parse 300' 'fs get 5'
check "one that is no longer measured fails" ends 1 --judge no
check "it is named as that" says '^missing: fs get: kept, but not measured any more$'
figures "$work/kept"
check "an empty file fails" ends 1 --judge no
figures "$work/kept" 'memory get 4 KiB   1000' 'async put, 64 at once   2000' 'digest parse many'
check "a figure that is none fails" ends 1 --judge no
rm "$work/kept"
check "a file that is not there fails" ends 2
figures "$work/kept" 'memory get 4 KiB   1000'
check "a part of a name that is in none fails" ends 2 --only 'memory sing'
check "an option that there is not fails" ends 2 --sing

# ---- The update ----

figures "$work/kept" 'memory get 4 KiB   850' 'gone 1'
check "an update succeeds whatever it finds" ends 0 --judge yes --update
check "what it wrote passes" ends 0 --judge yes
figures "$work/kept" 'memory get 4 KiB   1' 'async put, 64 at once   2' 'digest parse 3'
check "a part can be updated" ends 0 --judge yes --update --only async
check "its figure is the new one" grep -q '^async put, 64 at once  *2000$' "$work/kept"
check "the others are as they were" grep -q '^digest parse  *3$' "$work/kept"
check "where the file is not made it is not updated" ends 2 --judge no --update

# ---- What is measured ----

# The name that a line of the list has in the kept file.
names () { awk -F '\t' '{ sub(/:$/, "", $2); print ($2 == "-" ? "" : $2 " ") $1 }' "$work/list"; }

run_one () {
  [ "$2" != fs: ] || set -- "$1" "fs:$work/$n_checked?durability=none"
  "$hot" "$1" "$2" 64 >"$work/said" 2>&1
}

if [ -n "$hot" ]; then
  "$hot" --list >"$work/list" 2>"$work/said"
  names | sort >"$work/listed"
  sed '/^#/d; s/  *[0-9]*$//' "$bench/instructions.txt" | sort >"$work/kept-names"
  check "the kept file has the operations that are measured, each once" \
    diff "$work/listed" "$work/kept-names"
  while IFS=$'\t' read -r operation config _; do
    check "'$operation' on $config does its work" run_one "$operation" "$config"
  done <"$work/list"
  check "there are operations" test -s "$work/list"
  check "an operation that there is not fails" eval '! run_one sing memory:'
else
  echo "not run: bench/hot, which takes valgrind's headers"
fi

printf '%d of %d hold\n' $((n_checked - n_failed)) "$n_checked"
((n_checked > 0 && n_failed == 0))
