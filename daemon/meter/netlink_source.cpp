#include "daemon/meter/netlink_source.hpp"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/meter/netlink_messages.hpp"
#include "daemon/meter/netlink_socket.hpp"
#include "daemon/meter/sysfs_links.hpp"

namespace gerbang {
namespace {

using netlink::Datagram;
using netlink::Socket;

/// A tick of 10 s, which may come a little early, describes the links each time.
constexpr Millis kDescribePeriod{9'500};
constexpr Millis kRoutesPeriod{60'000};
constexpr Millis kNeighboursPeriod{60'000};

class NetlinkSource final : public CounterSource {
public:
    NetlinkSource(const Clock& clock, const HostPaths& paths, Socket asking, Socket listening)
        : clock_{&clock},
          sysfs_{paths.sys},
          asking_{std::move(asking)},
          listening_{std::move(listening)} {}

    Result<void> read(KernelReading& into) override {
        const auto now = clock_->now();
        const bool was_told = drain_notifications();
        const auto links = read_links(now, was_told);
        if (!links) return recover(links.error());
        if (links_changed() || was_told || !routes_read_ || now - *routes_read_ >= kRoutesPeriod) {
            const auto routes = read_routes();
            if (!routes) return recover(routes.error());
            routes_read_ = now;
        }
        choose_links();
        if (!neighbours_read_ || now - *neighbours_read_ >= kNeighboursPeriod) {
            // Clients are a figure beside the metering: failing to count them fails nothing else.
            if (!count_neighbours()) counts_.clear();
            neighbours_read_ = now;
        }
        into.taken = now;
        into.wan_ifindex = wan_;
        into.interfaces.resize(links_.size());
        for (std::size_t i = 0; i < links_.size(); ++i) {
            auto& one = links_[i].reading;
            sysfs_.describe(one, now);
            one.neighbours = neighbours_of(one.ifindex);
            into.interfaces[i] = one;
        }
        sysfs_.sweep();
        return ok();
    }

private:
    struct Count {
        std::uint32_t ifindex = 0;
        std::uint32_t neighbours = 0;
    };

    /// After a failure the socket may hold half an answer: a new one takes its place.
    Result<void> recover(const Error& error) {
        routes_read_.reset();
        described_.reset();
        if (auto fresh = Socket::open({})) asking_ = std::move(*fresh);
        return error;
    }

    /// Counters of all links; the links themselves only when something was told of them or some
    /// time passed, as describing them costs the kernel several times as much.
    Result<void> read_links(Monotonic now, bool was_told) {
        if (!was_told && described_ && now - *described_ < kDescribePeriod) {
            netlink::StatisticsTally tally;
            const auto read = asking_.dump(
                {.type = RTM_GETSTATS, .family = AF_UNSPEC, .what = "statistics"},
                [&tally] { tally = {}; },
                [&](Datagram datagram, std::uint32_t sequence) {
                    return netlink::parse_statistics(datagram, sequence, links_, tally);
                });
            if (!read) return read;
            if (!tally.has_unknown && tally.known == links_.size()) return ok();
        }
        const auto read = asking_.dump(
            {.type = RTM_GETLINK, .family = AF_UNSPEC, .what = "links"}, [this] { links_.clear(); },
            [this](Datagram datagram, std::uint32_t sequence) {
                return netlink::parse_links(datagram, sequence, links_);
            });
        if (read) described_ = now;
        return read;
    }

    /// True when the kernel told of a link or a route since the last call.
    bool drain_notifications() {
        bool has_changed = false;
        for (;;) {
            const auto received = listening_.receive_waiting();
            has_changed = has_changed || received.has_overrun || !received.datagram.empty();
            if (received.datagram.empty()) return has_changed;
        }
    }

    /// True when the default route may have moved although no route was told of: the kernel drops
    /// a dead link's IPv4 routes without a word.
    bool links_changed() {
        std::uint64_t state = 14695981039346656037u;  // FNV-1a
        for (const auto& link : links_) {
            const auto& one = link.reading;
            const std::uint64_t bits = (std::uint64_t{one.ifindex} << 2) | (one.is_up ? 2u : 0u) |
                                       (one.has_carrier ? 1u : 0u);
            state = (state ^ bits) * 1099511628211u;
        }
        return std::exchange(links_state_, state) != state;
    }

    Result<void> read_routes() {
        for (const auto family : {AF_INET, AF_INET6}) {
            netlink::DefaultRoute best;
            const auto done = asking_.dump(
                {.type = RTM_GETROUTE,
                 .family = static_cast<std::uint8_t>(family),
                 .what = "routes"},
                [&best] { best = {}; },
                [&best](Datagram datagram, std::uint32_t sequence) {
                    return netlink::parse_routes(datagram, sequence, best);
                });
            if (!done) return done;
            wan_ = best.ifindex;
            if (wan_ != 0) break;
        }
        return ok();
    }

    /// At most `kMaxInterfaces`, ascending by ifindex.
    void choose_links() {
        if (links_.size() > kMaxInterfaces) {
            std::erase_if(links_, [this](const netlink::Link& link) {
                return link.is_container_port && link.reading.ifindex != wan_;
            });
        }
        const auto by_ifindex = [](const netlink::Link& a, const netlink::Link& b) {
            return a.reading.ifindex < b.reading.ifindex;
        };
        std::sort(links_.begin(), links_.end(), by_ifindex);
        if (links_.size() <= kMaxInterfaces) return;
        const auto wan = std::find_if(
            links_.begin() + kMaxInterfaces, links_.end(),
            [this](const netlink::Link& link) { return link.reading.ifindex == wan_; });
        if (wan != links_.end()) std::swap(*wan, links_[kMaxInterfaces - 1]);
        links_.resize(kMaxInterfaces);
    }

    [[nodiscard]] bool count_neighbours() {
        const auto done = asking_.dump(
            {.type = RTM_GETNEIGH, .family = AF_UNSPEC, .what = "neighbours"},
            [this] { neighbours_.clear(); },
            [this](Datagram datagram, std::uint32_t sequence) {
                return netlink::parse_neighbours(datagram, sequence, neighbours_);
            });
        std::sort(neighbours_.begin(), neighbours_.end());
        const auto end = std::unique(neighbours_.begin(), neighbours_.end());
        counts_.clear();
        for (auto one = neighbours_.begin(); one != end; ++one) {
            if (counts_.empty() || counts_.back().ifindex != one->ifindex)
                counts_.push_back({one->ifindex, 0});
            ++counts_.back().neighbours;
        }
        // Hardware addresses are personal data: they leave the memory, not only the list.
        std::fill(neighbours_.begin(), neighbours_.end(), netlink::Neighbour{});
        neighbours_.clear();
        return done.has_value();
    }

    [[nodiscard]] std::uint32_t neighbours_of(std::uint32_t ifindex) const {
        const auto found = std::find_if(counts_.begin(), counts_.end(),
                                        [ifindex](const Count& c) { return c.ifindex == ifindex; });
        return found == counts_.end() ? 0 : found->neighbours;
    }

    const Clock* clock_;
    SysfsLinks sysfs_;
    Socket asking_;
    Socket listening_;
    std::vector<netlink::Link> links_;
    std::uint64_t links_state_ = 0;
    std::vector<netlink::Neighbour> neighbours_;
    std::vector<Count> counts_;
    std::uint32_t wan_ = 0;
    std::optional<Monotonic> described_;
    std::optional<Monotonic> routes_read_;
    std::optional<Monotonic> neighbours_read_;
};

}  // namespace

Result<std::unique_ptr<CounterSource>> open_netlink_source(const Clock& clock,
                                                           const HostPaths& paths) {
    auto asking = Socket::open({});
    if (!asking) return asking.error();
    constexpr std::array kChanges{int{RTNLGRP_LINK}, int{RTNLGRP_IPV4_ROUTE},
                                  int{RTNLGRP_IPV6_ROUTE}};
    auto listening = Socket::open(kChanges);
    if (!listening) return listening.error();
    return std::unique_ptr<CounterSource>{
        std::make_unique<NetlinkSource>(clock, paths, std::move(*asking), std::move(*listening))};
}

}  // namespace gerbang
