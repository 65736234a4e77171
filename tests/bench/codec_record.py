#!/usr/bin/env python3
"""Records real kernel counters as the fixture of the codec's size test.

    sudo tests/bench/codec_record.py OUT [--seconds N]

Once a second, the 60 series of a typical site: 4 interfaces x 8 counters, 5 probe targets x 4, 8 of
system health. The interfaces are real: `wan`, `lan`, `wifi` and `lo` of a gateway in a network
namespace of its own, which forwards the traffic of made-up residents (bursts, pauses, up to
20 Mbit/s) from a server behind a shaped link and asks itself as a local resolver would be asked.
Probes are real round trips through the shaped link to a responder that adds each target's distance.

Nothing private is kept: no addresses, no names but those above, and counters start at zero. On a
machine without a temperature sensor, `temperature` is a model of thermal inertia fed with the
measured CPU load.

OUT is text: `#` lines; one line `series NAME LABEL KIND SCALE` per series; then one line per tick:
the milliseconds since the previous tick and, per series, the difference from the previous tick,
empty where it is zero, separated by commas.
"""

import argparse
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

TARGETS = {  # name: base round trip and spread beyond the link, in seconds
    "next_hop": (0.001, 0.001),
    "domestic_1": (0.028, 0.004),
    "domestic_2": (0.041, 0.012),
    "abroad_1": (0.187, 0.009),
    "abroad_2": (0.236, 0.030),
}
INTERFACES = ("wan", "lan", "wifi", "lo")
COUNTERS = ["rx_bytes", "tx_bytes", "rx_packets", "tx_packets", "rx_errors", "tx_errors",
            "rx_dropped", "tx_dropped"]
COLUMNS = {"rx_bytes": 0, "rx_packets": 1, "rx_errors": 2, "rx_dropped": 3,
           "tx_bytes": 8, "tx_packets": 9, "tx_errors": 10, "tx_dropped": 11}
SERVER, PROBE_PORT, FILE_PORT = "10.213.2.2", 7007, 7008
MIB4 = 4 << 20


def run(command):
    subprocess.run(command.split(), check=True)


class Village:
    """Namespaces: residents by cable and by WiFi - gateway - server, behind a 20 Mbit/s link."""

    def __init__(self):
        self.names = {part: f"gbrec{os.getpid()}{part}" for part in ("r", "w", "g", "s")}
        self.children = []

    def __enter__(self):
        r, w, g, s = (self.names[part] for part in ("r", "w", "g", "s"))
        for name in (r, w, g, s):
            run(f"ip netns add {name}")
            run(f"ip -n {name} link set lo up")
        run(f"ip link add lan netns {g} type veth peer name up0 netns {r}")
        run(f"ip link add wifi netns {g} type veth peer name up0 netns {w}")
        run(f"ip link add wan netns {g} type veth peer name far0 netns {s}")
        run(f"ip -n {g} addr add 10.213.1.1/24 dev lan")
        run(f"ip -n {r} addr add 10.213.1.2/24 dev up0")
        run(f"ip -n {g} addr add 10.213.3.1/24 dev wifi")
        run(f"ip -n {w} addr add 10.213.3.2/24 dev up0")
        run(f"ip -n {g} addr add 10.213.2.1/24 dev wan")
        run(f"ip -n {s} addr add {SERVER}/24 dev far0")
        for name, device in ((g, "lan"), (r, "up0"), (g, "wifi"), (w, "up0"), (g, "wan"), (s, "far0")):
            run(f"ip -n {name} link set {device} up")
        run(f"ip -n {r} route add default via 10.213.1.1")
        run(f"ip -n {w} route add default via 10.213.3.1")
        run(f"ip -n {s} route add default via 10.213.2.1")
        run(f"ip netns exec {g} sysctl -qw net.ipv4.ip_forward=1")
        run(f"tc -n {s} qdisc add dev far0 root tbf rate 20mbit burst 32kb latency 150ms")
        run(f"tc -n {g} qdisc add dev wan root tbf rate 5mbit burst 16kb latency 150ms")
        for name, part in ((s, "server"), (r, "residents"), (w, "guests"), (g, "prober")):
            self.children.append(subprocess.Popen(
                ["ip", "netns", "exec", name, sys.executable, __file__, "--part", part],
                stdout=subprocess.PIPE if part == "prober" else None))
        return self

    def __exit__(self, *_):
        for child in self.children:
            child.kill()
            child.wait()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], check=False)

    @property
    def prober(self):
        return self.children[3]


def serve():
    """Files of any asked size over TCP, and echoes delayed by the target's distance over UDP."""
    def echo():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((SERVER, PROBE_PORT))
        names = list(TARGETS)
        while True:
            data, peer = sock.recvfrom(64)
            base, spread = TARGETS[names[data[0]]]
            delay = base + random.gammavariate(2, spread / 2)
            threading.Timer(delay, sock.sendto, (data, peer)).start()

    def answer(connection):
        with connection:
            size = struct.unpack("!I", connection.recv(4, socket.MSG_WAITALL))[0]
            block = os.urandom(65536)
            while size > 0:
                size -= connection.send(block[:min(size, 65536)])

    threading.Thread(target=echo, daemon=True).start()
    listener = socket.create_server((SERVER, FILE_PORT), backlog=64)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def reside(seeds):
    """People: short page loads, some long downloads, pauses, and quiet stretches."""
    def person(seed):
        chance = random.Random(seed)
        while True:
            time.sleep(chance.expovariate(1 / chance.choice([2, 8, 30, 90])))
            for _ in range(chance.randrange(1, 9)):
                size = int(min(chance.lognormvariate(10.5, 2.0), 40e6)) + 1
                try:
                    with socket.create_connection((SERVER, FILE_PORT), timeout=20) as sock:
                        sock.sendall(struct.pack("!I", size))
                        while sock.recv(65536):
                            pass
                except OSError:
                    pass

    for seed in seeds:
        threading.Thread(target=person, args=(seed,), daemon=True).start()
    threading.Event().wait()


def resolve():
    """Small exchanges over loopback, as between a local resolver and its clients."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", PROBE_PORT))
    while True:
        time.sleep(random.expovariate(1 / 3))
        for _ in range(random.randrange(1, 12)):
            receiver.sendto(bytes(random.randrange(40, 300)), receiver.getsockname())
            receiver.recv(512)


def probe():
    """Asks every target once a second; prints a line per second: `index rtt_us` of each answer."""
    threading.Thread(target=resolve, daemon=True).start()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(0.02)
    started = {}
    number = 0
    next_round = time.monotonic()
    answers = []
    while True:
        now = time.monotonic()
        if now >= next_round:
            print(" ".join(answers), flush=True)
            answers = []
            number += 1
            for index in range(len(TARGETS)):
                started[(index, number)] = time.monotonic()
                sock.sendto(struct.pack("!BI", index, number), (SERVER, PROBE_PORT))
            started = {key: at for key, at in started.items() if key[1] > number - 3}
            next_round += 1
        try:
            index, echoed = struct.unpack("!BI", sock.recv(64))
        except TimeoutError:
            continue
        at = started.pop((index, echoed), None)
        if at is not None:
            answers.append(f"{index} {int((time.monotonic() - at) * 1e6)}")


def net_dev(path):
    with open(path, encoding="ascii") as file:
        lines = file.read().splitlines()[2:]
    rows = {}
    for line in lines:
        name, numbers = line.split(":")
        values = [int(n) for n in numbers.split()]
        rows[name.strip()] = [values[COLUMNS[counter]] for counter in COUNTERS]
    return rows


def first_line(path):
    with open(path, encoding="ascii") as file:
        return file.readline()


class Health:
    """The eight series of system health, each with a precision that means something."""

    SERIES = [("load_1m", "gauge", 2), ("cpu_busy_ms_total", "counter", 0),
              ("cpu_iowait_ms_total", "counter", 0), ("memory_available_bytes", "gauge", 0),
              ("temperature", "gauge", 0), ("state_free_bytes", "gauge", 0),
              ("own_cpu_ms_total", "counter", 0), ("own_memory_bytes", "gauge", 0)]

    def __init__(self):
        self.degrees = 45.0
        self.busy = None

    def read(self):
        cpu = [int(n) * 10 for n in first_line("/proc/stat").split()[1:9]]
        busy = cpu[0] + cpu[1] + cpu[2] + cpu[5] + cpu[6]
        share = 0.0 if self.busy is None else (busy - self.busy) / 1000 / (os.cpu_count() or 1)
        self.busy = busy
        self.degrees += (45 + 30 * min(share, 1.0) - self.degrees) / 20
        try:
            temperature = int(first_line("/sys/class/thermal/thermal_zone0/temp")) // 1000
        except OSError:
            temperature = round(self.degrees)
        with open("/proc/meminfo", encoding="ascii") as file:
            available = next(int(line.split()[1]) for line in file if "MemAvailable" in line)
        disk = os.statvfs("/var")
        own = os.times()
        resident = int(first_line("/proc/self/statm").split()[1]) * 4096
        return [round(float(first_line("/proc/loadavg").split()[0]) * 100), busy, cpu[4],
                available * 1024 // MIB4 * MIB4, temperature,
                disk.f_bavail * disk.f_frsize // MIB4 * MIB4,
                int((own.user + own.system) * 1000), resident // MIB4 * MIB4]


class Probes:
    """Per target: last round trip in milliseconds, requests, answers, and 1 up / 2 down."""

    def __init__(self, prober):
        self.rtt_ms = [0] * len(TARGETS)
        self.sent = [0] * len(TARGETS)
        self.answered = [0] * len(TARGETS)
        self.missed = [0] * len(TARGETS)
        threading.Thread(target=self.follow, args=(prober.stdout,), daemon=True).start()

    def follow(self, lines):
        for line in lines:
            words = [int(word) for word in line.split()]
            seen = dict(zip(words[::2], words[1::2]))
            for index in range(len(TARGETS)):
                self.sent[index] += 1
                self.missed[index] += 1
                if index in seen:
                    self.rtt_ms[index] = round(seen[index] / 1000)
                    self.answered[index] += 1
                    self.missed[index] = 0

    def read(self):
        values = []
        for i in range(len(TARGETS)):
            state = 2 if self.missed[i] >= 3 else 1
            values += [self.rtt_ms[i], self.sent[i], self.answered[i], state]
        return values


def record(out, seconds):
    series = [(f"interface_{counter}_total", interface, "counter", 0)
              for interface in INTERFACES for counter in COUNTERS]
    for target in TARGETS:
        series += [("probe_rtt_ms", target, "gauge", 0), ("probe_sent_total", target, "counter", 0),
                   ("probe_answered_total", target, "counter", 0),
                   ("probe_state", target, "state", 0)]
    series += [(name, "-", kind, scale) for name, kind, scale in Health.SERIES]
    counters = [kind == "counter" for _, _, kind, _ in series]

    with Village() as village, open(out, "w", encoding="ascii") as file:
        file.write("# Recorded by tests/bench/codec_record.py; the format is described there.\n")
        for row in series:
            file.write("series " + " ".join(str(part) for part in row) + "\n")
        gateway = f"/proc/{village.prober.pid}/net/dev"
        probes, health = Probes(village.prober), Health()
        time.sleep(5)
        base, previous, previous_ms = None, [0] * len(series), 0
        next_tick = time.monotonic()
        for _ in range(seconds):
            next_tick += 1
            time.sleep(max(0.0, next_tick - time.monotonic()))
            now_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
            interfaces = net_dev(gateway)
            row = [value for name in INTERFACES for value in interfaces[name]]
            row += probes.read() + health.read()
            if base is None:
                base = [value if is_counter else 0 for value, is_counter in zip(row, counters)]
                previous_ms = now_ms - 1000
            row = [value - start for value, start in zip(row, base)]
            cells = [str(value - old) if value != old else ""
                     for value, old in zip(row, previous)]
            file.write(f"{now_ms - previous_ms},{','.join(cells)}\n")
            file.flush()
            previous, previous_ms = row, now_ms


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?")
    parser.add_argument("--seconds", type=int, default=960)
    parser.add_argument("--part", choices=["server", "residents", "guests", "prober"])
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the namespaces go as well
    parts = {"server": serve, "residents": lambda: reside(range(6)),
             "guests": lambda: reside(range(6, 20)), "prober": probe}
    if options.part:
        parts[options.part]()
    elif options.out:
        record(options.out, options.seconds)
    else:
        parser.error("OUT is missing")


if __name__ == "__main__":
    main()
