#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# P1: what libcask exports = its map = the functions that the public headers declare; a plugin exports its
# table and nothing else.
#
# symbols.sh INCLUDE MAP LIBCASK PLUGIN…
set -euo pipefail
export LC_ALL=C
include=$1 map=$2 library=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail () { printf 'symbols: %s\n' "$*" >&2; failures=$((failures + 1)); }

# The functions declared in the headers below INCLUDE, as the compiler sees them: macros expanded, inline
# functions and what other headers declare left out.
declared () {
  local header
  for header in "$1"/cask/*.h; do
    printf '#include "%s"\n' "$header"
  done >"$work/all.c"
  # Word splitting of what pkg-config prints is meant.
  ${CC:-cc} -E -I "$1" $(pkg-config --cflags gio-2.0) "$work/all.c" | awk -v ours="$1/cask/" '
    function finish() {
      if (statement !~ /^[ \t]*(__extension__ )?typedef/ && statement !~ /static/ &&
          match (statement, /cask_[a-z0-9_]+[ \t]*\(/)) {
        name = substr (statement, RSTART, RLENGTH)
        sub (/[ \t]*\($/, "", name)
        print name
      }
      statement = ""
    }
    /^# [0-9]+ "/ { mine = index ($3, "\"" ours) == 1; next }
    /^#/ || !mine { next }
    {
      for (i = 1; i <= length ($0); i++) {
        c = substr ($0, i, 1)
        if (c == "{") depth++
        else if (c == "}") { if (--depth == 0 && statement ~ /static/) statement = "" }
        else if (depth == 0 && c == ";") finish()
        else if (depth == 0) statement = statement c
      }
      statement = statement " "
    }' | sort -u
}

listed () {
  sed -n 's/^ *\([a-zA-Z_][a-zA-Z0-9_]*\);.*/\1/p' "$1" | sort -u
}

# A sanitizer adds symbols of its own to everything it instruments; they are not of this build's making.
exported () {
  nm -D --defined-only --without-symbol-versions "$1" |
    awk '$2 != "A" && $3 !~ /^__(odr_)?asan/ { print $3 }' | sort -u
}

# same WHAT FILE OTHER_WHAT FILE: says on which side each difference lies.
same () {
  local name
  while read -r name; do fail "$name: $1, not $3"; done < <(comm -23 "$2" "$4")
  while read -r name; do fail "$name: $3, not $1"; done < <(comm -13 "$2" "$4")
}

check () {
  same "in the map" "$work/map" "exported" "$work/exported"
  same "in the map" "$work/map" "declared in a header" "$work/declared"
}

listed "$map" >"$work/map"
exported "$library" >"$work/exported"
declared "$include" >"$work/declared"
[[ -s $work/declared && -s $work/map ]] || { fail "nothing to compare"; exit 1; }
check
for plugin; do
  [[ $(exported "$plugin") == cask_plugin ]] ||
    fail "$plugin exports" $(exported "$plugin") "where cask_plugin alone is expected"
done
if nm -D --undefined-only --without-symbol-versions "$@" | grep -q ' cask_'; then
  fail "a plugin takes symbols from libcask:" $(nm -D --undefined-only "$@" | grep ' cask_')
fi
((failures == 0)) || exit 1

# The proof that the comparison can fail, in each direction.
printf 'cask_a\ncask_b\n' >"$work/map"
printf 'cask_a\ncask_c\n' | tee "$work/exported" >"$work/declared"
check 2>/dev/null
((failures == 4)) || { echo "symbols: four differences made, $failures found" >&2; exit 1; }
printf 'symbols: %s functions\n' "$(listed "$map" | wc -l)"
