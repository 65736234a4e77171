// needs: meter
// The netlink parsers: the first byte picks one, the rest is a datagram of any length.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "common/core/check.hpp"
#include "daemon/meter/netlink_messages.hpp"

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    // An allocation of exactly that size lets the sanitizer see every look beyond its end.
    std::vector<std::byte> bytes(size - 1);
    if (size > 1) std::memcpy(bytes.data(), data + 1, size - 1);
    const netlink::Datagram datagram{bytes};
    const auto sequence = sequence_of(datagram);
    switch (data[0] % 5) {
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
