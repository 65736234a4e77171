#!/usr/bin/env bash
# Sets up, builds and starts gerbang on this machine (Debian 12; root, or a user with sudo).
#   daemon/run.sh          the daemon on this machine's real interfaces, the receiver beside it
#   daemon/run.sh --demo   a village in network namespaces: outage, kill -9, recovery, in about 70 seconds
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=daemon/setup.sh
. "$top/daemon/setup.sh"

demo=0
case ${1:-} in
    "") ;;
    --demo) demo=1 ;;
    *) sed -n '2,4p' "$0"; exit 64 ;;
esac

# shellcheck disable=SC2086
need_packages $build_packages $run_packages
say "Building (the first time takes some minutes)"
configure_and_build "$top/build/product" all -- -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DGERBANG_TESTS=OFF -DGERBANG_LTO=ON
bin=$top/build/product

if [ "$demo" = 1 ]; then
    need_packages nftables openssl
    exec "$top/daemon/demo.sh" "$bin"
fi

run=$top/build/run
state=$run/state
# The ring wants RAM: /run on an ordinary system, /dev/shm where /run is not a tmpfs.
runtime=/dev/shm/gerbang-run
mkdir -p "$state" "$runtime"
chmod 700 "$state" "$runtime"
port=9841
config=$run/gerbang.yaml
if [ ! -e "$config" ]; then
    (umask 077; "$bin/gerbang-province" token this-machine --tokens "$run/tokens" --quiet \
        >"$run/token")
    cat >"$config" <<YAML
# Written by daemon/run.sh for a trial on this machine; the real file is config/gerbang.yaml.
site:
  id: this-machine
  name: Percobaan di mesin ini
sync:
  targets:
    - name: province
      url: http://127.0.0.1:$port
      token_file: $run/token
      interval: 30s
YAML
fi

say "Starting the receiver of the province on 127.0.0.1:$port and the daemon on this machine"
"$bin/gerbang-province" receive --listen 127.0.0.1:$port --store "$run/province.db" \
    --tokens "$run/tokens" &
receiver=$!
"$bin/gerbang" run --config "$config" --state "$state" --runtime "$runtime" &
daemon=$!
stop() {
    trap - INT TERM EXIT
    kill "$daemon" 2>/dev/null || true
    wait "$daemon" 2>/dev/null || true
    kill "$receiver" 2>/dev/null || true
    wait "$receiver" 2>/dev/null || true
}
trap stop INT TERM EXIT

gerbang="$bin/gerbang --config $config --state $state --runtime $runtime"
for _ in $(seq 50); do
    $gerbang --json status >/dev/null 2>&1 && break
    kill -0 "$daemon" 2>/dev/null || { echo "gerbang: the daemon did not start; see above" >&2; exit 1; }
    sleep 0.2
done
say "Status"
$gerbang status || true
cat <<TXT

Both run until Ctrl-C. In another terminal:
  $gerbang status
      (also: usage --by day, outages, sync; --lang en)
  $bin/gerbang-province list --store $run/province.db
  $bin/gerbang-province copy --store $run/province.db today.db && sqlite3 today.db
TXT
wait "$daemon"
