#!/usr/bin/env bash
# tests/e2e/privacy_test.sh BIN: a village whose clients have known MACs, addresses and names talks
# through a gateway for about 20 s; then everything that the daemon and the receiver wrote, logged,
# sent and answered is searched for them.
#
#   siti, budi ── br-lan (lan0, lan1) gateway wan0 ── internet (receiver, target of the probe)
#
# The push goes through a relay on the gateway's loopback that keeps every byte of it.
set -euo pipefail
if [ "$(id -u)" != 0 ] || ! ip netns list >/dev/null 2>&1 || ! command -v python3 >/dev/null; then
    echo "skipped: needs root, network namespaces and python3"
    exit 77
fi
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..

id=gbp$$
siti=$id-siti budi=$id-budi gw=$id-gw net=$id-net
dir=$(mktemp -d /dev/shm/gerbang-privacy.XXXXXX)
pids=()
cleanup() {
    trap - EXIT INT TERM
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    for ns in $siti $budi $gw $net; do ip netns del "$ns" 2>/dev/null || true; done
    rm -rf "$dir"
}
trap cleanup EXIT INT TERM
fail() { echo "PRIVACY TEST FAILED: $*"; tail -n 15 "$dir"/*.log; exit 1; }
in_ns() { ip netns exec "$@"; }

# --- the village and its people ----------------------------------------------------------------
siti_mac=5c:5a:c7:1b:2d:91 siti_ip=10.99.31.23 siti_ip6=fd5e:77aa:9c31::5c5a siti_name=hp-ibu-siti-77
budi_mac=a4:83:e7:44:60:3f budi_ip=10.99.31.214 budi_ip6=fd5e:77aa:9c31::a483 budi_name=laptop-pak-budi
cat >"$dir/people" <<PEOPLE
$siti_mac $siti_ip $siti_ip6 $siti_name
$budi_mac $budi_ip $budi_ip6 $budi_name
PEOPLE
for ns in $siti $budi $gw $net; do
    ip netns add "$ns"
    in_ns "$ns" ip link set lo up
    in_ns "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
done
in_ns $gw ip link add br-lan type bridge
in_ns $gw ip addr add 10.99.31.1/24 dev br-lan
in_ns $gw ip addr add fd5e:77aa:9c31::1/64 dev br-lan nodad
in_ns $gw ip link set br-lan up
join() {  # join NS PORT MAC IP IP6
    ip link add "$2" netns $gw type veth peer name eth0 netns "$1"
    in_ns $gw ip link set "$2" master br-lan up
    in_ns "$1" ip link set eth0 address "$3" up
    in_ns "$1" ip addr add "$4/24" dev eth0
    in_ns "$1" ip addr add "$5/64" dev eth0 nodad
    in_ns "$1" ip route add default via 10.99.31.1
}
join $siti lan0 $siti_mac $siti_ip $siti_ip6
join $budi lan1 $budi_mac $budi_ip $budi_ip6
ip link add wan0 netns $gw type veth peer name eth0 netns $net
in_ns $gw ip addr add 10.99.32.2/24 dev wan0
in_ns $net ip addr add 10.99.32.1/24 dev eth0
in_ns $gw ip link set wan0 up
in_ns $net ip link set eth0 up
in_ns $gw ip route add default via 10.99.32.1
in_ns $net ip route add 10.99.31.0/24 via 10.99.32.2
in_ns $gw sysctl -qw net.ipv4.ip_forward=1

# --- programs ----------------------------------------------------------------------------------
(exec ip netns exec $net python3 "$here/privacy_peers.py" echo 10.99.32.1 8000) & pids+=($!)
(exec ip netns exec $net "$bin/gerbang-province" receive --listen 10.99.32.1:9841 --trust-network \
    --verbose --store "$dir/province.db" 2>>"$dir/province.log") & pids+=($!)
(exec ip netns exec $gw python3 "$here/privacy_peers.py" relay 9841 10.99.32.1 9841 \
    "$dir/wire") & pids+=($!)
cat >"$dir/gerbang.yaml" <<YAML
site: {id: privacy-village, name: Desa Uji}
log: {level: debug}
interfaces: {wan: wan0, lan: [br-lan]}
metering: {tick: 1s, commit: 10s}
probe:
  interval: 3s
  targets:
    - {name: target, address: 10.99.32.1, tcp_port: 8000}
sync:
  targets:
    - {name: province, url: "http://127.0.0.1:9841", interval: 10s}
YAML
for _ in $(seq 50); do
    in_ns $gw python3 -c 'import socket; socket.create_connection(("127.0.0.1", 9841))' 2>/dev/null &&
        break
    sleep 0.1
done
mkdir "$dir/state" "$dir/run"
gerbang="$bin/gerbang --config $dir/gerbang.yaml --state $dir/state --runtime $dir/run"
(exec ip netns exec $gw $gerbang run 2>>"$dir/gerbang.log") & pids+=($!); daemon=$!

# --- 20 s of village life ------------------------------------------------------------------------
talk() {  # talk NS NAME: bytes through the gateway, and the name said as phones say it
    in_ns "$1" python3 "$here/privacy_peers.py" talk 10.99.32.1 8000 "$2" 10.99.31.1
}
ping6() { in_ns "$1" ping -q -c 1 -W 1 fd5e:77aa:9c31::1 >/dev/null 2>&1 || true; }
for _ in 1 2 3 4 5 6; do
    talk $siti $siti_name || fail "siti's traffic"
    talk $budi $budi_name || fail "budi's traffic"
    ping6 $siti; ping6 $budi
    sleep 3
done
# The daemon had all of it before its eyes, else the search below would prove nothing.
in_ns $gw ip neigh >"$dir/neighbours"
for mac in $siti_mac $budi_mac; do
    grep -qi "$mac" "$dir/neighbours" || fail "the gateway does not know $mac"
done
in_ns $gw $gerbang --json status >"$dir/status.json" || fail "status"
for words in status usage outages sync; do
    in_ns $gw $gerbang "$words" >>"$dir/said" || fail "$words"
    in_ns $gw $gerbang --json "$words" >>"$dir/said.json" || fail "--json $words"
done
tr '\0' '\n' <"/proc/$daemon/cmdline" >"$dir/command-line"
cp "$dir/run/ring" "$dir/ring.full"   # while ticks wait in it
kill "$daemon"; wait "$daemon" 2>/dev/null || true
in_ns $net "$bin/gerbang-province" list --json --store "$dir/province.db" >"$dir/list.json"
in_ns $net "$bin/gerbang-province" copy --store "$dir/province.db" "$dir/copy.db" >/dev/null

python3 "$here/privacy_scan.py" "$dir" "$root/tests/common/wire" || fail "see above"
