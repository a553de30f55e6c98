#!/usr/bin/env bash
# crash-images.sh BUILD [FILESYSTEM…]: power cuts on ext4, xfs and btrfs, mounted from files by loop devices. What can not be run
# here is printed, with the reason.
set -euo pipefail

build=$1
shift
[ $# -gt 0 ] || set -- ext4 xfs btrfs
program=$build/tests/powercut/crash-images
script='p0 p1 p2 x1 . : p0 h1 p3 u4 s5 R5 r5 d0 d7 d0 p0 m6-9 D6-7 c2 S8 s7 a7 p2 f p6'
fresh='p0 p1 u3 s1 p3 d0 d2 f' # makes the root and all below it
total=0
failed=0

if [ "$(id -u)" -ne 0 ]; then
  echo "  not run: crash images: mounting needs root"
  exit 0
fi

# In memory where that is possible: what the images are kept on need not be durable.
place=${TMPDIR:-/tmp}
[ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ] && [ -w /dev/shm ] && place=/dev/shm
work=$(mktemp -d "$place/cask-crash-XXXXXX")
clean_up() {
  umount "$work/scratch/mounted" 2>/dev/null || true
  umount "$work/live" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT
mkdir "$work/live" "$work/scratch"

# run FILESYSTEM SIZE OPTIONS DURABILITY SCRIPT
run() {
  local kind=$1 size=$2 options=$3 durability=$4 steps=$5 line
  rm -f "$work/image"
  truncate -s "$size" "$work/image"
  if ! "mkfs.$kind" -q "$work/image" >/dev/null 2>"$work/why"; then
    echo "  not run: $kind: mkfs: $(tail -1 "$work/why")"
    return
  fi
  if ! mount -t "$kind" -o loop "$work/image" "$work/live" 2>"$work/why"; then
    echo "  not run: $kind: $(tail -1 "$work/why")"
    return
  fi
  if ! "$program" "$work/live" "$work/image" "$work/scratch" "$options" "$durability" "$steps" \
    >"$work/said" 2>&1; then
    failed=1
  fi
  line=$(tail -1 "$work/said")
  echo "  $kind, $durability: $line"
  sed '$d' "$work/said" | head -20
  [[ $line =~ ^([0-9]+)\ images ]] && total=$((total + BASH_REMATCH[1]))
  umount "$work/live"
}

for kind; do
  if ! command -v "mkfs.$kind" >/dev/null; then
    echo "  not run: $kind: there is no mkfs.$kind"
    continue
  fi
  case $kind in
  ext4) size=32M options=loop ;;
  xfs) size=300M options=loop,nouuid ;;
  btrfs) size=128M options=loop ;;
  *)
    echo "  not run: $kind: ext4, xfs and btrfs are known here"
    continue
    ;;
  esac
  for durability in full batch data none; do
    run "$kind" "$size" "$options" "$durability" "$script"
  done
  run "$kind" "$size" "$options" full "$fresh"
done
if [ -n "${CASK_SCORE_FILE:-}" ]; then
  printf 'power cuts: crash images of real filesystems\t%s\n' "$total" >>"$CASK_SCORE_FILE"
fi
echo "  $total images"
exit "$failed"
