#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# G5: a secret is in nothing that `cask` prints or logs, nor in the arguments of a process that it starts: neither one
# that a config string refers to, nor one that somebody wrote out where the reference belongs.
#
# CASK_ZOO: has `secretive`, which takes one. CASK_SANITIZED: no strace, under which a leak checker fails. The rest of
# its environment is told in shell-test.bash.
# shellcheck source-path=SCRIPTDIR source=shell-test.bash
source "${BASH_SOURCE[0]%/*}/shell-test.bash"

export CASK_PLUGIN_PATH=$CASK_ZOO CASK_TEST_KEY=hunter2-Canary G_MESSAGES_DEBUG=all
printf '%s\n' "$CASK_TEST_KEY" >key
printf 'hello' >hello
hello=$(digest_of hello)

# silent: nothing of the secret was said, in whatever letters.
silent () { [[ -s out || -s err ]] && ! grep -qi hunter2 out err; }

# with CONFIG: every command that tells of a store tells nothing.
with () {
  store=$1
  run 0 info && grep -q '^config  *secretive?key=\*\*\*$' out && silent || return 1
  run 0 info --json && grep -qF '"config":"secretive?key=***"' out && silent || return 1
  run 0 put hello && silent || return 1
  run 1 get "$hello" && grep -q '^cask: secretive: sha256:' err && silent || return 1
  run 3 upload begin && silent
}
by_variable () { with secretive?key=env:CASK_TEST_KEY; }
by_file () { with "secretive?key=file:$work/key"; }
by_descriptor () {
  store=secretive?key=fd:9
  run 0 info 9<key && grep -q '^config  *secretive?key=\*\*\*$' out && silent
}
page () { run 0 plugins secretive && silent && grep -q '^  key=file:PATH|env:NAME|fd:N$' out && run 0 conform --list && silent; }
conform () { run 0 conform --quick --case C22 secretive?key=env:CASK_TEST_KEY && silent; }
check "the secret of a variable is told nowhere" by_variable
check "the secret of a file is told nowhere" by_file
check "the secret of a descriptor is told nowhere" by_descriptor
check "the page of the plugin shows how one is given" page
check "the contract suite tells no secret" conform

mistaken () {
  local wrong
  for wrong in "$CASK_TEST_KEY" "x&$CASK_TEST_KEY=1" "x,$CASK_TEST_KEY" "env:9$CASK_TEST_KEY" "file:/nowhere/$CASK_TEST_KEY" \
               "fd:$CASK_TEST_KEY" "env:CASK_TEST_KEY&kye=$CASK_TEST_KEY" "$CASK_TEST_KEY)" "env:CASK_TEST_KEY($CASK_TEST_KEY)"; do
    store=secretive?key=$wrong
    run 2 info && errors 1 && silent || return 1
    run 2 cp "$store" fs:elsewhere && errors 1 && silent || return 1
    run 2 conform --quick --case C22 "$store" && silent || return 1
  done
}
check "one that is written out is refused, and not repeated" mistaken

# traced ARGUMENT…: no process was started with it.
traced () {
  strace -f -qq -s 65536 -e trace=execve -o trace "$CASK" "$@" >out 2>err &&
    [[ $(grep -c '^[0-9 ]*execve(' trace) -ge 2 ]] && ! grep -qi hunter2 trace
}
arguments () { traced -s secretive?key=env:CASK_TEST_KEY plugins secretive; }
if [[ -z ${CASK_SANITIZED-} ]] && strace -f -o trace true 2>/dev/null; then
  check "no process is started with it" arguments
fi

finish
