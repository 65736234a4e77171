#!/usr/bin/env bash
# tests/e2e/privacy_test.sh BIN: a village whose clients have known MACs, addresses and names talks
# through a gateway for about 30 s, with an outage of the provider and one of the hotspot in it; then
# everything that the daemon, its privileged helper and the receiver wrote, logged, sent and answered
# is searched for them. Addresses of the modem, of targets and of the access point may appear.
#
#   siti, budi ── br-lan (lan0, lan1, ap0) gateway wan0 ── internet (receiver, targets, resolver)
#
# The push goes through a relay on the gateway's loopback that keeps every byte of it.
set -euo pipefail
if [ "$(id -u)" != 0 ] || ! ip netns list >/dev/null 2>&1 || ! command -v python3 >/dev/null ||
    ! command -v nft >/dev/null; then
    echo "skipped: needs root, network namespaces, nft and python3"
    exit 77
fi
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
export PYTHONDONTWRITEBYTECODE=1

id=gbp$$
siti=$id-siti budi=$id-budi ap=$id-ap gw=$id-gw net=$id-net
dir=$(mktemp -d /dev/shm/gerbang-privacy.XXXXXX)
pids=()
cleanup() {
    trap - EXIT INT TERM
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    for ns in $siti $budi $ap $gw $net; do ip netns del "$ns" 2>/dev/null || true; done
    rm -rf "$dir"
}
trap cleanup EXIT INT TERM
fail() {
    echo "PRIVACY TEST FAILED: $*"
    tail -n 15 "$dir"/*.log
    cat "$dir/now.json" 2>/dev/null || true
    exit 1
}
in_ns() { ip netns exec "$@"; }

# --- the village and its people ----------------------------------------------------------------
siti_mac=5c:5a:c7:1b:2d:91 siti_ip=10.99.31.23 siti_ip6=fd5e:77aa:9c31::5c5a siti_name=hp-ibu-siti-77
budi_mac=a4:83:e7:44:60:3f budi_ip=10.99.31.214 budi_ip6=fd5e:77aa:9c31::a483 budi_name=laptop-pak-budi
cat >"$dir/people" <<PEOPLE
$siti_mac $siti_ip $siti_ip6 $siti_name
$budi_mac $budi_ip $budi_ip6 $budi_name
PEOPLE
for ns in $siti $budi $ap $gw $net; do
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
join $ap ap0 02:00:00:00:00:0a 10.99.31.2 fd5e:77aa:9c31::2
ip link add wan0 netns $gw type veth peer name eth0 netns $net
in_ns $gw ip addr add 10.99.32.2/24 dev wan0
# The internet of the fault tests, behind the next hop.
internet=$(cd "$here/faults" && python3 -c 'import topology; print(*topology.V4.hosts())')
for host in $internet; do in_ns $net ip addr add "$host/32" dev lo; done
in_ns $net ip addr add 10.99.32.1/24 dev eth0
in_ns $gw ip link set wan0 up
in_ns $net ip link set eth0 up
in_ns $gw ip route add default via 10.99.32.1
in_ns $net ip route add 10.99.31.0/24 via 10.99.32.2
in_ns $gw sysctl -qw net.ipv4.ip_forward=1

# --- programs ----------------------------------------------------------------------------------
(exec ip netns exec $net python3 "$here/privacy_peers.py" echo 10.99.32.1 8000) & pids+=($!)
(exec ip netns exec $net python3 "$here/faults/peers.py" internet "$dir" ip \
    >"$dir/internet.log" 2>&1) &
pids+=($!)
(exec ip netns exec $net "$bin/gerbang-province" receive --listen 10.99.32.1:9841 --trust-network \
    --verbose --store "$dir/province.db" 2>>"$dir/province.log") & pids+=($!)
(exec ip netns exec $gw python3 "$here/privacy_peers.py" relay 9841 10.99.32.1 9841 \
    "$dir/wire") & pids+=($!)
cat >"$dir/gerbang.yaml" <<YAML
site: {id: privacy-village, name: Desa Uji}
log: {level: debug}
interfaces: {wan: wan0, lan: [br-lan]}
metering: {tick: 1s, commit: 10s}
clock: {trust_system: true}
probe:
  interval: 3s
  doubt_interval: 1s
  timeout: 900 ms
  targets:
    - {name: target, address: 198.51.100.10, group: domestic}
    - {name: abroad, address: 203.0.113.10, group: international}
  resolvers: [198.51.100.53]
  dns_name: uji.gerbang.example
  dns_expect: [203.0.113.77]
  web_url: http://203.0.113.204/generate_204
hotspot: {address: 10.99.31.2}
services:
  - {name: simpeg, url: "http://198.51.100.90/"}
sync:
  targets:
    - {name: province, url: "http://127.0.0.1:9841", interval: 10s}
YAML
until_so() {  # until_so WHAT COMMAND...: two minutes are for a machine that hangs
    local what=$1 end=$((SECONDS + 120))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "$what: not within 120 s"
        sleep 0.2
    done
}
listens() {  # listens ADDRESS PORT, seen from the gateway
    in_ns $gw python3 -c 'import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)' "$@"
}
until_so "the receiver" listens 10.99.32.1 9841
until_so "the relay" listens 127.0.0.1 9841
until_so "the echo" listens 10.99.32.1 8000
until_so "the internet" grep -q ready "$dir/internet.log"
mkdir "$dir/state" "$dir/run" "$dir/facts" "$dir/facts-state"
gerbang="$bin/gerbang --config $dir/gerbang.yaml --state $dir/state --runtime $dir/run"
# What the privileged one-shot finds out, with a flowtable for it to find where the kernel has those,
# and where the daemon looks for it: /run of its own mount namespace.
in_ns $gw nft add table inet fast
in_ns $gw nft 'add flowtable inet fast f { hook ingress priority 0 ; devices = { lan0, wan0 } ; }' \
    2>/dev/null || echo "no flowtables in this kernel: the facts are searched without one"
RUNTIME_DIRECTORY="$dir/facts" STATE_DIRECTORY="$dir/facts-state" \
    in_ns $gw "$root/systemd/gerbang-facts" gather || fail "gerbang-facts"
(exec ip netns exec $gw sh -ec 'mount -t tmpfs tmpfs /run && mkdir /run/gerbang-facts &&
    mount --bind "$0" /run/gerbang-facts && exec "$@"' "$dir/facts" $gerbang run \
    2>>"$dir/gerbang.log") & pids+=($!); daemon=$!

# --- half a minute of village life ---------------------------------------------------------------
talk() {  # talk NS NAME: bytes through the gateway, and the name said as phones say it
    in_ns "$1" python3 "$here/privacy_peers.py" talk 10.99.32.1 8000 "$2" 10.99.31.1
}
live() {  # live ROUNDS: the people talk for that many times 3 s
    for _ in $(seq "$1"); do
        talk $siti $siti_name || fail "siti's traffic"
        talk $budi $budi_name || fail "budi's traffic"
        in_ns $siti python3 "$here/faults/peers.py" echo fd5e:77aa:9c31::1 || fail "siti's IPv6"
        in_ns $budi python3 "$here/faults/peers.py" echo fd5e:77aa:9c31::1 || fail "budi's IPv6"
        sleep 3
    done
}
says() {  # says WORD...: status has all of them
    in_ns $gw $gerbang --json status >"$dir/now.json"
    python3 -c 'import json, sys
words, status = sys.argv[2:], json.load(open(sys.argv[1]))
states = {"wan": status["link"]["cause"], **{l["link"]: l["cause"] for l in status["links"]}}
sys.exit(any(states.get(w.split("=")[0]) != w.split("=")[1] for w in words))' "$dir/now.json" "$@"
}
newest() { in_ns $gw $gerbang --json status | python3 -c "import json, sys
print(json.load(sys.stdin)$1)"; }
commits_past() { [ "$(newest '["journal"]["last"]')" -gt "$1" ]; }
holds() { [ "$(newest '["sync"][0]["through"]')" -ge "$1" ]; }  # holds NUMBER: the province has it
wait_for() { until_so "$*" says "$@"; }
wait_for wan= hotspot=
live 3
# An outage of each kind, people in front of it, so that there is evidence to search.
in_ns $net nft add table inet f
in_ns $net nft 'add chain inet f c { type filter hook input priority -10 ; }'
in_ns $net nft add rule inet f c tcp dport 9841 accept
in_ns $net nft add rule inet f c ip daddr != 10.99.32.1 drop
in_ns $ap ip link set eth0 down
in_ns $gw ip link set ap0 down
for port in lan0 lan1; do in_ns $gw ip link set $port down; done
wait_for wan=isp hotspot=hotspot
in_ns $gw $gerbang --json probe >"$dir/probe-down.json" || fail "probe during the outage"
in_ns $net nft delete table inet f
in_ns $ap ip link set eth0 up
for port in ap0 lan0 lan1; do in_ns $gw ip link set $port up; done
wait_for wan= hotspot=
in_ns $gw $gerbang note --kind power --author "Pak Kades" "Listrik padam siang tadi" || fail "note"
committed=$(newest '["journal"]["last"]')
until_so "a commit after the note" commits_past "$committed"
noted=$(newest '["journal"]["last"]')
live 3
# The daemon had all of it before its eyes, else the search below would prove nothing.
in_ns $gw ip neigh >"$dir/neighbours"
for trace in $siti_mac $budi_mac $siti_ip6 $budi_ip6; do
    grep -qi "$trace" "$dir/neighbours" || fail "the gateway does not know $trace"
done
in_ns $gw $gerbang --json status >"$dir/status.json" || fail "status"
for words in status usage "outages --all-links" sync probe "sla --month $(date -u +%Y-%m)"; do
    # shellcheck disable=SC2086
    in_ns $gw $gerbang $words >>"$dir/said" || fail "$words"
    # shellcheck disable=SC2086
    in_ns $gw $gerbang --json $words >>"$dir/said.json" || fail "--json $words"
done
# What was noted last has gone over the wire, too.
until_so "the note at the province" holds "$noted"
tr '\0' '\n' <"/proc/$daemon/cmdline" >"$dir/command-line"
cp "$dir/run/ring" "$dir/ring.full"   # while ticks wait in it
kill "$daemon"; wait "$daemon" 2>/dev/null || true
in_ns $net "$bin/gerbang-province" list --json --store "$dir/province.db" >"$dir/list.json"
in_ns $net "$bin/gerbang-province" copy --store "$dir/province.db" "$dir/copy.db" >/dev/null

python3 "$here/privacy_scan.py" "$dir" "$root/tests/common/wire" || fail "see above"
