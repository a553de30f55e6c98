#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# layout.c pins all that cask-plugin.h, what it includes, and cask-conform.h declare: every struct, every member, every
# constant of an enum; and no other public header declares a struct's members. And it bites: each change below of a
# header, alone, no longer compiles, as C and as C++.
#
# layout.sh INCLUDE LAYOUT
set -euo pipefail
export LC_ALL=C
include=$1 layout=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0 bitten=0
fail () { printf 'layout: %s\n' "$*" >&2; failures=$((failures + 1)); }
# Word splitting of what pkg-config prints is meant.
flags=($(pkg-config --cflags gio-2.0) -w -fsyntax-only)

# compiles INCLUDE LANGUAGE
compiles () {
  case $2 in
  c) "${CC:-cc}" -std=gnu17 -x c -I "$1" "${flags[@]}" "$layout" ;;
  c++) "${CXX:-c++}" -std=c++17 -x c++ -I "$1" "${flags[@]}" "$layout" ;;
  esac
}

# ---- Whole ----

# "struct.member" and "constant" for all that the headers declare, as the compiler sees them.
declared () {
  "${CC:-cc}" -E -x c -I "$1" $(pkg-config --cflags gio-2.0) - <<<$'#include <cask/cask-plugin.h>\n#include <cask/cask-conform.h>' | awk -v ours="$1/cask/" '
    /^# [0-9]+ "/ { mine = index ($0, "\"" ours) > 0; next }
    mine && !/^#/ { text = text " " $0 }
    END {
      while (match (text, /(struct|enum)( _Cask[A-Za-z]+)? *\{/)) {
        head = substr (text, RSTART, RLENGTH)
        text = substr (text, RSTART + RLENGTH)
        depth = 1
        for (i = 1; depth > 0; i++) {
          c = substr (text, i, 1)
          depth += (c == "{") - (c == "}")
        }
        body = substr (text, 1, i - 2)
        text = substr (text, i)
        name = head
        sub (/^(struct|enum) */, "", name); sub (/ *\{$/, "", name); sub (/^_/, "", name)
        if (name == "") { name = text; sub (/;.*/, "", name); gsub (/ /, "", name) }
        if (head ~ /^enum/) {
          n = split (body, parts, ",")
          for (i = 1; i <= n; i++) if (match (parts[i], /[A-Z][A-Z0-9_]+/)) print substr (parts[i], RSTART, RLENGTH)
          continue
        }
        gsub (/union *\{|\}/, "", body)
        n = split (body, parts, ";")
        for (i = 1; i <= n; i++) {
          part = parts[i]
          if (match (part, /\(\* *[a-z_]+\)/)) part = substr (part, RSTART + 2, RLENGTH - 3)
          gsub (/\[[^]]*\]/, "", part)
          m = split (part, members, ",")
          for (k = 1; k <= m; k++) if (match (members[k], /[a-z_0-9]+ *$/)) {
            member = substr (members[k], RSTART, RLENGTH); gsub (/ /, "", member)
            print name "." member
          }
        }
      }
    }' | sort -u
}

pinned () {
  tr '\n' ' ' <"$layout" | grep -oE '(AT|VALUE) \([A-Za-z_0-9]+(, *[a-z_0-9]+)?,' |
    sed -E 's/^VALUE \(([A-Z0-9_]+),.*/\1/; s/^AT \(([A-Za-z]+), *([a-z_0-9]+),/\1.\2/' | sort -u
}

declared "$include" >"$work/declared"
pinned >"$work/pinned"
(($(grep -c '^CaskBackendOps\.' "$work/declared") >= 30 && $(grep -c '^CASK_' "$work/declared") >= 60)) ||
  fail "the headers were not understood"
while read -r name; do fail "$name is declared and not pinned: add it to layout.c"; done < <(comm -23 "$work/declared" "$work/pinned")
if grep -lE '(^|typedef )struct[ A-Za-z_]*(\{|$)' "$include"/cask/*.h | grep -vE '/cask-(plugin|option|types|conform)\.h$' >"$work/others"; then
  fail "a struct is declared in" $(<"$work/others") "and nothing pins it: have layout.c do it"
fi
for language in c c++; do
  compiles "$include" "$language" || fail "the layout is another, as $language"
done

# ---- And biting ----

# bites FILE EXPRESSION: that edit (sed) of a header is found.
bites () {
  local language
  rm -rf "$work/include"
  cp -R "$include" "$work/include"
  # The headers' own assertions are not what is tried here.
  sed -i '/^G_STATIC_ASSERT/d' "$work/include/cask/cask-"{plugin,option,types}.h
  cp "$work/include/cask/$1" "$work/before"
  sed -i -E "$2" "$work/include/cask/$1"
  ! cmp -s "$work/before" "$work/include/cask/$1" || { fail "nothing to edit: $2"; return; }
  for language in c c++; do
    if compiles "$work/include" "$language" 2>"$work/said"; then
      fail "not found as $language: $1, $2"
    elif ! grep -qE 'static assertion|static_assert' "$work/said"; then
      fail "not found by an assertion: $1, $2: $(head -n 1 "$work/said")"
    else
      bitten=$((bitten + 1))
    fi
  done
}

# A member before the last of each struct, one behind it, and one of another type.
for struct in CaskItem CaskHost CaskChild CaskOpenArgs CaskUploadSpec CaskBackendOps CaskPlugin CaskPluginNote; do
  bites cask-plugin.h "/^typedef struct\$/,/^} $struct;/ s/^} $struct;/guint64 late;\n&/
                       /^struct _$struct\$/,/^};/ s/^};/guint64 late;\n&/"
done
bites cask-option.h 's/^} CaskOptionSpec;/guint64 late;\n&/'
bites cask-option.h 's/^} CaskOptionValue;/guint64 late;\n&/'
for struct in Digest BlobInfo Usage; do
  bites cask-types.h "s/^} Cask$struct;/guint64 late;\n&/"
done
bites cask-conform.h 's/^} CaskConformCounts;/guint64 late;\n&/'
bites cask-conform.h 's/^} CaskConformResult;/guint64 late;\n&/'
bites cask-conform.h 's/^  guint32 n_failed;/  guint64 n_failed;/'
bites cask-conform.h 's/^  CASK_CONFORM_PASSED,/  CASK_CONFORM_LATE,\n&/'
bites cask-plugin.h 's/^  guint32 n_children;/  guint32 first_child, n_children;/'
bites cask-plugin.h 's/^  guint16 abi_major, abi_minor;/  guint16 abi_minor, abi_major;/'
bites cask-plugin.h 's/^  guint16 need_minor;/  gint16 need_minor;/'
bites cask-plugin.h 's/^  const char \*summary;.*/  char *summary;/'
bites cask-plugin.h 's/^  guint32 owner_size, value_size, type;/  guint32 value_size, owner_size, type;/'
bites cask-plugin.h 's/\(\*put_many\)/(*swapped)/; s/\(\*get_many\)/(*put_many)/; s/\(\*swapped\)/(*get_many)/
                     s/\(\*upload_save\)/(*swapped)/; s/\(\*upload_read\)/(*upload_save)/; s/\(\*swapped\)/(*upload_read)/'
bites cask-plugin.h 's/^  void \(\*close\) \(CaskBackend \*self\);/  int (*close) (CaskBackend *self);/'
bites cask-plugin.h 's/^(  gssize \(\*blob_read\) .*) guint64 offset,/\1 guint32 offset,/'
bites cask-plugin.h 's/^typedef void \(\*CaskJob\) \(gpointer data, /&int late, /'
bites cask-plugin.h 's/^  CASK_TRY_FOUND,/  CASK_TRY_NEVER,\n&/'
bites cask-plugin.h 's/^  CASK_PUT_KEEP = 1 << 1/  CASK_PUT_KEEP = 1 << 2/'
bites cask-plugin.h 's/^#define CASK_TRY_LIMIT 65536/#define CASK_TRY_LIMIT 65537/'
bites cask-types.h 's/^  CASK_ERROR_BUSY,$/  CASK_ERROR_LATE,\n&/'
bites cask-types.h 's/^  CASK_CAPABILITY_RESUME = 1 << 8,/  CASK_CAPABILITY_RESUME = 1 << 12,/'
bites cask-option.h 's/^  CASK_OPTION_UINT, /  CASK_OPTION_REAL,\n&/'

# A member that fills a gap, or a constant at an end, moves nothing: the list finds it.
rm -rf "$work/include"
cp -R "$include" "$work/include"
sed -i 's/^  CASK_ERROR_PLUGIN_ABI$/&,\n  CASK_ERROR_LATE/' "$work/include/cask/cask-types.h"
sed -i 's/^  guint32 size; .*as compiled.*/&\n  guint32 late;/' "$work/include/cask/cask-plugin.h"
declared "$work/include" | comm -23 - "$work/pinned" >"$work/late"
[[ $(tr '\n' ' ' <"$work/late") == 'CASK_ERROR_LATE CaskBackendOps.late CaskPlugin.late ' ]] ||
  fail "three new names were declared, and found were: $(tr '\n' ' ' <"$work/late")"
((failures == 0)) || exit 1
printf 'layout: %s names pinned, %s changes found\n' "$(wc -l <"$work/declared")" "$bitten"
