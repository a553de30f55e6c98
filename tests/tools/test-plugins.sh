#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# `cask plugins`: every candidate on the search path, each from a process of its own, in full, and what is said of
# the bad ones, word for word.
#
# CASK_FATED_PLUGINS, CASK_HANGING_PLUGINS: plugins that end or stop the process which loads them; CASK_ZOO: the
# broken ones. The rest of its environment is told in shell-test.bash.
# shellcheck source-path=SCRIPTDIR source=shell-test.bash
source "${BASH_SOURCE[0]%/*}/shell-test.bash"

good=$CASK_PLUGIN_PATH
umask 022
mkdir bad first forking second
cp "$CASK_FATED_PLUGINS"/cask-{abort,exit,flood}.so "$CASK_ZOO"/cask-{magic,no-put}.so bad
printf 'text' >bad/cask-text.so
printf 'text' >bad/cask-Upper.so
cp "$CASK_FATED_PLUGINS"/cask-fork.so forking
cp "$CASK_ZOO"/cask-minimal.so first
cp "$CASK_ZOO"/cask-minimal.so second
ln -s second again

# says NAME REASON: the row of a candidate that cannot be used is just this, after its name.
says () {
  local row
  row=$(grep "^$1 " out) || { printf '  no row for %s\n' "$1"; return 1; }
  [[ $row == "$(printf '%-12s %-9s %-5s unusable: %s' "$1" - - "$2")" ]] || { printf '  | %s\n' "$row"; return 1; }
}

# ---- The list ----

list_bad () {
  CASK_PLUGIN_PATH=$work/bad:$good run 3 plugins && errors 0 &&
    says abort "$work/bad/cask-abort.so: killed by signal 6 (Aborted) when loaded: mend its constructors, or take it off the search path" &&
    says exit "$work/bad/cask-exit.so: ended the process with status 0 when loaded: mend its constructors, or take it off the search path" &&
    says flood "$work/bad/cask-flood.so: it says more than 1 MiB of itself: shorten its texts, or take it off the search path" &&
    says magic "$work/bad/cask-magic.so: \`cask_plugin\` is not a plugin's table (wrong magic): define it with CASK_PLUGIN_DEFINE()" &&
    says no-put "$work/bad/cask-no-put.so: the required slot put is NULL: set it" &&
    says text "$work/bad/cask-text.so: not an ELF file: a plugin is a compiled shared object" &&
    says Upper "$work/bad/cask-Upper.so: 'Upper': not a plugin's name: lower-case letters, digits and single '-', at most 64" &&
    grep -q '^memory  *1' out && grep -q '^fs  *1' out
}
list_whole () {
  CASK_PLUGIN_PATH=$good run 0 plugins && errors 0 &&
    grep -Eq '^fs +[0-9.]+ +1\.[0-9]+ +blobs as files below a directory$' out &&
    [[ $(sed -n '/^fs /{n;p}' out) == '  capabilities: write freshens' ]] &&
    [[ $(grep -c '^  capabilities: .*write' out) == "$(grep -c '^[a-z]' out)" ]] &&
    grep -Eq '^  durability=none\|data\|full\|batch: .* \(default full\)$' out && grep -Eq '^  max-bytes=size: .' out
}
list_sorted () { CASK_PLUGIN_PATH=$work/bad:$good run 3 plugins && grep '^[^ ]' out | cut -d ' ' -f 1 >names && sort -c names; }
list_hidden () {
  CASK_PLUGIN_PATH=$work/first:$work/second run 0 plugins && errors 0 && [[ $(grep -c '^minimal ' out) == 2 ]] &&
    grep '^minimal ' out | tail -n 1 >row && grep '^minimal ' out | head -n 1 | grep -q 'Blobs in a tree$' && mv row out &&
    says minimal "$work/second/cask-minimal.so: hidden by $work/first/cask-minimal.so, which is searched first: remove one of them"
}
list_once () { CASK_PLUGIN_PATH=$work/second:$work/again:$work/second run 0 plugins && [[ $(grep -c '^minimal ' out) == 1 ]]; }
list_nowhere () { CASK_PLUGIN_PATH=$work/nowhere:relative: run 0 plugins && errors 0; }
list_hanging () {
  CASK_PLUGIN_PATH=$CASK_HANGING_PLUGINS:$good run 3 plugins && grep -q '^memory  *1' out &&
    says hang "$CASK_HANGING_PLUGINS/cask-hang.so: no answer within 10 seconds: mend its constructors, or take it off the search path"
}
# What the plugin started holds the pipe, and would for two minutes.
gone () { [[ ! -e /proc/$1 || $(cut -d ' ' -f 3 "/proc/$1/stat" 2>err) == [ZX] ]]; }
list_forking () {
  CASK_FATED_FORK=$work/forked CASK_PLUGIN_PATH=$work/forking:$good run 3 plugins && grep -q '^memory  *1' out &&
    says fork "$work/forking/cask-fork.so: the required slot open is NULL: set it" && [[ -s forked ]] && until_true gone "$(<forked)"
}
# The pipe to the child is then one of those that the child has other things in.
list_descriptors () {
  CASK_PLUGIN_PATH=$good run 0 plugins && cp out whole && "$CASK" plugins <&- >out 2>&- && cmp -s whole out
}
check "L41: every bad candidate is a row with its file, what is wrong, and what to do" list_bad
check "a good one is listed with capabilities, options, help and defaults" list_whole
check "candidates are sorted by name" list_sorted
check "a candidate that is hidden says by which, and is no failure" list_hidden
check "a directory that is on the path twice is listed once" list_once
check "directories that are not there are passed over" list_nowhere
check "L41: one that never answers is a row like the others" list_hanging
check "L41: what a plugin starts neither delays the answer nor outlives it" list_forking
check "a command whose standard descriptors are closed lists as always" list_descriptors

# ---- As JSON ----

json_all () {
  CASK_PLUGIN_PATH=$work/bad:$good run 3 plugins --json && json out && errors 0 &&
    grep -qF "{\"name\":\"no-put\",\"usable\":false,\"reason\":\"$work/bad/cask-no-put.so: the required slot put is NULL: set it\",\"path\":\"$work/bad/cask-no-put.so\"}" out &&
    grep '^{"name":"fs"' out | grep -F '"usable":true' | grep -F '"capabilities":["write"' |
      grep -qE '\{"name":"durability","type":"none\|data\|full\|batch","help":"[^"]+","default":"full","required":false\}'
}
json_members () {
  CASK_PLUGIN_PATH=$good run 0 plugins --json && jq -es 'all (.name and .version and .abi and .kind and .path and
    (.capabilities | type == "array") and (.options | all (.name and .type and (.help | type == "string"))))' out >/dev/null
}
check "--json has a line for each, with the reason of a bad one" json_all
check "--json has every member of every good one" json_members

# ---- One ----

page_whole () {
  CASK_PLUGIN_PATH=$good run 0 plugins memory && errors 0 &&
    for line in 'name +memory' 'summary +.+' 'kind +backend' 'config +memory\[:LOCATION\]\[\?OPTION=VALUE&\.\.\.\]' 'capabilities +.*write.*' \
                'version +[0-9.]+' 'abi +1\.[0-9]+' 'license +Apache-2\.0' 'file +/.*/cask-memory\.so' 'options' '  evict=none\|lru' \
                '      .*\(default none\)'; do
      grep -Eq "^$line\$" out || { printf '  no line %s\n' "$line"; return 1; }
    done
}
page_layer () { CASK_PLUGIN_PATH=$CASK_ZOO run 0 plugins layer && grep -Eq '^config +layer\[\?OPTION=VALUE&\.\.\.\]\(CHILD\)$' out; }
page_bad () {
  CASK_PLUGIN_PATH=$work/bad run 3 plugins no-put && errors 1 && [[ ! -s out ]] &&
    [[ $(<err) == "cask: no-put: $work/bad/cask-no-put.so: the required slot put is NULL: set it" ]]
}
page_crash () {
  CASK_PLUGIN_PATH=$work/bad run 3 plugins abort &&
    [[ $(<err) == "cask: abort: $work/bad/cask-abort.so: killed by signal 6 (Aborted) when loaded: "* ]]
}
page_unknown () { CASK_PLUGIN_PATH=$good run 2 plugins memoy && errors 1 && grep -q "^cask: memoy: no such plugin; did you mean 'memory'? (searched: " err; }
page_json () { CASK_PLUGIN_PATH=$good run 0 plugins --json memory && json out && [[ $(wc -l <out) == 1 ]]; }
check "a page has the config, the capabilities, and every option of the table" page_whole
check "the page of a layer shows its child" page_layer
check "the page of a bad one is an error with its file" page_bad
check "the page of one that crashes names its file" page_crash
check "a page of none says where it was searched, and what is near" page_unknown
check "a page as JSON is one object" page_json

finish
