"""One fault on one village: what was really so, what the daemon made of it, and the comparison.

Waits have limits for a machine that hangs. What is judged by time (bounds of outages, the 30 s of
a verdict) is forgiven what this machine was starved while it happened, as measured, and the notes
of a case say so."""

import os
import random
import shutil
import sys
import time

from gateway import (FAST, HANGS_S, LONGEST_VERDICT_S, Gateway, Instant, clock_offset, in_url,
                     instant)
from topology import HERE, PROVINCE_PORT, V4, V6, Failed, Village, make_folder

sys.path.insert(1, os.path.dirname(HERE))
from starvation import Starvation  # noqa: E402

#: What a command and a packet may take on a busy machine.
MACHINE_S = 0.8
CASES = {}  # name -> Case


class Case:
    def __init__(self, function, seconds, only_long, where):
        self.function, self.seconds, self.only_long, self.where = function, seconds, only_long, where


def case(seconds, only_long=False, families=(V4,)):
    """Registers a fault test; `seconds` is about how long it takes, the longest begin first. In
    `families` of V6 it is also, as NAME_v6, one of a village of IPv6 alone."""
    def register(function):
        for where in families:
            name = function.__name__ + ("_v6" if where.is_v6 and V4 in families else "")
            CASES[name] = Case(function, seconds, only_long, where)
        return function
    return register


BOTH = (V4, V6)


class Truth:
    """What really was: from `begun` to `ended` (instants of the wall clock; None: goes on)."""

    def __init__(self, cause, begun, ended, link="wan", start_slack=0.0, end_slack=0.0):
        self.cause, self.begun, self.ended, self.link = cause, begun, ended, link
        # How much further than an interval a bound may lie, where probing is not what tells.
        self.start_slack, self.end_slack = start_slack, end_slack


class Trial:
    """A village, its gateway and a seeded choice of moments. Use as a context manager."""

    def __init__(self, name, binaries, seed, where=V4):
        self.name, self.binaries, self.where = name, binaries, where
        self.chance = random.Random(f"{seed} {name}")
        self.folder = make_folder()
        self.village = self.gateway = None
        self.offset = clock_offset()
        self.starvation = Starvation()
        self.notes = []

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.gateway is not None:
            self.gateway.cleanup()
        if self.village is not None:
            self.village.__exit__()
        if kind is None or not os.environ.get("GERBANG_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def settle_village(self, **how):
        self.village = Village(self.folder, self.where, **how)
        self.village.__enter__()
        self.start_peers(self.village.net, "internet", self.folder,
                         *(family.ip for family in ((V6,) if self.where.is_v6 else BOTH)))

    def start_peers(self, name, *words):
        log = f"{words[0]}.log"
        child = self.village.start(name, "python3", f"{HERE}/peers.py", *words, log=log)
        if words[0] not in ("download", "flood"):
            self.wait_for_word(log, "ready", child)

    def start_province(self):
        child = self.village.start(
            self.village.net, f"{self.binaries}/gerbang-province", "receive", "--listen",
            f"{in_url(self.where.province)}:{PROVINCE_PORT}", "--trust-network", "--verbose", "--store",
            f"{self.folder}/province.db", log="province.log")
        self.wait_for_word("province.log", "receiving", child)
        return child

    def wait_for_word(self, log, word, child):
        """Until `word` stands in the log of a process that just began."""
        limit = time.monotonic() + HANGS_S
        text = ""
        while child.poll() is None and time.monotonic() < limit:
            with open(f"{self.folder}/{log}", encoding="utf-8", errors="replace") as file:
                text = file.read()
            if word in text:
                return
            time.sleep(0.05)
        raise Failed(f"{log} lacks \"{word}\": {text[-400:]}")

    def settle(self, pace=FAST, village=None, before=None, **how):
        """A healthy village: the daemon has seen the whole ladder and nothing is wrong."""
        self.settle_village(**(village or {}))
        if before is not None:
            before()
        self.gateway = Gateway(self.village, self.binaries, pace, **how)
        self.gateway.start()
        self.wait_up()
        # One more round, so that the link was good before the fault.
        time.sleep(pace.doubt)
        if rows := self.gateway.outages():
            raise Failed(f"outages before any fault: {rows}")

    # --- moments ------------------------------------------------------------------------------

    def pause(self, least, most=None):
        time.sleep(self.chance.uniform(least, most if most is not None else least))

    def any_moment(self):
        """Some instant of the probing interval: faults do not wait for a round to end."""
        self.pause(0, self.gateway.pace.interval)

    @staticmethod
    def at(action, *words):
        """Does it; the instant at which it was done, as far as that can be known."""
        before = time.time()
        action(*words)
        return Instant(before, time.time())

    def starved_s(self):
        """What a bound of the daemon may be late for want of a processor: the most that this
        machine was starved within two rounds of probing."""
        return self.starvation.worst_s(2 * self.gateway.pace.interval + self.gateway.pace.round_s)

    def note(self, text):
        self.notes.append(text)

    # --- what the daemon says -----------------------------------------------------------------

    def wait_up(self, link="wan", limit=0):
        def is_up(status):
            return state_of(status, link)[0] in ("up", "degraded")
        return self.gateway.wait(is_up, max(limit, HANGS_S), f"{link} up")[0]

    def wait_down(self, cause, begun, link="wan", limit=0, verdict=LONGEST_VERDICT_S):
        """Waits for the verdict and judges how long it took from the first failed probe."""
        def is_down(status):
            return state_of(status, link) == ("down", cause)
        asked = time.monotonic()
        seen, status = self.gateway.wait(is_down, max(limit, verdict + HANGS_S),
                                         f"{link} down, {cause}")
        rows = [row for row in self.gateway.outages()
                if row["link"] == link and row["is_open"]]
        if len(rows) != 1:
            raise Failed(f"one open outage of {link} expected: {rows}")
        first_bad = instant(rows[0].get("first_bad"))
        if first_bad is None:
            raise Failed(f"no instant of the first failed probe: {rows[0]}")
        took = seen - first_bad
        self.note(f"{cause} {took:.1f} s after the first failed probe, {seen - begun:.1f} s after "
                  "the fault")
        # The verdict is older than the answer that showed it, by a look at most.
        took -= seen.late - seen.early
        if took > verdict:
            starved = self.starvation.lost_s(asked)
            self.note(f"later than {verdict:.0f} s; this machine was starved for {starved:.1f} s")
            if took > verdict + starved:
                raise Failed(f"verdict {took:.1f} s after the first failed probe")
        return status

    def check(self, truths):
        """The outages are `truths` and nothing else: links, causes, order and times."""
        if abs(clock_offset() - self.offset) > 0.1:
            raise Failed("this machine's clock was stepped during the test; run it again")
        rows = self.check_causes([truth.cause for truth in truths],
                                 [truth.link for truth in truths])
        for link in {truth.link for truth in truths}:
            mine = [row for row in rows if row["link"] == link]
            theirs = [truth for truth in truths if truth.link == link]
            for row, truth in zip(mine, theirs):
                self._compare(row, truth)
        return rows

    def check_causes(self, causes, links=None):
        """The outages have these causes on these links (all of them the WAN), whatever their
        times."""
        rows = self.gateway.outages()
        said = [(row["link"], row["cause"]) for row in rows]
        wanted = list(zip(links or ["wan"] * len(causes), causes))
        if sorted(said) != sorted(wanted):
            raise Failed(f"outages are {said}, should be {wanted}: {rows}")
        return rows

    def _compare(self, row, truth):
        if row["cause"] != truth.cause:
            raise Failed(f"segment order: {row['cause']} where {truth.cause} should be: {row}")
        self._between(row, "last_good", truth.begun, "first_bad", truth.start_slack)
        if truth.ended is None:
            if not row["is_open"]:
                raise Failed(f"ended, although it goes on: {row}")
            return
        if row["is_open"]:
            raise Failed(f"open, although it ended: {row}")
        self._between(row, "last_bad", truth.ended, "first_good", truth.end_slack)
        if not row.get("evidence"):
            raise Failed(f"no evidence: {row}")

    def _between(self, row, before, truth, after, slack):
        """The truth lies between the two bounds, and neither is further from it than one interval.
        A round stands for its beginning: one that began before the truth may have met it, so the
        later bound may lie a round before the truth; the earlier bound is never after it."""
        pace = self.gateway.pace
        starved = self.starved_s()
        off = []
        for bound, early, late in ((before, -pace.tolerance - slack, MACHINE_S),
                                   (after, -pace.round_s, pace.tolerance + slack)):
            said = instant(row.get(bound))
            if said is None:
                raise Failed(f"no {bound}: {row}")
            too_early, too_late = early - (said - truth.early), said - truth.late - late
            if max(too_early, too_late) > starved:
                raise Failed(f"{bound} is {said - truth:+.2f} s off the truth, allowed {early:+.1f} "
                             f"to {late:+.1f} s, the truth being sure to "
                             f"{truth.late - truth.early:.2f} s and this machine starved for "
                             f"{starved:.2f} s: {row}")
            if max(too_early, too_late) > 0:
                self.note(f"{bound} forgiven {max(too_early, too_late):.2f} s of the {starved:.2f} s "
                          "for which this machine was starved")
            off.append(f"{said - truth:+.1f}")
        self.note(f"{row['cause']} {before}/{after} {'/'.join(off)} s")

    def check_rungs(self, status, **wanted):
        """The ladder of `status` has these states, such as carrier="up"."""
        said = {line["rung"]: line["state"] for line in status["ladder"]}
        wrong = {rung: said.get(rung) for rung, state in wanted.items() if said.get(rung) != state}
        if wrong:
            raise Failed(f"rungs are {wrong}, should be {wanted}; the ladder: {status['ladder']}")

    def one_fault(self, cause, inject, mend, link="wan", rungs=None, start_slack=0.0):
        """The common case: healthy, one fault at any moment, the verdict, mended, healthy."""
        self.any_moment()
        begun = self.at(inject)
        status = self.wait_down(cause, begun, link)
        self.check_rungs(status, **(rungs or {}))
        if link == "wan" and not status["link"]["evidence"]:
            raise Failed(f"no evidence for {cause}")
        self.any_moment()
        ended = self.at(mend)
        self.wait_up(link)
        if link != "wan" and self.gateway.status()["link"]["state"] != "up":
            raise Failed("the internet is charged with what was not its fault")
        self.check([Truth(cause, begun, ended, link, start_slack)])

    def no_fault(self, seconds, states=("up", "degraded")):
        """For `seconds` the link is in one of `states` and no outage comes up; counts states."""
        end = time.monotonic() + seconds
        seen = {}
        while time.monotonic() < end:
            state = self.gateway.ask("/v1/status")["link"]["state"]
            seen[state] = seen.get(state, 0) + 1
            if state not in states:
                raise Failed(f"link {state}: {self.gateway.outages()}")
            time.sleep(0.3)
        self.check([])
        return seen

    def log_tail(self):
        tails = []
        for name in sorted(os.listdir(self.folder)):
            if name.endswith(".log"):
                with open(f"{self.folder}/{name}", encoding="utf-8", errors="replace") as file:
                    lines = file.read().splitlines()[-25:]
                tails += [f"--- {name}", *lines] if lines else []
        return "\n".join(tails)


def state_of(status, link):
    """(state, cause) of a link, as status says it."""
    if link == "wan":
        return status["link"]["state"], status["link"]["cause"]
    for line in status.get("links", []):
        if line["link"] == link:
            return line["state"], line["cause"]
    return "unknown", ""


__all__ = ["BOTH", "CASES", "Trial", "Truth", "case", "state_of"]
