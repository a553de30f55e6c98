#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What `--help` says, what the man page says, and what bash completes are the same commands with the same options.
#
# CASK_SOURCE: the source tree. The rest of its environment is told in shell-test.bash.
# shellcheck source-path=SCRIPTDIR source=shell-test.bash
source "${BASH_SOURCE[0]%/*}/shell-test.bash"

page=$CASK_SOURCE/docs/cask.1
# shellcheck source=tools/cask.bash-completion
source "$CASK_SOURCE/tools/cask.bash-completion"

# options: the options that stand in a text, a line each; every command has --help, and the page says so once.
options () { grep -oE -- '(^|[ ,])-(-[a-z][a-z-]*|[a-zA-Z0-9])' | tr -d ' ,' | grep -vxE -- '-h|--help' | LC_ALL=C sort -u; }
long () { grep -- '^--'; }
# commands: those that --help lists, those of upload by both words.
commands () {
  "$CASK" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -vx upload
  "$CASK" upload --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/upload \1/p'
}
# paged COMMAND: how the page begins each option of it; --global: those before any command.
paged () {
  sed 's/\\f[A-Z]//g; s/\\-/-/g' "$page" | awk -v name="$1" '
    /^\.SH/ { inside = (name == "--global" && $2 == "OPTIONS") }
    /^\.SS/ { sub (/^\.SS /, ""); inside = ($0 == name || index ($0, name " ") == 1) }
    head && inside { print }
    { head = /^\.TP/ }' | tr -d '",' | sed -n 's/^\.[A-Z]* */ /; / -/p' | options
}
# completed WORD…: what bash offers behind these words.
completed () {
  COMP_WORDS=("$@" --) COMP_CWORD=$#
  _cask
  printf '%s\n' "${COMPREPLY[@]}" | grep -vx -- --help | LC_ALL=C sort -u
}

same_commands () {
  commands | sort >a && sed -n 's/^\.SS \(upload [a-z]*\|[a-z]*\).*/\1/p' "$page" | sort >b && [[ -s a ]] && diff a b
}
same_in_page () {
  local command wrong=0
  while read -r command; do
    # shellcheck disable=SC2086 # words are meant
    "$CASK" $command --help | grep '^  *-' | sed 's/=.*//; s/   .*//' | options >a
    paged "$command" >b
    diff a b >c || { printf '  %s:\n' "$command"; sed 's/^/  | /' c; wrong=1; }
  done < <(commands)
  return $wrong
}
same_in_bash () {
  local command wrong=0
  while read -r command; do
    # shellcheck disable=SC2086 # words are meant
    "$CASK" $command --help | grep '^  *-' | sed 's/=.*//; s/   .*//' | options | long >a
    # shellcheck disable=SC2086
    completed cask $command >b
    diff a b >c || { printf '  %s:\n' "$command"; sed 's/^/  | /' c; wrong=1; }
  done < <(commands)
  return $wrong
}
same_global () {
  "$CASK" --help | grep '^  *-' | sed 's/=.*//; s/   .*//' | options >a && paged --global >b && [[ -s a ]] && diff a b
}
offered () {
  COMP_WORDS=(cask '') COMP_CWORD=1
  _cask
  printf '%s\n' "${COMPREPLY[@]}" | grep -v ^- | sort >a
  "$CASK" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | sort >b && [[ -s b ]] && diff a b
}
# Where there is nothing that renders it, nobody can tell.
renders () {
  command -v groff >/dev/null || return 0
  if groff -man -Tutf8 -ww -z -rLL=80n "$page" >out 2>&1 && [[ ! -s out ]]; then return 0; fi
  sed 's/^/  | /' out
  return 1
}
check "the page has every command, and no other" same_commands
check "the page has every option of each command, and no other" same_in_page
check "the page has every option that stands before a command" same_global
check "bash completes every command" offered
check "bash completes every option of each command, and no other" same_in_bash
check "the page renders without a warning" renders

finish
