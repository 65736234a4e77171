#pragma once

// What the kernel says over netlink, without the socket: pure functions over datagrams.
//
// A datagram is a span aligned to 4 bytes, as received; it is not trusted. Messages whose sequence
// number is not `sequence` belong to an earlier, abandoned dump and are skipped.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "daemon/meter/counter_source.hpp"

namespace gerbang::netlink {

using Datagram = std::span<const std::byte>;

/// How far a dump is after a datagram.
struct Progress {
    bool is_done = false;         ///< the kernel said the end
    bool is_interrupted = false;  ///< the set changed while it was dumped: entries may be missing
    bool is_malformed = false;    ///< a message does not parse; the rest of the datagram is unread
    int error = 0;                ///< errno as the kernel sent it; 0: none
};

/// One link as dumped. `reading` has everything but what comes from sysfs (physical, wireless,
/// speed) and the neighbours.
struct Link {
    InterfaceReading reading;
    bool is_container_port = false;  ///< a veth or dummy: the first to go when there are too many
};
inline constexpr std::size_t kMaxLinks = 512;

/// Appends the links of an RTM_GETLINK dump; those beyond `kMaxLinks` are left out.
[[nodiscard]] Progress parse_links(Datagram datagram, std::uint32_t sequence,
                                   std::vector<Link>& into);

/// What an RTM_GETSTATS dump found of a set of links.
struct StatisticsTally {
    std::size_t known = 0;     ///< links of the set that have new counters now
    bool has_unknown = false;  ///< a link outside the set: it must be described anew
};
/// Takes in an RTM_GETSTATS dump of 64-bit link counters, for links already described: a fraction
/// of what RTM_GETLINK costs the kernel. A dump that is repeated only overwrites.
[[nodiscard]] Progress parse_statistics(Datagram datagram, std::uint32_t sequence,
                                        std::vector<Link>& links, StatisticsTally& tally);

/// The default route with the lowest metric so far.
struct DefaultRoute {
    std::uint32_t ifindex = 0;  ///< 0: none
    std::uint32_t metric = 0;
    std::uint8_t gateway_family = 0;         ///< AF_INET, AF_INET6; 0: no next hop (PPP)
    std::array<std::uint8_t, 16> gateway{};  ///< the first 4 or all 16 bytes
};
/// Takes in an RTM_GETROUTE dump: unicast routes of the main table to everywhere; of several next
/// hops the first that has a device. Of equal metrics the first stays.
[[nodiscard]] Progress parse_routes(Datagram datagram, std::uint32_t sequence, DefaultRoute& best);

/// A live neighbour. Personal data: held for the length of one dump, never kept, shown or logged.
struct Neighbour {
    std::uint32_t ifindex = 0;
    std::array<std::uint8_t, 8> hardware{};
    auto operator<=>(const Neighbour&) const = default;
};
inline constexpr std::size_t kMaxNeighbours = 4096;

/// Appends the live neighbours of an RTM_GETNEIGH dump: reachable, delay, probe, permanent, and
/// stale ones that were confirmed within the last 15 minutes (the kernel keeps stale entries for
/// days). Not: multicast, without hardware address, proxies, bridge tables. One client may come
/// several times, once per address.
[[nodiscard]] Progress parse_neighbours(Datagram datagram, std::uint32_t sequence,
                                        std::vector<Neighbour>& into);

/// Takes in the answer to RTM_GETNEIGH for one address: whether the kernel has resolved it.
/// Untouched when there is no entry, or one that needs no resolution.
[[nodiscard]] Progress parse_neighbour_state(Datagram datagram, std::uint32_t sequence,
                                             std::optional<bool>& is_resolved);

/// Picks from the kernel's notifications those that end an interval: a link that came, went, or
/// changed its state; a default route of the main table that changed. Wireless scans, statistics
/// and other routes do not. Remembers the state of at most 64 links; of others every message
/// counts.
class ChangeFilter {
public:
    [[nodiscard]] bool takes(Datagram datagram);

private:
    struct Known {
        std::uint32_t ifindex = 0;
        std::uint32_t state = 0;
    };
    [[nodiscard]] bool link_changed(std::uint32_t ifindex, std::uint32_t state);

    std::array<Known, 64> known_{};
};

}  // namespace gerbang::netlink
