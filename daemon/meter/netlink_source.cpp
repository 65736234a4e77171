#include "daemon/meter/netlink_source.hpp"

#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "daemon/meter/netlink_messages.hpp"
#include "daemon/meter/netlink_socket.hpp"
#include "daemon/meter/nl80211_messages.hpp"
#include "daemon/meter/proc_parse.hpp"
#include "daemon/meter/small_file.hpp"
#include "daemon/meter/sysfs_links.hpp"
#include "daemon/meter/unique_clients.hpp"

namespace gerbang {
namespace {

using netlink::Datagram;
using netlink::Socket;

/// A tick of 10 s, which may come a little early, describes the links each time.
constexpr Millis kDescribePeriod{9'500};
constexpr Millis kRoutesPeriod{60'000};
constexpr Millis kNeighboursPeriod{60'000};
constexpr Millis kStationsPeriod{60'000};

/// For the counters of all links at each tick: as long as nobody reads more at once the kernel
/// makes datagrams of this size, which cost it less. A link's counters are some 230 bytes.
Result<Socket> open_counting() {
    constexpr std::size_t kBytes = 8192;
    return Socket::open({}, netlink::Protocol::route, kBytes);
}

/// The request for one neighbour entry.
struct GatewayQuestion {
    ndmsg header{};
    nlattr destination{};
    std::array<std::uint8_t, 16> address{};
};

class NetlinkSource final : public CounterSource {
public:
    NetlinkSource(const Clock& clock, const HostPaths& paths, Entropy* entropy, Socket asking,
                  Socket counting, Socket listening)
        : clock_{&clock},
          entropy_{entropy},
          pppoe_{paths.proc + "/net/pppoe"},
          sysfs_{paths.sys},
          asking_{std::move(asking)},
          counting_{std::move(counting)},
          listening_{std::move(listening)} {
        if (entropy_ != nullptr) uniques_.start(*entropy_);
    }

    void set_day(std::int64_t day) override {
        const bool is_new = day_ && *day_ != day;
        day_ = day;
        if (!is_new || entropy_ == nullptr) return;
        uniques_.start(*entropy_);
        unique_clients_ = 0;
    }

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
        if (described_ == now) find_session();
        if (was_told || !gateway_asked_ || now - *gateway_asked_ >= kDescribePeriod) {
            ask_for_gateway();
            gateway_asked_ = now;
        }
        if (!neighbours_read_ || now - *neighbours_read_ >= kNeighboursPeriod) {
            // Clients are a figure beside the metering: failing to count them fails nothing else.
            if (!count_neighbours()) neighbour_counts_.clear();
            neighbours_read_ = now;
        } else if (has_wireless_ && (!stations_read_ || now - *stations_read_ >= kStationsPeriod)) {
            if (!count_stations()) station_counts_.clear();
            stations_read_ = now;
        }
        into.taken = now;
        into.wan_ifindex = route_.ifindex;
        if (into.gateway != gateway_) into.gateway = gateway_;
        into.gateway_is_neighbour = gateway_is_neighbour_;
        into.unique_clients = entropy_ != nullptr ? std::optional{unique_clients_} : std::nullopt;
        into.interfaces.resize(links_.size());
        has_wireless_ = false;
        for (std::size_t i = 0; i < links_.size(); ++i) {
            auto& one = links_[i].reading;
            sysfs_.describe(one, now);
            has_wireless_ = has_wireless_ || one.is_wireless;
            one.neighbours = count_of(neighbour_counts_, one.ifindex).value_or(0);
            one.stations = count_of(station_counts_, one.ifindex);
            into.interfaces[i] = one;
        }
        sysfs_.sweep();
        return ok();
    }

private:
    struct Count {
        std::uint32_t ifindex = 0;
        std::uint32_t clients = 0;
    };

    /// After a failure the socket may hold half an answer: a new one takes its place.
    Result<void> recover(const Error& error) {
        routes_read_.reset();
        gateway_asked_.reset();
        described_.reset();
        if (auto fresh = Socket::open({})) asking_ = std::move(*fresh);
        if (auto fresh = open_counting()) counting_ = std::move(*fresh);
        return error;
    }

    /// Counters of all links; the links themselves only when something was told of them or some
    /// time passed, as describing them costs the kernel several times as much.
    Result<void> read_links(Monotonic now, bool was_told) {
        if (!was_told && described_ && now - *described_ < kDescribePeriod) {
            netlink::StatisticsTally tally;
            const auto read = counting_.ask(
                {.type = RTM_GETSTATS, .family = AF_UNSPEC, .what = "statistics"},
                [&tally] { tally = {}; },
                [&](Datagram datagram, std::uint32_t sequence) {
                    return netlink::parse_statistics(datagram, sequence, links_, tally);
                });
            if (!read) return read;
            if (!tally.has_unknown && tally.known == links_.size()) return ok();
        }
        const auto read = asking_.ask(
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
        netlink::DefaultRoute best;
        for (const auto family : {AF_INET, AF_INET6}) {
            const auto done = asking_.ask(
                {.type = RTM_GETROUTE,
                 .family = static_cast<std::uint8_t>(family),
                 .what = "routes"},
                [&best] { best = {}; },
                [&best](Datagram datagram, std::uint32_t sequence) {
                    return netlink::parse_routes(datagram, sequence, best);
                });
            if (!done) return done;
            if (best.ifindex != 0) break;
        }
        const bool is_same = route_.ifindex == best.ifindex &&
                             route_.gateway_family == best.gateway_family &&
                             route_.gateway == best.gateway;
        route_ = best;
        if (is_same) return ok();
        gateway_asked_.reset();
        std::array<char, INET6_ADDRSTRLEN> text{};
        if (route_.gateway_family != 0)
            (void)::inet_ntop(route_.gateway_family, route_.gateway.data(), text.data(),
                              static_cast<socklen_t>(text.size()));
        gateway_ = text.data();
        return ok();
    }

    /// A device without ARP has no entry; a kernel before 5.0 does not answer for a single one.
    void ask_for_gateway() {
        gateway_is_neighbour_.reset();
        const auto wan = std::find_if(
            links_.begin(), links_.end(),
            [this](const netlink::Link& link) { return link.reading.ifindex == route_.ifindex; });
        if (route_.gateway_family == 0 || wan == links_.end() || wan->reading.is_point_to_point)
            return;
        const std::size_t size = route_.gateway_family == AF_INET ? 4 : 16;
        GatewayQuestion question;
        question.header.ndm_family = route_.gateway_family;
        question.header.ndm_ifindex = static_cast<int>(route_.ifindex);
        question.destination.nla_type = NDA_DST;
        question.destination.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + size);
        question.address = route_.gateway;
        const auto bytes = std::as_bytes(std::span{&question, 1});
        (void)asking_.ask(
            {.type = RTM_GETNEIGH,
             .what = "the gateway",
             .body = bytes.first(sizeof(ndmsg) + sizeof(nlattr) + size),
             .is_dump = false},
            [] {},
            [this](Datagram datagram, std::uint32_t sequence) {
                return netlink::parse_neighbour_state(datagram, sequence, gateway_is_neighbour_);
            });
    }

    /// The kernel does not tell over netlink what a PPP device runs over, but names the devices of
    /// all PPPoE sessions: with one such device, it is that of the only PPP device, or the WAN's.
    void find_session() {
        netlink::Link* session = nullptr;
        for (auto& link : links_) {
            if (!link.reading.is_ppp) continue;
            if (session == nullptr || link.reading.ifindex == route_.ifindex) session = &link;
        }
        if (session == nullptr) return;
        std::array<char, 1024> buffer;
        const auto text = SmallFile{pppoe_}.read(buffer);
        const auto name = text ? proc::parse_pppoe_device(*text) : std::string_view{};
        for (const auto& link : links_)
            if (!name.empty() && link.reading.name == name)
                session->reading.lower = link.reading.ifindex;
    }

    /// At most `kMaxInterfaces`, ascending by ifindex.
    void choose_links() {
        if (links_.size() > kMaxInterfaces) {
            std::erase_if(links_, [this](const netlink::Link& link) {
                return link.is_container_port && link.reading.ifindex != route_.ifindex;
            });
        }
        const auto by_ifindex = [](const netlink::Link& a, const netlink::Link& b) {
            return a.reading.ifindex < b.reading.ifindex;
        };
        std::sort(links_.begin(), links_.end(), by_ifindex);
        if (links_.size() <= kMaxInterfaces) return;
        const auto wan = std::find_if(
            links_.begin() + kMaxInterfaces, links_.end(),
            [this](const netlink::Link& link) { return link.reading.ifindex == route_.ifindex; });
        if (wan != links_.end()) std::swap(*wan, links_[kMaxInterfaces - 1]);
        links_.resize(kMaxInterfaces);
    }

    [[nodiscard]] bool count_neighbours() {
        const auto done = asking_.ask(
            {.type = RTM_GETNEIGH, .family = AF_UNSPEC, .what = "neighbours"},
            [this] { forget_addresses(); },
            [this](Datagram datagram, std::uint32_t sequence) {
                return netlink::parse_neighbours(datagram, sequence, neighbours_);
            });
        neighbour_counts_.clear();
        tally(neighbour_counts_);
        return done.has_value();
    }

    [[nodiscard]] bool count_stations() {
        if (!wifi_) {
            auto opened = Socket::open({}, netlink::Protocol::generic);
            if (!opened) return false;
            wifi_.emplace(std::move(*opened));
        }
        // The module may have been loaded again, under another number.
        std::uint16_t family = 0;
        const auto which = netlink::ask_wifi_family();
        const auto known = wifi_->ask(
            {.type = GENL_ID_CTRL, .what = "nl80211", .body = which.body(), .is_dump = false},
            [] {},
            [&family](Datagram datagram, std::uint32_t sequence) {
                return netlink::parse_wifi_family(datagram, sequence, family);
            });
        if (!known || family == 0) return false;
        const auto everything = netlink::ask_wifi_interfaces();
        const auto listed = wifi_->ask(
            {.type = family, .what = "WiFi interfaces", .body = everything.body()},
            [this] { access_points_.clear(); },
            [&](Datagram datagram, std::uint32_t sequence) {
                return netlink::parse_access_points(datagram, sequence, family, access_points_);
            });
        if (!listed) return false;
        station_counts_.clear();
        for (const auto ifindex : access_points_) {
            const auto question = netlink::ask_stations(ifindex);
            const auto done = wifi_->ask(
                {.type = family, .what = "WiFi stations", .body = question.body()},
                [this] { forget_addresses(); },
                [&](Datagram datagram, std::uint32_t sequence) {
                    return netlink::parse_stations(datagram, sequence, family, neighbours_);
                });
            tally(station_counts_);
            // An access point that nobody uses is known to have none.
            if (done && !count_of(station_counts_, ifindex))
                station_counts_.push_back({ifindex, 0});
        }
        return true;
    }

    /// Counts what is in `neighbours_` per interface, adds it to the day's sketch, and forgets it.
    void tally(std::vector<Count>& counts) {
        std::sort(neighbours_.begin(), neighbours_.end());
        const auto end = std::unique(neighbours_.begin(), neighbours_.end());
        for (auto one = neighbours_.begin(); one != end; ++one) {
            if (counts.empty() || counts.back().ifindex != one->ifindex)
                counts.push_back({one->ifindex, 0});
            ++counts.back().clients;
            if (one->ifindex != route_.ifindex) uniques_.add(one->hardware);
        }
        unique_clients_ = uniques_.estimate();
        forget_addresses();
    }

    /// Hardware addresses are personal data: they leave the memory, not only the list.
    void forget_addresses() {
        std::fill(neighbours_.begin(), neighbours_.end(), netlink::Neighbour{});
        neighbours_.clear();
    }

    [[nodiscard]] static std::optional<std::uint32_t> count_of(const std::vector<Count>& counts,
                                                               std::uint32_t ifindex) {
        for (const auto& count : counts)
            if (count.ifindex == ifindex) return count.clients;
        return std::nullopt;
    }

    const Clock* clock_;
    Entropy* entropy_;
    std::string pppoe_;
    SysfsLinks sysfs_;
    Socket asking_;
    Socket counting_;
    Socket listening_;
    std::optional<Socket> wifi_;  ///< opened when there is WiFi
    std::vector<netlink::Link> links_;
    std::uint64_t links_state_ = 0;
    netlink::DefaultRoute route_;
    std::string gateway_;
    std::optional<bool> gateway_is_neighbour_;
    std::vector<netlink::Neighbour> neighbours_;
    std::vector<Count> neighbour_counts_;
    std::vector<std::uint32_t> access_points_;
    std::vector<Count> station_counts_;
    bool has_wireless_ = false;
    UniqueClients uniques_;
    std::uint32_t unique_clients_ = 0;
    std::optional<std::int64_t> day_;
    std::optional<Monotonic> described_;
    std::optional<Monotonic> routes_read_;
    std::optional<Monotonic> gateway_asked_;
    std::optional<Monotonic> neighbours_read_;
    std::optional<Monotonic> stations_read_;
};

}  // namespace

Result<std::unique_ptr<CounterSource>> open_netlink_source(const Clock& clock,
                                                           const HostPaths& paths,
                                                           Entropy* entropy) {
    auto asking = Socket::open({});
    if (!asking) return asking.error();
    auto counting = open_counting();
    if (!counting) return counting.error();
    constexpr std::array kChanges{int{RTNLGRP_LINK}, int{RTNLGRP_IPV4_ROUTE},
                                  int{RTNLGRP_IPV6_ROUTE}};
    auto listening = Socket::open(kChanges);
    if (!listening) return listening.error();
    return std::unique_ptr<CounterSource>{std::make_unique<NetlinkSource>(
        clock, paths, entropy, std::move(*asking), std::move(*counting), std::move(*listening))};
}

}  // namespace gerbang
