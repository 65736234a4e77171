"""A village and its internet in network namespaces of this process alone.

    home ── lan0 gateway wan0 ── modem ── provider ── internet

    home      10.77.0.2 a villager, 10.77.0.3 the access point
    gateway   10.77.0.1 inside, 10.77.1.2 outside; the daemon runs here
    modem     10.77.1.1 the next hop
    provider  10.77.2.2 the first router of the provider's
    internet  198.51.100.0/24 within the country, 203.0.113.0/24 abroad, and IPv6 of both

The same in IPv6 is beside it up to the WAN. A village of IPv6 alone (`V6`) has IPv4 on its LAN and
nowhere else; its next hop is the modem's link-local address. Addresses are those that RFC 5737 and
3849 keep for examples: no packet could mean a real host.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time


class Addresses:
    """Who is where, in the address family that a village's faults are about."""

    def __init__(self, is_v6, domestic, more_domestic, abroad, resolvers, web, province, service,
                 big_server, name_address, next_hop, provider, villager):
        self.is_v6 = is_v6
        self.ip = "ip6" if is_v6 else "ip"  # as nft has it
        self.domestic, self.more_domestic, self.abroad = domestic, more_domestic, abroad
        self.resolvers, self.web, self.province = resolvers, web, province
        self.service, self.big_server, self.name_address = service, big_server, name_address
        self.next_hop, self.provider, self.villager = next_hop, provider, villager

    def hosts(self):
        """Those of the internet's namespace that are of this family."""
        return (self.domestic, *self.abroad, *self.resolvers, self.web, self.province,
                self.service, self.big_server)

    def any_address(self):
        return "::" if self.is_v6 else "0.0.0.0"


V6 = Addresses(True, "2001:db8:d::10", "2001:db8:d::11", ("2001:db8:a::10", "2001:db8:a::11"),
               ("2001:db8:d::53", "2001:db8:a::53"), "2001:db8:a::204", "2001:db8:d::80",
               "2001:db8:d::90", "2001:db8:d::99", "2001:db8:a::77", "fe80::1", "2001:db8:2::2",
               "2001:db8:77::2")
#: IPv4 with one host of IPv6.
V4 = Addresses(False, "198.51.100.10", V6.domestic, ("203.0.113.10", "203.0.113.11"),
               ("198.51.100.53", "203.0.113.53"), "203.0.113.204", "198.51.100.80",
               "198.51.100.90", "198.51.100.99", "203.0.113.77", "10.77.1.1", "10.77.2.2",
               "10.77.0.2")
PROVINCE_PORT = 9841
NAME = "uji.gerbang.example"
GATEWAY_LAN, ACCESS_POINT = "10.77.0.1", "10.77.0.3"
ABROAD_NETS = (("ip", "203.0.113.0/24"), ("ip6", "2001:db8:a::/48"))

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDERS = "gerbang-faults."
_PREFIX = "gbf"
_made = 0


class Failed(Exception):
    """What the test found wrong, in words for its reader."""


class Missing(Exception):
    """What this machine lacks for the test."""


def command(*words, text=None, check=True):
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def die_with_parent():
    """In a child: SIGKILL when the test dies, however it dies (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def make_folder():
    return tempfile.mkdtemp(prefix=f"{FOLDERS}{os.getpid()}.", dir="/dev/shm")


def sweep():
    """Removes what a test left behind that was killed outright: its maker lives no more."""
    for line in command("ip", "netns", "list", check=False).splitlines():
        name = line.split()[0] if line.strip() else ""
        owner = name[len(_PREFIX):].split("-")[0]
        if name.startswith(_PREFIX) and owner.isdigit() and not is_alive(owner):
            command("ip", "netns", "del", name, check=False)
    for name in os.listdir("/dev/shm"):
        if name.startswith(FOLDERS) and not is_alive(name[len(FOLDERS):].split(".")[0]):
            shutil.rmtree(f"/dev/shm/{name}", ignore_errors=True)


class Village:
    """The namespaces and what runs in them besides the daemon. Use as a context manager."""

    def __init__(self, folder, where=V4, is_satellite=False, satellite=("0.3", "0.02", "0.02")):
        global _made
        _made += 1
        self.folder, self.where = folder, where
        self.is_satellite = is_satellite
        self.satellite = satellite
        self.wan = "sat0" if is_satellite else "wan0"
        self.modem_side = "sat1" if is_satellite else "down0"
        base = f"{_PREFIX}{os.getpid()}-{_made}"
        self.home, self.gw, self.modem, self.isp, self.net = (
            f"{base}{part}" for part in ("home", "gw", "modem", "isp", "net"))
        self.children = []
        self.faults = 0

    def namespaces(self):
        return (self.home, self.gw, self.modem, self.isp, self.net)

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for child in self.children:
            child.kill()
        for child in self.children:
            child.wait()
        names = "".join(f"netns del {name}\n" for name in self.namespaces())
        command("ip", "-force", "-batch", "-", text=names, check=False)

    # --- making ------------------------------------------------------------------------------

    def _make(self):
        links = [(self.home, "eth0", self.gw, "lan0"), (self.modem, "up0", self.isp, "down0"),
                 (self.isp, "up0", self.net, "eth0")]
        if not self.is_satellite:
            links.append((self.gw, "wan0", self.modem, "down0"))
        command("ip", "-batch", "-", text="".join(f"netns add {n}\n" for n in self.namespaces()))
        for name in self.namespaces():
            forward = int(name in (self.gw, self.modem, self.isp))
            settings = [f"net.ipv4.ip_forward={forward}", f"net.ipv6.conf.all.forwarding={forward}",
                        "net.ipv4.conf.all.rp_filter=0"]
            for which in ("all", "default"):
                settings += [f"net.ipv6.conf.{which}.accept_dad=0",
                             f"net.ipv6.conf.{which}.accept_ra=0",
                             f"net.ipv6.conf.{which}.router_solicitations=0",
                             f"net.ipv6.conf.{which}.keep_addr_on_down=1"]
            self.run(name, "sysctl", "-qw", *settings)
        command("ip", "-batch", "-", text="".join(
            f"link add {b} netns {a} type veth peer name {d} netns {c}\n" for a, b, c, d in links))
        if self.is_satellite:
            self._start_relay()
        self._configure(self.home, "eth0 10.77.0.2/24", f"eth0 {ACCESS_POINT}/24",
                        f"eth0 {V6.villager}/64",
                        routes=["default via 10.77.0.1", "default via 2001:db8:77::1"])
        self._configure(self.gw, f"lan0 {GATEWAY_LAN}/24", "lan0 2001:db8:77::1/64")
        self._configure(self.gw, *self._beyond(f"{self.wan} 10.77.1.2/24"),
                        f"{self.wan} fe80::2/64", f"{self.wan} 2001:db8:1::2/64",
                        routes=self._beyond("default via 10.77.1.1") + [self.default_v6()])
        self._configure(self.modem, *self._beyond(f"{self.modem_side} 10.77.1.1/24"),
                        f"{self.modem_side} 2001:db8:1::1/64", *self._beyond("up0 10.77.2.1/24"),
                        "up0 2001:db8:2::1/64", routes=self._beyond("default via 10.77.2.2") +
                        ["default via 2001:db8:2::2"])
        self._lead_to_gateway()
        self._configure(self.isp, *self._beyond("down0 10.77.2.2/24", "up0 10.77.3.1/24"),
                        "down0 2001:db8:2::2/64", "up0 2001:db8:3::1/64",
                        routes=self._beyond("default via 10.77.3.2",
                                            "10.77.0.0/23 via 10.77.2.1") +
                        ["default via 2001:db8:3::2", "2001:db8:1::/64 via 2001:db8:2::1",
                         "2001:db8:77::/64 via 2001:db8:2::1"])
        self._configure(self.net, *self._beyond("eth0 10.77.3.2/24"), "eth0 2001:db8:3::2/64",
                        *(f"lo {host}/32" for host in self._beyond(*V4.hosts())),
                        *(f"lo {host}/128" for host in (*V6.hosts(), V6.more_domestic)),
                        routes=self._beyond("default via 10.77.3.1") +
                        ["default via 2001:db8:3::1"])
        self._wait_for_links()

    def _beyond(self, *of_ipv4):
        """What is there beyond the LAN only in a village that has IPv4 there."""
        return [] if self.where.is_v6 else list(of_ipv4)

    def default_v6(self):
        return f"default via {V6.next_hop} dev {self.wan}"

    def _lead_to_gateway(self):
        """The modem's side of the cable. A link-local address goes when its link goes down, and
        with it every route over that link."""
        lines = [f"addr replace {V6.next_hop}/64 dev {self.modem_side} nodad",
                 f"route replace 2001:db8:77::/64 via fe80::2 dev {self.modem_side}"]
        lines += [f"route replace {route}" for route in self._beyond("10.77.0.0/24 via 10.77.1.2")]
        command("ip", "-n", self.modem, "-batch", "-", text="\n".join(lines) + "\n")

    def _configure(self, name, *addresses, routes=()):
        devices = dict.fromkeys(["lo", *(pair.split()[0] for pair in addresses)])
        lines = [f"link set {device} up" for device in devices]
        for pair in addresses:
            device, address = pair.split()
            # Without nodad IPv6 addresses would be of no use for a second.
            lines.append(f"addr add {address} dev {device}" + (" nodad" if ":" in address else ""))
        lines += [f"route add {route}" for route in routes]
        command("ip", "-n", name, "-batch", "-", text="\n".join(lines) + "\n")

    def _wait_for_links(self):
        """The kernel opens a link's queue a moment after its carrier came."""
        limit = time.monotonic() + 60
        while " DOWN " in "".join(command("ip", "-n", name, "-br", "link", "show", "up")
                                  for name in (self.gw, self.modem, self.isp)):
            if time.monotonic() > limit:
                raise Failed("a veth pair got no carrier within 60 s")
            time.sleep(0.05)

    def _start_relay(self):
        relay = subprocess.Popen(
            ["python3", f"{HERE}/relay.py", self.gw, self.wan, self.modem, self.modem_side,
             *self.satellite], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.children.append(relay)
        if relay.stdout.readline().strip() != "ready":
            raise Missing("two TAP devices (/dev/net/tun) for the satellite relay")

    # --- running things -----------------------------------------------------------------------

    def run(self, name, *words, check=True):
        return command("ip", "netns", "exec", name, *words, check=check)

    def start(self, name, *words, log="peers.log"):
        """A process in namespace `name` that ends with the village."""
        with open(os.path.join(self.folder, log), "ab") as output:
            child = subprocess.Popen(["ip", "netns", "exec", name, *words], stdout=output,
                                     stderr=output, preexec_fn=die_with_parent)
        self.children.append(child)
        return child

    def stop(self, child):
        child.kill()
        child.wait()
        self.children.remove(child)

    def answers(self, name, address):
        done = subprocess.run(["ip", "netns", "exec", name, "python3", f"{HERE}/peers.py", "echo",
                               address], capture_output=True, check=False)
        return done.returncode == 0

    # --- faults -------------------------------------------------------------------------------
    # Each returns what `mend` takes back, and takes effect with one command. A rule that begins with
    # "set " makes a set for the others.

    def _table(self, name, family, hook, rules):
        self.faults += 1
        table = f"fault{self.faults}"
        lines = [f"add table {family} {table}",
                 f"add chain {family} {table} c {{ type filter {hook} ; }}"]
        for rule in rules:
            lines.append(f"add set {family} {table} {rule[4:]}" if rule.startswith("set ")
                         else f"add rule {family} {table} c {rule}")
        # One transaction: the fault begins at one instant.
        self.nft(name, "\n".join(lines) + "\n")
        return (name, family, table)

    def nft(self, name, text):
        done = subprocess.run(["ip", "netns", "exec", name, "nft", "-f", "-"], input=text,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"nft in {name}: {done.stderr.strip()}")

    def forward(self, name, *rules):
        """Rules for what `name` forwards, before all others."""
        return self._table(name, "inet", "hook forward priority -10", rules)

    def silence(self, name, device):
        """Nothing that arrives at `device` of `name` is seen there, ARP neither."""
        return self._table(name, "netdev", f"hook ingress device {device} priority 0", ["drop"])

    def local(self, name, *rules):
        """Rules for what is meant for `name` itself."""
        return self._table(name, "inet", "hook input priority -10", rules)

    def mend(self, fault):
        name, family, table = fault
        self.nft(name, f"delete table {family} {table}\n")

    def cut_cable(self):
        """The far end of the WAN goes down: carrier 0 at the gateway."""
        command("ip", "-n", self.modem, "link", "set", self.modem_side, "down")

    def plug_cable(self):
        command("ip", "-n", self.modem, "link", "set", self.modem_side, "up")
        self._lead_to_gateway()

    def cut_line(self):
        """The modem's own line goes down: it answers each packet with "unreachable"."""
        command("ip", "-n", self.modem, "link", "set", "up0", "down")

    def plug_line(self):
        routes = self._beyond("default via 10.77.2.2") + ["default via 2001:db8:2::2"]
        command("ip", "-n", self.modem, "-batch", "-", text="link set up0 up\n" + "".join(
            f"route replace {route}\n" for route in routes))

    def cut_lan(self):
        command("ip", "-n", self.home, "link", "set", "eth0", "down")

    def plug_lan(self):
        command("ip", "-n", self.home, "-batch", "-", text=(
            f"link set eth0 up\nroute replace default via {GATEWAY_LAN}\n"
            "route replace default via 2001:db8:77::1\n"))
