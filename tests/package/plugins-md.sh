#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The backend of docs/PLUGINS.md, its first block of C, is built as that page says, against the moved tree, and is
# all that the page says of it: shown by `cask plugins`, usable, and true to the contract.
#
# plugins-md.sh TREE LIBDIR SOURCE COMMAND CONTRACT: the installed command, the contract suite of this build
source "$(dirname "$0")/moved.bash"
cask=$tree/$4 contract=$5
page=$source/docs/PLUGINS.md

# ---- Built as the page says ----

extract_shelf "$work/shelf.c"
(($(grep -c '[^ ]' "$work/shelf.c") < 100)) || fail "the backend of one page has grown to $(wc -l <"$work/shelf.c") lines"
line=$(grep -m 1 '^cc .*shelf\.c' "$page") || fail "$page does not say how to build it"
# The compiler and flags of this build, so that a sanitizer is in the plugin as well.
(cd "$work" && eval "${line/#cc/${CC:-cc} ${CFLAGS:-} -Wextra -Werror -Wno-unused-parameter}") || fail "not to be built by: $line"
links_glib_only "$work/cask-shelf.so"
export CASK_PLUGIN_PATH=$work

# ---- Its help page, and that of every slot of the header ----

"$cask" plugins shelf >"$work/out" || fail "cask plugins shelf: $(<"$work/out")"
for text in 'summary *keeps blobs in one sorted tree' 'kind *backend' 'capabilities *write exact-created freshens remove-unused$' \
            'license *Apache-2.0' "file *$work/cask-shelf.so"; do
  grep -q "^$text" "$work/out" || fail "cask plugins shelf lacks '$text': $(<"$work/out")"
done
slots=$(sed -n '/^struct _CaskBackendOps/,/^};/ s/.*(\*\([a-z_]*\)) (CaskBackend.*\|.*(\*\(open\)).*/\1\2/p' \
  "$source/include/cask/cask-plugin.h")
[[ $(wc -w <<<"$slots") == 28 ]] || fail "slots of the header:" $slots
for word in $slots $(grep -oE 'CASK_CAPABILITY_[A-Z_]+' "$source/include/cask/cask-types.h" | sed 's/CASK_CAPABILITY_//' | sort -u); do
  grep -q "\`$word\`" "$page" || fail "PLUGINS.md has no word on $word"
done

# ---- The header's words ----

header=$source/include/cask/cask-plugin.h
plain () { tr '\n' ' ' | sed 's/[`%*\]//g; s/  */ /g'; }
# sentences_of HEADER: of its rules, and of what it says of slots and services, one a line
sentences_of () {
  {
    sed -n '/^ \* - Digests are keys/,/\*\//p' "$1" | sed 's/^ \*\( - \| \)//; 1s|^|/* |'
    sed -n '/^struct _CaskHost$/,/^};/p; /^struct _CaskBackendOps$/,/^};/p' "$1" | sed 's/^ *\* / /'
  } | tr '\n' ' ' | sed 's|\*/|\n|g' | sed -n 's|.*/\* *||p' | grep -v '^\(--\|sizeof\)' |
    while read -r comment; do plain <<<"$comment" | sed 's/\. /.\n/g'; echo; done | sed 's/ *$//' | grep '[^ ]'
}
# missing_in PAGE HEADER: the sentences of the header that the page has not
missing_in () {
  local text sentence
  text=$(plain <"$1")
  while read -r sentence; do
    [[ $text == *"$sentence"* ]] || printf '%s\n' "$sentence"
  done < <(sentences_of "$2")
}
(($(sentences_of "$header" | wc -l) > 70)) || fail "only $(sentences_of "$header" | wc -l) sentences are found in cask-plugin.h"
missing=$(missing_in "$page" "$header")
[[ -z $missing ]] || fail "PLUGINS.md does not say, word for word as cask-plugin.h does: $missing"
# The proof that a word which is changed on one side is noticed.
sed 's/in O(1): nothing is scanned/in O(n)/' "$page" >"$work/drifted.md"
[[ $(missing_in "$work/drifted.md" "$header") == *"nothing is scanned." ]] || fail "a page that drifts from the header passes"
for word in $(grep -oE '\bCASK_(PUT|READ|STAT|LIST|CONDEMN|NEEDS|OPTION|LOCATION)_[A-Z]+\b' "$source"/include/cask/cask-{plugin,option}.h | cut -d : -f 2 | sort -u); do
  grep -q "\`$word\`" "$page" || fail "PLUGINS.md has no word on $word"
done

# ---- Used ----

printf 'on the shelf' >"$work/file"
digest=sha256:$(sha256sum <"$work/file" | cut -d ' ' -f 1)
[[ $("$cask" -s shelf put "$work/file") == "$digest created $work/file" ]] || fail "put does not create the blob"
[[ -z $("$cask" -s shelf ls) ]] || fail "a shelf of another process is not empty"
status=0
"$cask" -s shelf get "$digest" >/dev/null 2>"$work/error" || status=$?
[[ $status == 1 ]] || fail "get of an absent blob is status $status: $(<"$work/error")"
"$cask" -s "fs:$work/blobs" put "$work/file" "$cask" >/dev/null
"$cask" cp "fs:$work/blobs" shelf | grep -q '^copied 2 blobs .* 0 failed$' || fail "cp to the shelf fails"
"${CC:-cc}" ${CFLAGS:-} -o "$work/host" "$source/tests/package/host/host.c" $(pkg-config --cflags --libs cask)
"$work/host" shelf || fail "a host does not get from the shelf what it has put there"

# ---- Held to the contract ----

if "$cask" conform --help >/dev/null 2>&1; then
  "$cask" conform --quick shelf >"$work/log" 2>&1 || { tail -n 40 "$work/log" >&2; fail "cask conform --quick shelf"; }
else
  CASK_CONTRACT_CONFIG=shelf "$contract" >"$work/log" 2>&1 || {
    grep -E -A 8 'FAILED|^the contract' "$work/log" >&2
    fail "the contract of shelf is broken"
  }
fi
