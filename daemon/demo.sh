#!/usr/bin/env bash
# daemon/demo.sh BIN: a village in network namespaces, about 45 seconds. Started by run.sh --demo.
#
#   home ── lan0 gateway wan0 ── router ── internet (province, targets of the probes)
#
# The real daemon in the gateway, the real receiver in the internet, real traffic through both.
# Ends with 0 only if the province holds every record once and its bytes equal the kernel's.
set -euo pipefail
bin=$1
[ "$(id -u)" = 0 ] || exec sudo "$0" "$@"

id=gbg$$
home=$id-home gw=$id-gw rt=$id-rt net=$id-net
dir=$(mktemp -d /dev/shm/gerbang-demo.XXXXXX)
started=$SECONDS
pids=()
cleanup() {
    trap - EXIT INT TERM
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    for ns in $home $gw $rt $net; do ip netns del "$ns" 2>/dev/null || true; done
    rm -rf "$dir"
}
trap cleanup EXIT INT TERM
fail() { printf '\nDEMO FAILED: %s\n' "$*"; tail -n 15 "$dir"/*.log; exit 1; }
step() { printf '\n[%2d s] %s\n' $((SECONDS - started)) "$*"; }
in_ns() { ip netns exec "$@"; }

# --- the village -------------------------------------------------------------------------------
for ns in $home $gw $rt $net; do
    ip netns add "$ns"
    in_ns "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    in_ns "$ns" ip link set lo up
done
wire() {  # wire NS1 DEV1 ADDR1 NS2 DEV2 ADDR2
    ip link add "$2" netns "$1" type veth peer name "$5" netns "$4"
    in_ns "$1" ip addr add "$3" dev "$2"
    in_ns "$4" ip addr add "$6" dev "$5"
    in_ns "$1" ip link set "$2" up
    in_ns "$4" ip link set "$5" up
}
wire $home eth0 10.77.0.2/24 $gw lan0 10.77.0.1/24
wire $gw wan0 10.77.1.2/24 $rt down0 10.77.1.1/24
wire $rt up0 10.77.2.1/24 $net eth0 10.77.2.2/24
in_ns $net ip addr add 10.77.2.3/24 dev eth0
in_ns $home ip route add default via 10.77.0.1
in_ns $gw ip route add default via 10.77.1.1
in_ns $rt ip route add 10.77.0.0/24 via 10.77.1.2
in_ns $net ip route add default via 10.77.2.1
for ns in $gw $rt; do in_ns "$ns" sysctl -qw net.ipv4.ip_forward=1; done

# The internet: a server that sends as many bytes as it is asked for, a name server that knows one
# name, and the page that a portal would answer in the place of.
cat >"$dir/server.py" <<'PY'
import http.server, socketserver, struct, threading
class Names(socketserver.BaseRequestHandler):
    def handle(self):
        question, back = self.request
        answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([10, 77, 2, 3])
        head = question[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, 1, 0, 0)
        back.sendto(head + question[12:] + answer, self.client_address)
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
serve(socketserver.UDPServer(("10.77.2.2", 53), Names))
serve(http.server.ThreadingHTTPServer(("10.77.2.3", 80), Page))
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        left = int(self.rfile.readline())
        while left:
            block = bytes(min(left, 65536))
            self.wfile.write(block)
            left -= len(block)
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("10.77.2.2", 8000), Handler).serve_forever()
PY
cat >"$dir/client.py" <<'PY'
import socket, sys
size = int(sys.argv[1])
with socket.create_connection(("10.77.2.2", 8000), timeout=60) as s:
    s.sendall(b"%d\n" % size)
    got = 0
    while True:
        block = s.recv(65536)
        if not block:
            break
        got += len(block)
sys.exit(got != size)
PY
(exec ip netns exec $net python3 "$dir/server.py") & pids+=($!)

# --- certificate, token, configuration ----------------------------------------------------------
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=demo \
    -addext "subjectAltName=IP:10.77.2.2" -keyout "$dir/key.pem" -out "$dir/ca.pem" 2>/dev/null
(umask 077; "$bin/gerbang-province" token demo-village --tokens "$dir/tokens" --quiet >"$dir/token")
cat >"$dir/gerbang.yaml" <<YAML
site: {id: demo-village, name: Desa Percontohan}
lang: en
interfaces: {lan: [lan0]}
metering: {tick: 1s, commit: 10s}
probe:
  interval: 3s
  doubt_interval: 1s
  timeout: 1s
  targets:
    - {name: domestic, address: 10.77.2.2, tcp_port: 8000}
    - {name: abroad, address: 10.77.2.3, tcp_port: 8000, group: international}
  resolvers: [10.77.2.2]
  dns_name: desa.example
  dns_expect: [10.77.2.3]
  web_url: http://10.77.2.3/generate_204
sync:
  targets:
    - {name: province, url: "https://10.77.2.2:9841", ca_file: $dir/ca.pem, token_file: $dir/token, interval: 10s}
YAML
mkdir "$dir/state" "$dir/run"
gerbang="$bin/gerbang --config $dir/gerbang.yaml --state $dir/state --runtime $dir/run"
province="$bin/gerbang-province"
# exec, so that $! is the program itself and not a shell that waits for it.
start_daemon() {
    (exec ip netns exec $gw $gerbang run 2>>"$dir/gerbang.log") &
    daemon=$!
    pids+=($daemon)
}
status() { in_ns $gw $gerbang --json status; }
field() { python3 -c "import json,sys; d=json.load(sys.stdin); print($1)"; }
# Limits are for a machine that hangs: nothing is judged by how long it took.
wait_until() {  # wait_until SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.3
    done
}
is_so() { [ "$(status 2>/dev/null | field "$1" 2>/dev/null)" = True ]; }
wait_for() { wait_until "$1" is_so "$2"; }  # wait_for SECONDS EXPRESSION-OVER-d
listens() {  # listens PORT udp|tcp, in the internet
    in_ns $net grep -qi "$(printf ':%04X ' "$1")" "/proc/net/$2"
}
kernel_bytes() {  # received and sent by wan0, as the kernel counts them
    in_ns $gw cat /sys/class/net/wan0/statistics/rx_bytes /sys/class/net/wan0/statistics/tx_bytes |
        tr '\n' ' '
}
metered_bytes() {
    status | field '*[(str(i["rx_bytes"])+" "+str(i["tx_bytes"])+" ") for i in d["interfaces"] if i["name"]=="wan0"]'
}
say_status() { in_ns $gw $gerbang status | sed 's/^/    /'; }

step "A village: home - gateway (lan0, wan0) - router - internet with the province's receiver."
(exec ip netns exec $net "$province" receive --listen 10.77.2.2:9841 --store "$dir/province.db" \
    --tokens "$dir/tokens" --tls-cert "$dir/ca.pem" --tls-key "$dir/key.pem" \
    2>>"$dir/province.log") & pids+=($!)
# The daemon meters from its first tick; the kernel's counters at that moment are the baseline.
read -r base_rx base_tx <<<"$(kernel_bytes)"
start_daemon
wait_for 60 'd["link"]["state"]=="up"' || fail "the daemon did not see the link"
for port in 53:udp 80:tcp 8000:tcp; do
    wait_until 60 listens "${port%:*}" "${port#*:}" || fail "the internet's port $port"
done
step "Metering: a villager downloads 40 MB through the gateway."
in_ns $home python3 "$dir/client.py" 40000000 || fail "download"
sleep 2
say_status
wait_for 120 'd["sync"][0]["through"]>20' || fail "nothing reached the province"
echo "    wan0 since the start: kernel $(kernel_bytes), gerbang $(metered_bytes)(it goes on counting)"

step "The link is cut: the router's side of the cable goes down."
cut_at=$SECONDS
in_ns $rt ip link set down0 down
wait_for 60 'd["link"]["state"]=="down"' || fail "the outage was not declared"
step "Declared $((SECONDS - cut_at)) s later:"
say_status
before=$(status | field 'd["sync"][0]["pending_records"]')
sleep 14
step "The buffer grows: $before records waited then, now $(status | field 'd["sync"][0]["pending_records"]')."

# Some complete ticks must lie in the ring alone: that is what a kill could lose.
written() { stat -c '%y %s' "$dir"/state/journal.db*; }
while :; do
    wait_for 60 'd["journal"]["pending_ticks"]>=5' || fail "no ticks pending"
    before=$(written)
    pending=$(status | field 'd["journal"]["pending_ticks"]')
    kill -9 "$daemon"; wait "$daemon" 2>/dev/null || true
    step "kill -9, with $pending ticks measured and not yet on disk."
    [ "$before" = "$(written)" ] && [ "$pending" -ge 5 ] && break
    step "The minute was written to disk just before that; once more."
    start_daemon
done
sleep 2
start_daemon
wait_for 60 'd["journal"]["last"]>0' || fail "the daemon did not come back"
recovered=$(grep -o 'recovered_ticks=[0-9]*' "$dir/gerbang.log" | tail -n 1)
[ "${recovered#*=}" -ge "$pending" ] || fail "ticks were lost: $recovered"
step "Back, nothing lost: $recovered, kept in RAM outside the process. Its own words:"
grep recovered_ticks "$dir/gerbang.log" | tail -n 1 | sed 's/^<.>/    /'

step "The link returns; a villager downloads 10 MB more."
in_ns $rt ip link set down0 up
in_ns $rt ip route replace 10.77.0.0/24 via 10.77.1.2
wait_for 120 'd["link"]["state"]=="up"' || fail "the link did not come back"
in_ns $home python3 "$dir/client.py" 10000000 || fail "second download"
# New records come every 10 s: what was there when the link returned must arrive.
backlog=$(status | field 'd["journal"]["last"]')
wait_for 180 "d['sync'][0]['through']>=$backlog" || fail "the backlog did not drain"
say_status
in_ns $gw $gerbang outages | sed 's/^/    /'

step "The proof: wan0 is held still, so that all three can be compared to the byte."
in_ns $rt ip link set down0 down
sleep 1
kernel=$(kernel_bytes)
read -r now_rx now_tx <<<"$kernel"
expected="$((now_rx - base_rx)) $((now_tx - base_tx)) "
is_metered() { metered=$(metered_bytes) && [ "$metered" = "$expected" ]; }
wait_until 30 is_metered || true  # what it says instead is shown below
last=$(status | field 'd["journal"]["last"]')
wait_for 90 "d['journal']['last']>$((last + 1))" || fail "no commit while the link was held"
still=$(status | field 'd["journal"]["last"]')
in_ns $rt ip link set down0 up
wait_for 180 "d['sync'][0]['through']>=$still" || fail "the last records did not reach the province"

in_ns $net "$province" list --store "$dir/province.db" --lang en | sed 's/^/    /'
# Is the reading of the still moment at the province, every number there, and none twice?
in_ns $net "$province" copy --store "$dir/province.db" "$dir/copy.db" >/dev/null
at_province=$(sqlite3 -separator ' ' "$dir/copy.db" "
    SELECT (SELECT value FROM reading WHERE name='interface_receive_bytes_total'
                AND labels LIKE '%wan0%' AND seq=(SELECT max(seq) FROM chunk WHERE seq<=$still)
                ORDER BY device_ms DESC LIMIT 1),
           (SELECT value FROM reading WHERE name='interface_transmit_bytes_total'
                AND labels LIKE '%wan0%' AND seq=(SELECT max(seq) FROM chunk WHERE seq<=$still)
                ORDER BY device_ms DESC LIMIT 1)")
counts=$(sqlite3 -separator ' ' "$dir/copy.db" "
    SELECT count(*), count(DISTINCT seq), min(seq), max(seq) FROM
        (SELECT seq FROM chunk UNION ALL SELECT seq FROM event)")
read -r rows distinct first newest <<<"$counts"
echo "    bytes received and sent by wan0 since the start"
echo "      kernel:   $expected"
echo "      gerbang:  $metered"
echo "      province: $at_province"
echo "    records at the province: $rows, numbers $first to $newest, each once: $distinct"
[ "$expected" = "$metered" ] || fail "the daemon's bytes differ from the kernel's"
[ "$expected" = "$at_province " ] || fail "the province's bytes differ from the kernel's"
[ "$rows" = "$distinct" ] && [ "$first" = 1 ] && [ "$newest" = "$rows" ] ||
    fail "a record is missing or twice"
step "DEMO PASSED: every byte counted once, every record at the province once."
