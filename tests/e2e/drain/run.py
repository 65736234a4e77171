#!/usr/bin/env python3
"""run.py BIN BACKLOG SAME [CASE...]: a drain between the real programs, TLS on.

satellite   600 ms, 512 kbit/s, 2 % of frames lost: the link is used, and what is new is in time
faults      black hole, half-open connections, lost answers and a killed daemon in mid-drain
villagers   a download on a 10 Mbit/s line keeps it while the drain goes on, and the drain ends
month       30 days at 512 kbit/s and 580 ms without loss in 5.5 minutes; with --long alone

After each the province holds what the journal does, record for record. GERBANG_SEED is the seed."""

import os
import random
import shutil
import sys
import threading
import time
import traceback

import village
from link import HOLE, NO_ANSWERS, WELL
from village import COMMIT_S, HANGS_S, PROVINCE, Drain, Failed, Line, Missing, command, sweep

sys.path.insert(0, os.path.dirname(village.HERE))
from starvation import Starvation  # noqa: E402

SATELLITE_DAYS = int(os.environ.get("GERBANG_DRAIN_DAYS", "6"))
LEAST_USED, LEAST_USED_MONTH = 0.90, 0.93
MONTH_S = 330
EDGE_BYTES = 32_000
MOST_LOST = 0.03


def say(name, text):
    print(f"{name}: {text}", flush=True)


class Watch:
    """Looks each half second: how far the drain is, what the link carried, how late what is new
    is."""

    def __init__(self, drain, starvation):
        self.drain, self.starvation = drain, starvation
        self.begun = time.monotonic()
        self.carried_before = drain.control.carried()
        self.first = drain.sync()
        self.carried = []  # (when, bytes up since the drain began)
        self.committed = []  # (when, last of the open epoch)
        self.latest_s = 0.0
        self.idle_kib = self.most_kib = drain.memory_kib()  # memory of the daemon's own, not shared, not of files

    def look(self):
        status = self.drain.ask("/v1/status")
        now = time.monotonic()
        self.carried.append((now, self.drain.control.carried()[0] - self.carried_before[0]))
        self.most_kib = max(self.most_kib, self.drain.memory_kib())
        self.committed.append((now, status["journal"]["last"]))
        newest = self.drain.newest_at_province()
        now = time.monotonic()
        # Since when the oldest record waits that is newer than the newest that is there.
        waits_since = next((when for when, last in self.committed if last > newest), now)
        self.latest_s = max(self.latest_s, now - waits_since)
        return status["sync"][0]

    def until_drained(self, limit_s):
        most = COMMIT_S  # records that a gateway writes between two looks
        while (sync := self.look())["pending_records"] > most:
            if time.monotonic() - self.begun > limit_s:
                raise Failed(f"not drained within {limit_s} s: {sync}")
            time.sleep(0.5)
        self.took_s = time.monotonic() - self.begun
        self.starved_s = self.starvation.lost_s(self.begun)
        self.up_bytes = self.drain.control.carried()[0] - self.carried_before[0]
        return sync

    def bulk(self):
        """From the first body under way to the last one gone: without the round trips that set up
        the first connection, and those of the last answers."""
        begin = next(i for i, (_, up) in enumerate(self.carried) if up >= EDGE_BYTES)
        end = next(i for i, (_, up) in enumerate(self.carried) if up >= self.up_bytes - EDGE_BYTES)
        return self.carried[begin], self.carried[end]

    def used(self):
        """Of what the link could have carried, without the time in which this machine ran nobody."""
        (begin, before), (end, after) = self.bulk()
        took_s = end - begin - self.starvation.lost_s(begin)
        return (after - before) * 8 / (self.drain.line.bit_per_s * took_s)


def link_is_used(drain, starvation, name, least_used, limit_s):
    waiting = drain.begin()
    watch = Watch(drain, starvation)
    drain.mend()
    watch.until_drained(limit_s)
    say(name, f"{waiting} records, {watch.up_bytes} bytes up in {watch.took_s:.1f} s "
              f"({watch.starved_s:.1f} s starved): {watch.used() * 100:.1f} % of the link; what is "
              f"new at most {watch.latest_s:.1f} s late; memory {watch.idle_kib} KiB, at most {watch.most_kib}")
    if watch.used() < least_used:
        raise Failed(f"the link was used to {watch.used() * 100:.1f} %")
    late = 2 * drain.interval_s + watch.starved_s
    if watch.latest_s > late:
        raise Failed(f"what is new was {watch.latest_s:.1f} s late")
    return watch


def satellite(tools, starvation, _):
    line = Line(512_000, delay_s=0.3, queue_s=2.0, loss=0.02)
    with Drain(*tools, SATELLITE_DAYS, line) as drain:
        link_is_used(drain, starvation, "satellite", LEAST_USED, 180)
        say("satellite", drain.end())


def month(tools, starvation, _):
    with Drain(*tools, 30, Line(512_000, delay_s=0.29, queue_s=2.0)) as drain:
        watch = link_is_used(drain, starvation, "month", LEAST_USED_MONTH, 2 * MONTH_S)
        if watch.took_s - watch.starved_s > MONTH_S:
            raise Failed(f"30 days took {watch.took_s:.0f} s")
        say("month", drain.end())


def faults(tools, _, chance):
    with Drain(*tools, 4, Line(800_000, delay_s=0.1, loss=0.005)) as drain:
        waiting = drain.begin()
        drain.mend()

        def until_left(share):
            drain.wait(lambda status: status["sync"][0]["pending_records"] < waiting * share,
                       HANGS_S, f"{share:.2f} of {waiting} records to go")
            if drain.sync()["pending_records"] < waiting * (share - 0.2):
                raise Failed("the drain was too quick for the fault")

        def failing():
            drain.wait(lambda status: status["sync"][0]["state"] == "waiting", HANGS_S,
                       "a failure")

        until_left(0.9)
        drain.control.fault = HOLE
        failing()
        say("faults", f"black hole in mid-transfer: {drain.sync()['detail']}")
        drain.mend()

        until_left(0.7)
        drain.control.fault = NO_ANSWERS
        time.sleep(chance.uniform(1.5, 3))  # bodies arrive, and nothing tells of it
        failing()
        say("faults", f"answers lost: {drain.sync()['detail']}")
        drain.mend()

        until_left(0.5)
        drain.control.fault = HOLE
        drain.kill_province()  # its last packets are lost: half of each connection is left
        drain.start_province()
        failing()
        say("faults", f"half-open: {drain.sync()['detail']}")
        drain.mend()

        until_left(0.3)
        time.sleep(chance.uniform(0, 0.5))
        drain.kill_daemon()
        drain.start_daemon()
        drain.push_now()
        drain.wait(lambda status: status["sync"][0]["pending_records"] <= COMMIT_S, HANGS_S,
                   "the end of the drain")
        say("faults", drain.end())


class Download:
    """A villager's, through the gateway, for as long as it is wanted."""

    def __init__(self, drain):
        server = drain.start(drain.net, "python3", f"{village.HERE}/download.py", "serve", PROVINCE)
        drain.children.append(server)
        self.count = f"{drain.folder}/download"
        client = drain.start(drain.home, "python3", f"{village.HERE}/download.py", "fetch", PROVINCE,
                             self.count)
        drain.children.append(client)
        self.children = (client, server)
        end = time.monotonic() + HANGS_S
        while self.bytes() == 0:
            if time.monotonic() > end:
                raise Failed("the download does not begin")
            time.sleep(0.1)

    def bytes(self):
        try:
            with open(self.count, "rb") as file:
                return int.from_bytes(file.read(8), "little")
        except FileNotFoundError:
            return 0

    def rate(self, starvation, seconds):
        """Bits per second, over time in which this machine ran."""
        begun, before = time.monotonic(), self.bytes()
        time.sleep(seconds)
        took = time.monotonic() - begun - starvation.lost_s(begun)
        return (self.bytes() - before) * 8 / took

    def stop(self):
        for child in self.children:
            child.kill()
            child.wait()


def villagers(tools, starvation, _):
    rate, days = 10_000_000, 20
    with Drain(*tools, days, Line(rate, queue_s=0.1, is_quick=True)) as drain:
        waiting = drain.begin()
        download = Download(drain)
        time.sleep(3)
        alone = download.rate(starvation, 12)
        drain.start_province()
        drain.push_now()
        left = drain.sync()["pending_records"]
        time.sleep(3 * village.TICK_S)  # the meter sees both
        beside = download.rate(starvation, 12)
        now_left = drain.sync()["pending_records"]
        say("villagers", f"download {alone / 1e6:.2f} Mbit/s alone, {beside / 1e6:.2f} beside the "
                         f"drain, which sent {left - now_left} of {waiting} records meanwhile")
        if now_left <= COMMIT_S:
            raise Failed("the drain was over before it could yield")
        if now_left >= left:
            raise Failed("the drain stood still")
        if beside < alone * (1 - MOST_LOST):
            raise Failed(f"the download lost {(1 - beside / alone) * 100:.1f} %")
        download.stop()
        begun = time.monotonic()
        drain.wait(lambda status: status["sync"][0]["pending_records"] <= COMMIT_S, HANGS_S,
                   "the end of the drain")
        say("villagers", f"drained {time.monotonic() - begun:.1f} s after the download")
        say("villagers", drain.end())


CASES = {"satellite": satellite, "faults": faults, "villagers": villagers, "month": month}


def main():
    tools = (sys.argv[1], {"backlog": sys.argv[2], "same": sys.argv[3]})
    for program in ("ip", "tc", "openssl"):
        if shutil.which(program) is None:
            print(f"skipped: needs {program}")
            return 77
    if os.geteuid() != 0:
        print("skipped: needs root")
        return 77
    sweep()
    seed = int(os.environ.get("GERBANG_SEED", random.randrange(1 << 32)))
    os.environ["GERBANG_SEED"] = str(seed)
    print(f"GERBANG_SEED={seed}")
    is_long = float(os.environ.get("GERBANG_EFFORT", "1")) > 1
    names = sys.argv[4:] or [name for name in CASES if is_long or name != "month"]
    starvation = Starvation()
    problems = []

    def run(name):
        begun = time.monotonic()
        try:
            CASES[name](tools, starvation, random.Random(f"{seed} {name}"))
            say(name, f"{time.monotonic() - begun:.0f} s")
        except Missing as missing:
            problems.append((77, f"skipped: needs {missing}"))
        except Failed as failed:
            problems.append((1, f"{name} FAILED: {failed}"))
        except BaseException:  # noqa: B902 - a thread's own end
            problems.append((1, f"{name} FAILED: {traceback.format_exc()}"))

    # They wait most of the time.
    threads = [threading.Thread(target=run, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _, text in problems:
        print(text)
    return max((code for code, _ in problems if code == 1), default=77 if problems else 0)


sys.exit(main())
