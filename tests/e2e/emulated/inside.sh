# Runs in the emulated machine, which sees its host's files read-only; see run.sh.
# shellcheck shell=bash disable=SC2154
export PATH=/usr/sbin:/usr/bin:/sbin:/bin TMPDIR=/run HOME=/run
lib=usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$files/$lib:$files/lib/x86_64-linux-gnu
iw=$files/sbin/iw
[ -x "$iw" ] || iw=$files/usr/sbin/iw

# waits until a command succeeds, at most a minute
comes_true() { for _ in $(seq 60); do "$@" >/dev/null 2>&1 && return; sleep 1; done; }
say() { "$build/emulated_links" | sed "s/^/$1: /"; }

printf '%s\n' interface=wlan0 driver=nl80211 ssid=desa channel=1 hw_mode=g >/run/hostapd.conf
"$files/usr/sbin/hostapd" -B /run/hostapd.conf
say empty
ip link set wlan1 up
"$iw" dev wlan1 connect desa
is_associated() { "$iw" dev wlan0 station dump | grep -q 'authorized:.*yes'; }
comes_true is_associated
say used

cd /run || exit
echo "flowtable: $("$build/test_host" 'gerbang-facts finds a real flowtable*' | tr '\n' ' ')"

ip netns add isp
ip link add ve0 type veth peer name ve1 netns isp
ip link set ve0 up
ip -n isp link set ve1 up
cp "$files/usr/sbin/pppd" "$files/usr/sbin/pppoe" /run/
printf '%s\n' noauth nodefaultroute >/run/server-options
ip netns exec isp "$files/usr/sbin/pppoe-server" -I ve1 -L 192.0.2.1 -R 192.0.2.2 -N 1 \
    -q /run/pppd -Q /run/pppoe -O /run/server-options -F &
/run/pppd plugin "$(echo "$files"/usr/lib/pppd/*/pppoe.so)" ve0 noauth defaultroute noipdefault \
    nodetach persist holdoff 1 &
has_session() { ip route show default | grep -q ppp0; }
comes_true has_session
say session
