#!/usr/bin/env bash
# tests/e2e/emulated/run.sh BUILD: what a container's kernel lacks, on Debian's own kernel in an
# emulated machine: stations of a simulated access point (mac80211_hwsim, hostapd), a PPPoE session,
# a flowtable. BUILD has `emulated_links` and `test_host`. About a minute; ends with 77 where
# packages or the emulator are missing. Downloads stay in build/emulated. The machine sees this
# one's files read-only and no network.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
build=$(cd "$1" && pwd)
work=$top/build/emulated
emulator=qemu-system-x86_64
command -v $emulator >/dev/null || {
    echo "skipped: needs $emulator (package qemu-system-x86)"
    exit 77
}
# shellcheck source=tests/e2e/emulated/kernel.sh
. "$here/kernel.sh"
fetch_debian "$top"
root=$work/root
rm -rf "$root"
mkdir -p "$root"/{bin,proc,sys,dev,host} "$root/lib/modules/$release"
cp "$busybox" "$root/bin/"
install -m 755 "$here/init" "$root/init"
take_modules "$root" net/9p fs/9p fs/netfs fs/fscache drivers/virtio net/wireless net/mac80211 \
    net/rfkill lib crypto drivers/net/wireless/mac80211_hwsim.ko drivers/net/veth.ko \
    drivers/net/dummy.ko drivers/net/ppp drivers/net/slip net/netfilter net/ipv4/netfilter \
    net/ipv6/netfilter
make_initrd "$root" "$work/initrd"

timeout 900 $emulator -accel tcg -m 700 -display none -serial stdio -monitor none -no-reboot \
    -nic none -kernel "$files/boot/vmlinuz-$release" -initrd "$work/initrd" \
    -append "console=ttyS0 quiet panic=-1 inside=$here/inside.sh files=$files build=$build" \
    -virtfs local,path=/,security_model=none,readonly=on,mount_tag=host,multidevs=remap \
    </dev/null 2>&1 | tr -d '\r' >"$work/log" || true

failed=0
expect() {
    if grep -qE "$2" "$work/log"; then echo "ok: $1"; else
        echo "FAILED: $1 (no \"$2\" in $work/log)"
        failed=1
    fi
}
expect "an access point that nobody uses has no station" "^empty: wlan0 wireless=1 .* stations=0 "
expect "an associated station is counted" "^used: wlan0 wireless=1 .* stations=1 "
expect "a client of WiFi counts none" "^used: wlan1 wireless=1 .* stations=- "
expect "a PPPoE session is the WAN and stands on its cable" \
    "^session: ppp0 wireless=0 ppp=1 lower=ve0 stations=- wan=1"
expect "a real flowtable is found" "^flowtable: .*All tests passed"
exit $failed
