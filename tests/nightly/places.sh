#!/usr/bin/env bash
# F11: the contract, and the hostile places, with the root on each filesystem that can be had here: tmpfs and
# overlay in a mount namespace of our own; ext4, xfs and btrfs on loop devices, as root. What can not be had is said.
#
# tests/nightly/places.sh BUILD DIRECTORY: the build tree, and where the images go (about 2 GiB).
set -euo pipefail
build=$(realpath "$1")
place=$(realpath "$2")
if [[ ${3:-} != inside ]]; then
  if unshare --mount --propagation private true 2>/dev/null; then
    exec unshare --mount --propagation private "$0" "$build" "$place" inside
  elif why=$(unshare --mount --user --map-root-user true 2>&1); then
    exec unshare --mount --user --map-root-user "$0" "$build" "$place" inside
  fi
  echo "not run: places: no mount namespace is permitted here: $why"
  exit 0
fi

export CASK_PLUGIN_PATH=$build/lib/cask/plugins-1
work=$(mktemp -d "$place/places-XXXXXX")
finish () {
  local mount
  for mount in "$work"/*/merged "$work"/*/mount; do
    mountpoint -q "$mount" && umount "$mount"
  done
  rm -rf "$work"
}
trap finish EXIT
ran=0

# try NAME DIRECTORY
try () {
  printf '\n-- %s\n' "$1"
  mkdir -p "$2/contract" "$2/hostile"
  chmod 1777 "$2/hostile"
  TMPDIR=$2/contract "$build/tools/cask" conform --quick 'fs:%d'
  TMPDIR=$2/contract "$build/tools/cask" conform --quick 'fs:%d?layout=oci&durability=data'
  env -u CASK_TEST_LONG CASK_TEST_DIR="$2/hostile" "$build/tests/fs/test-fs-hostile"
  ran=$((ran + 1))
}

# on_loop NAME MKFS…
on_loop () {
  local name=$1
  shift
  mkdir -p "$work/$name/mount"
  if ! command -v "$1" >/dev/null; then
    echo "not run: $name: there is no $1"
  elif ! { truncate -s 600M "$work/$name/image" && "$@" "$work/$name/image" >/dev/null 2>&1; }; then
    echo "not run: $name: $1 fails"
  elif ! mount -o loop "$work/$name/image" "$work/$name/mount" 2>"$work/$name/why"; then
    echo "not run: $name: $(head -n 1 "$work/$name/why")"
  else
    try "$name" "$work/$name/mount"
    umount "$work/$name/mount"
  fi
}

mkdir -p "$work/tmpfs/mount" "$work/overlay/mount"
chmod 711 "$work" "$work"/*
if mount -t tmpfs -o size=512m places "$work/tmpfs/mount" 2>"$work/why"; then
  try tmpfs "$work/tmpfs/mount"
else
  echo "not run: tmpfs: $(head -n 1 "$work/why")"
fi
if mount -t tmpfs -o size=512m places "$work/overlay/mount" 2>"$work/why" &&
  mkdir "$work/overlay"/mount/{lower,upper,work} "$work/overlay/merged" &&
  mount -t overlay -o "lowerdir=$work/overlay/mount/lower,upperdir=$work/overlay/mount/upper,workdir=$work/overlay/mount/work" \
    places "$work/overlay/merged" 2>"$work/why"; then
  try overlay "$work/overlay/merged"
else
  echo "not run: overlay: $(head -n 1 "$work/why")"
fi
on_loop ext4 mkfs.ext4 -q -F
on_loop xfs mkfs.xfs -q -f
on_loop btrfs mkfs.btrfs -q -f
printf '\n%s filesystems\n' "$ran"
if [[ -n ${CASK_SCORE_FILE:-} ]]; then
  printf 'hostile places: filesystems\t%s, the contract and every place on each\n' "$ran" >>"$CASK_SCORE_FILE"
fi
