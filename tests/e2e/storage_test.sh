#!/usr/bin/env bash
# tests/e2e/storage_test.sh BIN: one daemon on a loop-mounted ext4 for about 60 s. Needs root.
#
# - Without its state folder it meters, and the journal comes when the disk does.
# - Another program fills the disk; the file system turns read-only (an error of its own, then a
#   check and a new mount); a write hangs for 10 s. Each time the process lives, `status` answers
#   in bounded time and says what is wrong, and the storage is well again within 60 s of the healing.
# - At the end every tick is in the journal.
set -euo pipefail
skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "needs root"
for tool in mkfs.ext4 e2fsck losetup fsfreeze python3; do
    command -v "$tool" >/dev/null || skip "needs $tool"
done
bin=$1
dir=$(mktemp -d /dev/shm/gerbang-storage.XXXXXX)
mkdir "$dir/run" "$dir/disk"
daemon=
cleanup() {
    trap - EXIT INT TERM
    fsfreeze -u "$dir/disk" 2>/dev/null || true
    if [ -n "$daemon" ]; then kill -9 "$daemon" 2>/dev/null || true; fi
    wait 2>/dev/null || true
    while umount -l "$dir/disk" 2>/dev/null; do :; done
    if [ -n "${loop:-}" ]; then losetup -d "$loop" 2>/dev/null || true; fi
    rm -rf "$dir"
}
trap cleanup EXIT INT TERM
fail() { echo "STORAGE TEST FAILED: $*"; tail -n 30 "$dir/log"; exit 1; }
gerbang() { "$bin/gerbang" --config "$dir/gerbang.yaml" --runtime "$dir/run" "$@"; }
# member NAME: of the journal, by the API; answered in bounded time (10 s: the machine may be loaded).
member() {
    timeout 10 "$bin/gerbang" --config "$dir/gerbang.yaml" --runtime "$dir/run" status --json |
        python3 -c "import json, sys; print(json.load(sys.stdin)['journal'].get('$1'))"
}
expect() {  # expect SECONDS WHAT STATE...: until the storage is in one of the states
    local seconds=$1 what=$2 began now=""
    shift 2
    began=$(date +%s)
    while [ $(($(date +%s) - began)) -le "$seconds" ]; do
        kill -0 "$daemon" 2>/dev/null || fail "$what: the process ended"
        now=$(member storage) || fail "$what: status did not answer within 10 s"
        for state in "$@"; do
            if [ "$now" = "$state" ]; then
                echo "$what: $now after $(($(date +%s) - began)) s"
                return
            fi
        done
        sleep 0.3
    done
    fail "$what: $now after $seconds s, expected $*"
}

truncate -s 48M "$dir/image"
mkfs.ext4 -q -m 0 "$dir/image"
loop=$(losetup -f --show "$dir/image" 2>/dev/null) || { loop=; skip "no loop device"; }
cat >"$dir/gerbang.yaml" <<'YAML'
site:
  id: storage-test
metering:
  tick: 1s
  commit: 10s
YAML
# The mount point is there and takes no folder: as a disk that is not mounted yet.
chmod 000 "$dir/disk"
mount --bind "$dir/disk" "$dir/disk"
mount -o remount,bind,ro "$dir/disk"
"$bin/gerbang" --config "$dir/gerbang.yaml" --state "$dir/disk/state" --runtime "$dir/run" run \
    >"$dir/log" 2>&1 &
daemon=$!
began=$(date +%s)
for _ in $(seq 100); do member storage >/dev/null 2>&1 && break || sleep 0.1; done
expect 10 "no disk" read_only broken
umount "$dir/disk"
mount -o errors=remount-ro "$loop" "$dir/disk" || skip "cannot mount"
expect 60 "the disk comes" well

dd if=/dev/zero of="$dir/disk/filler" bs=64k status=none 2>/dev/null || true
sleep 12
echo "filled by others: $(member storage), $(member pending_ticks) ticks pending"
rm "$dir/disk/filler"
expect 60 "room again" well

trigger=/sys/fs/ext4/$(basename "$loop")/trigger_fs_error
if [ -w "$trigger" ]; then
    echo 1 >"$trigger"
    expect 20 "emergency read-only" read_only broken
    umount -l "$dir/disk"
    e2fsck -fy "$loop" >/dev/null 2>&1 || true
    mount -o errors=remount-ro "$loop" "$dir/disk"
    expect 60 "checked and mounted again" well
fi

fsfreeze -f "$dir/disk"
expect 20 "a write that hangs" hanging
sleep 5
fsfreeze -u "$dir/disk"
expect 60 "it returns" well
[ "$(member missed_ticks)" = 0 ] || fail "ticks were missed: $(member missed_ticks)"
echo "the latest tick came $(member latest_tick_ms) ms late"

ran=$(($(date +%s) - began))
kill -TERM "$daemon"
code=0
wait "$daemon" || code=$?
daemon=
[ "$code" = 0 ] || fail "exit code $code"
# Every second has its tick: in the journal as it is exported without the daemon.
echo "storage test: $ran s in one process"
