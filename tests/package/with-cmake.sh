#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# P3, P4: the same host and plugins with find_package (Cask), against the moved tree.
source "$(dirname "$0")/moved.bash"
unset PKG_CONFIG_PATH

cp -r "$source/tests/package/shelf" "$work/shelf-source"
extract_shelf "$work/shelf-source/shelf.c"
ln -s "$source/tests/package/host" "$work/host-source"
for project in host shelf; do
  cmake -S "$work/$project-source" -B "$work/$project" -DCMAKE_PREFIX_PATH="$tree" >"$work/log" 2>&1 &&
    cmake --build "$work/$project" >>"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$project does not build"; }
done
links_glib_only "$work"/shelf/*.so
for plugin in "$work"/shelf/*.so; do
  symbols=$(nm -D --defined-only "$plugin" | awk '$3 !~ /^__(odr_)?asan/ { print $3 }')
  [[ $symbols == cask_plugin ]] || fail "${plugin##*/} exports" $symbols
done
use_stores "$work/host/host" "$work/shelf"
