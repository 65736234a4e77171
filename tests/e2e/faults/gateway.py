"""The real `gerbang` on a village's gateway: its configuration, its lives, what it says."""

import datetime
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
import uuid

from topology import ACCESS_POINT, NAME, PROVINCE_PORT, V4, Failed, die_with_parent

SITE = "fault-village"
COMMIT_S, TICK_S = 10.0, 1.0
LONGEST_VERDICT_S = 30.0  # promise 11
#: What has not come by then never will; no test judges how long it took.
HANGS_S = 90.0


class Pace:
    """How often the daemon looks. A round takes three time-outs at most, less than `interval`, so
    that rounds of an outage begin one interval apart."""

    def __init__(self, interval, doubt, timeout, web, is_default=False):
        self.interval, self.doubt, self.timeout, self.web = interval, doubt, timeout, web
        self.is_default = is_default

    def settings(self):
        if self.is_default:
            return {}
        return {"interval": f"{self.interval}s", "doubt_interval": f"{self.doubt}s",
                "timeout": f"{int(self.timeout * 1000)}ms", "web_interval": f"{self.web}s"}

    @property
    def round_s(self):
        """The longest that a round takes, and half a second for a busy machine."""
        return 3 * self.timeout + 0.5

    @property
    def tolerance(self):
        """One interval, its jitter of a tenth, and half a second for a busy machine."""
        return self.interval * 1.1 + 0.5


FAST = Pace(3, 1, 0.8, 10)
# As shipped: the promise of 30 s is made for these.
DEFAULT = Pace(10, 3, 2.5, 60, is_default=True)


class Instant(float):
    """An instant of the wall clock that lies from `early` to `late`; as a number, the latter."""

    def __new__(cls, early, late):
        made = super().__new__(cls, late)
        made.early, made.late = early, late
        return made


def instant(text):
    """Seconds since 1970 of "2026-11-21T06:05:04.123Z"; None stays None."""
    if text is None:
        return None
    parsed = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    return parsed.replace(tzinfo=datetime.timezone.utc).timestamp()


def clock_offset():
    """How far the wall clock is from the time since the kernel started."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


class Gateway:
    """One box: its state outlives power cuts, its runtime folder does not."""

    def __init__(self, village, binaries, pace=FAST, with_supply=False, changes=None):
        self.village, self.binaries, self.pace = village, binaries, pace
        self.folder = village.folder
        self.state, self.runtime = f"{self.folder}/state", f"{self.folder}/run"
        self.socket = f"{self.runtime}/gerbang.sock"
        self.log = f"{self.folder}/gerbang.log"
        self.with_supply = with_supply
        self.process = None
        self.boots = 0
        self.chance = random.Random(os.environ.get("GERBANG_SEED", "1"))
        os.makedirs(self.state)
        os.makedirs(self.runtime)
        if with_supply:
            self.set_mains(True)
        self.config = self._config(changes or {})
        with open(f"{self.folder}/gerbang.yaml", "w", encoding="ascii") as file:
            # JSON is YAML.
            json.dump(self.config, file, indent=1)

    def _config(self, changes):
        where = self.village.where
        config = {
            "site": {"id": SITE, "name": "Desa Uji"},
            "lang": "en",
            "log": {"level": "debug"},
            "interfaces": {"wan": self.village.wan, "lan": ["lan0"]},
            "metering": {"tick": f"{int(TICK_S)}s", "commit": f"{int(COMMIT_S)}s"},
            # The board's own word for the time, so that boots can be laid beside each other.
            "clock": {"trust_system": True},
            "probe": {
                **self.pace.settings(),
                "targets": [
                    target("nasional", where.domestic), target("nasional-2", where.more_domestic),
                    *(target(f"luar-{i}", address, "international")
                      for i, address in enumerate(where.abroad))],
                "resolvers": list(where.resolvers),
                "dns_name": NAME,
                "dns_expect": [where.name_address],
                "web_url": f"http://{in_url(where.web)}/generate_204"},
            "hotspot": {"address": ACCESS_POINT},
            "services": [{"name": "simpeg", "url": f"http://{in_url(where.service)}/"}],
            "power": {"mains": "auto" if self.with_supply else "none"},
        }
        for key, value in changes.items():
            if isinstance(value, dict) and isinstance(config.get(key), dict):
                config[key] = {**config[key], **value}
            elif value is None:
                config.pop(key, None)
            else:
                config[key] = value
        return config

    # --- lives --------------------------------------------------------------------------------

    def set_mains(self, is_on):
        """What /sys/class/power_supply says to the daemon."""
        supply = f"{self.folder}/power_supply/mains"
        os.makedirs(supply, exist_ok=True)
        for name, text in (("type", "Mains"), ("online", str(int(is_on)))):
            with open(f"{supply}/{name}.new", "w", encoding="ascii") as file:
                file.write(text + "\n")
            os.rename(f"{supply}/{name}.new", f"{supply}/{name}")

    def start(self):
        """A life on the present boot."""
        steps = []
        if self.with_supply:
            steps.append(f"mount --bind {self.folder}/power_supply /sys/class/power_supply")
        enter = "exec"
        if self.boots:
            steps.append(f"mount --bind {self.folder}/boot_id /proc/sys/kernel/random/boot_id")
            enter = (f"exec unshare -T --boottime {self.shift} --monotonic {self.shift} --fork "
                     "--kill-child")
        steps.append(f'{enter} "$@"')
        with open(self.log, "ab") as log:
            # A mount namespace of its own comes with `ip netns exec`.
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.village.gw, "sh", "-ec", "\n".join(steps), "sh",
                 f"{self.binaries}/gerbang", "--config", f"{self.folder}/gerbang.yaml", "--state",
                 self.state, "--runtime", self.runtime, "run"],
                stdout=log, stderr=log, preexec_fn=die_with_parent)
        self.wait(lambda status: True, HANGS_S, "the daemon's first answer")

    def daemon_pid(self):
        if not self.boots:
            return self.process.pid
        parent = self.process.pid
        with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
            return int(file.read().split()[0])

    def _end(self, number):
        os.kill(self.daemon_pid(), number)
        code = self.process.wait(timeout=HANGS_S)
        self.process = None
        return code

    def stop(self):
        if self.process is None:
            return
        code = self._end(signal.SIGTERM)
        if code != 0:
            raise Failed(f"exit code {code} after SIGTERM")

    def kill(self):
        """kill -9; what lies in RAM outside the process stays."""
        self._end(signal.SIGKILL)

    def power_cut(self):
        """Everything in RAM is gone at once."""
        self.kill()
        shutil.rmtree(self.runtime)
        os.makedirs(self.runtime)

    def boot(self):
        """The kernel starts anew: another identity, and device time from one second on."""
        self.boots += 1
        with open(f"{self.folder}/boot_id", "w", encoding="ascii") as file:
            file.write(f"{uuid.UUID(int=self.chance.getrandbits(128), version=4)}\n")
        self.shift = -int(time.clock_gettime(time.CLOCK_BOOTTIME) - 1)
        self.start()

    def cleanup(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    # --- what it says -------------------------------------------------------------------------

    def ask(self, path):
        """GET over the UNIX socket, without the weight of a process."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(30)
            sock.connect(self.socket)
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: gerbang\r\nConnection: close\r\n\r\n"
                         .encode())
            answer = b""
            while block := sock.recv(65536):
                answer += block
        head, body = answer.split(b"\r\n\r\n", 1)
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise OSError(head.split(b"\r\n")[0].decode())
        return json.loads(body)

    def cli(self, *words):
        done = subprocess.run(
            [f"{self.binaries}/gerbang", "--config", f"{self.folder}/gerbang.yaml", "--runtime",
             self.runtime, *words], capture_output=True, text=True, check=False, timeout=HANGS_S)
        if done.returncode != 0:
            raise Failed(f"gerbang {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def status(self):
        return json.loads(self.cli("--json", "status"))

    def outages(self):
        rows = json.loads(self.cli("--json", "outages", "--all-links", "--limit", "1000"))
        rows = rows if isinstance(rows, list) else rows["outages"]
        return sorted(rows, key=lambda row: (row["id"], row["segment"]))

    def wait(self, wanted, limit, what):
        """Until `wanted(status)`; the instant and the status when it was so. It became so between
        the look before (`early`) and that one (`late`)."""
        end = time.monotonic() + limit
        status, early = None, time.time()
        while True:
            looked = time.time()
            if self.process is not None and self.process.poll() is not None:
                raise Failed(f"the daemon ended with {self.process.returncode}")
            try:
                status = self.ask("/v1/status")
                if wanted(status):
                    return Instant(early, time.time()), status
                early = looked
            except (OSError, ValueError):
                pass  # not there yet
            if time.monotonic() > end:
                raise Failed(f"not within {limit:.0f} s: {what}; it says {summary(status)}")
            time.sleep(0.15)


def summary(status):
    if status is None:
        return "nothing"
    rungs = {line["rung"]: line["state"] for line in status.get("ladder", [])}
    links = {line["link"]: (line["state"], line["cause"]) for line in status.get("links", [])}
    return f"link {status['link']}, ladder {rungs}, beside it {links}"


def target(name, address, group="domestic"):
    return {"name": name, "address": address, "group": group}


def in_url(address):
    return f"[{address}]" if ":" in address else address


def province_target(where=V4, interval_s=10):
    return {"targets": [{"name": "province", "url": f"http://{in_url(where.province)}:{PROVINCE_PORT}",
                         "allow_plain": True, "interval": f"{interval_s}s"}]}
