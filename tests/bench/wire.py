#!/usr/bin/env python3
"""wire.py BIN WIRE [DAYS]: what sync costs on the wire, TLS on, all headers down to Ethernet's, both
directions, counted where the frames pass (600 ms there and back, no loss, a connection kept): bytes
a reading at one batch a minute, at one every two minutes, and on a drain of DAYS. Then how fast a
drain goes into a province on the same machine, and how much of that is the province's own work.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../e2e/drain")
from link import Control  # noqa: E402
from village import PORT, Failed, Missing, command, die_with_parent  # noqa: E402

MINUTES = 40
# The goal for one batch a minute is 3.0: of its 1,260 bytes 700 are headers and receipts (Ethernet,
# TCP, TLS, HTTP). Two minutes are the default.
LIMITS = {"one batch a minute": 3.6, "one every two minutes": 2.3, "a drain": 1.25}
PROVINCE, GATEWAY = "10.88.9.1", "10.88.9.2"


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Line:
    """Two namespaces, a frame counter between them, the province in one."""

    def __init__(self, binaries, folder):
        self.binaries, self.folder, self.children = binaries, folder, []
        self.gw, self.net = (f"gbw{os.getpid()}{part}" for part in ("gw", "net"))

    def __enter__(self):
        for name in (self.gw, self.net):
            command("ip", "netns", "add", name)
            command("ip", "-n", name, "link", "set", "lo", "up")
        relay = subprocess.Popen(
            ["python3", f"{HERE}/../e2e/drain/link.py", self.gw, "sat0", self.net, "sat1", "0.3", "0",
             "1", "0", f"{self.folder}/link"], stdout=subprocess.PIPE, text=True,
            preexec_fn=die_with_parent)
        self.children.append(relay)
        if relay.stdout.readline().strip() != "ready":
            raise Missing("two TAP devices (/dev/net/tun)")
        self.control = Control(f"{self.folder}/link")
        for name, device, address in ((self.gw, "sat0", GATEWAY), (self.net, "sat1", PROVINCE)):
            command("ip", "netns", "exec", name, "sysctl", "-qw",
                    "net.ipv6.conf.all.disable_ipv6=1")
            command("ip", "-n", name, "addr", "add", f"{address}/24", "dev", device)
            command("ip", "-n", name, "link", "set", device, "up")
        return self

    def __exit__(self, *_):
        for child in self.children:
            child.kill()
            child.wait()
        for name in (self.gw, self.net):
            command("ip", "netns", "del", name, check=False)

    def start_province(self, store):
        folder = self.folder
        child = subprocess.Popen(
            ["ip", "netns", "exec", self.net, f"{self.binaries}/gerbang-province", "receive",
             "--listen", f"{PROVINCE}:{PORT}", "--store", store, "--tls-cert", f"{folder}/ca.pem",
             "--tls-key", f"{folder}/key.pem", "--tokens", f"{folder}/tokens"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self.children.append(child)
        end = time.monotonic() + 60
        while not os.path.exists(f"{store}.sock"):
            if time.monotonic() > end or child.poll() is not None:
                raise Failed("the province did not start")
            time.sleep(0.05)
        return child

    def wire(self, program, namespace, *words):
        """(bytes on the wire, readings, milliseconds, the province's processor seconds and bytes)."""
        state = tempfile.mkdtemp(dir=self.folder)
        store = f"{state}/province.db"
        province = self.start_province(store)
        folder = self.folder
        sender = subprocess.Popen(
            ["ip", "netns", "exec", namespace, program, state, f"https://{PROVINCE}:{PORT}",
             f"{folder}/ca.pem", f"{folder}/token", *words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.children.append(sender)
        if sender.stdout.readline().strip() != "begin":
            raise Failed("the sender did not begin")
        before = sum(self.control.carried())
        used = cpu_s(province.pid)
        sender.stdin.write("\n")
        sender.stdin.flush()
        said = sender.stdout.readline().split()
        if len(said) != 3 or said[0] != "end":
            raise Failed("the sender failed")
        province_s = cpu_s(province.pid) - used
        sender.wait()
        carried = sum(self.control.carried()) - before
        province.kill()
        province.wait()
        kept = os.path.getsize(store)
        shutil.rmtree(state)
        return carried, int(said[1]), int(said[2]), province_s, kept


def main():
    binaries, program = sys.argv[1:3]
    days = sys.argv[3] if len(sys.argv) > 3 else "10"
    for tool in ("ip", "openssl"):
        if shutil.which(tool) is None:
            print(f"skipped: needs {tool}")
            return 77
    if os.geteuid() != 0:
        print("skipped: needs root")
        return 77
    folder = tempfile.mkdtemp(prefix="gerbang-wire.", dir="/dev/shm")
    over = []
    try:
        command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=wire",
                "-addext", f"subjectAltName=IP:{PROVINCE}", "-keyout", f"{folder}/key.pem", "-out",
                f"{folder}/ca.pem")
        token = command(f"{binaries}/gerbang-province", "token", "wire-village", "--tokens",
                        f"{folder}/tokens", "--quiet")
        with open(f"{folder}/token", "w", encoding="ascii",
                  opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(token)
        with Line(binaries, folder) as line:
            for name, words in (("one batch a minute", ("minutes", str(MINUTES), "60")),
                                ("one every two minutes", ("minutes", str(MINUTES), "120")),
                                ("a drain", ("drain", days))):
                size, readings, *_ = line.wire(program, line.gw, *words)
                each = size / readings
                print(f"{name}: {size} bytes for {readings} readings, {each:.2f} bytes each (limit "
                      f"{LIMITS[name]})", flush=True)
                if each > LIMITS[name]:
                    over.append(name)
            size, readings, took_ms, province_s, kept = line.wire(program, line.net, "drain", days)
            print(f"on one machine: {readings} readings in {took_ms} ms, "
                  f"{readings / took_ms / 1e3:.1f} million a second; the province alone used "
                  f"{province_s:.2f} s of processor, {readings / max(province_s, 0.01) / 1e6:.1f} "
                  f"million readings a second of it ({kept} bytes in its store)")
    except Missing as missing:
        print(f"skipped: needs {missing}")
        return 77
    except Failed as failed:
        print(f"WIRE BENCH FAILED: {failed}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if over:
        print(f"over the limit: {', '.join(over)}")
    return 1 if over else 0


sys.exit(main())
