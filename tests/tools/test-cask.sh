#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the `cask` command as a shell script would, and checks what it prints and how it ends.
#
# CASK_FATED_PLUGINS: plugins that crash when loaded. The rest of its environment is told in shell-test.bash.
# shellcheck source-path=SCRIPTDIR source=shell-test.bash
source "${BASH_SOURCE[0]%/*}/shell-test.bash"

printf 'hello' >hello
printf 'world' >'two words'
: >empty
head -c 3000000 /dev/urandom >large
mkdir folder
hello=$(digest_of hello)
large=$(digest_of large)
absent=sha256:$(printf '0%.0s' {1..64})

# ---- put ----

put_creates () { run 0 put hello && [[ $(<out) == "$hello created hello" ]]; }
put_again () { run 0 put hello && [[ $(<out) == "$hello exists hello" ]]; }
put_stdin () { run 0 put - <large && [[ $(<out) == "$large created -" ]]; }
put_sha512 () { run 0 put -a sha512 hello && [[ $(<out) == "sha512:$(sha512sum <hello | cut -d ' ' -f 1) created hello" ]]; }
put_goes_on () { run 3 put missing folder empty && errors 2 && [[ $(<out) == *' created empty' ]]; }
put_unreadable () { run 3 put $'bad\nname\e[31m' && errors 1 && grep -q 'bad\\x0aname\\x1b\[31m' err; }
put_escapes () { cp hello $'line\nbreak' && run 0 put $'line\nbreak' && [[ $(<out) == "$hello exists line\\x0abreak" ]]; }
put_dashed () { cp hello ./-weird && run 0 put -- -weird && [[ $(<out) == "$hello exists -weird" ]]; }
put_list () { printf 'hello\ntwo words\n' >list && run 0 put --files-from list && [[ $(wc -l <out) == 2 ]]; }
put_list_nul () { printf 'hello\0line\nbreak\0' | run 0 put -0 --files-from - && [[ $(wc -l <out) == 2 ]]; }
put_list_wrong () { printf 'hello\0empty\0' | run 3 put --files-from - && errors 1; }
put_substituted () { run 0 put <(printf 'hello') && [[ $(<out) == "$hello exists "* ]]; }
put_heals () {
  local path=$work/store/sha256/${hello:7:2}/${hello:9}
  chmod u+w "$path" && printf 'hellO' >"$path"
  run 3 get "$hello" && errors 1 && [[ ! -s out ]] && run 0 put --verify-existing hello && run 0 get "$hello" && cmp out hello
}
check "put creates a blob and says so" put_creates
check "put of what is there says exists" put_again
check "put reads standard input" put_stdin
check "put hashes by sha512 where asked" put_sha512
check "put reports a missing file and a folder, and goes on (3)" put_goes_on
check "an error with a line break in it is one line" put_unreadable
check "a name with a line break is printed on one line" put_escapes
check "a name that begins with a dash follows --" put_dashed
check "put takes names from a list" put_list
check "put takes names that end in NUL" put_list_nul
check "put refuses NUL in a list of lines" put_list_wrong
check "put reads a pipe" put_substituted
check "put --verify-existing heals, and get refused before" put_heals
check "put without a file is a usage error" run 2 put
check "put with an unknown algorithm is a usage error" run 2 put -a md5 hello
check "put -0 without a list is a usage error" run 2 put -0 hello

# ---- get, cat ----

get_pipe () { "$CASK" -s "$store" get "$large" | cmp - large; }
get_file () { run 0 get -o fetched "$large" && cmp fetched large && [[ ! -s out ]]; }
get_replaces () { printf old >fetched && run 0 get -o fetched "$hello" && cmp fetched hello; }
get_link () { printf old >target && ln -s target link && run 0 get -o link "$hello" && [[ -L link ]] && cmp target hello; }
get_mode () { (umask 027 && rm -f fetched && run 0 get -o fetched "$hello" && [[ $(stat -c %a fetched) == 640 ]]); }
get_device () { run 0 get -o /dev/null "$hello" && [[ -c /dev/null ]]; }
get_fifo () { mkfifo pipe && { cat pipe >piped & } && run 0 get -o pipe "$hello" && wait && cmp piped hello && [[ -p pipe ]]; }
get_folder () { run 3 get -o folder "$hello" && errors 1 && [[ -d folder ]]; }
get_nowhere () { run 3 get -o nowhere/file "$hello" && errors 1; }
get_absent () { printf old >kept && run 1 get -o kept "$absent" && errors 1 && [[ $(<kept) == old ]]; }
cat_whole () { run 0 cat "$hello" && cmp out hello; }
cat_empty () { run 0 cat "$(digest_of empty)" && [[ ! -s out ]]; }
# range RANGE FIRST COUNT: the range of the large blob is what tail and head cut out.
range () { run 0 cat --range "$1" "$large" && cmp out <(tail -c "+$(($2 + 1))" large | head -c "$3"); }
range_wrong () { for r in '' - 5 5-3 a-b -0 1-2-3 99999999999999999999-; do run 2 cat --range "$r" "$hello" && errors 1 || return 1; done; }
check "get writes to a pipe" get_pipe
check "get -o writes a file" get_file
check "get -o replaces a file" get_replaces
check "get -o keeps a symbolic link" get_link
check "get -o follows the umask" get_mode
check "get -o writes to a device instead of replacing it" get_device
check "get -o writes to a FIFO" get_fifo
check "get -o refuses a folder" get_folder
check "get -o into a missing folder is an error" get_nowhere
check "get of an absent blob is status 1 and leaves the file alone" get_absent
check "cat writes a blob" cat_whole
check "cat of the empty blob is empty" cat_empty
check "a range includes its end" range 0-99 0 100
check "a range of one byte" range 7-7 7 1
check "a range longer than a piece" range 1000-2500000 1000 2499001
check "an open range runs to the end" range 100- 100 2999900
check "a range from the end" range -100 2999900 100
check "a range from the end longer than the blob is all" range -9999999 0 3000000
check "a range is cut to the blob" range 2999990-4000000 2999990 10
check "a range to the greatest number is cut to the blob" range 0-18446744073709551615 0 3000000
check "a range that starts at the end is empty" range 3000000- 3000000 0
check "a range that starts past the end is an error" run 3 cat --range 3000001- "$large"
check "what is no range is a usage error" range_wrong

# ---- stat, has, ls ----

stat_text () { run 0 stat "$hello" && grep -Eq "^$hello 5 20[0-9-]{8}T[0-9:]{8}\.[0-9]{6}Z\$" out; }
stat_json () { run 0 stat --json "$hello" "$large" && [[ $(wc -l <out) == 2 ]] && json out && grep -q '"size":3000000' out; }
stat_absent () { run 1 stat "$absent" "$hello" && errors 1 && [[ $(wc -l <out) == 1 ]]; }
has_text () { run 1 has "$hello" "$absent" && [[ $(<out) == "$hello present"$'\n'"$absent absent" ]] && errors 0; }
has_quiet () { run 0 has -q "$hello" && [[ ! -s out ]] && run 1 has -q "$absent" && errors 0; }
digest_wrong () { run 2 has "$hello" nonsense sha256:12 && errors 2 && [[ ! -s out ]]; }
ls_sorted () { run 0 ls && grep sha256 out >a && sort a | cmp - a && grep -q "^$hello\$" out; }
ls_nul () { run 0 ls && "$CASK" -s "$store" ls -0 | tr '\0' '\n' | cmp - out; }
ls_long () { run 0 ls -l && cp out long && run 0 ls && xargs "$CASK" -s "$store" stat <out | cmp - long; }
ls_json () { run 0 ls --json && json out && grep -q "^{\"digest\":\"$hello\",\"size\":5,\"mtime\":\"" out; }
ls_after () { run 0 ls && sed 1,2d out >rest && run 0 ls --after "$(run 0 ls && sed -n 2p out)" && cmp out rest; }
ls_limit () { run 0 ls && head -n 3 out >first && run 0 ls --limit 3 && cmp out first && run 0 ls --limit 0 && [[ ! -s out ]]; }
ls_closed () { "$CASK" -s "$store" ls 2>err | true; errors 0; }
check "stat shows size and time" stat_text
check "stat --json is JSON" stat_json
check "stat of an absent blob is status 1, the others are shown" stat_absent
check "has tells which are there" has_text
check "has -q is silent" has_quiet
check "a wrong digest stops everything (2)" digest_wrong
check "ls is sorted" ls_sorted
check "ls -0 separates by NUL" ls_nul
check "ls -l says what stat says" ls_long
check "ls --json is JSON" ls_json
check "ls --after goes on behind a digest" ls_after
check "ls --limit ends early" ls_limit
check "ls into a closed pipe says nothing" ls_closed
check "ls -0 -l is a usage error" run 2 ls -0 -l
check "ls --limit with nonsense is a usage error" run 2 ls --limit -1

# ---- cp, verify ----

cp_all () { run 0 cp "$store" "fs:$work/copy" && grep -Eq '^copied [1-9][0-9]* blobs \(2\.9 MiB\), 0 there already, 0 failed$' out; }
cp_again () { run 0 cp "$store" "fs:$work/copy" && grep -Eq '^copied 0 blobs \(0 B\), [1-9][0-9]* there already, 0 failed$' out; }
cp_same () { run 0 ls && cp out a && store=fs:$work/copy run 0 ls && cmp a out; }
cp_rest () { store=fs:$work/copy run 0 rm "$hello" && run 0 cp "$store" "fs:$work/copy" && grep -q '^copied 1 blobs (5 B)' out; }
cp_memory () { run 0 cp "$store" memory: && grep -q ' 0 there already, 0 failed$' out; }
cp_many () {
  mkdir many && for i in {1..1500}; do printf '%s' "$i" >"many/$i"; done
  printf '%s\0' many/* | store="fs:$work/many-store?durability=none" run 0 put -0 --files-from - &&
    run 0 cp "fs:$work/many-store" 'memory:' && grep -q '^copied 1500 blobs' out
}
cp_full () { run 3 cp "fs:$work/many-store" 'memory:?max-bytes=1KiB' && errors 2 && grep -q 'given up' err; }
cp_damaged () {
  damage && run 3 cp "$store" "fs:$work/third" && errors 1 && grep -q ', 1 failed$' out && run 0 put --verify-existing hello
}
damage () {
  local path=$work/store/sha256/${hello:7:2}/${hello:9}
  chmod u+w "$path" && printf 'hellO' >"$path"
}
cp_cut () {
  local path=$work/copy/sha256/${hello:7:2}/${hello:9}
  chmod u+w "$path" && truncate -s 2 "$path" && store=fs:$work/copy run 3 get "$hello" &&
    run 0 cp "$store" "fs:$work/copy" && store=fs:$work/copy run 0 get "$hello" && cmp out hello
}
# A blob that another user put there cannot be touched, but a put accepts it. Needs root, and someone else to be.
cp_foreign () {
  [[ $(id -u) == 0 ]] && command -v setpriv >/dev/null || return 0
  mkdir foreign && chmod 711 "$work" && chmod 777 foreign &&
    (umask 000 && store=fs:$work/foreign run 0 put hello && store=fs:$work/theirs run 0 put hello) || return 1
  chmod -R a+rwX theirs && setpriv --reuid=65534 --regid=65534 --clear-groups "$CASK" cp "fs:$work/theirs" "fs:$work/foreign" \
    >out 2>err && errors 0 && grep -Eq '^copied 0 blobs \(0 B\), 1 there already, 0 failed$' out
}
# A mistyped name is an error of every command that only reads or removes, and does not become a store.
open_missing () {
  local store=fs:$work/mistyped command
  for command in ls verify info "rm $hello" "get $hello" "cat $hello" "stat $hello" "has $hello" "verify $hello" "cp $store memory:"; do
    # shellcheck disable=SC2086 # words are meant
    run 3 $command && errors 1 && grep -q 'the store does not exist' err && [[ ! -e mistyped ]] || return 1
  done
  store="$store?durability=none" run 3 ls && store=" $store " run 3 ls && [[ ! -e mistyped ]]
}
# Nor does one below a layer; what is wrong behind it is found at the byte where it stands.
open_layered () {
  local CASK_PLUGIN_PATH=$CASK_ZOO:$CASK_PLUGIN_PATH config
  for config in "layer(fs:$work/mistyped)" "layer(layer( fs:$work/mistyped ))" "layer(fs:$work/mistyped?durability=none)"; do
    store=$config run 3 rm "$hello" && errors 1 && grep -q 'the store does not exist' err && store=$config run 3 ls && errors 1 && [[ ! -e mistyped ]] || return 1
  done
  store="layer(fs:$work/store)" run 0 info && grep -q "^config  *layer(fs:$work/store)\$" out && store="layer(fs:$work/store)" run 0 ls &&
    store="layer(fs:$work/layered?create=yes)" run 0 info && grep -qF "layer(fs:$work/layered?create=yes)" out && [[ -d layered ]] &&
    store='layer(fs:/x)y' run 2 ls && grep -q 'byte 12:' err && store='layer(fs:/x?no=1)' run 2 ls && grep -q 'byte 12:' err
}
open_told () { store="fs:$work/told?create=yes" run 0 ls && [[ -d told ]] && store="fs:$work/untold?create=no" run 3 put hello && errors 1; }
open_parent () { store=fs:$work/no/parent run 3 put hello && errors 1 && store=fs:$work/no/parent run 3 rm "$hello" && errors 1; }
open_unsupported () { store="fs:$work/store?durability=hopeful" run 2 ls && errors 1 && store="fs:$work/store?durability=hopeful" run 2 put hello; }
verify_good () { run 0 verify && grep -Eq '^verified [0-9]+ blobs \(.*\), 0 damaged, 0 failed$' out; }
verify_bad () {
  damage && run 3 verify && [[ $(wc -l <out) == 2 ]] && grep -q "^$hello corrupt " out && grep -q ', 1 damaged, 0 failed$' out &&
    run 3 verify -q && [[ $(wc -l <out) == 1 ]] && run 3 verify "$hello" && run 0 verify "$large" &&
    run 0 put --verify-existing hello && run 0 verify
}
verify_absent () { run 1 verify "$absent" "$hello" && errors 1; }
check "cp copies all" cp_all
check "cp again finds them there" cp_again
check "the copy lists the same" cp_same
check "cp copies only what is missing" cp_rest
check "cp into memory: works" cp_memory
check "cp copies more than a page" cp_many
check "cp gives up where the destination is full" cp_full
check "cp reports a damaged blob and copies the others" cp_damaged
check "cp replaces a copy that was cut short" cp_cut
check "cp accepts what another user put there" cp_foreign
check "a store that does not exist is status 3 to a reader, which does not make it" open_missing
check "so it is below layers" open_layered
check "create= in a config string is obeyed" open_told
check "a store whose parent is missing is status 3, not an absent blob" open_parent
check "a store that cannot be opened so is status 2" open_unsupported
check "cp with one argument is a usage error" run 2 cp "$store"
check "cp from a wrong config is status 2" run 2 cp nonsense:x memory:
check "verify of a sound store is status 0" verify_good
check "verify names exactly the damaged blob" verify_bad
check "verify of an absent blob is status 1" verify_absent

# ---- rm ----

rm_one () { run 0 rm "$large" && [[ ! -s out ]] && run 1 has -q "$large"; }
rm_absent () { run 1 rm "$large" && errors 1 && run 0 rm --ignore-missing "$large" && errors 0; }
rm_unused () { run 0 rm --unused-for 1h "$hello" && [[ $(<out) == "$hello kept" ]] && run 0 has -q "$hello"; }
rm_old () {
  touch -d '2 hours ago' "$work/store/sha256/${hello:7:2}/${hello:9}"
  run 0 rm --unused-for 1h "$hello" && [[ ! -s out ]] && run 1 has -q "$hello"
}
rm_durations () { for d in '' 1 h -1h 1d 1.5h 99999999999999999h; do run 2 rm --unused-for "$d" "$hello" || return 1; done; }
check "rm removes" rm_one
check "rm of an absent blob is status 1, unless told" rm_absent
check "what is no duration is a usage error" rm_durations
check "rm --unused-for keeps what was used" rm_unused
check "rm --unused-for removes what was not" rm_old

# ---- info, plugins ----

info_text () { run 0 info && grep -q "^config  *fs:$work/store\$" out && grep -q '^capabilities .*write' out; }
info_json () { run 0 info --json --count && json out && grep -q '"count":[1-9]' out; }
plugins_table () { run 0 plugins && grep -q '^fs  *1' out && grep -q '^memory ' out; }
plugins_json () { run 0 plugins --json && json out && grep -q '^{"name":"fs","usable":true,' out; }
plugins_page () { run 0 plugins fs && grep -q '^  durability=none|data|full|batch$' out && grep -q '^config  *fs:LOCATION' out; }
plugins_unknown () { run 2 plugins no-such-plugin && errors 1; }
# L41: a crash in a constructor is reported, and the command goes on.
plugins_fated () {
  CASK_PLUGIN_PATH=$CASK_FATED_PLUGINS:$CASK_PLUGIN_PATH run 3 plugins && grep -q '^abort .*killed by signal 6' out &&
    grep -q '^exit .*unusable: ' out && grep -q '^memory  *1' out && errors 0
}
plugins_fated_json () {
  CASK_PLUGIN_PATH=$CASK_FATED_PLUGINS run 3 plugins --json && json out && grep -q '"usable":false,"reason":"' out
}
plugins_fated_page () { CASK_PLUGIN_PATH=$CASK_FATED_PLUGINS run 3 plugins abort && errors 1 && [[ ! -s out ]]; }
check "info shows config and capabilities" info_text
check "info --json --count is JSON with a count" info_json
check "plugins lists fs and memory" plugins_table
check "plugins --json is JSON" plugins_json
check "plugins NAME shows its options" plugins_page
check "plugins NAME of none is status 2" plugins_unknown
check "L41: a plugin that crashes when loaded is reported, the others are listed" plugins_fated
check "L41: likewise as JSON" plugins_fated_json
check "L41: a page of a plugin that crashes is an error" plugins_fated_page

# ---- the command itself ----

help_all () {
  for command in put get cat stat has rm ls cp verify upload info plugins; do
    run 0 --help && grep -q "^  $command " out && run 0 "$command" --help && grep -q "cask $command" out || return 1
  done
}
unknown () { run 2 no-such-command && errors 1 && run 2 ls --no-such-option && errors 1 && run 2 ls too many && errors 1; }
no_store () { "$CASK" ls >out 2>err; [[ $? == 2 ]] && errors 1; }
store_variable () { CASK_STORE=$store "$CASK" ls >out && [[ -s out ]]; }
version () { run 0 --version && grep -Eq '^cask [0-9]+\.[0-9]+\.[0-9]+$' out; }
config_wrong () { for c in fs nonsense: 'fs:/x?no=1' $'fs:/a\nb' '' 'memory:('; do store=$c run 2 ls && errors 1 || return 1; done; }
# full ARGUMENT…: a result that cannot be written is status 3 and one error.
full () { "$CASK" -s "$store" "$@" >/dev/full 2>err; [[ $? == 3 ]] && errors 1; }
closed () { run 0 put hello && "$CASK" -s "$store" ls >&- 2>err; [[ $? == 3 ]] && errors 1 && run 0 verify; }
closed_input () { run 3 put - <&- && errors 1 && grep -q '^cask: -: Bad file descriptor$' err; }
check "every command has help" help_all
check "what is unknown is a usage error" unknown
check "no store is a usage error" no_store
check "CASK_STORE names the store" store_variable
check "--version shows a version" version
check "a wrong config is status 2 and one line" config_wrong
check "put notices a full standard output" full put hello
check "ls notices a full standard output" full ls
check "cat notices a full standard output" full cat "$hello"
check "verify notices a full standard output" full verify
check "--help notices a full standard output" full --help
check "plugins notices a full standard output" full plugins
check "ls notices a closed standard output" closed
check "a closed standard input is not what the store opened in its place" closed_input

finish
