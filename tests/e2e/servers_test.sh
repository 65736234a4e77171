#!/usr/bin/env bash
# tests/e2e/servers_test.sh BIN BACKLOG: a gateway with three days of backlog, a power cut in the
# midst of them, pushes into Debian's Prometheus (out-of-order window, oldest first) and, at the same
# time, into VictoriaMetrics (newest first), both through nginx. For VictoriaMetrics it asks for the
# gateway's certificate, cuts every tenth connection without an answer and loses every tenth answer;
# what Prometheus gets it paces, so that the drain can be cut in its midst on any machine. All are
# down at first, and the daemon is killed in mid-drain. In the end each must hold every sample of the
# journal once. All on loopback, about two minutes.
set -euo pipefail
PATH=$PATH:/usr/sbin
for program in prometheus victoria-metrics nginx openssl python3; do
    command -v "$program" >/dev/null && continue
    echo "skipped: needs $program (apt install prometheus victoria-metrics nginx-light openssl python3)"
    exit 77
done
bin=$1
backlog=$2
days=${GERBANG_SERVERS_DAYS:-3}
here=$(cd "$(dirname "$0")" && pwd)
export PYTHONDONTWRITEBYTECODE=1
dir=$(mktemp -d "${TMPDIR:-/tmp}/gerbang-servers.XXXXXX")
run=$(mktemp -d /dev/shm/gerbang-servers.XXXXXX)
mkdir "$dir/state"
pids=()
daemon=
cleanup() {
    trap - EXIT INT TERM
    for pid in "${pids[@]}" $daemon; do kill -9 "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$dir" "$run"
}
trap cleanup EXIT INT TERM
fail() {
    echo "SERVERS TEST FAILED: $*"
    tail -n 15 "$dir"/*.log
    gerbang sync || true
    exit 1
}
gerbang() { "$bin/gerbang" --config "$dir/gerbang.yaml" --runtime "$run" "$@"; }
wait_for() {  # wait_for SECONDS WHAT COMMAND...
    local limit=$1 what=$2 end=$((SECONDS + $1))
    shift 2
    until "$@" >"$dir/last" 2>&1; do
        [ $SECONDS -lt $end ] || fail "$what: not within $limit s: $(cat "$dir/last")"
        sleep 0.2
    done
}
wait_held() {  # wait_held KIND URL: until everything is there; anything else than "not yet" fails
    local end=$((SECONDS + 120)) code
    while :; do
        code=0
        python3 "$here/servers/summed.py" "$1" "$2" "$dir/expected" >"$dir/last" 2>&1 || code=$?
        [ "$code" = 0 ] && break
        [ "$code" = 3 ] && [ $SECONDS -lt $end ] || fail "$1: $(cat "$dir/last")"
        sleep 0.5
    done
    cat "$dir/last"
}
start_daemon() {
    "$bin/gerbang" --config "$dir/gerbang.yaml" --state "$dir/state" --runtime "$run" run \
        2>>"$dir/daemon.log" &
    daemon=$!
    wait_for 60 "the daemon answers" gerbang sync
}
kill_daemon() {
    kill -9 "$daemon"
    wait "$daemon" 2>/dev/null || true
    daemon=
}
# field CONSUMER NAME: of `gerbang sync --json`.
field() {
    gerbang sync --json | python3 -c '
import json, sys
said = json.load(sys.stdin)
said = said.get("sync", said) if isinstance(said, dict) else said
print(next(one for one in said if one["consumer"] == sys.argv[1])[sys.argv[2]])' "$1" "$2"
}
is_state() { [ "$(field "$1" state)" = "$2" ]; }

read -r prometheus_port victoria_port front_port slow_port < <(python3 -c '
import socket
taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
print(*(one.getsockname()[1] for one in taken))')
prometheus_url=http://127.0.0.1:$prometheus_port victoria_url=http://127.0.0.1:$victoria_port
cat >"$dir/gerbang.yaml" <<YAML
site: {id: village-1}
lang: en
metering: {tick: 10s, commit: 60s}
probe: {enabled: false}
sync:
  targets:
    - {name: prometheus, url: "http://127.0.0.1:$slow_port", protocol: remote_write, max_age: 40 d, interval: 10s}
    - {name: victoria, url: "https://127.0.0.1:$front_port", ca_file: $dir/ca.pem,
       cert_file: $dir/village-1.pem, key_file: $dir/village-1.key, protocol: remote_write,
       in_order: false, interval: 10s}
YAML
cat >"$dir/prometheus.yml" <<YAML
storage: {tsdb: {out_of_order_time_window: 40d}}
YAML

# A certificate authority, the server's certificate and the gateway's.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test-ca \
    -keyout "$dir/ca.key" -out "$dir/ca.pem" 2>"$dir/openssl.log"
certificate() {  # certificate NAME EXTENSION
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
        -keyout "$dir/$1.key" -out "$dir/$1.csr" 2>>"$dir/openssl.log"
    openssl x509 -req -in "$dir/$1.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial \
        -days 2 -extfile <(echo "$2") -out "$dir/$1.pem" 2>>"$dir/openssl.log"
}
certificate front subjectAltName=IP:127.0.0.1
certificate village-1 extendedKeyUsage=clientAuth
cat >"$dir/nginx.conf" <<NGINX
daemon off;
master_process off;
pid $dir/nginx.pid;
error_log $dir/nginx.log warn;
events {}
http {
    access_log $dir/nginx_requests;
    client_body_temp_path $dir/nginx_body;
    proxy_temp_path $dir/nginx_proxy;
    fastcgi_temp_path $dir/nginx_fastcgi;
    uwsgi_temp_path $dir/nginx_uwsgi;
    scgi_temp_path $dir/nginx_scgi;
    client_body_buffer_size 512k;
    # Prometheus gets its samples at a measured pace: or a drain would be over before it is cut.
    limit_req_zone \$server_port zone=pace:1m rate=10r/s;
    split_clients \$request_id \$fate { 10% cut; 10% lost; * well; }
    server {
        listen 127.0.0.1:$slow_port;
        access_log off;
        limit_req zone=pace burst=100;
        location / { proxy_pass $prometheus_url; }
    }
    server {
        listen 127.0.0.1:$front_port ssl;
        ssl_certificate $dir/front.pem;
        ssl_certificate_key $dir/front.key;
        ssl_client_certificate $dir/ca.pem;
        ssl_verify_client on;
        location / { rewrite ^ /\$fate\$uri last; }
        location /cut { internal; return 444; }
        location /lost/ {
            internal;
            mirror /taken;
            proxy_pass http://127.0.0.1:1;
        }
        location = /taken { internal; proxy_pass $victoria_url/api/v1/write; }
        location /well/ { internal; proxy_pass $victoria_url/; }
    }
}
NGINX

started=$SECONDS
"$backlog" "$dir/state" "$days" "$(date +%s%3N)" || fail "no backlog was made"
mv "$dir/state/expected" "$dir/expected"
echo "$days days of backlog in $(stat -c %s "$dir/state/journal.db") bytes ($((SECONDS - started)) s)"

# An outage: nobody listens.
start_daemon
wait_for 30 "prometheus is waited for" is_state prometheus waiting
wait_for 30 "victoria is waited for" is_state victoria waiting
whole=$(field prometheus pending_records)
kill_daemon

prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/prometheus" \
    --web.listen-address="127.0.0.1:$prometheus_port" --web.enable-remote-write-receiver \
    >"$dir/prometheus.log" 2>&1 &
pids+=($!)
victoria-metrics -storageDataPath="$dir/victoria" -httpListenAddr="127.0.0.1:$victoria_port" \
    -retentionPeriod=1y -dedup.minScrapeInterval=1ms -search.latencyOffset=0s \
    -memory.allowedBytes=256MB >"$dir/victoria.log" 2>&1 &
pids+=($!)
nginx -p "$dir" -c "$dir/nginx.conf" >"$dir/nginx_start.log" 2>&1 &
pids+=($!)
answers() { python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1])' "$1"; }
wait_for 60 "Prometheus is ready" answers "$prometheus_url/-/ready"
wait_for 60 "VictoriaMetrics is ready" answers "$victoria_url/health"

started=$SECONDS
start_daemon
gerbang sync now >/dev/null
killed_at=
end=$((SECONDS + 120))
while [ -z "$killed_at" ] && [ $SECONDS -lt $end ]; do
    left=$(field prometheus pending_records)
    [ "$left" -ge $((whole * 3 / 4)) ] || killed_at=$left
done
kill_daemon
[ -n "$killed_at" ] || fail "nothing was drained: $left of $whole records to go"
[ "$killed_at" -gt $((whole / 20)) ] || fail "the drain was over before it could be cut"
echo "killed in mid-drain, $killed_at of $whole records to go"
start_daemon
gerbang sync now >/dev/null
wait_held prometheus "$prometheus_url"
wait_held victoria "$victoria_url"
echo "drained within $((SECONDS - started)) s"
read -r cut lost well < <(awk '{n[$9]++} END {print n[444] + 0, n[502] + 0, n[204] + 0}' \
    "$dir/nginx_requests")
echo "nginx cut $cut connections, lost $lost answers and let $well through"
[ "$cut" -gt 0 ] && [ "$lost" -gt 0 ] || fail "nginx disturbed nothing"
for consumer in prometheus victoria; do
    [ "$(field $consumer parked_records)" = 0 ] || fail "$consumer: records are parked"
done
gerbang sync
