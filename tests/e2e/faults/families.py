"""IPv6 alone, and both address families where one of them is dead."""

from cases import ADDRESSES, rule_fault
from gateway import HANGS_S, province_target, target
from topology import V4, V6, Failed
from trial import Truth, case

#: Faults that the other family makes good leave these in their place; nobody asks a service.
NO_SERVICE = {"services": None}


def of_both(**probe):
    return {**NO_SERVICE, "probe": {"resolvers": [V4.resolvers[0], V6.resolvers[0]], **probe}}


def count_hops(village):
    """Counts in the gateway what the provider's first router says of packets that died there."""
    village.nft(village.gw, "\n".join([
        "add table inet hops", "add counter inet hops died",
        "add chain inet hops input { type filter hook input priority -20 ; }",
        f"add rule inet hops input icmpv6 type time-exceeded ip6 saddr {V6.provider} "
        "counter name died"]) + "\n")


@case(25, families=(V6,))
def healthy_v6(trial):
    """A village of IPv6 alone in good health: every rung, by addresses of IPv6."""
    def before():
        trial.start_province()
        count_hops(trial.village)
    modem = f"{V6.next_hop}%wan0"
    trial.settle(changes={"sync": province_target(V6), "wan": {"modem_address": modem}},
                 before=before)
    if left := trial.village.run(trial.village.gw, "ip", "-4", "addr", "show", "dev", "wan0"):
        raise Failed(f"IPv4 on the WAN: {left}")
    trial.gateway.wait(lambda status: status["sync"][0]["through"] > 0, HANGS_S, "the first push")

    def all_up(status):
        said = {line["rung"]: line["state"] for line in status["ladder"]}
        return all(said.get(rung) == "up" for rung in (*ADDRESSES, "dns", "web", "province"))
    trial.gateway.wait(all_up, HANGS_S, "every rung up")
    if "packets 0 " in trial.village.run(trial.village.gw, "nft", "list", "counter", "inet", "hops",
                                         "died"):
        raise Failed("the provider is up, and its router let no packet die")
    trial.note(f"states seen {trial.no_fault(5, states=('up',))}")


@case(20, families=(V6,))
def targets_of_ipv4_v6(trial):
    """Targets as they are shipped, where there is no IPv4: those of IPv4 tell nothing, and the one
    of IPv6 that the internet is well."""
    trial.settle(changes={**NO_SERVICE, "probe": {"targets": [
        target("nasional", V4.domestic), target("luar", V4.abroad[0], "international"),
        target("luar-6", V6.abroad[0], "international")]}})
    trial.note(f"states seen {trial.no_fault(10, states=('up',))}")
    trial.check_rungs(trial.gateway.status(), domestic="unknown", international="up")


def drop_family(trial, family):
    """The modem forwards nothing of that family any more. Mends it when called."""
    fault, mend = rule_fault(trial, "forward", trial.village.modem,
                             f"meta nfproto {family} drop")
    fault()
    return mend


@case(45)
def ipv4_dead(trial):
    """IPv4 dies in silence, then its address is lost, too; IPv6 is well, so that there is no
    outage, although all that is known abroad is IPv4. Then IPv6 dies, and that is one."""
    trial.settle(changes=of_both())
    mend = drop_family(trial, "ipv4")
    trial.note(f"silence: {trial.no_fault(14, states=('up',))}")
    trial.village.run(trial.village.gw, "ip", "addr", "del", "10.77.1.2/24", "dev",
                      trial.village.wan)
    trial.note(f"no address: {trial.no_fault(10, states=('up',))}")
    both, mend_both = rule_fault(trial, "forward", trial.village.modem, "drop")
    begun = trial.at(both)
    trial.wait_down("isp", begun)
    mend()
    ended = trial.at(mend_both)
    trial.wait_up()
    trial.check([Truth("isp", begun, ended)])


@case(35)
def ipv6_dead(trial):
    """IPv6 dies in silence, then its default route is lost, too; IPv4 is well."""
    trial.settle(changes=of_both(targets=[
        target("nasional", V4.domestic), target("nasional-6", V6.domestic),
        target("luar", V4.abroad[0], "international"),
        target("luar-6", V6.abroad[0], "international")]))
    drop_family(trial, "ipv6")
    trial.note(f"silence: {trial.no_fault(14, states=('up',))}")
    trial.village.run(trial.village.gw, "ip", "-6", "route", "del", "default")
    trial.note(f"no route: {trial.no_fault(10, states=('up',))}")
