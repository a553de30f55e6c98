#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# P3, P4: a host and two plugins, each one command with nothing but pkg-config, against the moved tree.
source "$(dirname "$0")/moved.bash"
here=$source/tests/package
read -ra cflags <<<"${CFLAGS:-}"
read -ra cxxflags <<<"${CXXFLAGS:-}"

"${CC:-cc}" "${cflags[@]}" -o "$work/host" "$here/host/host.c" $(pkg-config --cflags --libs cask)
mkdir "$work/plugins"
extract_shelf "$work/shelf.c"
"${CC:-cc}" "${cflags[@]}" -Wall -Wextra -Wpedantic -Wno-unused-parameter -Werror -std=c17 -shared -fPIC \
  -o "$work/plugins/cask-shelf.so" "$work/shelf.c" $(pkg-config --cflags --libs cask-plugin)
"${CXX:-c++}" "${cxxflags[@]}" -Wall -Wextra -Wpedantic -Werror -std=c++20 -shared -fPIC -o "$work/plugins/cask-shelf-cxx.so" \
  "$here/shelf/shelf-cxx.cc" $(pkg-config --cflags --libs cask-plugin)
links_glib_only "$work"/plugins/*.so
use_stores "$work/host" "$work/plugins"

[[ $(pkg-config --variable=abi_major cask-plugin).$(pkg-config --variable=abi_minor cask-plugin) == "$(
  awk '/define CASK_PLUGIN_ABI_(MAJOR|MINOR)/ { printf "%s%s", dot, $3; dot = "." }' \
    "$source/include/cask/cask-plugin.h")" ]] || fail "cask-plugin.pc and cask-plugin.h name different ABIs"

# Where the variable points to is where an installed plugin is found.
plugindir=$(pkg-config --variable=plugindir cask-plugin)
[[ -e $plugindir/cask-fs.so ]] || fail "plugindir is $plugindir, where no plugins are"
trap 'rm -rf "$plugindir/cask-shelf.so" "$work"' EXIT
cp "$work/plugins/cask-shelf.so" "$plugindir"
"$work/host" shelf:
