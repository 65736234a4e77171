"""A gateway with a backlog and its province, in network namespaces of this process alone.

    home ── lan0 gateway sat0 ══ link.py ══ sat1 province        a narrow link with a long way
    home ── lan0 gateway wan0 ── tbf ────── wan1 province        a quick one, shaped by the kernel

10.88.0.0/24 is the village, 10.88.1.1 the province, 10.88.1.2 the gateway outside.
"""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from link import HOLE, WELL, Control

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
FOLDERS, PREFIX = "gerbang-drain.", "gbd"
PROVINCE, GATEWAY, PORT = "10.88.1.1", "10.88.1.2", 9841
SITE = "drain-village"
#: What has not come by then never will; no test judges how long it took.
HANGS_S = 90.0
INTERVAL_S, COMMIT_S, TICK_S = 10, 10, 2


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
    return os.path.exists(f"/proc/{pid}")


def sweep():
    """Removes what a test left behind that was killed outright: its maker lives no more."""
    for line in command("ip", "netns", "list", check=False).splitlines():
        name = line.split()[0] if line.strip() else ""
        owner = name[len(PREFIX):].split("-")[0]
        if name.startswith(PREFIX) and owner.isdigit() and not is_alive(owner):
            command("ip", "netns", "del", name, check=False)
    for name in os.listdir("/dev/shm"):
        if name.startswith(FOLDERS) and not is_alive(name[len(FOLDERS):].split(".")[0]):
            shutil.rmtree(f"/dev/shm/{name}", ignore_errors=True)


class Line:
    """What lies between gateway and province: `link.py`, or with `is_quick` a veth pair that the
    kernel shapes to `bit_per_s` in both directions."""

    def __init__(self, bit_per_s, delay_s=0.0, queue_s=0.4, loss=0.0, is_quick=False):
        self.bit_per_s, self.delay_s, self.queue_s = bit_per_s, delay_s, queue_s
        self.loss, self.is_quick = loss, is_quick


class Drain:
    """Use as a context manager. `tools` are the programs of this test, by name."""
    made = 0

    def __init__(self, binaries, tools, days, line, interval_s=INTERVAL_S):
        Drain.made += 1
        self.binaries, self.tools, self.days, self.line = binaries, tools, days, line
        self.interval_s = interval_s
        base = f"{PREFIX}{os.getpid()}-{Drain.made}"
        self.home, self.gw, self.net = (f"{base}{part}" for part in ("home", "gw", "net"))
        self.folder = tempfile.mkdtemp(prefix=f"{FOLDERS}{os.getpid()}.", dir="/dev/shm")
        self.wan = "wan0" if line.is_quick else "sat0"
        self.children, self.daemon, self.province, self.control = [], None, None, None

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.__exit__(Failed)
            raise
        return self

    def __exit__(self, kind, *_):
        for child in (*self.children, self.daemon, self.province):
            if child is not None:
                child.kill()
                child.wait()
        for name in (self.home, self.gw, self.net):
            command("ip", "netns", "del", name, check=False)
        if kind is None or not os.environ.get("GERBANG_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def _make(self):
        for name in (self.home, self.gw, self.net):
            command("ip", "netns", "add", name)
            command("ip", "-n", name, "link", "set", "lo", "up")
        for name in (self.home, self.gw, self.net):
            command("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                    f"net.ipv4.ip_forward={int(name == self.gw)}")
        command("ip", "link", "add", "lan0", "netns", self.gw, "type", "veth", "peer", "eth0",
                "netns", self.home)
        far = "wan1" if self.line.is_quick else "sat1"
        if self.line.is_quick:
            command("ip", "link", "add", "wan0", "netns", self.gw, "type", "veth", "peer", "wan1",
                    "netns", self.net)
            for name, device in ((self.gw, "wan0"), (self.net, "wan1")):
                command("ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", device, "root",
                        "tbf", "rate", f"{self.line.bit_per_s}bit", "burst", "16kb", "latency",
                        f"{int(self.line.queue_s * 1000)}ms")
        else:
            self._start_link()
        for name, device, address in ((self.home, "eth0", "10.88.0.2/24"),
                                      (self.gw, "lan0", "10.88.0.1/24"),
                                      (self.gw, self.wan, f"{GATEWAY}/24"),
                                      (self.net, far, f"{PROVINCE}/24")):
            command("ip", "-n", name, "addr", "add", address, "dev", device)
            command("ip", "-n", name, "link", "set", device, "up")
        command("ip", "-n", self.home, "route", "add", "default", "via", "10.88.0.1")
        command("ip", "-n", self.net, "route", "add", "default", "via", GATEWAY)
        command("ip", "-n", self.gw, "route", "add", "default", "via", PROVINCE)
        self._make_credentials()
        os.makedirs(f"{self.folder}/state")
        os.makedirs(f"{self.folder}/run")
        command(self.tools["backlog"], f"{self.folder}/state", str(self.days),
                str(int(time.time() * 1000)))

    def _start_link(self):
        line = self.line
        control = f"{self.folder}/link"
        relay = subprocess.Popen(
            ["python3", f"{HERE}/link.py", self.gw, "sat0", self.net, "sat1", str(line.delay_s),
             str(line.bit_per_s), str(line.queue_s), str(line.loss), control],
            stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.children.append(relay)
        if relay.stdout.readline().strip() != "ready":
            raise Missing("two TAP devices (/dev/net/tun)")
        self.control = Control(control)

    def _make_credentials(self):
        folder = self.folder
        command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=drain",
                "-addext", f"subjectAltName=IP:{PROVINCE}", "-keyout", f"{folder}/key.pem", "-out",
                f"{folder}/ca.pem")
        token = command(f"{self.binaries}/gerbang-province", "token", SITE, "--tokens",
                        f"{folder}/tokens", "--quiet")
        with open(f"{folder}/token", "w", encoding="ascii",
                  opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(token)
        config = {
            "site": {"id": SITE}, "lang": "en",
            "interfaces": {"wan": self.wan, "lan": ["lan0"]},
            "metering": {"tick": f"{TICK_S}s", "commit": f"{COMMIT_S}s"},
            "probe": {"enabled": False},
            "sync": {"targets": [{"name": "province", "url": f"https://{PROVINCE}:{PORT}",
                                  "ca_file": f"{folder}/ca.pem", "token_file": f"{folder}/token",
                                  "interval": f"{self.interval_s}s"}]}}
        with open(f"{folder}/gerbang.yaml", "w", encoding="ascii") as file:
            json.dump(config, file, indent=1)  # JSON is YAML

    # --- the programs -------------------------------------------------------------------------

    def start(self, name, *words, log="peers.log"):
        """A process in a namespace that ends with the test."""
        with open(f"{self.folder}/{log}", "ab") as output:
            return subprocess.Popen(["ip", "netns", "exec", name, *words], stdout=output,
                                    stderr=output, preexec_fn=die_with_parent)

    def start_province(self):
        self.province = self.start(
            self.net, f"{self.binaries}/gerbang-province", "receive", "--listen",
            f"{PROVINCE}:{PORT}", "--store", f"{self.folder}/province.db", "--tls-cert",
            f"{self.folder}/ca.pem", "--tls-key", f"{self.folder}/key.pem", "--tokens",
            f"{self.folder}/tokens", log="province.log")
        limit = time.monotonic() + HANGS_S
        while not os.path.exists(f"{self.folder}/province.db.sock"):
            if time.monotonic() > limit or self.province.poll() is not None:
                raise Failed("the province did not start")
            time.sleep(0.05)

    def kill_province(self):
        self.province.kill()
        self.province.wait()
        os.unlink(f"{self.folder}/province.db.sock")

    def start_daemon(self):
        self.daemon = self.start(
            self.gw, f"{self.binaries}/gerbang", "--config", f"{self.folder}/gerbang.yaml",
            "--state", f"{self.folder}/state", "--runtime", f"{self.folder}/run", "run",
            log="gerbang.log")
        self.wait(lambda status: status["sync"], HANGS_S, "the daemon's first answer")

    def kill_daemon(self):
        self.daemon.kill()
        self.daemon.wait()

    def ask(self, path, method="GET"):
        """Over the UNIX socket, without the weight of a process."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(30)
            sock.connect(f"{self.folder}/run/gerbang.sock")
            sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: gerbang\r\nContent-Length: 0\r\n"
                         "Connection: close\r\n\r\n".encode())
            answer = b""
            while block := sock.recv(65536):
                answer += block
        head, body = answer.split(b"\r\n\r\n", 1)
        if b" 2" not in head.split(b"\r\n")[0]:
            raise OSError(head.split(b"\r\n")[0].decode())
        return json.loads(body) if body.strip() else None

    def sync(self):
        return self.ask("/v1/status")["sync"][0]

    def push_now(self):
        self.ask("/v1/sync/now", "POST")

    def memory_kib(self):
        """What the daemon has of its own: neither shared nor of files."""
        with open(f"/proc/{self.daemon.pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Anonymous:"))

    def newest_at_province(self):
        """Of the epoch that the gateway writes now; 0: nothing."""
        told = command(f"{self.binaries}/gerbang-province", "list", "--json", "--store",
                       f"{self.folder}/province.db")
        for site in json.loads(told)["sites"]:
            for epoch in site["epochs"]:
                if epoch["is_current"]:
                    return max([epoch["through"], *(held[1] for held in epoch["held"])])
        return 0

    def wait(self, wanted, limit, what):
        end = time.monotonic() + limit
        status = None
        while True:
            if self.daemon.poll() is not None:
                raise Failed(f"the daemon ended with {self.daemon.returncode}")
            try:
                status = self.ask("/v1/status")
                if wanted(status):
                    return status
            except (OSError, ValueError):
                pass  # not there yet
            if time.monotonic() > end:
                said = status and status["sync"]
                raise Failed(f"not within {limit:.0f} s: {what}; it says {said}")
            time.sleep(0.2)

    def begin(self):
        """An outage: the daemon runs and cannot reach anybody. Records that wait."""
        if self.control is not None:
            self.control.fault = HOLE
            self.start_province()
        self.start_daemon()
        status = self.wait(lambda status: status["sync"][0]["state"] == "waiting", HANGS_S,
                           "the link is down")
        return status["sync"][0]["pending_records"]

    def mend(self):
        self.control.fault = WELL
        self.push_now()

    def end(self):
        """Both programs end; whether the province holds the journal is told by `same`."""
        self.daemon.send_signal(signal.SIGTERM)
        if self.daemon.wait(timeout=HANGS_S) != 0:
            raise Failed(f"exit code {self.daemon.returncode} after SIGTERM")
        self.province.send_signal(signal.SIGTERM)
        self.province.wait(timeout=HANGS_S)
        return command(self.tools["same"], f"{self.folder}/state/journal.db",
                       f"{self.folder}/province.db").strip()
