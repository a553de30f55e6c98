#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A room of core/ that includes a header of a room above it does not compile; one that includes its own or a
# lower one does. Each room is compiled with exactly the include path of its target.
#
# rooms.sh CORE PATHS, where PATHS/ROOM.path lists a room's include path, a directory a line
set -euo pipefail
export LC_ALL=C
core=$1 paths=$2
rooms=(base loader run store async)
refused=0 accepted=0 failures=0

# includes ROOM HEADER: whether a file in that room may include it.
includes () {
  local -a directories
  mapfile -t directories <"$paths/$1.path"
  "${CC:-cc}" -std=gnu17 -D_GNU_SOURCE -x c -fsyntax-only "${directories[@]/#/-I}" - <<<"#include \"$2\"" 2>&1
}

for above in "${!rooms[@]}"; do
  for header in "$core/${rooms[above]}"/*.h; do
    [[ -e $header ]] || continue
    name=${header##*/}
    for room in "${!rooms[@]}"; do
      if message=$(includes "${rooms[room]}" "$name"); then
        accepted=$((accepted + 1)) status=accepted
      else
        refused=$((refused + 1)) status=refused
      fi
      wanted=accepted
      ((room >= above)) || wanted=refused
      # Refused for the reason meant, and not because of what the header says.
      if [[ $status != "$wanted" || ($status == refused && $message != *"$name"*[Nn]"o such file"* &&
            $message != *"$name' file not found"*) ]]; then
        printf 'rooms: %s of %s in %s: %s\n%s\n' "$name" "${rooms[above]}" "${rooms[room]}" "$status" "$message" >&2
        failures=$((failures + 1))
      fi
    done
  done
done
# Neither may be empty, or nothing was shown.
((failures == 0 && accepted > 0 && refused > 0)) || exit 1
includes async node-private.h >/dev/null || { echo "rooms: async cannot include node-private.h" >&2; exit 1; }
! includes base node-private.h >/dev/null || { echo "rooms: base can include node-private.h" >&2; exit 1; }
printf 'rooms: %s includes refused, %s accepted\n' "$refused" "$accepted"
