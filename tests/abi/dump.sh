#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# P5: scripts/abi, tried on a small library in a tree of its own: what a release's programs rely on is held to,
# what may change may change, and each breach is found and named.
#
# dump.sh SCRIPTS_ABI
set -euo pipefail
export LC_ALL=C
script=$1
command -v abidiff abidw >/dev/null || { echo "dump: abidiff is not here; scripts/install-deps installs it" >&2; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
proved=0
fail () { printf 'dump: %s\n' "$*" >&2; [[ ! -s $work/said ]] || cat "$work/said" >&2; exit 1; }

# fresh: a library as it was released.
fresh () {
  rm -rf "$tree/include" "$tree/lib.c"
  mkdir -p "$tree/include/cask" "$tree/tests/abi"
  cp "$(dirname "$script")/../tests/abi/growth.abignore" "$tree/tests/abi"
  version 1.0.0
  cat >"$tree/include/cask/cask.h" <<'C'
typedef enum { CASK_FIRST, CASK_LAST } CaskKind;
typedef struct { unsigned char algorithm; unsigned char bytes[64]; } CaskDigest;
typedef struct { unsigned int size; unsigned int minor; void (*warn) (const char *text); } CaskHost;
typedef void (*CaskFunc) (const char *text);
typedef struct _CaskStore CaskStore;
CaskStore *cask_store_open (const CaskHost *host, CaskKind kind);
int cask_store_get (CaskStore *store, const CaskDigest *digest, unsigned long offset);
void cask_store_close (CaskStore *store, CaskFunc func);
C
  cat >"$tree/lib.c" <<'C'
#include <cask/cask.h>
#include <stdlib.h>
struct _CaskStore { const CaskHost *host; CaskKind kind; };
CaskStore *cask_store_open (const CaskHost *host, CaskKind kind)
{ CaskStore *store = malloc (sizeof *store); store->host = host; store->kind = kind; return store; }
int cask_store_get (CaskStore *store, const CaskDigest *digest, unsigned long offset)
{ return store->kind == CASK_LAST && digest->bytes[offset] == 0; }
void cask_store_close (CaskStore *store, CaskFunc func) { if (func) free (store); }
C
}

# version MAJOR.MINOR.MICRO
version () {
  local -a numbers
  IFS=. read -ra numbers <<<"$1"
  printf '#define CASK_%s_VERSION %s\n' MAJOR "${numbers[0]}" MINOR "${numbers[1]}" MICRO "${numbers[2]}" \
    >"$tree/include/cask/cask-version.h"
}

# edit FILE EXPRESSION
edit () {
  cp "$tree/$1" "$work/before"
  sed -i -E "$2" "$tree/$1"
  ! cmp -s "$work/before" "$tree/$1" || fail "nothing to edit: $2"
}

# What clang writes as DWARF 5, abidw 2.2 reads wrongly.
build () { "${CC:-cc}" "${debug--gdwarf-4}" -fPIC -shared -I "$tree/include" -o "$work/libcask.so" "$tree/lib.c"; }
abi () { build && "$script" "$1" "$work/libcask.so" "$tree" >"$work/said" 2>&1; }

# passes WHAT [TEXT]; breaks WHAT TEXT
passes () { abi check || fail "$1 is refused"; grep -qE "${2-as tests/abi/}" "$work/said" || fail "$1: not said"; proved=$((proved + 1)); }
breaks () { ! abi check || fail "$1 passes"; grep -qE "$2" "$work/said" || fail "$1: not said"; proved=$((proved + 1)); }

fresh
passes "a tree without a release" '^abi: no release of 1\.x is kept'
abi dump || fail "no dump"
[[ -s $tree/tests/abi/1.0.0/libcask.abi ]] || fail "the dump is not where it belongs"
passes "the release itself"

# ---- What may change ----

edit include/cask/cask.h 's/^void cask_store_close/int cask_store_late (CaskStore *store);\n&/'
edit lib.c '$aint cask_store_late (CaskStore *store) { return (int) store->kind; }'
passes "a new function"
fresh
edit lib.c 's/^struct _CaskStore \{/& long late;/'
passes "a member that no header shows"
fresh
edit include/cask/cask.h 's/ \} CaskHost;/ unsigned long late;&/'
passes "a member at the end of a struct that says its size"
fresh
edit include/cask/cask.h 's/CASK_LAST \}/CASK_LAST, CASK_LATE }/'
passes "a constant at the end of an enum"

# ---- What may not ----

fresh
edit lib.c '/^void cask_store_close/d'
breaks "a function that is gone" 'cask_store_close'
fresh
edit include/cask/cask.h 's/unsigned int minor;/& unsigned long late;/'
breaks "a member in the middle" 'late'
fresh
edit include/cask/cask.h 's/ \} CaskDigest;/ unsigned char late;&/'
breaks "a member at the end of a struct whose size is for ever" 'late'
fresh
edit include/cask/cask.h 's/CASK_FIRST,/& CASK_LATE,/'
breaks "a constant that is worth more than it was" 'CASK_LAST'
fresh
edit include/cask/cask.h 's/unsigned long offset/unsigned int offset/'
edit lib.c 's/unsigned long offset/unsigned int offset/'
breaks "a parameter of another type" 'cask_store_get'
fresh
edit include/cask/cask.h 's/\(\*CaskFunc\) \(const char \*text\)/(*CaskFunc) (const char *text, int how)/'
breaks "a callback that is called otherwise" 'cask_store_close'
fresh
debug=-g0
breaks "a library without debug information" 'build it with -g'
unset debug

# ---- Which release ----

fresh
edit include/cask/cask.h 's/unsigned long offset/unsigned int offset/'
edit lib.c 's/unsigned long offset/unsigned int offset/'
version 1.10.0
abi dump || fail "no second dump"
mkdir "$tree/tests/abi/1.9.0"
cp "$tree/tests/abi/1.0.0/libcask.abi" "$tree/tests/abi/1.9.0"
version 1.11.0
passes "what the newest release has" 'as tests/abi/1\.10\.0/'
version 2.0.0
passes "the first of another major" '^abi: no release of 2\.x is kept'
printf 'dump: %s builds compared\n' "$proved"
