# SPDX-License-Identifier: Apache-2.0
#
# What the tests of the `cask` command have in common: a folder of their own, a store in it, and checks.
#
# CASK: the command. CASK_PLUGIN_PATH: where fs and memory are. CASK_TERMINAL: the program of terminal.c.
set -uo pipefail
export LC_ALL=C
unset CASK_STORE

work=$(mktemp -d "${TMPDIR:-/tmp}/cask-tools.XXXXXX")
trap 'chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
store=fs:$work/store
n_failed=0 n_checked=0

# run STATUS ARGUMENT…: runs the command on the store; its output is in out and err, and a wrong status is told.
run () {
  local expected=$1 status=0
  shift
  "$CASK" -s "$store" "$@" >out 2>err || status=$?
  ((status == expected)) && return 0
  printf '  status %d instead of %d: cask %s\n' "$status" "$expected" "$*"
  sed 's/^/  | /' err
  return 1
}

# errors N: err holds N lines, each of which is an error of the command in printable ASCII.
errors () {
  [[ $(wc -l <err) == "$1" ]] && ! grep -qv '^cask: [ -~]*$' err
}

# check SENTENCE COMMAND…: counts, and names what does not hold.
check () {
  local sentence=$1
  shift
  n_checked=$((n_checked + 1))
  "$@" && return
  printf 'not so: %s\n' "$sentence"
  n_failed=$((n_failed + 1))
}

# json FILE: each line is a JSON object.
json () {
  [[ -s $1 ]] || return 1
  jq -es 'all(type == "object")' "$1" >/dev/null
}

digest_of () { printf 'sha256:%s' "$(sha256sum <"$1" | cut -d ' ' -f 1)"; }

# finish: the last command of a test, which gives its status.
finish () {
  printf '%d of %d hold\n' $((n_checked - n_failed)) "$n_checked"
  ((n_checked > 0 && n_failed == 0))
}

# until_true COMMAND…: waits for what another process does; a minute is for ever.
until_true () {
  local end=$((SECONDS + 60))
  until "$@"; do ((SECONDS < end)) || return 1; done
}
