#!/usr/bin/env python3
"""run.py BIN [CASE...]: the faults of the network table in real namespaces against BIN/gerbang and
BIN/gerbang-province, six villages side by side, each once (`--long`, GERBANG_EFFORT=100: twenty
times). Prints a line for each; ends with 1 if one failed, with 77 where the machine cannot do it. A
case that failed on a starved machine is repeated alone at the end, and named.

    run.py --list          the cases
    run.py --topology      makes a village without the daemon and tries every way through it

GERBANG_SEED chooses the moments of the faults; GERBANG_KEEP=1 keeps the folder of a failed case."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

import cases  # noqa: E402
import families  # noqa: E402
import sequences  # noqa: E402
import topology  # noqa: E402
import wire  # noqa: E402
from topology import Failed, Missing  # noqa: E402
from gateway import in_url  # noqa: E402
from trial import BOTH, CASES, Trial  # noqa: E402

SIDE_BY_SIDE = 6
SKIPPED = 77
STARVED = 75
#: A case that failed while the machine ran nobody for a tenth of the time proves nothing: a "full"
#: line was not full, a peer that "answers" did not. It is repeated, alone, and must pass then.
STARVED_S, STARVED_WINDOW_S = 1.0, 10.0
REPEATS = 2
#: A case that takes this many seconds more than four times its usual duration hangs.
PATIENCE_S = 300


def lacking():
    """Why this machine cannot run the tests; None: it can."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    for tool in ("ip", "nft", "tc", "ss", "sysctl", "unshare"):
        if shutil.which(tool) is None:
            return f"needs {tool}"
    name = f"gbf{os.getpid()}-try"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True,
                           check=False)
    if tried.returncode != 0:
        return f"no network namespaces here: {tried.stderr.strip()}"
    try:
        rules = "add table netdev t\nadd table inet t\n"
        for words, text in ((["nft", "-f", "-"], rules), (["unshare", "-T", "true"], None)):
            tried = subprocess.run(["ip", "netns", "exec", name, *words], input=text,
                                   capture_output=True, text=True, check=False)
            if tried.returncode != 0:
                return f"{' '.join(words)} does not work here: {tried.stderr.strip()}"
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return None


def end_tidily(number, _frame):
    """SIGTERM and SIGINT go through every `finally`."""
    sys.exit(128 + number)


def run_one(binaries, name, seed, shared):
    """One case in this process. Its exit code, having said how it went."""
    begun = time.monotonic()
    with Trial(name, binaries, seed, CASES[name].where) as trial:
        trial.shared = shared
        try:
            CASES[name].function(trial)
            trial.gateway.stop()
        except Missing as lack:
            print(f"skipped: {name} needs {lack}")
            return SKIPPED
        except Exception as failure:  # whatever it is, the reader needs the logs with it
            kind = "" if isinstance(failure, Failed) else f"{type(failure).__name__}: "
            print(f"FAILED {name} (GERBANG_SEED={seed}) after {time.monotonic() - begun:.0f} s: "
                  f"{kind}{failure}")
            print("  " + "\n  ".join(trial.notes + trial.log_tail().splitlines()))
            if not isinstance(failure, Failed):
                raise
            starved = trial.starvation.worst_s(STARVED_WINDOW_S)
            print(f"  (of {STARVED_WINDOW_S:.0f} s this machine was starved for {starved:.1f} s)")
            return STARVED if starved > STARVED_S else 1
        print(f"{name}: {'; '.join(trial.notes) or 'as it should be'} "
              f"({time.monotonic() - begun:.0f} s)")
    return 0


def try_topology(where):
    """Every way through a village, by the tools that people use."""
    with Trial("topology", "", 1, where) as trial:
        trial.settle_village()
        village = trial.village
        scope = f"%{village.wan}" if where.is_v6 else ""
        for name, addresses in ((village.gw, (where.next_hop + scope, where.provider, where.domestic,
                                              where.more_domestic, where.abroad[0],
                                              topology.ACCESS_POINT)),
                                (village.home, (topology.GATEWAY_LAN, where.big_server))):
            for address in addresses:
                if not village.answers(name, address):
                    raise Failed(f"{address} does not answer {name}")

        def asked(*words):
            return village.run(village.gw, "python3", f"{topology.HERE}/peers.py", *words).strip()
        for question, wanted in (
                (("page", f"http://{in_url(where.web)}/generate_204"), "204"),
                (("page", f"http://{in_url(where.service)}/"), "200"),
                *((("name", resolver), where.name_address) for resolver in where.resolvers)):
            if (answer := asked(*question)) != wanted:
                raise Failed(f"{question} says {answer}")
        ways = {
            "silence": lambda: village.silence(village.modem, village.modem_side),
            "forward": lambda: village.forward(village.modem, "drop"),
            "abroad": lambda: village.forward(village.isp, *(
                f"{family} daddr {net} drop" for family, net in topology.ABROAD_NETS))}
        for what, put in ways.items():
            fault = put()
            if village.answers(village.gw, where.abroad[0]):
                raise Failed(f"{what} does not silence the internet")
            if village.answers(village.gw, where.domestic) != (what == "abroad"):
                raise Failed(f"{what}: wrong for the country's own hosts")
            village.mend(fault)
            if not village.answers(village.gw, where.abroad[0]):
                raise Failed(f"{what} was mended in vain")
        for cut, plug, target in ((village.cut_cable, village.plug_cable, where.abroad[0]),
                                  (village.cut_line, village.plug_line, where.more_domestic),
                                  (village.cut_lan, village.plug_lan, topology.ACCESS_POINT)):
            cut()
            if village.answers(village.gw, target):
                raise Failed(f"{cut.__name__} cuts nothing")
            plug()
            time.sleep(0.2)
            if not village.answers(village.gw, target):
                raise Failed(f"{plug.__name__} in vain")
    print(f"topology of {'IPv6' if where.is_v6 else 'IPv4'}: every way as it should be")


class Running:
    """A case in a process of its own, so that one that hangs or dies takes nothing with it."""

    def __init__(self, binaries, name, seed, shared):
        self.name = name
        self.case = (name, seed)
        self.output = tempfile.TemporaryFile("w+")
        self.limit = time.monotonic() + 4 * CASES[name].seconds + PATIENCE_S
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "--one", binaries, name, str(seed), shared],
            stdout=self.output, stderr=self.output, preexec_fn=topology.die_with_parent)

    def is_over(self):
        if self.process.poll() is None and time.monotonic() > self.limit:
            self.end()
            self.output.write(f"\nFAILED {self.name}: hung, ended after its time\n")
        return self.process.poll() is not None

    def end(self):
        """Asks for a tidy end, then insists."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def text(self):
        self.output.seek(0)
        return self.output.read().rstrip()


def rounds():
    """Once per push, twenty times with --long (design: GERBANG_EFFORT is a factor)."""
    effort = float(os.environ.get("GERBANG_EFFORT", "1"))
    return max(1, round(effort / 5)) if effort > 1 else 1


def run_all(binaries, names):
    seed = int(os.environ.get("GERBANG_SEED", "1"))
    print(f"seed {seed}, {len(names)} cases, {rounds()} rounds", flush=True)
    waiting = [(name, seed + number) for number in range(rounds())
               for name in sorted(names, key=lambda name: -CASES[name].seconds)]
    shared = topology.make_folder()
    running, failed, skipped, begun = [], [], 0, time.monotonic()
    starved, tried = [], {}
    try:
        while waiting or running or starved:
            while waiting and len(running) < SIDE_BY_SIDE:
                running.append(Running(binaries, *waiting.pop(0), shared))
            if not running:
                running.append(Running(binaries, *starved.pop(0), shared))
            time.sleep(0.1)
            for one in [one for one in running if one.is_over()]:
                running.remove(one)
                print(one.text(), flush=True)
                code = one.process.returncode
                skipped += code == SKIPPED
                tried[one.case] = tried.get(one.case, 0) + 1
                if code == STARVED and tried[one.case] <= REPEATS:
                    starved.append(one.case)
                elif code not in (0, SKIPPED):
                    failed.append(one.name)
        failed += compare_wire(shared)
    finally:
        for one in running:
            one.end()
        topology.sweep()
        shutil.rmtree(shared, ignore_errors=True)
    repeated = sorted(name for (name, _), times in tried.items() if times > 1)
    print(f"faults: {len(names)} cases, {rounds()} rounds, {len(failed)} failed, {skipped} "
          f"skipped, {len(repeated)} repeated for want of a processor {repeated or ''}, "
          f"{time.monotonic() - begun:.0f} s {failed or ''}")
    return 1 if failed else 0


def compare_wire(shared):
    """Villagers' traffic proves the link, so that probes are saved."""
    try:
        idle, busy = (float(open(f"{shared}/wire-{which}", encoding="ascii").read())
                      for which in ("idle", "busy"))
    except FileNotFoundError:
        return []
    print(f"probes of a day: {idle / 1e6:.2f} MB idle, {busy / 1e6:.2f} MB busy")
    return [] if busy < idle else ["wire: a busy village costs no less than an idle one"]


def main():
    signal.signal(signal.SIGTERM, end_tidily)
    signal.signal(signal.SIGINT, end_tidily)
    words = sys.argv[1:]
    if words[:1] == ["--list"]:
        for name, one in CASES.items():
            print(f"{name:32} {one.seconds:4} s  {one.function.__doc__.splitlines()[0]}")
        return 0
    if words[:1] == ["--one"]:
        return run_one(words[1], words[2], int(words[3]), words[4])
    if lack := lacking():
        print(f"skipped: {lack}")
        return SKIPPED
    topology.sweep()
    if words[:1] == ["--topology"]:
        for where in BOTH:
            try_topology(where)
        return 0
    if not words or [name for name in words[1:] if name not in CASES]:
        print(__doc__)
        return 64
    per_push = [name for name, one in CASES.items() if rounds() > 1 or not one.only_long]
    return run_all(words[0], words[1:] or per_push)


assert cases and families and sequences and wire  # they register their cases
sys.exit(main())
