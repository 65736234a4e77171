#!/bin/sh
# Flash written by the journal at one commit a minute, on ext4 with 4 KiB and with 1 KiB blocks, each
# on a loop device of its own. Needs root and loop devices; exits 77 without them.
#   flash.sh PROGRAM [LIMIT_4K_MB_PER_DAY [LIMIT_1K_MB_PER_DAY]]
set -eu
program=$1
limit_4096=${2:-42}
limit_1024=${3:-16}

skip() {
    echo "flash: skipped: $1"
    exit 77
}
[ "$(id -u)" = 0 ] || skip "needs root"
command -v mkfs.ext4 >/dev/null || skip "needs mkfs.ext4"
command -v losetup >/dev/null || skip "needs losetup"

work=$(mktemp -d)
loop=
cleanup() {
    umount "$work/mount" 2>/dev/null || true
    [ -z "$loop" ] || losetup -d "$loop" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT INT TERM
mkdir "$work/mount"
status=0
for block in 4096 1024; do
    truncate -s 64M "$work/image"
    mkfs.ext4 -q -m 0 -b $block -E lazy_itable_init=0,lazy_journal_init=0 "$work/image"
    loop=$(losetup -f --show "$work/image") || skip "no loop device"
    mount -o noatime "$loop" "$work/mount" || skip "cannot mount a loop device"
    sync
    line=$("$program" "$work/mount" "/sys/block/${loop#/dev/}/stat")
    eval "limit=\$limit_$block"
    echo "ext4, $block-byte blocks: $line (limit $limit)"
    day=$(echo "$line" | sed 's/.*, \([0-9.]*\) MB per day/\1/')
    if [ "$(echo "$day $limit" | awk '{ print ($1 > $2) }')" = 1 ]; then
        echo "flash: over the limit of $limit MB per day" >&2
        status=1
    fi
    umount "$work/mount"
    losetup -d "$loop"
    loop=
    rm "$work/image"
done
exit $status
