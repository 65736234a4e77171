// needs: meter
// The netlink parsers: the first byte picks one, the rest is a datagram of any length.

#include <linux/genetlink.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "common/core/check.hpp"
#include "daemon/meter/netlink_messages.hpp"
#include "daemon/meter/nl80211_messages.hpp"

using namespace gerbang;

namespace {

/// The number that the first message carries, so that the parser takes it for an answer.
std::uint32_t sequence_of(netlink::Datagram datagram) {
    constexpr std::size_t kOffset = 8;
    std::uint32_t sequence = 0;
    if (datagram.size() >= kOffset + sizeof sequence)
        std::memcpy(&sequence, datagram.data() + kOffset, sizeof sequence);
    return sequence;
}

/// The family of the first message, so that the parser of WiFi takes it for its own.
std::uint16_t type_of(netlink::Datagram datagram) {
    constexpr std::size_t kOffset = 4;
    std::uint16_t type = 0;
    if (datagram.size() >= kOffset + sizeof type)
        std::memcpy(&type, datagram.data() + kOffset, sizeof type);
    return type;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    // An allocation of exactly that size lets the sanitizer see every look beyond its end.
    std::vector<std::byte> bytes(size - 1);
    if (size > 1) std::memcpy(bytes.data(), data + 1, size - 1);
    const netlink::Datagram datagram{bytes};
    const auto sequence = sequence_of(datagram);
    switch (data[0] % 9) {
        case 0: {
            std::vector<netlink::Link> links;
            (void)netlink::parse_links(datagram, sequence, links);
            GERBANG_CHECK(links.size() <= netlink::kMaxLinks);
            for (const auto& link : links) {
                GERBANG_CHECK(link.reading.ifindex != 0);
                GERBANG_CHECK(!link.reading.name.empty() && link.reading.name.size() <= 15);
            }
            break;
        }
        case 1: {
            netlink::DefaultRoute best;
            const auto progress = netlink::parse_routes(datagram, sequence, best);
            GERBANG_CHECK(progress.error >= 0);
            GERBANG_CHECK(best.gateway_family == 0 || best.gateway_family == AF_INET ||
                          best.gateway_family == AF_INET6);
            break;
        }
        case 2: {
            std::vector<netlink::Neighbour> neighbours;
            (void)netlink::parse_neighbours(datagram, sequence, neighbours);
            GERBANG_CHECK(neighbours.size() <= netlink::kMaxNeighbours);
            break;
        }
        case 3: {
            netlink::ChangeFilter filter;
            (void)filter.takes(datagram);
            (void)filter.takes(datagram);
            break;
        }
        case 4: {
            std::optional<bool> is_resolved;
            (void)netlink::parse_neighbour_state(datagram, sequence, is_resolved);
            break;
        }
        case 5: {
            std::uint16_t family = 0;
            (void)netlink::parse_wifi_family(datagram, sequence, family);
            GERBANG_CHECK(family == 0 || family > GENL_ID_CTRL);
            break;
        }
        case 6: {
            std::vector<std::uint32_t> found;
            (void)netlink::parse_access_points(datagram, sequence, type_of(datagram), found);
            GERBANG_CHECK(found.size() <= netlink::kMaxAccessPoints);
            break;
        }
        case 7: {
            std::vector<netlink::Neighbour> stations;
            (void)netlink::parse_stations(datagram, sequence, type_of(datagram), stations);
            GERBANG_CHECK(stations.size() <= netlink::kMaxNeighbours);
            for (const auto& station : stations) GERBANG_CHECK(station.ifindex != 0);
            break;
        }
        default: {
            std::vector<netlink::Link> links(2);
            links[0].reading.ifindex = 1;
            links[1].reading.ifindex = 2;
            netlink::StatisticsTally tally;
            (void)netlink::parse_statistics(datagram, sequence, links, tally);
            GERBANG_CHECK(links.size() == 2);
            break;
        }
    }
    return 0;
}
