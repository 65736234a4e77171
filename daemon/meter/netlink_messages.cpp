#include "daemon/meter/netlink_messages.hpp"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>

#include "daemon/meter/netlink_walk.hpp"

namespace gerbang::netlink {
namespace {

/// The kernel counts neighbour ages in hundredths of a second (USER_HZ), on every architecture of
/// ours.
constexpr std::uint32_t kStaleLimit = 15 * 60 * 100;
/// ARPHRD_RAWIP, younger than some of the headers we are built with.
constexpr unsigned kRawIp = 519;
/// What a string keeps in place.
constexpr std::size_t kLongestKind = 15;

void take_statistics(std::span<const std::byte> payload, InterfaceReading& into) {
    // rtnl_link_stats64 grew over the years; its first eight fields never moved.
    const auto statistics = front_as<std::array<std::uint64_t, 8>>(payload);
    if (!statistics) return;
    const auto set = [&](Counter counter, std::size_t field) {
        into.counters[static_cast<std::size_t>(counter)] = (*statistics)[field];
    };
    set(Counter::rx_packets, 0);
    set(Counter::tx_packets, 1);
    set(Counter::rx_bytes, 2);
    set(Counter::tx_bytes, 3);
    set(Counter::rx_errors, 4);
    set(Counter::tx_errors, 5);
    set(Counter::rx_dropped, 6);
    set(Counter::tx_dropped, 7);
}

std::string_view kind_of(std::span<const std::byte> link_info) {
    std::string_view kind;
    for_each_attribute(link_info, [&kind](std::uint16_t type, std::span<const std::byte> payload) {
        if (type == IFLA_INFO_KIND) kind = text(payload);
    });
    return kind;
}

bool take_link_statistics(std::span<const std::byte> payload, std::vector<Link>& links,
                          StatisticsTally& tally) {
    const auto info = front_as<if_stats_msg>(payload);
    if (!info) return false;
    const auto found = std::find_if(links.begin(), links.end(), [&](const Link& link) {
        return link.reading.ifindex == info->ifindex;
    });
    if (found == links.end()) {
        tally.has_unknown = true;
        return true;
    }
    for_each_attribute(payload.subspan(aligned(sizeof(if_stats_msg))),
                       [&](std::uint16_t type, std::span<const std::byte> value) {
                           if (type != IFLA_STATS_LINK_64 || value.size() < 64) return;
                           take_statistics(value, found->reading);
                           ++tally.known;
                       });
    return true;
}

bool take_link(std::span<const std::byte> payload, std::vector<Link>& into) {
    const auto info = front_as<ifinfomsg>(payload);
    if (!info) return false;
    if (into.size() >= kMaxLinks || info->ifi_index <= 0) return true;

    auto& link = into.emplace_back();
    auto& one = link.reading;
    one.ifindex = static_cast<std::uint32_t>(info->ifi_index);
    one.is_up = (info->ifi_flags & IFF_UP) != 0;
    one.is_loopback = (info->ifi_flags & IFF_LOOPBACK) != 0;
    one.has_carrier = (info->ifi_flags & IFF_LOWER_UP) != 0;
    one.is_ppp = info->ifi_type == ARPHRD_PPP;
    // Some LTE modems call themselves Ethernet, but without ARP.
    one.is_point_to_point =
        !one.is_loopback &&
        (one.is_ppp || info->ifi_type == kRawIp || info->ifi_type == ARPHRD_NONE ||
         (info->ifi_flags & (IFF_POINTOPOINT | IFF_NOARP)) != 0);
    bool has_statistics = false;
    bool lower_is_elsewhere = false;
    std::string_view kind;
    for_each_attribute(payload.subspan(aligned(sizeof(ifinfomsg))),
                       [&](std::uint16_t type, std::span<const std::byte> value) {
                           switch (type) {
                               case IFLA_IFNAME:
                                   one.name.assign(text(value).substr(0, IFNAMSIZ - 1));
                                   break;
                               case IFLA_MASTER:
                                   one.master = number(value);
                                   break;
                               case IFLA_LINK:
                                   one.lower = number(value);
                                   break;
                               case IFLA_LINK_NETNSID:
                                   lower_is_elsewhere = true;
                                   break;
                               case IFLA_CARRIER:
                                   if (!value.empty()) one.has_carrier = value[0] != std::byte{0};
                                   break;
                               case IFLA_CARRIER_CHANGES:
                                   one.carrier_changes = number(value);
                                   break;
                               case IFLA_STATS64:
                                   has_statistics = value.size() >= 64;
                                   take_statistics(value, one);
                                   break;
                               case IFLA_LINKINFO:
                                   kind = kind_of(value);
                                   break;
                               default:
                                   break;
                           }
                       });
    // Without a name or counters there is nothing to meter; zeros would look like a restart.
    if (one.name.empty() || !has_statistics) {
        into.pop_back();
        return true;
    }
    one.is_bridge = kind == "bridge" || kind == "openvswitch" || kind == "bond" || kind == "team";
    one.kind.assign(kind.substr(0, kLongestKind));
    link.is_container_port = kind == "veth" || kind == "dummy";
    if (kind == "veth" || lower_is_elsewhere || one.lower == one.ifindex) one.lower = 0;
    return true;
}

/// An address of `family` at the front of `bytes`; nothing is taken when it is too short.
void take_gateway(int family, std::span<const std::byte> bytes, DefaultRoute& into) {
    const std::size_t size = family == AF_INET ? 4 : 16;
    if ((family != AF_INET && family != AF_INET6) || bytes.size() < size) return;
    into.gateway_family = static_cast<std::uint8_t>(family);
    std::memcpy(into.gateway.data(), bytes.data(), size);
}

/// The next hop as a route or one of several hops tells it; `RTA_VIA` is IPv6 for an IPv4 route.
void take_hop(int family, std::uint16_t type, std::span<const std::byte> value,
              DefaultRoute& into) {
    if (type == RTA_GATEWAY) take_gateway(family, value, into);
    if (type != RTA_VIA) return;
    if (const auto other = front_as<std::uint16_t>(value))
        take_gateway(*other, value.subspan(sizeof *other), into);
}

/// The first next hop that has a device.
void take_first_hop(int family, std::span<const std::byte> hops, DefaultRoute& into) {
    while (const auto hop = front_as<rtnexthop>(hops)) {
        const std::size_t size = std::min<std::size_t>(hop->rtnh_len, hops.size());
        if (hop->rtnh_ifindex > 0) {
            into.ifindex = static_cast<std::uint32_t>(hop->rtnh_ifindex);
            if (size > sizeof(rtnexthop))
                for_each_attribute(hops.first(size).subspan(sizeof(rtnexthop)),
                                   [&](std::uint16_t type, std::span<const std::byte> value) {
                                       take_hop(family, type, value, into);
                                   });
            return;
        }
        const std::size_t step = aligned(size);
        if (step < sizeof(rtnexthop) || step >= hops.size()) return;
        hops = hops.subspan(step);
    }
}

/// Nothing for a route that is no default route of the main table; ifindex 0 without a device.
std::optional<DefaultRoute> default_route_of(std::span<const std::byte> payload) {
    const auto route = front_as<rtmsg>(payload);
    if (!route || route->rtm_dst_len != 0 || route->rtm_type != RTN_UNICAST ||
        (route->rtm_flags & RTM_F_CLONED) != 0)
        return std::nullopt;
    if (route->rtm_family != AF_INET && route->rtm_family != AF_INET6) return std::nullopt;
    std::uint32_t table = route->rtm_table;
    DefaultRoute found;
    DefaultRoute hop;
    for_each_attribute(payload.subspan(aligned(sizeof(rtmsg))),
                       [&](std::uint16_t type, std::span<const std::byte> value) {
                           if (type == RTA_TABLE) table = number(value);
                           if (type == RTA_OIF) found.ifindex = number(value);
                           if (type == RTA_PRIORITY) found.metric = number(value);
                           if (type == RTA_MULTIPATH) take_first_hop(route->rtm_family, value, hop);
                           take_hop(route->rtm_family, type, value, found);
                       });
    if (table != RT_TABLE_MAIN) return std::nullopt;
    if (found.ifindex == 0) {
        hop.metric = found.metric;
        return hop;
    }
    return found;
}

bool take_neighbour(std::span<const std::byte> payload, std::vector<Neighbour>& into) {
    const auto entry = front_as<ndmsg>(payload);
    if (!entry) return false;
    constexpr int kLive = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
    const bool is_ip = entry->ndm_family == AF_INET || entry->ndm_family == AF_INET6;
    if (!is_ip || (entry->ndm_state & kLive) == 0 || (entry->ndm_flags & NTF_PROXY) != 0 ||
        entry->ndm_type == RTN_MULTICAST || entry->ndm_ifindex <= 0)
        return true;

    Neighbour neighbour{.ifindex = static_cast<std::uint32_t>(entry->ndm_ifindex), .hardware = {}};
    bool is_live = true;
    for_each_attribute(payload.subspan(aligned(sizeof(ndmsg))),
                       [&](std::uint16_t type, std::span<const std::byte> value) {
                           if (type == NDA_LLADDR)
                               std::memcpy(neighbour.hardware.data(), value.data(),
                                           std::min(value.size(), neighbour.hardware.size()));
                           if (type != NDA_CACHEINFO || (entry->ndm_state & NUD_STALE) == 0) return;
                           const auto ages = front_as<nda_cacheinfo>(value);
                           is_live = ages && ages->ndm_confirmed <= kStaleLimit;
                       });
    const bool is_group = (neighbour.hardware[0] & 1) != 0;
    const bool has_address = neighbour.hardware != decltype(neighbour.hardware){};
    if (is_live && has_address && !is_group && into.size() < kMaxNeighbours)
        into.push_back(neighbour);
    return true;
}

}  // namespace

Progress parse_links(Datagram datagram, std::uint32_t sequence, std::vector<Link>& into) {
    return walk(datagram, sequence,
                [&into](const nlmsghdr& header, std::span<const std::byte> payload) {
                    return header.nlmsg_type != RTM_NEWLINK || take_link(payload, into);
                });
}

Progress parse_statistics(Datagram datagram, std::uint32_t sequence, std::vector<Link>& links,
                          StatisticsTally& tally) {
    return walk(
        datagram, sequence, [&](const nlmsghdr& header, std::span<const std::byte> payload) {
            return header.nlmsg_type != RTM_NEWSTATS || take_link_statistics(payload, links, tally);
        });
}

Progress parse_routes(Datagram datagram, std::uint32_t sequence, DefaultRoute& best) {
    return walk(
        datagram, sequence, [&best](const nlmsghdr& header, std::span<const std::byte> payload) {
            if (header.nlmsg_type != RTM_NEWROUTE) return true;
            if (payload.size() < sizeof(rtmsg)) return false;
            const auto route = default_route_of(payload);
            if (route && route->ifindex != 0 && (best.ifindex == 0 || route->metric < best.metric))
                best = *route;
            return true;
        });
}

Progress parse_neighbours(Datagram datagram, std::uint32_t sequence, std::vector<Neighbour>& into) {
    return walk(datagram, sequence,
                [&into](const nlmsghdr& header, std::span<const std::byte> payload) {
                    return header.nlmsg_type != RTM_NEWNEIGH || take_neighbour(payload, into);
                });
}

Progress parse_neighbour_state(Datagram datagram, std::uint32_t sequence,
                               std::optional<bool>& is_resolved) {
    constexpr int kResolved = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
    constexpr int kSilent = NUD_INCOMPLETE | NUD_FAILED;
    return walk(datagram, sequence,
                [&](const nlmsghdr& header, std::span<const std::byte> payload) {
                    if (header.nlmsg_type != RTM_NEWNEIGH) return true;
                    const auto entry = front_as<ndmsg>(payload);
                    if (!entry) return false;
                    if ((entry->ndm_state & kResolved) != 0) is_resolved = true;
                    if ((entry->ndm_state & kSilent) != 0) is_resolved = false;
                    return true;
                });
}

bool ChangeFilter::takes(Datagram datagram) {
    bool is_taken = false;
    while (const auto message = take_message(datagram)) {
        const auto& [header, payload] = *message;
        if (header.nlmsg_type == RTM_NEWROUTE || header.nlmsg_type == RTM_DELROUTE) {
            is_taken = default_route_of(payload).has_value() || is_taken;
        } else if (header.nlmsg_type == RTM_NEWLINK || header.nlmsg_type == RTM_DELLINK) {
            const auto info = front_as<ifinfomsg>(payload);
            // A bridge tells of its ports with a family of its own, besides the link itself.
            if (!info || info->ifi_family != AF_UNSPEC || info->ifi_index <= 0) continue;
            constexpr std::uint32_t kCame = 1u << 31;  // no kernel flag uses it
            const auto state =
                header.nlmsg_type == RTM_DELLINK
                    ? 0u
                    : kCame | (info->ifi_flags & (IFF_UP | IFF_RUNNING | IFF_LOWER_UP));
            is_taken = link_changed(static_cast<std::uint32_t>(info->ifi_index), state) || is_taken;
        }
    }
    return is_taken;
}

bool ChangeFilter::link_changed(std::uint32_t ifindex, std::uint32_t state) {
    auto found = std::find_if(known_.begin(), known_.end(),
                              [ifindex](const Known& known) { return known.ifindex == ifindex; });
    if (found != known_.end()) {
        const bool is_change = found->state != state;
        *found = state == 0 ? Known{} : Known{ifindex, state};
        return is_change;
    }
    found = std::find_if(known_.begin(), known_.end(),
                         [](const Known& known) { return known.ifindex == 0; });
    if (found != known_.end() && state != 0) *found = {ifindex, state};
    return true;
}

}  // namespace gerbang::netlink
