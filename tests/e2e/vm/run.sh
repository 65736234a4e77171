#!/usr/bin/env bash
# tests/e2e/vm/run.sh BIN [LIVES]: power cuts of a whole machine. Debian's kernel in an emulated
# machine, ext4 with default options on virtio-blk, once with blocks of 4 KiB and once of 1 KiB, the
# real BIN/gerbang committing every 10 s and killed again and again; every request to the disk is
# logged. Then 30 disks each are rebuilt at random requests and examined; see cuts.py. LIVES of the
# daemon a machine (12, of 16 s each); 0 examines what the run before left in build/vm, with
# GERBANG_SEED at the same cuts. Ends with 77 where root, loop devices, packages or the emulator are
# missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
bin=$(cd "$1" && pwd)
lives=${2:-12}
seed=${GERBANG_SEED:-$RANDOM}
work=$top/build/vm
emulator=qemu-system-x86_64
skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "needs root"
for tool in "$emulator" mkfs.ext4 e2fsck python3 unshare; do
    command -v "$tool" >/dev/null || skip "needs $tool"
done
# shellcheck source=tests/e2e/emulated/kernel.sh
. "$here/../emulated/kernel.sh"
fetch_debian "$top"

# The machine: a kernel, busybox, the program with its libraries, no other disk than the journal's.
make_machine() {
    local root=$work/root program library
    rm -rf "$work"
    mkdir -p "$root"/{bin,etc,usr/bin} "$root/lib/modules/$release"
    install -m 755 "$here/init" "$root/init"
    cp "$busybox" "$root/bin/"
    ln -s busybox "$root/bin/sh"
    take_modules "$root" drivers/virtio drivers/block/virtio_blk.ko fs/ext4 fs/jbd2 \
        fs/mbcache.ko lib/crc16.ko lib/libcrc32c.ko crypto/crc32c_generic.ko drivers/net/dummy.ko
    strip -o "$root/usr/bin/gerbang" "$bin/gerbang"
    cp "$(command -v unshare)" "$root/usr/bin/"
    for program in "$bin/gerbang" "$(command -v unshare)"; do
        ldd "$program" | awk '/\// {print ($2 == "=>") ? $3 : $1}'
    done | sort -u | while read -r library; do
        install -D "$library" "$root$library"
    done
    printf '%s\n' 'site:' '  id: power-cut' 'metering:' '  tick: 1s' '  commit: 10s' \
        >"$root/etc/gerbang.yaml"
    make_initrd "$root" "$work/initrd"
}

# make_disk NAME BLOCK: NAME.disk to write on, NAME.base as it was before.
make_disk() {
    truncate -s 64M "$work/$1.base"
    mkfs.ext4 -q -b "$2" "$work/$1.base"
    cp --sparse=always "$work/$1.base" "$work/$1.disk"
    : >"$work/$1.log"
}

loop=$(mktemp -d)
truncate -s 4M "$loop/image"
mkfs.ext4 -q "$loop/image"
mkdir "$loop/mount"
can_mount=0
mount -o loop "$loop/image" "$loop/mount" 2>/dev/null && umount "$loop/mount" && can_mount=1
rm -rf "$loop"
[ "$can_mount" = 1 ] || skip "cannot mount a loop device"
[ "$lives" = 0 ] || make_machine

failed=0
for block in 4096 1024; do
    name=ext4-$block
    [ "$lives" = 0 ] || make_disk "$name" $block
    # In a mount namespace of its own: others' copies would keep an image mounted behind umount.
    unshare --mount python3 "$here/cuts.py" "$work" "$name" "$bin" "$lives" 30 "$seed" -- \
        $emulator -accel tcg -m 512 -display none -serial stdio -monitor none -no-reboot \
        -nic none -kernel "$files/boot/vmlinuz-$release" -initrd "$work/initrd" \
        -append "console=ttyS0 quiet panic=-1" \
        -blockdev "driver=file,node-name=disk,filename=$work/$name.disk" \
        -blockdev "driver=file,node-name=log,filename=$work/$name.log" \
        -blockdev "driver=blklogwrites,node-name=logged,file=disk,log=log,log-super-update-interval=1" \
        -device virtio-blk-pci,drive=logged || failed=1
done
exit $failed
