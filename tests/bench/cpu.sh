#!/usr/bin/env bash
# tests/bench/cpu.sh BUILD: CPU of gerbang beside collectd doing the same work in the same run: 4
# interfaces, load, memory, free space every second, kept on disk, and seven hosts watched every ten:
# four targets, the next hop, the access point, a named service. collectd pings all seven of them in
# every round. gerbang walks its ladder as it does in a village: a target of each group and a resolver
# in turn each round, the page each minute, the access point each third round, the service, next hop
# and provider rarely, and all of them in the first round. Counts nanoseconds on the CPU from the
# kernel's scheduler in each of three minutes, from when both have started, and judges the middle one of
# the three ratios: a machine that stands still for a second makes probes fail, and the ladder is then
# rightly walked every 3 s for a while. Fails when gerbang needs more than a fifth of collectd. Needs
# root; without it, or without collectd and its ping, it is skipped.
set -euo pipefail
build=$1 minutes=3
if [ "$(id -u)" != 0 ]; then echo "skipped: needs root for network namespaces"; exit 77; fi
command -v collectd >/dev/null || { echo "skipped: collectd is not installed"; exit 77; }
# Not -q: who writes into a pipe that nobody reads fails.
ldconfig -p | grep liboping >/dev/null || { echo "skipped: collectd's ping needs liboping0"; exit 77; }
faults=$(cd "$(dirname "$0")/../e2e/faults" && pwd)
export PYTHONDONTWRITEBYTECODE=1
ns=gbg$$-bench peer=gbg$$-peer
dir=$(mktemp -d /dev/shm/gerbang-bench.XXXXXX)
pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    ip netns del $ns 2>/dev/null || true
    ip netns del $peer 2>/dev/null || true
    rm -rf "$dir"
}
trap cleanup EXIT
ip netns add $ns
ip netns add $peer
ip -n $ns link set lo up
for i in 0 1 2 3; do
    ip link add eth$i netns $ns type veth peer name peer$i netns $peer
    ip -n $ns link set eth$i up
    ip -n $peer link set peer$i up
done
ip -n $ns addr add 10.78.0.2/24 dev eth0
ip -n $ns addr add 10.78.1.2/24 dev eth1
ip -n $peer addr add 10.78.0.1/24 dev peer0
ip -n $peer addr add 10.78.1.3/24 dev peer1
ip -n $ns route add default via 10.78.0.1
# The internet of the fault tests, all of it healthy, one hop away.
internet=$(cd "$faults" && python3 -c 'import topology; print(*topology.V4.hosts())')
for host in $internet; do ip -n $peer addr add "$host/32" dev lo; done
ip -n $peer link set lo up
ip netns exec $peer python3 "$faults/peers.py" internet "$dir" ip >"$dir/internet.log" 2>&1 &
pids+=($!)
for _ in $(seq 100); do grep -q ready "$dir/internet.log" && break; sleep 0.1; done
grep -q ready "$dir/internet.log" || { cat "$dir/internet.log"; exit 1; }

cat >"$dir/gerbang.yaml" <<YAML
site: {id: bench}
interfaces: {wan: eth0, lan: [eth1]}
metering: {tick: 1s, commit: 1 min}
probe:
  targets:
    - {name: domestic, address: 198.51.100.10, group: domestic}
    - {name: domestic-2, address: 198.51.100.99, group: domestic}
    - {name: abroad, address: 203.0.113.10, group: international}
    - {name: abroad-2, address: 203.0.113.11, group: international}
  resolvers: [198.51.100.53, 203.0.113.53]
  dns_name: uji.gerbang.example
  dns_expect: [203.0.113.77]
  web_url: http://203.0.113.204/generate_204
hotspot: {address: 10.78.1.3}
services:
  - {name: simpeg, url: "http://198.51.100.90/"}
YAML
cat >"$dir/collectd.conf" <<CONF
Hostname "bench"
FQDNLookup false
Interval 1
BaseDir "$dir"
PIDFile "$dir/collectd.pid"
LoadPlugin logfile
<Plugin logfile>
  LogLevel err
  File "$dir/collectd.log"
</Plugin>
LoadPlugin interface
LoadPlugin load
LoadPlugin memory
LoadPlugin df
<Plugin df>
  MountPoint "/"
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "$dir/csv"
</Plugin>
CONF
cat >>"$dir/collectd.conf" <<CONF
LoadPlugin ping
<Plugin ping>
  Host "198.51.100.10"
  Host "198.51.100.99"
  Host "203.0.113.10"
  Host "203.0.113.11"
  Host "10.78.0.1"
  Host "10.78.1.3"
  Host "198.51.100.90"
  Interval 10
</Plugin>
CONF
mkdir "$dir/state" "$dir/run"
ip netns exec $ns "$build/gerbang" --config "$dir/gerbang.yaml" --state "$dir/state" \
    --runtime "$dir/run" run 2>"$dir/gerbang.log" &
gerbang=$!
ip netns exec $ns collectd -f -C "$dir/collectd.conf" &
collectd=$!
pids+=($gerbang $collectd)
sleep 3  # both have started; what starting costs is another question
cpu_ns() { awk '{sum += $1} END {printf "%.0f", sum}' /proc/"$1"/task/*/schedstat; }
# Sets `ratio` from two pairs of readings.
compare() {
    ratio=$(awk -v g=$(($3 - $1)) -v c=$(($4 - $2)) -v s="$5" -v what="$6" 'BEGIN {
        printf "%s: gerbang %.0f us a second, collectd %.0f us\n", what, g / s / 1000,
            c / s / 1000 >"/dev/stderr"
        printf "%.3f", g / c
    }')
}
gerbang_first=$(cpu_ns $gerbang) collectd_first=$(cpu_ns $collectd)
gerbang_now=$gerbang_first collectd_now=$collectd_first ratios=
for minute in $(seq $minutes); do
    gerbang_before=$gerbang_now collectd_before=$collectd_now
    sleep 60
    gerbang_now=$(cpu_ns $gerbang) collectd_now=$(cpu_ns $collectd)
    compare "$gerbang_before" "$collectd_before" "$gerbang_now" "$collectd_now" 60 "minute $minute"
    ratios+=$ratio$'\n'
done
compare "$gerbang_first" "$collectd_first" "$gerbang_now" "$collectd_now" $((minutes * 60)) mean
mean=$ratio ratio=$(sort -n <<<"${ratios%$'\n'}" | sed -n $((minutes / 2 + 1))p)
kill -0 $gerbang && kill -0 $collectd
# Both did what they were asked for, or the comparison says nothing.
ls "$dir"/csv/bench/ping/ping-203.0.113.11-* >/dev/null
"$build/gerbang" --config "$dir/gerbang.yaml" --runtime "$dir/run" --json status | python3 -c '
import json, sys
status = json.load(sys.stdin)
rungs = {line["rung"]: line["state"] for line in status["ladder"]}
wrong = {rung: rungs.get(rung) for rung in ("carrier", "next_hop", "domestic", "international", "dns",
                                            "web") if rungs.get(rung) != "up"}
beside = {line["link"]: line["state"] for line in status["links"]}
wrong.update({link: state for link, state in beside.items() if state != "up"})
if status["link"]["state"] != "up" or wrong or len(beside) != 2:
    sys.exit(f"the ladder was not healthy: {wrong} {status}")'
pss() { awk '/^Pss:/ {print $2}' /proc/"$1"/smaps_rollup; }
anon() { awk '/^Anonymous:/ {print $2}' /proc/"$1"/smaps_rollup; }
echo "memory now: gerbang PSS $(pss $gerbang) KiB, anonymous $(anon $gerbang) KiB;" \
    "collectd PSS $(pss $collectd) KiB"
echo "CPU of gerbang / CPU of collectd, the middle one of $minutes minutes: $ratio (limit 0.200);" \
    "mean: $mean"
awk -v r="$ratio" 'BEGIN {exit !(r <= 0.2)}'
