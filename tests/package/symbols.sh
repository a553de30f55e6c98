#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# P1: what libcask exports = its map = the functions that the public headers declare; so too libcask-conform
# with its own header; a plugin exports its table and nothing else.
#
# symbols.sh INCLUDE MAP LIBCASK CONFORM_MAP LIBCONFORM PLUGIN…
set -euo pipefail
export LC_ALL=C
include=$1 map=$2 library=$3 conform_map=$4 conform=$5
shift 5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail () { printf 'symbols: %s\n' "$*" >&2; failures=$((failures + 1)); }

# What the headers below INCLUDE declare of the library, whatever its name: functions and extern data, as the
# compiler sees them: macros expanded, inline functions and what other headers declare left out. With HEADER what
# that one declares, without it what all do but cask-conform.h, which is another library's.
# declared INCLUDE [HEADER]
declared () {
  local header
  for header in "$1"/cask/*.h; do
    case ${2-},${header##*/} in
    ,cask-conform.h) ;;
    ,* | "${header##*/},${header##*/}") printf '#include "%s"\n' "$header" ;;
    esac
  done >"$work/all.c"
  # Word splitting of what pkg-config prints is meant.
  ${CC:-cc} -E -I "$1" $(pkg-config --cflags gio-2.0) "$work/all.c" | awk -v ours="$1/cask/${2:+$2\"}" '
    function bare(text,  from, at, depth) {
      while (match (text, /__attribute__[ \t]*\(/)) {
        from = RSTART
        depth = 1
        for (at = RSTART + RLENGTH; depth > 0; at++) depth += (substr (text, at, 1) == "(") - (substr (text, at, 1) == ")")
        text = substr (text, 1, from - 1) substr (text, at)
      }
      return text
    }
    function finish() {
      statement = bare(statement)
      if (statement !~ /^[ \t]*(__extension__ )?typedef/ && statement !~ /static|_Static_assert/ &&
          (match (statement, /[A-Za-z_][A-Za-z0-9_]*[ \t]*\(/) ||
           (statement ~ /^[ \t]*extern / && match (statement, /[A-Za-z_][A-Za-z0-9_]*[ \t]*(\[|$)/)))) {
        name = substr (statement, RSTART, RLENGTH)
        sub (/[ \t]*[([]?$/, "", name)
        print name
      }
      statement = ""
    }
    /^# [0-9]+ "/ { mine = index ($0, "\"" ours) > 0; next }
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

# compare MAP LIBRARY [HEADER]
compare () {
  listed "$1" >"$work/map"
  exported "$2" >"$work/exported"
  declared "$include" ${3+"$3"} >"$work/declared"
  [[ -s $work/declared && -s $work/map ]] || { fail "nothing to compare"; exit 1; }
  check
}
compare "$conform_map" "$conform" cask-conform.h
compare "$map" "$library"
for plugin; do
  [[ $(exported "$plugin") == cask_plugin ]] ||
    fail "$plugin exports" $(exported "$plugin") "where cask_plugin alone is expected"
done
if nm -D --undefined-only --without-symbol-versions "$@" | grep -q ' cask_'; then
  fail "a plugin takes symbols from libcask:" $(nm -D --undefined-only "$@" | grep ' cask_')
fi
((failures == 0)) || exit 1

# The proof that each breach of headers and map is found, and named for what it is.
# breach SAID HEADER_EDIT MAP_EDIT: the edits (sed) of cask-version.h and of the map.
breach () {
  rm -rf "$work/include"
  cp -R "$include" "$work/include"
  sed -i "$2" "$work/include/cask/cask-version.h"
  sed "$3" "$map" >"$work/edited.map"
  declared "$work/include" >"$work/declared"
  listed "$work/edited.map" >"$work/map"
  failures=0
  check 2>"$work/said"
  grep -qFx "symbols: $1" "$work/said" || { printf 'symbols: "%s" expected, not\n' "$1" >&2; cat "$work/said" >&2; exit 1; }
}
at='^const char \*cask_version (void);'
breach "cask_late: declared in a header, not in the map" "s/$at/&\ngboolean cask_late (void);/" ""
breach "cask_late: declared in a header, not in the map" "s/$at/&\nG_GNUC_PRINTF (1, 2) void cask_late (const char *f, ...);/" ""
breach "late: declared in a header, not in the map" "s/$at/&\nchar *late (int (*func) (void)) G_GNUC_MALLOC;/" ""
breach "cask_late: declared in a header, not in the map" "s/$at/&\nextern const int cask_late[4];/" ""
breach "cask_version: in the map, not declared in a header" "/$at/d" ""
breach "cask_late: in the map, not declared in a header" "" 's/^    cask_version;/&\n    cask_late;/'
breach "cask_late: in the map, not exported" "" 's/^    cask_version;/&\n    cask_late;/'
breach "cask_version: exported, not in the map" "" '/^    cask_version;/d'
breach "cask_version: declared in a header, not in the map" "" '/^    cask_version;/d'
printf 'symbols: %s and %s functions\n' "$(listed "$map" | wc -l)" "$(listed "$conform_map" | wc -l)"
