#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# P3, P4: plugins are built and installed where only the development files of Cask are, staged with DESTDIR and
# moved since: no libcask, no plugin, no command. What came out is then loaded by a whole Cask.
#
# development.sh TREE LIBDIR SOURCE BUILD PREFIX [COMMAND], the command where it is built
source "$(dirname "$0")/moved.bash"
build=$4 prefix=$5 command=${6-}
unset LD_LIBRARY_PATH
read -ra cflags <<<"${CFLAGS:-}"

rm -rf "$tree"
DESTDIR=$work/destdir cmake --install "$build" --component development >/dev/null
mkdir -p "$(dirname "$tree")"
mv "$work/destdir$prefix" "$tree"
trap 'rm -rf "$work" "$tree"' EXIT
if [[ -n $(find "$tree" -type f \( -name '*.so*' -o -perm /111 \)) || -e $tree/bin ]]; then
  fail "what is not for development is installed:" $(find "$tree" -type f \( -name '*.so*' -o -perm /111 \))
fi

# Whatever Cask this machine has besides is not found instead.
plugindir=$(pkg-config --variable=plugindir cask-plugin)
case $(realpath -m "$plugindir") in
  "$(realpath "$tree")"/*) ;;
  *) fail "plugindir is $plugindir, not in the moved tree" ;;
esac
[[ ! -e $plugindir ]] || fail "$plugindir is there before any plugin is"

# ---- pkg-config and make ----

extract_shelf "$work/shelf.c"
"${CC:-cc}" "${cflags[@]}" -Wall -Werror -shared -fPIC -o "$work/cask-shelf.so" "$work/shelf.c" $(pkg-config --cflags --libs cask-plugin)
cp -r "$source/examples/plugin-cxx" "$work/readonly"
make -s -C "$work/readonly" CXX="${CXX:-c++}" CXXFLAGS="${CXXFLAGS:-} -Wall -Werror" DESTDIR="$work/stage" install
[[ -f $work/stage$plugindir/cask-readonly.so ]] || fail "make install has not put the plugin below DESTDIR"
make -s -C "$work/readonly" CXX="${CXX:-c++}" install
[[ $(stat -c %a "$plugindir/cask-readonly.so") == 644 ]] || fail "make install has not put the plugin in $plugindir"

# ---- CMake ----

# It is configured where there is no plugin directory either.
rm -r "$plugindir"
unset PKG_CONFIG_PATH
cp -r "$source/tests/package/shelf" "$work/shelf"
cp "$work/shelf.c" "$work/shelf"
cp -r "$source/tests/package/host" "$work/host"
for project in shelf readonly; do
  cmake -S "$work/$project" -B "$work/build-$project" -DCMAKE_PREFIX_PATH="$tree" >"$work/log" 2>&1 &&
    cmake --build "$work/build-$project" >>"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$project does not build"; }
done
cmake --install "$work/build-readonly" >/dev/null
[[ -f $plugindir/cask-readonly.so ]] || fail "CMake has not installed the plugin in $plugindir"
links_glib_only "$work/cask-shelf.so" "$work"/build-shelf/*.so "$plugindir/cask-readonly.so"

# A host, which needs the library, is told what is missing.
if cmake -S "$work/host" -B "$work/build-host" -DCMAKE_PREFIX_PATH="$tree" >"$work/log" 2>&1; then
  fail "a host is configured without libcask"
fi
grep -q 'Cask::cask' "$work/log" || fail "a host without libcask is told: $(<"$work/log")"

# ---- A whole Cask ----

if [[ -n $command ]]; then
  for directory in "$work" "$work/build-shelf"; do
    printf 'on the shelf' | CASK_PLUGIN_PATH=$directory "$command" -s shelf put - | grep -q ' created -$' ||
      fail "$directory/cask-shelf.so does not work"
  done
  CASK_PLUGIN_PATH=$plugindir "$command" -s 'readonly(memory:)' ls || fail "cask-readonly.so does not work"
fi
