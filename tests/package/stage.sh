#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# P4: installs the build into a DESTDIR, then moves the tree to where nothing expects it: what the other package
# tests use. What is installed must name neither the build nor the prefix it was configured for.
#
# stage.sh BUILD SOURCE PREFIX LIBDIR TREE [COMMAND], the command where it is built
set -euo pipefail
build=$1 source=$2 prefix=$3 libdir=$4 tree=$5 command=${6-}
fail () { printf 'stage: %s\n' "$*" >&2; exit 1; }

umask 022
rm -rf "$tree" "$tree.destdir"
DESTDIR=$tree.destdir cmake --install "$build" >/dev/null
mkdir -p "$(dirname "$tree")"
mv "$tree.destdir$prefix" "$tree"
rm -rf "$tree.destdir"

for file in "$libdir"/libcask{,-conform}.so{,.1} "$libdir"/cask/cask-conform "$libdir"/cask/plugins-1/cask-{memory,fs}.so include/cask-1/cask/cask{,-conform,-plugin}.h \
            "$libdir"/pkgconfig/cask{,-conform,-plugin}.pc "$libdir"/cmake/Cask/CaskConfig{,Version}.cmake; do
  [[ -e $tree/$file ]] || fail "$file is not installed"
done
for header in "$source"/include/cask/*.h; do
  cmp "$header" "$tree/include/cask-1/cask/${header##*/}" || fail "${header##*/} is not installed"
done
# For /usr CMake writes a branch of its own into the package, which a moved tree does not take.
names=(-e "$build" -e "$source")
[[ $prefix == /usr ]] || names+=(-e "$prefix/" -e "=$prefix")
if grep -rlF "${names[@]}" "$tree/$libdir/pkgconfig" "$tree/$libdir/cmake"; then
  fail "these files name a place that a moved tree has left"
fi
[[ -z $(readelf -d "$tree/$libdir/libcask.so.1" | grep -E 'R(UN)?PATH') ]] || fail "libcask.so has a run path"
if [[ -n $command ]]; then
  (unset LD_LIBRARY_PATH CASK_PLUGIN_PATH && "$tree/$command" -s memory: ls) || fail "$command does not run where it was moved to"
fi
printf 'stage: %s files\n' "$(find "$tree" -type f | wc -l)"
