"""What the probes of a healthy day cost on the wire, with the intervals as shipped."""

import json
import time

from gateway import DEFAULT, HANGS_S, province_target
from topology import PROVINCE_PORT, V4, Failed
from trial import case

WINDOW_S = 75
DAY_S = 86_400
LIMIT_BYTES = 10_000_000
SERVICE_EACH_S = 300
#: Everything that the gateway itself sends or hears on the WAN, by what it is for. Villagers'
#: bytes are forwarded and are in none of these.
CLASSES = {
    "push": (f"ip daddr {V4.province} tcp dport {PROVINCE_PORT}",
             f"ip saddr {V4.province} tcp sport {PROVINCE_PORT}"),
    "page": (f"ip daddr {V4.web} tcp dport 80", f"ip saddr {V4.web} tcp sport 80"),
    "service": (f"ip daddr {V4.service} tcp dport 80", f"ip saddr {V4.service} tcp sport 80"),
    "names": ("meta l4proto {udp, tcp} th dport 53", "meta l4proto {udp, tcp} th sport 53"),
    "echo": ("meta l4proto icmp", "meta l4proto icmp"),
    "echo6": ("icmpv6 type {echo-request, echo-reply}", "icmpv6 type {echo-request, echo-reply}"),
}
ETHERNET_BYTES = 14  # of header, a frame; the filter counts from the IP header on


def count(village):
    """Counters in the gateway, one for each class and for the rest."""
    lines = ["add table inet wire"]
    for hook, device in (("output", "oifname"), ("input", "iifname")):
        lines.append(f"add chain inet wire {hook} {{ type filter hook {hook} priority -20 ; }}")
        lines.append(f"add rule inet wire {hook} {device} != {village.wan} accept")
        for name, rules in CLASSES.items():
            rule = rules[0 if hook == "output" else 1]
            if name in ("page", "service") and hook == "output":
                lines.append(f"add counter inet wire {name}_asked")
                # One request is one push; connections are kept.
                lines.append(f"add rule inet wire {hook} {rule} tcp flags & psh == psh "
                             f"counter name {name}_asked")
            lines.append(f"add counter inet wire {name}_{hook}")
            lines.append(f"add rule inet wire {hook} {rule} counter name {name}_{hook} accept")
        lines.append(f"add counter inet wire other_{hook}")
        lines.append(f"add rule inet wire {hook} counter name other_{hook}")
    village.nft(village.gw, "\n".join(lines) + "\n")


def counted(village):
    """Class -> (bytes with Ethernet headers, packets)."""
    text = village.run(village.gw, "nft", "-j", "list", "counters", "table", "inet", "wire")
    sums = {}
    for entry in json.loads(text)["nftables"]:
        counter = entry.get("counter")
        if counter is None:
            continue
        name, direction = counter["name"].rsplit("_", 1)
        key = f"{name}_asked" if direction == "asked" else name
        size, packets = sums.get(key, (0, 0))
        sums[key] = (size + counter["bytes"] + ETHERNET_BYTES * counter["packets"],
                     packets + counter["packets"])
    return sums


def on_the_wire(village):
    """Bytes that the veth carried in both directions, whatever they were."""
    return sum(int(word) for word in village.run(
        village.gw, "cat", *(f"/sys/class/net/{village.wan}/statistics/{way}_bytes"
                             for way in ("rx", "tx"))).split())


def day_of_probes(trial, is_busy):
    """Bytes of a day, scaled from `WINDOW_S`: what runs by the interval with the time, the page and
    the service (once a minute, once in five) by what one of them cost. "other" is whatever else was
    on the wire: neighbour discovery above all; beside villagers, what was the gateway's own."""
    # Nothing but the addresses differs from what is shipped.
    trial.settle(pace=DEFAULT, changes={"sync": province_target(interval_s=120), "metering": None},
                 before=trial.start_province)
    if is_busy:
        trial.start_peers(trial.village.home, "download", trial.where.big_server, "40000")
        trial.pause(3)
    trial.gateway.cli("sync", "now")
    trial.gateway.wait(lambda status: status["sync"][0]["through"] > 0, HANGS_S, "the first push")
    # The wire is read before and after the filter, so that what passes in between is "other".
    wire_before = on_the_wire(trial.village)
    count(trial.village)
    begun = time.monotonic()
    trial.no_fault(WINDOW_S)
    sums = counted(trial.village)
    wire = on_the_wire(trial.village) - wire_before
    window = time.monotonic() - begun
    if not is_busy:
        known = sum(size for name, (size, _) in sums.items()
                    if name != "other" and not name.endswith("_asked"))
        if wire < known + sums["other"][0]:
            raise Failed(f"the wire carried {wire} bytes, the filter saw {sums}")
        sums["other"] = (wire - known, 0)
    pages = sums["page_asked"][1]
    if pages == 0:
        raise Failed(f"no page was asked for in {window:.0f} s")
    day = {name: size * DAY_S / window for name, (size, _) in sums.items()
           if not name.endswith("_asked")}
    a_page = sums["page"][0] / pages
    day["page"] = a_page * DAY_S / DEFAULT.web
    services = sums["service_asked"][1]
    # Most windows see none: a service's page costs what the other page costs.
    a_service = sums["service"][0] / services if services else a_page
    day["service"] = a_service * DAY_S / SERVICE_EACH_S
    # Records that are pushed have a budget of their own, in bytes a reading.
    pushed = day.pop("push")
    probes = sum(day.values())
    parts = ", ".join(f"{name} {size / 1e6:.3f}" for name, size in sorted(day.items()))
    trial.note(f"{'busy' if is_busy else 'idle'} village: probes {probes / 1e6:.2f} MB a day, from "
               f"{window:.0f} s ({parts}; beside them pushes {pushed / 1e6:.3f})")
    with open(f"{trial.shared}/wire-{'busy' if is_busy else 'idle'}", "w",
              encoding="ascii") as file:
        file.write(str(probes))
    if probes > LIMIT_BYTES:
        raise Failed(f"probes of {probes / 1e6:.1f} MB a day: {parts}")


@case(100)
def wire_idle(trial):
    """Nobody in the village is awake."""
    day_of_probes(trial, False)


@case(105)
def wire_busy(trial):
    """Villagers use the internet, which proves it without a probe."""
    day_of_probes(trial, True)
