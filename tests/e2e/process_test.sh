#!/usr/bin/env bash
# tests/e2e/process_test.sh BIN: one daemon on loopback for about 20 s.
#
# - A push target whose certificate cannot be read stops that target, not the metering; and so does
#   a configuration with such a target that comes by SIGHUP.
# - SIGTERM ends the daemon cleanly within 2 s, a push hanging in a black hole and queries of the
#   local API under way. Only what the machine itself was starved meanwhile is forgiven, and said.
set -euo pipefail
if ! command -v python3 >/dev/null; then
    echo "skipped: needs python3"
    exit 77
fi
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
export PYTHONDONTWRITEBYTECODE=1
dir=$(mktemp -d /dev/shm/gerbang-process.XXXXXX)
mkdir "$dir/state" "$dir/run"
pids=()
cleanup() {
    trap - EXIT INT TERM
    for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap cleanup EXIT INT TERM
fail() { echo "PROCESS TEST FAILED: $*"; tail -n 20 "$dir/log"; exit 1; }

gerbang() { "$bin/gerbang" --config "$dir/gerbang.yaml" --runtime "$dir/run" "$@"; }
wait_for() {  # wait_for WHAT COMMAND...: a minute is for a machine that hangs
    local what=$1 end=$((SECONDS + 60))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "$what: not within 60 s"
        sleep 0.1
    done
}
configure() {  # configure TICK URL [CA_FILE]
    cat >"$dir/new.yaml" <<YAML
site:
  id: process-test
metering:
  tick: $1
  commit: 10s
sync:
  targets:
    - name: province
      url: $2
${3:+      ca_file: $3}
YAML
    mv "$dir/new.yaml" "$dir/gerbang.yaml"
}
is_pushing() { gerbang status --json | grep -q "\"state\": *\"$1\""; }
changes() { [ "$(grep -c '^<5>stopped reason=configuration' "$dir/log")" = "$1" ]; }

# A server that takes every connection and never answers.
python3 - "$dir/port" <<'PYTHON' &
import os, socket, sys
server = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(server.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
taken = []
while True:
    taken.append(server.accept())
PYTHON
pids+=($!)
wait_for "the black hole" test -s "$dir/port"
port=$(cat "$dir/port")

configure 1s https://127.0.0.1:9 "$dir/not-there.pem"
"$bin/gerbang" --config "$dir/gerbang.yaml" --state "$dir/state" --runtime "$dir/run" run \
    >"$dir/log" 2>&1 &
daemon=$!
pids+=("$daemon")
wait_for "metering without the certificate" gerbang status --json
wait_for "the target that stops" is_pushing stopped

configure 1s "http://127.0.0.1:$port"
kill -HUP "$daemon"
wait_for "the first change" changes 1
wait_for "the push into the black hole" is_pushing sending
configure 2s "http://127.0.0.1:$port"
kill -HUP "$daemon"
wait_for "the second change" changes 2
wait_for "the push after the second change" is_pushing sending

# Queries without a pause, so that some are under way when the end comes.
for i in 1 2 3; do
    (while kill -0 "$daemon" 2>/dev/null; do
        if gerbang usage --json >/dev/null 2>&1; then echo >>"$dir/asked.$i"; fi
    done) &
    pids+=($!)
    wait_for "query $i" test -s "$dir/asked.$i"
done
python3 "$here/starvation.py" >"$dir/starved" & pinger=$!
pids+=("$pinger")
wait_for "the pinger" test -s "$dir/starved"
began=${EPOCHREALTIME/[.,]/}
kill -TERM "$daemon"
code=0
wait "$daemon" || code=$?
took_ms=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
kill -TERM "$pinger"
wait "$pinger" || fail "the pinger"
starved_ms=$(tail -n 1 "$dir/starved")
[ "$code" = 0 ] || fail "exit code $code after SIGTERM"
[ "$took_ms" -le 2000 ] || echo "2000 ms and the $starved_ms ms for which this machine was starved:"
[ "$took_ms" -le $((2000 + starved_ms)) ] || fail "SIGTERM took $took_ms ms"
grep -q '^<5>stopped reason=signal' "$dir/log" || fail "no clean stop in the log"
changes 2 || fail "two changes expected"
if grep -q '^<3>cannot_run' "$dir/log"; then fail "a life that could not run"; fi
echo "process test: SIGTERM took $took_ms ms, a push hanging"
