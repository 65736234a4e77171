#!/usr/bin/env bash
# tests/e2e/process_test.sh BIN: one daemon on loopback for about 20 s.
#
# - A push target whose certificate cannot be read stops that target, not the metering; and so does
#   a configuration with such a target that comes by SIGHUP.
# - SIGTERM ends the daemon cleanly within 2 s, a push hanging in a black hole and queries of the
#   local API under way.
set -euo pipefail
if ! command -v python3 >/dev/null; then
    echo "skipped: needs python3"
    exit 77
fi
bin=$1
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
wait_for() {  # wait_for WHAT COMMAND...
    local what=$1
    shift
    for _ in $(seq 100); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.1
    done
    fail "$what: not within 10 s"
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
wait_for "the push into the black hole" is_pushing sending
configure 2s "http://127.0.0.1:$port"
kill -HUP "$daemon"
sleep 1
wait_for "the push after the second change" is_pushing sending

# Queries without a pause, so that some are under way when the end comes.
for _ in 1 2 3; do
    (while kill -0 "$daemon" 2>/dev/null; do gerbang usage --json >/dev/null 2>&1 || true; done) &
    pids+=($!)
done
sleep 1
began=$(date +%s%N)
kill -TERM "$daemon"
code=0
wait "$daemon" || code=$?
took_ms=$((($(date +%s%N) - began) / 1000000))
[ "$code" = 0 ] || fail "exit code $code after SIGTERM"
[ "$took_ms" -le 2000 ] || fail "SIGTERM took $took_ms ms"
grep -q '^<5>stopped reason=signal' "$dir/log" || fail "no clean stop in the log"
[ "$(grep -c '^<5>stopped reason=configuration' "$dir/log")" = 2 ] || fail "two changes expected"
if grep -q '^<3>cannot_run' "$dir/log"; then fail "a life that could not run"; fi
echo "process test: SIGTERM took $took_ms ms, a push hanging"
