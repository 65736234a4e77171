"""Faults after and beside each other, and the box itself going dark."""

import time

from cases import HOTSPOT_SLACK_S, INNER, rule_fault
from gateway import COMMIT_S, HANGS_S, TICK_S, Pace, instant
from topology import Failed, Missing
from trial import Truth, case

#: A power cut takes what was not committed; a start takes a moment.
LOST_S = COMMIT_S + TICK_S + 1.0
#: A link may take so long to come up by itself after the kernel began (daemon/app/links.cpp).
LINK_START_S = 300.0


def settled_journal(trial):
    """Waits for a commit, so that what is known now survives a power cut."""
    first = trial.gateway.status()["journal"]["last"]
    trial.gateway.wait(lambda status: status["journal"]["last"] > first, HANGS_S, "a commit")


@case(35)
def device_off(trial):
    """The box is without power for a while; nothing says why."""
    trial.settle()
    settled_journal(trial)
    trial.any_moment()
    begun = trial.at(trial.gateway.power_cut)
    trial.pause(3, 5)
    ended = trial.at(trial.gateway.boot)
    trial.wait_up()
    trial.check([Truth("device_off", begun, ended, start_slack=LOST_S, end_slack=2.0)])


@case(45)
def power(trial):
    """The same, and the mains input had said that the power was gone."""
    trial.settle(with_supply=True)
    if trial.gateway.status()["power"]["mains"] != "on":
        raise Failed("mains is on and status does not say so")
    trial.gateway.set_mains(False)
    trial.gateway.wait(lambda status: status["power"]["mains"] == "off", HANGS_S, "mains off")
    settled_journal(trial)
    begun = trial.at(trial.gateway.power_cut)
    trial.pause(3, 5)
    trial.gateway.set_mains(True)
    ended = trial.at(trial.gateway.boot)
    trial.wait_up()
    trial.check([Truth("power", begun, ended, start_slack=LOST_S, end_slack=2.0)])


@case(35)
def device_off_with_mains_on(trial):
    """A box that goes off while its mains input is on is not a power cut."""
    trial.settle(with_supply=True)
    settled_journal(trial)
    begun = trial.at(trial.gateway.power_cut)
    trial.pause(3, 5)
    ended = trial.at(trial.gateway.boot)
    trial.wait_up()
    trial.check([Truth("device_off", begun, ended, start_slack=LOST_S, end_slack=2.0)])


@case(60)
def device_off_in_mid_outage(trial):
    """The provider is dead, then the box: from then on nobody can tell."""
    trial.settle()
    fault, mend = rule_fault(trial, "forward", trial.village.modem, "drop")
    begun = trial.at(fault)
    trial.wait_down("isp", begun)
    settled_journal(trial)
    off = trial.at(trial.gateway.power_cut)
    trial.pause(3, 5)
    back = trial.at(trial.gateway.boot)
    trial.wait_down("isp", back)
    ended = trial.at(mend)
    trial.wait_up()
    rows = trial.check([
        Truth("isp", begun, off, end_slack=LOST_S),
        Truth("undetermined", off, back, start_slack=LOST_S, end_slack=2.0),
        Truth("isp", back, ended, start_slack=2.0)])
    if len({row["id"] for row in rows}) != 1:
        raise Failed(f"one outage of three segments expected: {rows}")


def off_and_back_to_a_dead_provider(trial):
    """The box goes off in good health and comes back to a provider that does not answer."""
    trial.settle()
    settled_journal(trial)
    off = trial.at(trial.gateway.power_cut)
    fault, mend = rule_fault(trial, "forward", trial.village.modem, "drop")
    trial.pause(2, 3)
    fault()
    back = trial.at(trial.gateway.boot)
    return off, back, mend


@case(40)
def device_off_and_slow_modem(trial):
    """A modem that lost its power too is not the provider's fault while it starts."""
    off, _, mend = off_and_back_to_a_dead_provider(trial)
    trial.pause(12, 15)
    ended = trial.at(mend)
    trial.wait_up()
    trial.check([Truth("device_off", off, ended, start_slack=LOST_S)])


@case(360, only_long=True)
def device_off_and_down_when_back(trial):
    """Five minutes after the start that excuse is over: the gap is undetermined."""
    off, back, mend = off_and_back_to_a_dead_provider(trial)
    trial.wait_down("isp", back, limit=LINK_START_S + 30, verdict=LINK_START_S + 30)
    ended = trial.at(mend)
    trial.wait_up()
    rows = trial.check_causes(["undetermined", "isp"])
    if instant(rows[-1]["last_bad"]) > ended.late + 1 + trial.starved_s():
        raise Failed(f"bad after it was mended: {rows[-1]}")
    trial.note(f"off for {back - off:.0f} s, then dead: {rows}")


@case(30)
def daemon_killed(trial):
    """The daemon dies and comes back on the same boot: unmeasured, not down."""
    trial.settle()
    begun = trial.at(trial.gateway.kill)
    trial.pause(4, 6)
    ended = trial.at(trial.gateway.start)
    trial.wait_up()
    # Killed right after a commit the ring is empty, and the next tick's absence proves nothing.
    trial.check([Truth("daemon", begun, ended, start_slack=COMMIT_S, end_slack=2.0)])


@case(60)
def carrier_while_dns_was_dead(trial):
    """Names are dead, then the cable is out, then it is back and names are still dead."""
    trial.settle()
    village = trial.village
    names, names_back = rule_fault(trial, "forward", village.isp, "udp dport 53 drop",
                                   "tcp dport 53 drop")
    begun = trial.at(names)
    trial.wait_down("dns", begun)
    trial.any_moment()
    out = trial.at(village.cut_cable)
    trial.wait_down("carrier", out)
    trial.any_moment()
    back = trial.at(village.plug_cable)
    trial.wait_down("dns", back)
    trial.any_moment()
    ended = trial.at(names_back)
    trial.wait_up()
    rows = trial.check([Truth("dns", begun, out), Truth("carrier", out, back),
                        Truth("dns", back, ended)])
    if len({row["id"] for row in rows}) != 1:
        raise Failed(f"one outage of three segments expected: {rows}")


@case(40)
def modem_then_provider(trial):
    """The modem dies, comes back, and the line behind it does not."""
    trial.settle()
    village = trial.village
    dead, alive = rule_fault(trial, "silence", village.modem, village.modem_side)
    begun = trial.at(dead)
    trial.wait_down("modem", begun)
    fault, mend = rule_fault(trial, "forward", village.modem, "drop")
    fault()
    back = trial.at(alive)
    trial.wait_down("isp", back)
    ended = trial.at(mend)
    trial.wait_up()
    trial.check([Truth("modem", begun, back), Truth("isp", back, ended)])


@case(40)
def provider_and_hotspot_at_once(trial):
    """Two links, two faults at the same time, two ledgers."""
    trial.settle()
    fault, mend = rule_fault(trial, "forward", trial.village.modem, "drop")
    begun = trial.at(fault)
    begun_inside = trial.at(trial.village.cut_lan)
    status = trial.wait_down("isp", begun)
    trial.check_rungs(status, **INNER)
    trial.wait_down("hotspot", begun_inside, "hotspot")
    ended_inside = trial.at(trial.village.plug_lan)
    trial.wait_up("hotspot")
    ended = trial.at(mend)
    trial.wait_up()
    trial.check([Truth("isp", begun, ended),
                 Truth("hotspot", begun_inside, ended_inside, "hotspot",
                       start_slack=HOTSPOT_SLACK_S)])


@case(45)
def flapping(trial):
    """Outages shorter than three failed rounds are none: a cable touched twice."""
    trial.settle(pace=Pace(3, 1, 0.9, 10))
    for _ in range(2):
        out = trial.at(trial.village.cut_cable)
        time.sleep(0.4)
        back = trial.at(trial.village.plug_cable)
        # Three rounds that fail lie 2 s apart at least.
        if back.late - out.early > 1.5:
            raise Missing(f"a machine that touches a cable within 1.5 s, and this one took "
                          f"{back.late - out.early:.1f} s (starved for "
                          f"{trial.starvation.lost_s():.1f} s)")
        trial.pause(6, 8)
    trial.no_fault(3)
