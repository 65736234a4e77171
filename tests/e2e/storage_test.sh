#!/usr/bin/env bash
# tests/e2e/storage_test.sh BIN: one daemon on a loop-mounted ext4 for about 100 s. Needs root.
#
# - Without its state folder it meters, and the journal comes when the disk does.
# - Another program fills the disk, and takes the ballast's room as soon as it is given up; the file
#   system turns read-only (an error of its own, then a check and a new mount); a write hangs for
#   10 s. Each time the process lives, `status` answers
#   in bounded time and says what is wrong, and the storage is well again within 60 s of the healing.
# - At the end every tick is in the journal.
set -euo pipefail
skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "needs root"
for tool in mkfs.ext4 e2fsck losetup fsfreeze mountpoint python3 unshare; do
    command -v "$tool" >/dev/null || skip "needs $tool"
done
# A mount namespace of its own: one that another test begins meanwhile (`ip netns exec`) would hold
# a copy of the disk's mount, and the dead disk would still be in use when it is to be checked.
if [ -z "${STORAGE_TEST_INSIDE:-}" ]; then
    unshare --mount true 2>/dev/null || skip "needs a mount namespace of its own"
    STORAGE_TEST_INSIDE=1 exec unshare --mount bash "$0" "$@"
fi
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d /dev/shm/gerbang-storage.XXXXXX)
mkdir "$dir/run" "$dir/disk"
daemon=
cleanup() {
    trap - EXIT INT TERM
    fsfreeze -u "$dir/disk" 2>/dev/null || true
    if [ -n "$filling" ]; then kill "$filling" 2>/dev/null || true; fi
    if [ -n "$daemon" ]; then kill -9 "$daemon" 2>/dev/null || true; fi
    wait 2>/dev/null || true
    while umount -l "$dir/disk" 2>/dev/null; do :; done
    if [ -n "${loop:-}" ]; then losetup -d "$loop" 2>/dev/null || true; fi
    rm -rf "$dir"
}
trap cleanup EXIT INT TERM
filling=
fail() { echo "STORAGE TEST FAILED: $*"; tail -n 30 "$dir/log"; exit 1; }
# Seconds of the clock that ticks are counted by.
up() { cut -d. -f1 /proc/uptime; }
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
began=$(up)
for _ in $(seq 100); do member storage >/dev/null 2>&1 && break || sleep 0.1; done
expect 10 "no disk" broken
umount "$dir/disk"
mount -o errors=remount-ro "$loop" "$dir/disk" || skip "cannot mount"
expect 60 "the disk comes" well

# Looked up with a tick.
for _ in $(seq 50); do
    device=$(member device)
    [ -z "$device" ] || break
    sleep 0.1
done
[ "$device" = "$(basename "$loop")" ] || fail "the device is $loop, not $device"
[ "$(member device_written_bytes)" -gt 0 ] || fail "nothing was written to $device"

# Once is not enough: the journal gives its ballast up, and goes on in that room.
while :; do
    dd if=/dev/zero of="$dir/disk/filler" bs=4k oflag=append conv=notrunc status=none 2>/dev/null ||
        true
    sleep 0.05
done &
filling=$!
expect 120 "filled by others" full
pending=$(member pending_ticks)
sleep 3
[ "$(member pending_ticks)" -gt "$pending" ] || fail "full: metering does not go on in the ring"
[ "$(member loss_window_s)" -ge "$pending" ] || fail "full: the loss window is not shown"
kill "$filling"
wait "$filling" 2>/dev/null || true
filling=
rm "$dir/disk/filler"
expect 60 "room again" well

trigger=/sys/fs/ext4/$(basename "$loop")/trigger_fs_error
has_trigger=0
if [ -w "$trigger" ]; then
    has_trigger=1
    echo 1 >"$trigger"
    # The flag is not among the mount's options: what the writes say must do.
    expect 20 "emergency read-only" read_only
    gerbang --lang en status >"$dir/said" || true
    grep -F "takes no writes" "$dir/said" >/dev/null || fail "no remedy: $(cat "$dir/said")"
    sleep 4
    [ "$(member storage)" = read_only ] || fail "it became $(member storage)"
    # Nothing of the daemon's is open on it between two attempts, so it can be taken away.
    for _ in $(seq 200); do umount "$dir/disk" 2>/dev/null && break || sleep 0.2; done
    ! mountpoint -q "$dir/disk" || fail "the dead disk cannot be unmounted"
    code=0
    e2fsck -fy "$loop" >"$dir/fsck" 2>&1 || code=$?
    [ "$code" -lt 4 ] || { cat "$dir/fsck"; fail "the disk cannot be checked"; }
    mount -o errors=remount-ro "$loop" "$dir/disk"
    expect 60 "checked and mounted again" well
fi

# A tick is late by what the loop waits for: a hang of the storage must add nothing to what the
# machine does to it anyhow. `latest_tick_ms` is the worst since the start.
before=$(member latest_tick_ms)
missed=$(member missed_ticks)
fsfreeze -f "$dir/disk"
frozen=$(date +%s)
python3 "$here/starvation.py" >"$dir/starved" & starvation=$!
expect 20 "a write that hangs" hanging
slowest=0
while [ $(($(date +%s) - frozen)) -lt 16 ]; do
    asked=$(date +%s%N)
    member pending_ticks >/dev/null || fail "no status while the storage hangs"
    took=$((($(date +%s%N) - asked) / 1000000))
    [ "$took" -le "$slowest" ] || slowest=$took
    sleep 0.2
done
after=$(member latest_tick_ms)
kill "$starvation"
wait "$starvation" 2>/dev/null || true
# Time for which this machine ran nobody, which may be another's: it is shared.
starved=$(tail -n 1 "$dir/starved" | grep -x '[0-9]*' || echo 0)
fsfreeze -u "$dir/disk"
expect 60 "it returns" well
echo "ticks were at most $before ms late before the hang, $after ms with it; the slowest of the" \
    "status commands meanwhile took $slowest ms; the machine ran nobody for $starved ms"
[ "$after" -le $(((before > 20 ? before + 100 : 120) + starved)) ] ||
    fail "the hang made a tick $after ms late"
[ "$slowest" -lt $((5000 + starved)) ] || fail "status took $slowest ms while the storage hung"
[ "$(member missed_ticks)" = "$missed" ] || fail "ticks were missed: $(member missed_ticks)"
[ "$missed" = 0 ] || echo "$missed ticks were missed before the hang: the machine is loaded"

ran=$(($(up) - began))
kill -TERM "$daemon"
code=0
wait "$daemon" || code=$?
daemon=
[ "$code" = 0 ] || fail "exit code $code"

# What is told of it afterwards, by the journal as it is exported without the daemon.
gerbang --state "$dir/disk/state" export --format sqlite --output "$dir/out.db" \
    >"$dir/export" 2>&1 || { cat "$dir/export"; fail "export"; }
python3 - "$dir/out.db" "$missed" "$ran" "$has_trigger" <<'PYTHON' || fail "the journal does not tell it"
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
missed, ran, has_trigger = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1"
rows = db.execute("SELECT r.device_ms, r.value FROM reading r JOIN series s ON s.id = r.series "
                  "WHERE s.name = 'storage_state' ORDER BY r.device_ms").fetchall()
ticks = [int(at) for at, _ in rows]
assert len(ticks) == len(set(ticks)), "a tick is there twice"
absent = sum((b - a) // 1000 - 1 for a, b in zip(ticks, ticks[1:]) if b - a > 1999)
print(f"{len(ticks)} ticks of {ran} s, {absent} absent, {missed} missed")
assert absent <= missed, f"{absent} seconds have no tick"
assert len(ticks) >= ran - 2 - missed, "ticks are lost at an end"
states = {float(value) for _, value in rows}
assert {2, 5} <= states and (3 in states) == has_trigger, f"the metric does not tell it: {states}"
told = [json.loads(fields) for (fields,) in
        db.execute("SELECT fields FROM event WHERE kind = 'storage' ORDER BY seq")]
words = {word for fact in told for word in fact.values() if isinstance(word, str)}
assert {"full", "hanging", "well"} <= words and ("read_only" in words) == has_trigger, told
kinds = dict(db.execute("SELECT kind, count(*) FROM event GROUP BY kind").fetchall())
assert kinds.get("boot") == 1 and kinds.get("start") == 1 and kinds.get("stop") == 1, kinds
assert "loss" not in kinds, kinds
PYTHON
echo "storage test: $ran s in one process"
