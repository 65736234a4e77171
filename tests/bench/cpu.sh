#!/usr/bin/env bash
# tests/bench/cpu.sh BUILD [SECONDS]: CPU of gerbang beside collectd doing the same work in the same
# run: 4 interfaces, load, memory, free space, two ping targets, every second, kept on disk. Counts
# nanoseconds on the CPU from the kernel's scheduler. Fails when gerbang needs more than a fifth of
# collectd. Needs root; without it or without collectd it is skipped.
set -euo pipefail
build=$1 seconds=${2:-60}
if [ "$(id -u)" != 0 ]; then echo "skipped: needs root for network namespaces"; exit 77; fi
command -v collectd >/dev/null || { echo "skipped: collectd is not installed"; exit 77; }
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
ip -n $peer addr add 10.78.0.1/24 dev peer0
ip -n $peer addr add 10.78.0.3/24 dev peer0
ip -n $ns route add default via 10.78.0.1

cat >"$dir/gerbang.yaml" <<YAML
site: {id: bench}
metering: {tick: 1s, commit: 1 min}
probe:
  targets:
    - {name: domestic, address: 10.78.0.1}
    - {name: abroad, address: 10.78.0.3}
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
if ldconfig -p | grep -q liboping; then
    cat >>"$dir/collectd.conf" <<CONF
LoadPlugin ping
<Plugin ping>
  Host "10.78.0.1"
  Host "10.78.0.3"
  Interval 10
</Plugin>
CONF
fi
mkdir "$dir/state" "$dir/run"
ip netns exec $ns "$build/gerbang" --config "$dir/gerbang.yaml" --state "$dir/state" \
    --runtime "$dir/run" run 2>"$dir/gerbang.log" &
gerbang=$!
ip netns exec $ns collectd -f -C "$dir/collectd.conf" &
collectd=$!
pids=($gerbang $collectd)
sleep 3  # both have started; what starting costs is another question
cpu_ns() { awk '{sum += $1} END {printf "%.0f", sum}' /proc/"$1"/task/*/schedstat; }
gerbang_before=$(cpu_ns $gerbang) collectd_before=$(cpu_ns $collectd)
sleep "$seconds"
gerbang_ns=$(($(cpu_ns $gerbang) - gerbang_before))
collectd_ns=$(($(cpu_ns $collectd) - collectd_before))
kill -0 $gerbang && kill -0 $collectd
pss() { awk '/^Pss:/ {print $2}' /proc/"$1"/smaps_rollup; }
anon() { awk '/^Anonymous:/ {print $2}' /proc/"$1"/smaps_rollup; }
awk -v g=$gerbang_ns -v c=$collectd_ns -v s="$seconds" 'BEGIN {
    printf "CPU per second of run: gerbang %.0f us, collectd %.0f us: ratio %.3f (limit 0.200)\n",
        g / s / 1000, c / s / 1000, g / c
    exit !(g * 5 <= c)
}'
echo "memory now: gerbang PSS $(pss $gerbang) KiB, anonymous $(anon $gerbang) KiB;" \
    "collectd PSS $(pss $collectd) KiB"
