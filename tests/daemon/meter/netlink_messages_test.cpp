#include "daemon/meter/netlink_messages.hpp"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <optional>

#include "tests/daemon/meter/datagram.hpp"

using namespace gerbang;
using namespace gerbang::netlink;

namespace {

constexpr std::uint32_t kSequence = 7;

ifinfomsg link_info(int ifindex, unsigned flags = IFF_UP | IFF_LOWER_UP) {
    ifinfomsg info{};
    info.ifi_index = ifindex;
    info.ifi_flags = flags;
    return info;
}

rtnl_link_stats64 statistics() {
    rtnl_link_stats64 all{};
    all.rx_packets = 1;
    all.tx_packets = 2;
    all.rx_bytes = 5'000'000'000;
    all.tx_bytes = 4;
    all.rx_errors = 5;
    all.tx_errors = 6;
    all.rx_dropped = 7;
    all.tx_dropped = 8;
    return all;
}

DatagramBuilder& add_link(DatagramBuilder& builder, int ifindex, const std::string& name) {
    return builder.message(RTM_NEWLINK, link_info(ifindex))
        .text(IFLA_IFNAME, name)
        .value(IFLA_STATS64, statistics());
}

void add_kind(DatagramBuilder& builder, const std::string& kind) {
    DatagramBuilder nested;
    nested.text(IFLA_INFO_KIND, kind);
    // The builder writes a length over the first attribute's header; its own is set anew.
    const nlattr inner{.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + kind.size() + 1),
                       .nla_type = IFLA_INFO_KIND};
    std::memcpy(nested.bytes().data(), &inner, sizeof inner);
    builder.attribute(IFLA_LINKINFO, nested.bytes().data(), nested.bytes().size());
}

rtmsg route_to_everywhere(unsigned char family = AF_INET) {
    rtmsg route{};
    route.rtm_family = family;
    route.rtm_table = RT_TABLE_MAIN;
    route.rtm_type = RTN_UNICAST;
    return route;
}

ndmsg neighbour(int ifindex, std::uint16_t state) {
    ndmsg entry{};
    entry.ndm_family = AF_INET;
    entry.ndm_ifindex = ifindex;
    entry.ndm_state = state;
    entry.ndm_type = RTN_UNICAST;
    return entry;
}

using Hardware = std::array<std::uint8_t, 6>;

std::size_t live(const ndmsg& entry, Hardware hardware, std::uint32_t confirmed = 0) {
    DatagramBuilder builder;
    nda_cacheinfo ages{};
    ages.ndm_confirmed = confirmed;
    builder.message(RTM_NEWNEIGH, entry).value(NDA_LLADDR, hardware).value(NDA_CACHEINFO, ages);
    std::vector<Neighbour> found;
    CHECK_FALSE(parse_neighbours(builder.datagram(), kSequence, found).is_malformed);
    return found.size();
}

}  // namespace

TEST_CASE("A link dump gives names, state, stacking and all counters", "[meter][netlink]") {
    DatagramBuilder builder;
    add_link(builder, 3, "br-lan").value(IFLA_CARRIER_CHANGES, std::uint32_t{9});
    add_kind(builder, "bridge");
    add_link(builder, 4, "eth1").value(IFLA_MASTER, std::uint32_t{3});
    add_link(builder, 5, "eth0.10").value(IFLA_LINK, std::uint32_t{2});
    add_kind(builder, "vlan");
    add_link(builder, 6, "veth9").value(IFLA_LINK, std::uint32_t{2});
    add_kind(builder, "veth");
    builder.message(RTM_NEWLINK, link_info(1, IFF_LOOPBACK)).text(IFLA_IFNAME, "lo");
    builder.value(IFLA_CARRIER, std::uint8_t{1}).value(IFLA_STATS64, statistics());
    builder.done();

    std::vector<Link> links;
    const auto progress = parse_links(builder.datagram(), kSequence, links);
    CHECK(progress.is_done);
    CHECK_FALSE(progress.is_malformed);
    REQUIRE(links.size() == 5);
    const auto& bridge = links[0].reading;
    CHECK(bridge.name == "br-lan");
    CHECK(bridge.is_bridge);
    CHECK(bridge.is_up);
    CHECK(bridge.has_carrier);
    CHECK(bridge.carrier_changes == 9);
    CHECK(bridge.counters ==
          std::array<std::uint64_t, kCounterCount>{5'000'000'000, 4, 1, 2, 5, 6, 7, 8});
    CHECK(links[1].reading.master == 3);
    CHECK(links[2].reading.lower == 2);
    CHECK(links[3].reading.lower == 0);
    CHECK(links[3].is_container_port);
    CHECK(links[4].reading.is_loopback);
    CHECK_FALSE(links[4].reading.is_up);
    CHECK(links[4].reading.has_carrier);
}

TEST_CASE("A link without name or counters is left out", "[meter][netlink]") {
    DatagramBuilder builder;
    builder.message(RTM_NEWLINK, link_info(3)).text(IFLA_IFNAME, "eth0");
    builder.message(RTM_NEWLINK, link_info(4)).value(IFLA_STATS64, statistics());
    builder.message(RTM_NEWLINK, link_info(5)).text(IFLA_IFNAME, "eth1").value(IFLA_STATS64, 1);
    std::vector<Link> links;
    CHECK_FALSE(parse_links(builder.datagram(), kSequence, links).is_malformed);
    CHECK(links.empty());
}

TEST_CASE("A device below in another namespace is not below", "[meter][netlink]") {
    DatagramBuilder builder;
    add_link(builder, 3, "mv0").value(IFLA_LINK, std::uint32_t{2}).value(IFLA_LINK_NETNSID, 0);
    std::vector<Link> links;
    (void)parse_links(builder.datagram(), kSequence, links);
    REQUIRE(links.size() == 1);
    CHECK(links[0].reading.lower == 0);
}

TEST_CASE("An interrupted, failed or foreign dump is told apart", "[meter][netlink]") {
    std::vector<Link> links;
    SECTION("interrupted") {
        DatagramBuilder builder;
        builder.message(RTM_NEWLINK, link_info(3), NLM_F_DUMP_INTR).done();
        const auto progress = parse_links(builder.datagram(), kSequence, links);
        CHECK(progress.is_interrupted);
        CHECK(progress.is_done);
    }
    SECTION("refused") {
        DatagramBuilder builder;
        builder.message(NLMSG_ERROR, nlmsgerr{.error = -1, .msg = {}});
        const auto progress = parse_links(builder.datagram(), kSequence, links);
        CHECK(progress.error == 1);
        CHECK(progress.is_done);
    }
    SECTION("an error at the end of the dump") {
        DatagramBuilder builder;
        builder.done(-105);
        CHECK(parse_links(builder.datagram(), kSequence, links).error == 105);
    }
    SECTION("of an earlier request") {
        DatagramBuilder builder{kSequence - 1};
        add_link(builder, 3, "eth0");
        builder.done();
        const auto progress = parse_links(builder.datagram(), kSequence, links);
        CHECK_FALSE(progress.is_done);
        CHECK(links.empty());
    }
}

TEST_CASE("A truncated datagram is malformed at every length", "[meter][netlink]") {
    DatagramBuilder builder;
    add_link(builder, 3, "eth0");
    const auto whole = builder.datagram();
    for (std::size_t size = 1; size < whole.size(); ++size) {
        // A copy of exactly that size lets the sanitizer see any look beyond it.
        std::vector<std::byte> part(whole.begin(), whole.begin() + static_cast<long>(size));
        std::vector<Link> links;
        CHECK(parse_links(part, kSequence, links).is_malformed);
        CHECK(links.empty());
    }
}

TEST_CASE("A message that claims a length beyond its datagram is malformed", "[meter][netlink]") {
    for (const std::uint32_t claimed : {0u, 15u, 200u, 0x80000010u, 0xffffffffu}) {
        DatagramBuilder builder;
        add_link(builder, 3, "eth0");
        std::memcpy(builder.bytes().data(), &claimed, sizeof claimed);
        builder.bytes().resize(100);
        std::vector<Link> links;
        CHECK(parse_links(builder.datagram(), kSequence, links).is_malformed);
        CHECK(links.empty());
        CHECK_FALSE(ChangeFilter{}.takes(builder.datagram()));
    }
}

TEST_CASE("A dump of more links than fit is cut, not an error", "[meter][netlink]") {
    DatagramBuilder builder;
    for (int i = 1; i <= static_cast<int>(kMaxLinks) + 5; ++i) add_link(builder, i, "eth");
    std::vector<Link> links;
    CHECK_FALSE(parse_links(builder.datagram(), kSequence, links).is_malformed);
    CHECK(links.size() == kMaxLinks);
}

TEST_CASE("A statistics dump renews the counters of known links and tells of others",
          "[meter][netlink]") {
    DatagramBuilder described;
    add_link(described, 2, "eth0");
    add_link(described, 3, "eth1");
    std::vector<Link> links;
    (void)parse_links(described.datagram(), kSequence, links);
    REQUIRE(links.size() == 2);

    auto moved = statistics();
    moved.rx_bytes += 1000;
    const auto of = [](std::uint32_t ifindex) {
        if_stats_msg info{};
        info.ifindex = ifindex;
        return info;
    };
    DatagramBuilder builder;
    builder.message(RTM_NEWSTATS, of(2)).value(IFLA_STATS_LINK_64, moved);
    SECTION("all links") {
        builder.message(RTM_NEWSTATS, of(3)).value(IFLA_STATS_LINK_64, statistics());
        StatisticsTally tally;
        CHECK_FALSE(parse_statistics(builder.datagram(), kSequence, links, tally).is_malformed);
        CHECK(tally.known == 2);
        CHECK_FALSE(tally.has_unknown);
        CHECK(links[0].reading.counters[0] == 5'000'001'000);
        CHECK(links[1].reading.counters[0] == 5'000'000'000);
        CHECK(links[0].reading.name == "eth0");
    }
    SECTION("one is missing, another is new") {
        builder.message(RTM_NEWSTATS, of(4)).value(IFLA_STATS_LINK_64, statistics());
        StatisticsTally tally;
        CHECK_FALSE(parse_statistics(builder.datagram(), kSequence, links, tally).is_malformed);
        CHECK(tally.known == 1);
        CHECK(tally.has_unknown);
    }
    SECTION("short counters are none, a short message is malformed") {
        DatagramBuilder brief;
        brief.message(RTM_NEWSTATS, of(2)).value(IFLA_STATS_LINK_64, std::uint64_t{9});
        StatisticsTally tally;
        CHECK_FALSE(parse_statistics(brief.datagram(), kSequence, links, tally).is_malformed);
        CHECK(tally.known == 0);
        DatagramBuilder cut;
        cut.message(RTM_NEWSTATS, std::uint32_t{0});
        CHECK(parse_statistics(cut.datagram(), kSequence, links, tally).is_malformed);
    }
}

TEST_CASE("The default route of the main table with the lowest metric is the WAN",
          "[meter][netlink]") {
    DatagramBuilder builder;
    const auto add = [&builder](rtmsg route, std::uint32_t oif, std::uint32_t metric) {
        builder.message(RTM_NEWROUTE, route).value(RTA_OIF, oif).value(RTA_PRIORITY, metric);
    };
    auto narrow = route_to_everywhere();
    narrow.rtm_dst_len = 24;
    add(narrow, 9, 1);
    auto unreachable = route_to_everywhere();
    unreachable.rtm_type = RTN_UNREACHABLE;
    add(unreachable, 1, 1);
    auto policy = route_to_everywhere();
    policy.rtm_table = 0;
    add(policy, 8, 1);
    builder.value(RTA_TABLE, std::uint32_t{1000});
    add(route_to_everywhere(), 4, 600);
    add(route_to_everywhere(), 3, 100);
    add(route_to_everywhere(), 5, 100);
    builder.done();
    DefaultRoute best;
    CHECK(parse_routes(builder.datagram(), kSequence, best).is_done);
    CHECK(best.ifindex == 3);
    CHECK(best.metric == 100);
}

TEST_CASE("A multipath default route is that of its first next hop", "[meter][netlink]") {
    DatagramBuilder builder;
    std::array<rtnexthop, 2> hops{};
    for (auto& hop : hops) hop.rtnh_len = sizeof(rtnexthop);
    hops[1].rtnh_ifindex = 6;
    builder.message(RTM_NEWROUTE, route_to_everywhere(AF_INET6)).value(RTA_MULTIPATH, hops);
    DefaultRoute best;
    (void)parse_routes(builder.datagram(), kSequence, best);
    CHECK(best.ifindex == 6);
    CHECK(best.metric == 0);

    hops[0].rtnh_len = 0;  // would never end
    DatagramBuilder hostile;
    hostile.message(RTM_NEWROUTE, route_to_everywhere()).value(RTA_MULTIPATH, hops);
    DefaultRoute none;
    (void)parse_routes(hostile.datagram(), kSequence, none);
    CHECK(none.ifindex == 0);
}

TEST_CASE("The next hop of the default route is read in every form that the kernel has",
          "[meter][netlink]") {
    const std::array<std::uint8_t, 4> v4{192, 168, 1, 1};
    std::array<std::uint8_t, 16> v6{0xfe, 0x80};
    v6[15] = 1;
    const auto gateway_of = [](const DatagramBuilder& builder) {
        DefaultRoute best;
        CHECK_FALSE(parse_routes(builder.datagram(), kSequence, best).is_malformed);
        return best;
    };
    const auto padded = [](std::array<std::uint8_t, 4> address) {
        std::array<std::uint8_t, 16> all{};
        std::copy(address.begin(), address.end(), all.begin());
        return all;
    };
    SECTION("IPv4 and IPv6") {
        DatagramBuilder four;
        four.message(RTM_NEWROUTE, route_to_everywhere()).value(RTA_OIF, std::uint32_t{3});
        four.value(RTA_GATEWAY, v4);
        CHECK(gateway_of(four).gateway_family == AF_INET);
        CHECK(gateway_of(four).gateway == padded(v4));
        DatagramBuilder six;
        six.message(RTM_NEWROUTE, route_to_everywhere(AF_INET6)).value(RTA_OIF, std::uint32_t{3});
        six.value(RTA_GATEWAY, v6);
        CHECK(gateway_of(six).gateway_family == AF_INET6);
        CHECK(gateway_of(six).gateway == v6);
    }
    SECTION("IPv4 by way of an IPv6 router") {
        struct [[gnu::packed]] {
            std::uint16_t family = AF_INET6;
            std::array<std::uint8_t, 16> address;
        } via;
        via.address = v6;
        DatagramBuilder builder;
        builder.message(RTM_NEWROUTE, route_to_everywhere()).value(RTA_OIF, std::uint32_t{3});
        builder.attribute(RTA_VIA, &via, sizeof via);
        CHECK(gateway_of(builder).gateway_family == AF_INET6);
        CHECK(gateway_of(builder).gateway == v6);
    }
    SECTION("the first of several hops with a device") {
        struct Hop {
            rtnexthop hop{};
            nlattr head{};
            std::array<std::uint8_t, 4> address{};
        };
        std::array<Hop, 2> hops{};
        for (auto& one : hops) {
            one.hop.rtnh_len = sizeof(Hop);
            one.head = {.nla_len = 8, .nla_type = RTA_GATEWAY};
        }
        hops[0].address = {10, 0, 0, 1};
        hops[1].address = v4;
        hops[1].hop.rtnh_ifindex = 6;
        DatagramBuilder builder;
        builder.message(RTM_NEWROUTE, route_to_everywhere()).value(RTA_MULTIPATH, hops);
        CHECK(gateway_of(builder).ifindex == 6);
        CHECK(gateway_of(builder).gateway == padded(v4));
        hops[1].hop.rtnh_len = 4711;  // beyond what is there
        DatagramBuilder cut;
        cut.message(RTM_NEWROUTE, route_to_everywhere()).value(RTA_MULTIPATH, hops);
        CHECK(gateway_of(cut).ifindex == 6);
    }
    SECTION("none on a PPP, and none that is cut short") {
        DatagramBuilder ppp;
        ppp.message(RTM_NEWROUTE, route_to_everywhere()).value(RTA_OIF, std::uint32_t{3});
        CHECK(gateway_of(ppp).ifindex == 3);
        CHECK(gateway_of(ppp).gateway_family == 0);
        DatagramBuilder cut;
        cut.message(RTM_NEWROUTE, route_to_everywhere(AF_INET6)).value(RTA_OIF, std::uint32_t{3});
        cut.value(RTA_GATEWAY, v4).value(RTA_VIA, std::uint16_t{AF_INET6});
        CHECK(gateway_of(cut).gateway_family == 0);
    }
}

TEST_CASE("The kernel's entry of the gateway is resolved, silent, or says nothing",
          "[meter][netlink]") {
    const auto state_of = [](int state) {
        DatagramBuilder builder;
        builder.message(RTM_NEWNEIGH, neighbour(3, static_cast<std::uint16_t>(state)));
        std::optional<bool> is_resolved;
        CHECK_FALSE(parse_neighbour_state(builder.datagram(), kSequence, is_resolved).is_malformed);
        return is_resolved;
    };
    for (const auto state : {NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PROBE, NUD_PERMANENT})
        CHECK(state_of(state) == true);
    for (const auto state : {NUD_INCOMPLETE, NUD_FAILED}) CHECK(state_of(state) == false);
    for (const auto state : {NUD_NOARP, NUD_NONE}) CHECK_FALSE(state_of(state));

    DatagramBuilder absent;
    absent.message(NLMSG_ERROR, int{-ENOENT});
    std::optional<bool> untouched;
    CHECK(parse_neighbour_state(absent.datagram(), kSequence, untouched).error == ENOENT);
    CHECK_FALSE(untouched);
    DatagramBuilder cut;
    cut.message(RTM_NEWNEIGH, std::uint32_t{0});
    CHECK(parse_neighbour_state(cut.datagram(), kSequence, untouched).is_malformed);
}

TEST_CASE("A link tells whether there is a neighbour to ask for", "[meter][netlink]") {
    const auto link_of = [](std::uint16_t type, unsigned flags, const std::string& kind = "") {
        auto info = link_info(3, flags);
        info.ifi_type = type;
        DatagramBuilder builder;
        builder.message(RTM_NEWLINK, info)
            .text(IFLA_IFNAME, "x0")
            .value(IFLA_STATS64, statistics());
        if (!kind.empty()) add_kind(builder, kind);
        std::vector<Link> links;
        (void)parse_links(builder.datagram(), kSequence, links);
        REQUIRE(links.size() == 1);
        return links[0].reading;
    };
    CHECK_FALSE(link_of(ARPHRD_ETHER, IFF_UP | IFF_BROADCAST).is_point_to_point);
    CHECK_FALSE(link_of(ARPHRD_LOOPBACK, IFF_UP | IFF_LOOPBACK | IFF_NOARP).is_point_to_point);
    CHECK(link_of(ARPHRD_ETHER, IFF_UP | IFF_NOARP).is_point_to_point);  // cdc_mbim
    CHECK(link_of(519, IFF_UP).is_point_to_point);                       // raw IP
    CHECK(link_of(ARPHRD_NONE, IFF_UP, "wwan").is_point_to_point);
    CHECK(link_of(ARPHRD_NONE, IFF_UP, "wwan").kind == "wwan");
    CHECK(link_of(ARPHRD_TUNNEL, IFF_UP | IFF_POINTOPOINT).is_point_to_point);
    const auto ppp = link_of(ARPHRD_PPP, IFF_UP | IFF_POINTOPOINT | IFF_NOARP, "ppp");
    CHECK(ppp.is_ppp);
    CHECK(ppp.is_point_to_point);
    for (const auto* kind : {"bridge", "openvswitch", "bond", "team"})
        CHECK(link_of(ARPHRD_ETHER, IFF_UP, kind).is_bridge);
    CHECK_FALSE(link_of(ARPHRD_ETHER, IFF_UP, "vlan").is_bridge);
    CHECK(link_of(ARPHRD_ETHER, IFF_UP, "a-kind-of-much-more-than-fits").kind.size() == 15);
}

TEST_CASE("Only live neighbours with a hardware address of their own count", "[meter][netlink]") {
    const Hardware phone{2, 0, 0, 0, 0, 1};
    for (const auto state : {NUD_REACHABLE, NUD_DELAY, NUD_PROBE, NUD_PERMANENT, NUD_STALE})
        CHECK(live(neighbour(3, static_cast<std::uint16_t>(state)), phone) == 1);
    for (const auto state : {NUD_FAILED, NUD_INCOMPLETE, NUD_NOARP, NUD_NONE})
        CHECK(live(neighbour(3, static_cast<std::uint16_t>(state)), phone) == 0);
    CHECK(live(neighbour(3, NUD_STALE), phone, 15 * 60 * 100) == 1);
    CHECK(live(neighbour(3, NUD_STALE), phone, 15 * 60 * 100 + 1) == 0);
    CHECK(live(neighbour(3, NUD_REACHABLE), {1, 0, 0x5e, 0, 0, 1}) == 0);
    CHECK(live(neighbour(3, NUD_PERMANENT), {}) == 0);
    CHECK(live(neighbour(0, NUD_REACHABLE), phone) == 0);
    auto proxy = neighbour(3, NUD_PERMANENT);
    proxy.ndm_flags = NTF_PROXY;
    CHECK(live(proxy, phone) == 0);
    auto bridge_table = neighbour(3, NUD_REACHABLE);
    bridge_table.ndm_family = AF_BRIDGE;
    CHECK(live(bridge_table, phone) == 0);
    auto group = neighbour(3, NUD_PERMANENT);
    group.ndm_type = RTN_MULTICAST;
    CHECK(live(group, phone) == 0);
}

TEST_CASE("Two addresses of one client are one neighbour once sorted", "[meter][netlink]") {
    DatagramBuilder builder;
    for (int i = 0; i < 2; ++i)
        builder.message(RTM_NEWNEIGH, neighbour(3, NUD_REACHABLE))
            .value(NDA_LLADDR, Hardware{2, 0, 0, 0, 0, 1});
    std::vector<Neighbour> found;
    (void)parse_neighbours(builder.datagram(), kSequence, found);
    REQUIRE(found.size() == 2);
    CHECK(found[0] == found[1]);
}

TEST_CASE("The change filter wakes for state and default routes, not for noise",
          "[meter][netlink]") {
    ChangeFilter filter;
    const auto link = [&filter](std::uint16_t type, int ifindex, unsigned flags,
                                unsigned char family = AF_UNSPEC) {
        DatagramBuilder builder;
        auto info = link_info(ifindex, flags);
        info.ifi_family = family;
        builder.message(type, info);
        return filter.takes(builder.datagram());
    };
    CHECK(link(RTM_NEWLINK, 3, IFF_UP));
    CHECK_FALSE(link(RTM_NEWLINK, 3, IFF_UP));
    CHECK_FALSE(link(RTM_NEWLINK, 3, IFF_UP | IFF_PROMISC));
    CHECK(link(RTM_NEWLINK, 3, IFF_UP | IFF_LOWER_UP));
    CHECK_FALSE(link(RTM_NEWLINK, 3, 0, AF_BRIDGE));
    CHECK(link(RTM_DELLINK, 3, 0));
    CHECK(link(RTM_NEWLINK, 3, IFF_UP));
    for (int i = 10; i < 200; ++i) CHECK(link(RTM_NEWLINK, i, IFF_UP));
    CHECK(link(RTM_NEWLINK, 199, IFF_UP));
    CHECK_FALSE(link(RTM_NEWLINK, 3, IFF_UP));

    const auto route = [&filter](std::uint16_t type, unsigned char prefix) {
        DatagramBuilder builder;
        auto body = route_to_everywhere();
        body.rtm_dst_len = prefix;
        builder.message(type, body).value(RTA_OIF, std::uint32_t{3});
        return filter.takes(builder.datagram());
    };
    CHECK(route(RTM_NEWROUTE, 0));
    CHECK(route(RTM_DELROUTE, 0));
    CHECK_FALSE(route(RTM_NEWROUTE, 24));
    CHECK_FALSE(filter.takes({}));
}
