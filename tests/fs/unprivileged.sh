#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs a test program as the user nobody: root passes over every permission, and so over what is wrong with one.
#
#   unprivileged.sh PROGRAM [ARGUMENT…]
set -euo pipefail

not_run() { echo "not run: $*"; exit 77; }
[ "$(id -u)" -eq 0 ] || not_run "this user is not root, so the test itself is"
setpriv --reuid nobody --regid nogroup --clear-groups test -x "$1" || not_run "nobody may not look into the build tree"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chown nobody "$scratch"
# The scores are the privileged runs' to write.
setpriv --reuid nobody --regid nogroup --clear-groups env -u CASK_SCORE_FILE HOME="$scratch" TMPDIR="$scratch" "$@"
left=$(ls -A "$scratch")
[ -z "$left" ] || { echo "left behind: $left" >&2; exit 1; }
