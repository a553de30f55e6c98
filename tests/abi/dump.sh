#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# P5: scripts/abi, tried on a small library in a tree of its own, and on libcask, of which abidw and abidiff lose
# what they keep of a small one: what a release's programs rely on is held to, what may change may change, and each
# breach is found and named.
#
# dump.sh SCRIPTS_ABI
set -euo pipefail
export LC_ALL=C
script=$1
command -v abidiff abidw python3 >/dev/null || { echo "dump: abidiff or python3 is not here; scripts/install-deps installs it" >&2; exit 77; }
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

# also TEXT: that was said too.
also () { grep -qE "$1" "$work/said" || fail "not said: $1"; }

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
passes "what the newest release has" 'as tests/abi/1\.10\.0 '
version 2.0.0
passes "the first of another major" '^abi: no release of 2\.x is kept'

# ---- Libcask ----

source=$(dirname "$script")/..
real=$work/real
mkdir -p "$real/tests/abi"
cp -R "$source/include" "$source/core" "$real"
cp "$source/tests/abi/growth.abignore" "$real/tests/abi"
# The headers' own assertions are not what is tried here.
sed -i '/^G_STATIC_ASSERT/d' "$real"/include/cask/*.h
cat >"$real/Makefile" <<'MAKE'
objects := $(patsubst %.c,%.o,$(wildcard core/*/*.c))
../libcask.so: $(objects) core/libcask.map
	$(CC) -shared -o $@ $(objects) -Wl,--version-script,core/libcask.map
%.o: %.c
	$(CC) $(FLAGS) -c -o $@ $<
MAKE
# Word splitting of what pkg-config prints is meant.
flags="-std=gnu17 -gdwarf-4 -fPIC -w -D_GNU_SOURCE -DCASK_PLUGIN_SUBDIR='\"cask\"' -Iinclude"
for room in "$real"/core/*/; do flags+=" -Icore/$(basename "$room")"; done
flags+=" $(pkg-config --cflags gio-2.0 nettle)"
build () { make -C "$tree" -s -j2 CC="${CC:-cc}" FLAGS="$flags" >"$work/said" 2>&1 || fail "libcask does not build"; }

# touched TEXT: the sources that speak of it are compiled again; the others' debug information says nothing of it.
touched () { grep -rlE "$1" "$tree/core" --include=*.c | sed 's/c$/o/' | xargs rm; }

# fresh: libcask as it was released, compiled.
fresh () { rm -rf "$tree"; cp -Rp "$real" "$tree"; rm -f "$work/libcask.so"; }

# edit_escape EXPRESSION: of cask_config_escape, which other files call; its prototype and its definition.
edit_escape () { edit include/cask/cask-config.h "$1"; edit core/loader/config-print.c "$1"; touched cask_config_escape; }
escape='cask_config_escape \(const char \*text'

fresh
abi dump || fail "no dump of libcask"
rm -rf "$real"
mv "$tree" "$real"
fresh
passes "libcask itself"
edit_escape "s/$escape/&, int how/"
for file in config-parse node-spool; do edit "core/loader/$file.c" 's/cask_config_escape \([a-z]+/&, 0/'; done
breaks "another parameter" "parameter 2 of type 'int' was added"
also 'no longer declared: char \*cask_config_escape \(const char \*\)$'
fresh
edit_escape "s/$escape/cask_config_escape (const void *text/"
breaks "a parameter of another type" "cask_config_escape\(const char\*\)' has some indirect"
also 'no longer declared: char \*cask_config_escape'
fresh
edit include/cask/cask-plugins.h 's/(get_option_name \(.*) guint/\1 gint/'
edit core/loader/plugin-info.c 's/(get_option_name \(.*) guint/\1 gint/'
touched get_option_name
breaks "a parameter of another sign, where a pointer to const is returned" 'no longer declared: .*get_option_name'
fresh
edit include/cask/cask-config.h 's/^char (\*cask_config_escape)/GBytes \1/'
edit core/loader/config-print.c '/^char \*$/{N; s/^char (\*\ncask_config_escape)/GBytes \1/}'
touched cask_config_escape
breaks "a function that returns something else" "cask_config_escape\(const char\*\)' has some indirect"
also 'no longer declared: char \*cask_config_escape'
fresh
edit include/cask/cask-types.h 's/^} CaskUsage;/  guint64 late;\n&/'
touched .
breaks "a larger struct that callers allocate" 'type size changed from 512 to 576'
also 'no longer declared: struct CaskUsage'
fresh
edit include/cask/cask-batch.h 's/(CASK_CONTAINS_FRESHEN = 1 <<) 8/\1 9/'
touched 'CaskContains|CASK_CONTAINS'
breaks "a constant that is worth something else" "CASK_CONTAINS_FRESHEN' from value '256' to '512'"
also 'no longer declared: enum CaskContainsFlags 02'
fresh
edit core/libcask.map '/cask_config_escape;/d'
breaks "a function that is no longer exported" 'Removed function'
fresh
edit include/cask/cask-config.h '/^char \*cask_config_escape/d'
breaks "a function that is no longer declared" 'no public header declares it: cask_config_escape'
fresh
edit core/libcask.map 's/^ *cask_config_escape;/&\n    cask_config_late;/'
edit include/cask/cask-config.h 's/^char \*cask_config_escape.*/&\nint cask_config_late (int how);/'
printf 'int cask_config_late (int how) { return how; }\n' >>"$tree/core/loader/config-print.c"
touched cask_config_escape
passes "a new function of libcask"
printf 'dump: %s builds compared\n' "$proved"
