"""The network table of faults, row by row: one fault each, on a village of its own."""

import os
import sqlite3
import time

from gateway import DEFAULT, FAST, HANGS_S, Gateway, Instant, Pace, province_target
from topology import ABROAD_NETS, ACCESS_POINT, PROVINCE_PORT, Failed
from trial import BOTH, Truth, case

HOTSPOT_SLACK_S = 2 * FAST.interval  # while it is well it is asked each third round
#: The push's interval, what it waits for an answer on the connection that it kept, and its time-out
#: to connect when it then tries a new one.
PUSH_FAILS_S = 10.0 + 5.0 + 15.0
INNER = {"carrier": "up", "next_hop": "up"}
ADDRESSES = {**INNER, "provider": "up", "domestic": "up"}


class Fault:
    """Rules that are put in and taken out again."""

    def __init__(self, put, *words):
        self.put, self.words, self.found = put, words, None

    def __call__(self):
        self.found = self.put(*self.words)

    def mend(self):
        self.found = self.found and self.village.mend(self.found)

    @property
    def village(self):
        return self.put.__self__


def rule_fault(trial, put, *words):
    """One fault by packet filter: `put` is the name of a method of the village."""
    fault = Fault(getattr(trial.village, put), *words)
    return fault, fault.mend


# --- the cable, the modem ----------------------------------------------------------------------

@case(25, families=BOTH)
def carrier(trial):
    """The cable to the modem is out."""
    trial.settle()
    trial.one_fault("carrier", trial.village.cut_cable, trial.village.plug_cable,
                    rungs={"carrier": "down"})


@case(25, families=BOTH)
def modem_dead(trial):
    """The modem is dead while its port keeps the carrier: not even ARP is answered."""
    trial.settle()
    trial.one_fault("modem", *rule_fault(trial, "silence", trial.village.modem,
                                         trial.village.modem_side),
                    rungs={"carrier": "up", "next_hop": "down"})


@case(25)
def modem_hung(trial):
    """The modem's switch goes on answering ARP, its processor forwards and answers nothing."""
    trial.settle()
    village = trial.village
    faults = []

    def inject():
        faults.append(village.local(village.modem, "meta l4proto {icmp, tcp, udp} drop",
                                    "icmpv6 type echo-request drop"))
        faults.append(village.forward(village.modem, "drop"))

    def mend():
        while faults:
            village.mend(faults.pop())
    trial.one_fault("modem", inject, mend, rungs={"carrier": "up", "next_hop": "down"})


@case(25)
def next_hop_of_the_provider(trial):
    """The same silence where the configuration says that the next hop is the provider's."""
    trial.settle(changes={"wan": {"next_hop": "provider"}})
    trial.one_fault("isp", *rule_fault(trial, "silence", trial.village.modem,
                                       trial.village.modem_side), rungs={"carrier": "up"})


# --- the provider --------------------------------------------------------------------------------

@case(30, families=BOTH)
def isp_black_hole(trial):
    """The modem is well and nothing comes back from beyond it."""
    trial.settle()
    trial.one_fault("isp", *rule_fault(trial, "forward", trial.village.modem, "drop"), rungs=INNER)


@case(75)
def isp_black_hole_as_shipped(trial):
    """The same with the intervals as shipped, for which the 30 s are promised."""
    trial.settle(pace=DEFAULT)
    trial.one_fault("isp", *rule_fault(trial, "forward", trial.village.modem, "drop"), rungs=INNER)


@case(30)
def isp_core(trial):
    """The provider's first router answers, nothing beyond it does."""
    trial.settle()
    trial.one_fault("isp", *rule_fault(trial, "forward", trial.village.isp, "drop"),
                    rungs={**INNER, "domestic": "down", "international": "down"})


@case(25, families=BOTH)
def isp_answered(trial):
    """The modem's line is down and it says so: unreachable, at once."""
    trial.settle()
    trial.one_fault("isp", trial.village.cut_line, trial.village.plug_line, rungs=INNER)


@case(30)
def isp_while_villagers_download(trial):
    """Villagers' traffic is evidence of the internet; without it the verdict is as fast."""
    trial.settle()
    trial.start_peers(trial.village.home, "download", trial.where.big_server, "40000")
    trial.pause(4, 6)
    # Bytes that came in say that the link was good at some instant since the look before.
    trial.one_fault("isp", *rule_fault(trial, "forward", trial.village.modem, "drop"), rungs=INNER,
                    start_slack=FAST.interval)


@case(30)
def isp_while_villagers_try(trial):
    """Villagers' packets go out all the time, and none comes back."""
    trial.settle()
    trial.start_peers(trial.village.home, "flood", trial.where.domestic, "40000")
    trial.one_fault("isp", *rule_fault(trial, "forward", trial.village.isp, "drop"), rungs=INNER)


@case(30, families=BOTH)
def international(trial):
    """Nothing abroad answers; within the country all is well."""
    trial.settle()
    rules = [f"{family} daddr {net} drop" for family, net in ABROAD_NETS]
    trial.one_fault("international", *rule_fault(trial, "forward", trial.village.isp, *rules),
                    rungs={**ADDRESSES, "international": "down"})


def portal(trial, inject_more=()):
    """The provider's portal sits in its router and answers for every page."""
    village, where = trial.village, trial.where
    trial.start_peers(village.isp, "portal", where.any_address())
    faults = []

    def change(word):
        for address in (where.web, where.service):
            village.run(village.isp, "ip", "addr", word, address, "dev", "lo",
                        *(["nodad"] if where.is_v6 and word == "add" else []))

    def inject():
        # The router takes the addresses of the pages for its own.
        change("add")
        if inject_more:
            faults.append(village.forward(village.isp, *inject_more))

    def mend():
        change("del")
        while faults:
            village.mend(faults.pop())
    return inject, mend


@case(30, families=BOTH)
def blocked(trial):
    """Bill or quota: everything is dropped but the portal's page and the provider's resolver, by
    which browsers find it."""
    trial.settle()
    resolver = trial.where.resolvers[0]
    names = [f"udp dport 53 {trial.where.ip} daddr {resolver} accept",
             f"udp sport 53 {trial.where.ip} saddr {resolver} accept"]
    # It may have begun with pages alone, right after the last good one.
    trial.one_fault("blocked", *portal(trial, [*names, "drop"]),
                    rungs={**INNER, "web": "portal"}, start_slack=FAST.web)


@case(45)
def blocked_pages_only(trial):
    """Bill or quota: pings and names pass, every page is the portal's."""
    trial.settle()
    inject, mend = portal(trial)
    trial.any_moment()
    begun = trial.at(inject)
    status = trial.wait_down("blocked", begun, limit=FAST.web + 30)
    trial.check_rungs(status, **ADDRESSES, web="portal")
    ended = trial.at(mend)
    trial.wait_up(limit=FAST.web + 30)
    # Only the page tells, and it is asked for that often.
    trial.check([Truth("blocked", begun, ended, start_slack=FAST.web, end_slack=FAST.web)])


# --- names -----------------------------------------------------------------------------------------

@case(30, families=BOTH)
def dns_black_hole(trial):
    """No resolver answers; addresses do."""
    trial.settle()
    trial.one_fault("dns", *rule_fault(trial, "forward", trial.village.isp, "udp dport 53 drop",
                                       "tcp dport 53 drop"), rungs={**ADDRESSES, "dns": "down"})


@case(75)
def dns_black_hole_as_shipped(trial):
    """The same with the intervals as shipped."""
    trial.settle(pace=DEFAULT)
    trial.one_fault("dns", *rule_fault(trial, "forward", trial.village.isp, "udp dport 53 drop",
                                       "tcp dport 53 drop"), rungs={**ADDRESSES, "dns": "down"})


def resolvers_say(trial, how):
    path = f"{trial.folder}/dns"

    def say(word):
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(word)
        os.rename(path + ".new", path)  # readers never see half a word
    trial.one_fault("dns", lambda: say(how), lambda: say("answer"),
                    rungs={**ADDRESSES, "dns": "down"})


@case(25)
def dns_servfail(trial):
    """Resolvers answer that they cannot."""
    trial.settle()
    resolvers_say(trial, "servfail")


@case(25)
def dns_nxdomain(trial):
    """Resolvers deny a name that exists."""
    trial.settle()
    resolvers_say(trial, "nxdomain")


# --- the province, the hotspot ---------------------------------------------------------------------

@case(60, families=BOTH)
def province(trial):
    """The province's server is dead, the internet is well: nobody but the province is charged."""
    servers = []
    trial.settle(changes={"sync": province_target(trial.where)},
                 before=lambda: servers.append(trial.start_province()))
    trial.gateway.wait(lambda status: status["sync"][0]["through"] > 0, HANGS_S, "the first push")
    trial.any_moment()
    rules = [f"{trial.where.ip} daddr {trial.where.province} drop"]
    fault, mend = rule_fault(trial, "forward", trial.village.isp, *rules)
    begun = trial.at(fault)
    status = trial.wait_down("province", begun, "province", limit=PUSH_FAILS_S + 40)
    if status["link"]["state"] != "up":
        raise Failed(f"the internet is charged with the province's fault: {status['link']}")
    ended = trial.at(mend)
    trial.wait_up("province", limit=60)
    # Pushes prove the province, so that the first one that fails tells.
    trial.check([Truth("province", begun, ended, "province", start_slack=PUSH_FAILS_S)])


@case(25)
def service(trial):
    """One service of the province answers with errors from the start: its own link, its own cause."""
    with open(f"{trial.folder}/service", "w", encoding="ascii") as file:
        file.write("503")
    trial.settle_village()
    begun = time.time()
    trial.gateway = Gateway(trial.village, trial.binaries)
    trial.gateway.start()
    trial.wait_up()
    trial.wait_down("service", begun, "service-simpeg")
    if trial.gateway.status()["link"]["state"] != "up":
        raise Failed("the internet is charged with a service's fault")
    trial.check([Truth("service", Instant(begun, begun), None, "service-simpeg")])


@case(25)
def hotspot_cable(trial):
    """The LAN's cable is out; the provider is not charged."""
    trial.settle()
    trial.one_fault("hotspot", trial.village.cut_lan, trial.village.plug_lan, link="hotspot",
                    rungs={"carrier": "up"}, start_slack=HOTSPOT_SLACK_S)


@case(25)
def hotspot_access_point(trial):
    """The access point hangs while its cable is well; the provider is not charged."""
    trial.settle()
    trial.one_fault("hotspot", *rule_fault(trial, "local", trial.village.home,
                                           f"ip daddr {ACCESS_POINT} drop"), link="hotspot",
                    start_slack=HOTSPOT_SLACK_S)


# --- what is no outage -------------------------------------------------------------------------------

def loss(trial, rules, share):
    """Replies are lost one by one: degraded, never an outage."""
    trial.settle(pace=Pace(1, 1, 0.9, 10))
    fault, mend = rule_fault(trial, "forward", trial.village.isp, *rules)
    fault()
    seen = trial.no_fault(35)
    trial.note(f"{share}: states seen {seen}")
    if "degraded" not in seen:
        raise Failed(f"never degraded with {share} of packets lost: {seen}")
    mend()


@case(45)
def loss_of_a_fifth(trial):
    """Every packet is lost with a chance of 20 %, but for those of a host of which one was lost in
    the two seconds before: by chance alone a group could be silent three rounds running, and that
    would be an outage."""
    rules = []
    for ip, kind, which in (("ip", "ipv4_addr", "meta l4proto != ipv6-icmp iifname \"up0\""),
                            ("ip6", "ipv6_addr", "icmpv6 type echo-reply")):
        rules += [f"set lost_{ip} {{ type {kind}; flags dynamic,timeout; timeout 2s; }}",
                  f"{which} {ip} saddr != @lost_{ip} numgen random mod 100 < 20 "
                  f"add @lost_{ip} {{ {ip} saddr }} drop"]
    loss(trial, rules, "20 %")


@case(45)
def loss_of_exactly_a_tenth(trial):
    """Each tenth packet is lost."""
    each = "numgen inc mod 10 == 0 drop"
    loss(trial, [f"meta l4proto != ipv6-icmp iifname \"up0\" {each}",
                 f"icmpv6 type echo-reply {each}"], "each tenth")


def fill_the_line(trial, seconds):
    """Villagers fill a line of 512 kbit/s until almost everything is lost."""
    village = trial.village
    village.run(village.modem, "tc", "qdisc", "add", "dev", village.modem_side, "root", "handle",
                "1:", "tbf", "rate", "512kbit", "burst", "16kb", "latency", "400ms")
    # A queue of packets rather than bytes, so that small ones are lost like large ones.
    village.run(village.modem, "tc", "qdisc", "add", "dev", village.modem_side, "parent", "1:1",
                "handle", "10:", "pfifo", "limit", "8")
    for _ in range(3):
        trial.start_peers(village.home, "download", trial.where.big_server, "200000")
    trial.start_peers(village.net, "flood", trial.where.villager, "150000")
    trial.note(f"states seen {trial.no_fault(seconds)}")


SLOW_LINE = {"provider": {"name": "Uji", "down": "512 kbit/s", "up": "512 kbit/s"}}


@case(45)
def congestion(trial):
    """A line that is full is no outage."""
    trial.settle(changes=SLOW_LINE)
    fill_the_line(trial, 30)


@case(90)
def congestion_as_shipped(trial):
    """The same with the intervals as shipped: the ticks are further apart than the rounds in
    doubt."""
    trial.settle(pace=DEFAULT, changes={**SLOW_LINE, "metering": {"tick": "10s", "commit": "60s"}})
    fill_the_line(trial, 60)


@case(60)
def satellite(trial):
    """600 ms of round trip, jitter, frames that overtake each other, 2 % lost: no outage. Then the
    provider dies, and that is seen through such a link, too."""
    trial.settle(pace=Pace(8, 3, 2.5, 30), village={"is_satellite": True})
    seen = trial.no_fault(15)
    status = trial.gateway.status()
    rtts = [line["rtt_ms"] for line in status["ladder"]
            if line["rung"] in ("domestic", "international") and line.get("rtt_ms")]
    if not rtts or not all(450 <= rtt <= 2500 for rtt in rtts):
        raise Failed(f"a round trip of 600 ms was measured as {rtts} ms")
    trial.note(f"states seen {seen}, round trips {rtts} ms")
    trial.one_fault("isp", *rule_fault(trial, "forward", trial.village.modem, "drop"),
                    rungs={"carrier": "up"})


@case(60)
def half_open(trial):
    """The push's connection dies without a word; a new one takes its place within seconds, and
    neither the internet nor the province is called down for it."""
    trial.settle(changes={"sync": province_target()}, before=trial.start_province)
    village = trial.village
    trial.gateway.wait(lambda status: status["sync"][0]["through"] > 0, HANGS_S, "the first push")

    def ports():
        text = village.run(village.gw, "ss", "-Htn", "state", "established", "dst",
                           f"{trial.where.province}:{PROVINCE_PORT}")
        return {line.split()[2].rsplit(":", 1)[1] for line in text.splitlines()}, text
    old, text = ports()
    if not old:
        raise Failed(f"no kept-alive connection to the province: {text}")
    before = trial.gateway.status()["sync"][0]["through"]
    village.forward(village.isp, *(f"tcp {side} {port} drop" for port in old
                                   for side in ("sport", "dport")))
    # Those that had nothing to say stay: nobody can know that they are dead.
    stuck, gone = {}, None
    end = time.monotonic() + HANGS_S
    last_look = time.monotonic()
    while gone is None:
        looked = time.monotonic()
        now, text = ports()
        for line in text.splitlines():
            port = line.split()[2].rsplit(":", 1)[1]
            if line.split()[1] != "0" and port in old:
                stuck.setdefault(port, time.monotonic())
        if given_up := [port for port in stuck if port not in now]:
            # Surely stuck from the one look to the other; how long a look takes is not its fault.
            gone = last_look - stuck[given_up[0]]
        last_look = looked
        if time.monotonic() > end:
            raise Failed(f"no dead connection was given up within {HANGS_S:.0f} s: {text}")
        time.sleep(0.1)
    trial.gateway.wait(lambda status: status["sync"][0]["through"] > before, HANGS_S, "a new push")
    trial.note(f"given up {gone:.1f} s after the first byte that nobody confirmed")
    if gone > 8:
        raise Failed(f"the dead connection was given up only after {gone:.1f} s")
    trial.check([])


@case(60)
def reply_lost(trial):
    """The batch arrives and its reply is lost: it is sent again and counted once."""
    trial.settle(changes={"sync": province_target()}, before=trial.start_province)
    village = trial.village
    trial.gateway.wait(lambda status: status["sync"][0]["through"] > 0, HANGS_S, "the first push")
    village.run(village.isp, "sysctl", "-qw", "net.netfilter.nf_conntrack_acct=1")
    # The handshake of a new connection passes, and nothing that the server says after it; a
    # connection that was there before is counted from now on, so its answers go by their flag.
    reply = f"ip saddr {trial.where.province} tcp sport {PROVINCE_PORT}"
    fault, mend = rule_fault(trial, "forward", village.isp, f"{reply} tcp flags & psh == psh drop",
                             f"{reply} ct packets > 4 drop")
    fault()
    begun = time.time()

    def kept():
        with open(f"{trial.folder}/province.log", encoding="utf-8", errors="replace") as file:
            return file.read().count("batch_kept")
    had = kept()
    status = trial.gateway.status()
    # The server keeps a batch whose receipt does not arrive.
    end = time.monotonic() + HANGS_S
    while kept() == had:
        if time.monotonic() > end:
            raise Failed("no batch reached the province while replies were lost")
        time.sleep(0.2)
    at_loss = trial.gateway.status()["sync"][0]["through"]
    if at_loss != status["sync"][0]["through"]:
        raise Failed("a receipt came through: nothing was lost")
    trial.pause(2, 4)
    mend()
    trial.gateway.wait(lambda now: now["sync"][0]["through"] > at_loss, 180, "the receipt")
    newest = trial.gateway.status()["sync"][0]["through"]
    trial.gateway.stop()
    rows = province_rows(trial)
    if len(set(rows)) != len(rows) or set(range(1, newest + 1)) - set(rows):
        raise Failed(f"of {newest} records {len(set(rows))} are held, {len(rows)} rows")
    trial.note(f"{len(rows)} records, each once; the reply was lost for "
               f"{time.time() - begun:.0f} s, through was {status['sync'][0]['through']}")


def province_rows(trial):
    """The number of every record that the province holds, once for each row of it."""
    copy = f"{trial.folder}/copy.db"
    trial.village.run(trial.village.net, f"{trial.binaries}/gerbang-province", "copy", "--store",
                      f"{trial.folder}/province.db", copy)
    with sqlite3.connect(copy) as store:
        return [seq for (seq,) in
                store.execute("SELECT seq FROM chunk UNION ALL SELECT seq FROM event")]

