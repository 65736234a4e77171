#!/usr/bin/env bash
# tests/e2e/pull_test.sh BIN: one daemon that serves pullers on lo, and `gerbang-province pull`.
#
# - The port may be taken at first: the daemon meters, and serves once it is free.
# - Without the token nothing is given. With it: once into a store of the puller's own, then through
#   a running receiver; each record is there once, and the daemon's status says how far the puller is.
# - Metrics over the network are clean under promtool, where it is installed.
set -euo pipefail
if ! command -v python3 >/dev/null || ! command -v curl >/dev/null; then
    echo "skipped: needs python3 and curl"
    exit 77
fi
bin=$1
dir=$(mktemp -d /dev/shm/gerbang-pull.XXXXXX)
mkdir "$dir/state" "$dir/run"
pids=()
cleanup() {
    trap - EXIT INT TERM
    for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap cleanup EXIT INT TERM
fail() {
    echo "PULL TEST FAILED: $*"
    tail -n 20 "$dir/log"
    exit 1
}
wait_for() { # wait_for WHAT COMMAND...: a minute is for a machine that hangs
    local what=$1 end=$((SECONDS + 60))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "$what: not within 60 s"
        sleep 0.2
    done
}

# A port that is free now, held until the daemon has found it taken.
python3 - "$dir/port" <<'PYTHON' &
import os, socket, sys, time
server = socket.socket()
server.bind(("0.0.0.0", 0))
server.listen()
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(server.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
PYTHON
holder=$!
pids+=("$holder")
wait_for "a port" test -s "$dir/port"
port=$(cat "$dir/port")
token=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
(umask 077 && echo "$token" >"$dir/token" && echo "${token}0" >"$dir/wrong")
cat >"$dir/gerbang.yaml" <<YAML
site: {id: muara-siran}
metering: {tick: 1s, commit: 10s}
probe: {enabled: false}
serve:
  interfaces: [lo, no-such-tunnel]
  port: $port
  allow_plain: true
  pullers:
    - {name: pusat, token_file: $dir/token}
YAML
echo "muara-siran http://127.0.0.1:$port plain=yes token=$dir/token" >"$dir/gateways"
echo "muara-siran http://127.0.0.1:$port plain=yes token=$dir/wrong" >"$dir/strangers"
"$bin/gerbang" --config "$dir/gerbang.yaml" --state "$dir/state" --runtime "$dir/run" run \
    >"$dir/log" 2>&1 &
pids+=($!)
wait_for "the port found taken" grep -q 'pull_not_served place=lo' "$dir/log"
grep -q 'pull_not_served place=no-such-tunnel' "$dir/log" || fail "an interface that is not there"
kill "$holder"
wait_for "pullers served" grep -q 'pull_served interface=lo' "$dir/log"

ask() { curl -s -m 20 -o "$dir/body" -w '%{http_code}' "$@"; }
url=http://127.0.0.1:$port
for path in /healthz /metrics /v1/status /v1/epochs; do
    [ "$(ask "$url$path")" = 401 ] || fail "$path without a token"
    [ "$(ask -H "Authorization: Bearer $token" "$url$path")" = 200 ] || fail "$path with the token"
done
[ "$(ask -H "Authorization: Bearer $token" "$url/v1/clock")" = 404 ] || fail "/v1/clock from outside"
if command -v promtool >/dev/null; then
    ask -H "Authorization: Bearer $token" "$url/metrics" >/dev/null
    promtool check metrics <"$dir/body" || fail "promtool complains about the metrics"
else
    echo "left out: no promtool here (Debian: apt-get install prometheus)"
fi

province() { "$bin/gerbang-province" --lang en "$@"; }
records() {
    province list --json --store "$dir/p.db" | python3 -c '
import json, sys
sites = json.load(sys.stdin)["sites"]
print(sites[0]["records"] if len(sites) == 1 and not sites[0]["epochs"][0]["missing"] else 0)'
}
journal_last() {
    ask -H "Authorization: Bearer $token" "$url/v1/epochs" >/dev/null
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["epochs"][0]["last"])' "$dir/body"
}
has_records() { [ "$(journal_last)" -ge "$1" ]; }
wait_for "records" has_records 10

code=0
province pull --gateways "$dir/strangers" --store "$dir/q.db" >"$dir/said" 2>&1 || code=$?
[ $code = 75 ] || fail "a wrong token gave $code"
grep -q not_authorised "$dir/said" || fail "a wrong token is not named"

first=$(journal_last)
province pull --gateways "$dir/gateways" --store "$dir/p.db" 2>"$dir/said" || fail "$(cat "$dir/said")"
[ "$(records)" -ge "$first" ] || fail "the first pull brought $(records) of $first"
ask -H "Authorization: Bearer $token" "$url/v1/status" >/dev/null
python3 - "$dir/body" "$first" <<'PYTHON' || fail "status does not know the puller"
import json, sys
sync = json.load(open(sys.argv[1]))["sync"]
assert [one["consumer"] for one in sync] == ["pusat"] and sync[0]["through"] >= int(sys.argv[2])
PYTHON

# The same store again, now behind a receiver.
"$bin/gerbang-province" --lang en receive --listen 127.0.0.1:0 --store "$dir/p.db" --trust-network \
    >"$dir/receiver" 2>&1 &
pids+=($!)
wait_for "the receiver" test -S "$dir/p.db.sock"
before=$(records)
wait_for "newer records" has_records $((before + 1))
province pull --gateways "$dir/gateways" --store "$dir/p.db" 2>"$dir/said" || fail "$(cat "$dir/said")"
[ "$(records)" -gt "$before" ] || fail "the pull through the receiver brought nothing"
fetched=$(sed -n 's/.*failed; \([0-9]*\) records.*/\1/p' "$dir/said" | tail -n 1)
[ "$(records)" = $((before + fetched)) ] || fail "$before and $fetched are not $(records) records"
echo "pull: $(records) records, each once"
