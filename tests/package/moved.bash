# SPDX-License-Identifier: Apache-2.0
# For the scripts that use the moved tree: NAME.sh TREE LIBDIR SOURCE …

set -euo pipefail
export LC_ALL=C
tree=$1 libdir=$2 source=$3
subject=$(basename "$0" .sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What pkg-config prints for a path with a space is for a Makefile or eval, not for the one line that is tried here.
if [[ $tree == *[[:space:]]* ]]; then
  ln -s "$tree" "$work/tree"
  tree=$work/tree
fi
umask 022
fail () { printf '%s: %s\n' "$subject" "$*" >&2; exit 1; }

# All that a stranger has to say of where Cask is. CC, CXX, CFLAGS and CXXFLAGS are the build's, so that a
# sanitizer is in the host as well.
export PKG_CONFIG_PATH=$tree/$libdir/pkgconfig
export LD_LIBRARY_PATH=$tree/$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
unset CASK_PLUGIN_PATH CASK_STORE

# use_stores HOST PLUGINS: memory and fs are found beside the moved libcask, shelf only where it is looked for.
use_stores () {
  local host=$1 plugins=$2
  rm -rf "$work/blobs"
  "$host" memory: "fs:$work/blobs"
  if "$host" shelf: 2>"$work/error"; then
    fail "shelf: was found without CASK_PLUGIN_PATH"
  fi
  grep -q "shelf" "$work/error" || fail "no word about the plugin that is missing: $(<"$work/error")"
  CASK_PLUGIN_PATH=$plugins "$host" shelf: shelf-cxx: memory:
}

# links_glib_only PLUGIN…: a plugin is tied to no libcask.
links_glib_only () {
  local plugin
  for plugin; do
    if readelf -d "$plugin" | grep NEEDED | grep -q 'libcask'; then
      fail "${plugin##*/} links libcask"
    fi
    readelf -d "$plugin" | grep -q 'NEEDED.*libglib' || fail "${plugin##*/} does not link GLib"
  done
}

# extract_shelf FILE: the backend of docs/PLUGINS.md, the first block of C there.
extract_shelf () {
  awk '/^```c$/ && !seen { inside = seen = 1; next } /^```/ { inside = 0 } inside' "$source/docs/PLUGINS.md" >"$1"
  grep -q 'CASK_PLUGIN_DEFINE' "$1" || fail "docs/PLUGINS.md has no block of C with a backend"
}
