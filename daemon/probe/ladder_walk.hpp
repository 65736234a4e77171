#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/model/ladder.hpp"
#include "common/model/reading.hpp"
#include "common/model/series_table.hpp"
#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/host/entropy.hpp"
#include "daemon/probe/prober.hpp"

namespace gerbang {

/// Whom to ask, from the configuration. Bounds: 16 targets, 4 resolvers, 8 services.
struct LadderSettings {
    struct Target {
        ProbeTarget host;
        bool is_domestic = true;
    };
    std::vector<Target> targets;
    /// Empty: those of resolv.conf, given by `Surroundings`. One on this box itself answers from
    /// its cache and proves little.
    std::vector<std::string> resolvers;
    std::string dns_name;
    std::vector<std::string> dns_expected;
    NextHop next_hop = NextHop::automatic;
    std::string modem_address;    ///< empty: the default route's gateway
    std::string hotspot_address;  ///< of the access point; empty: the LAN's carrier alone tells
    Millis interval{10'000};      ///< while healthy
    Millis doubt_interval{3'000};
    Millis timeout{2'500};
    Millis web_interval{60'000};
    Millis services_interval{600'000};
    /// Names, for `ask_service`. Two by HTTPS or six by HTTP fit into 10 MB a day with everything
    /// else; more of them want a longer interval.
    std::vector<std::string> services;
};

/// What others know about the moment, taken fresh for each round.
struct Surroundings {
    std::string wan;                           ///< interface; empty: none known
    std::optional<bool> has_carrier;           ///< of the WAN
    bool is_point_to_point = false;            ///< PPP, LTE, tunnel: no neighbour to ask
    std::string gateway;                       ///< next hop of the default route; empty: none
    std::optional<bool> gateway_is_neighbour;  ///< the kernel's neighbour entry: resolved / failed
    std::vector<std::string> resolvers;
    std::optional<bool> mains_is_on;      ///< nothing: no input that tells
    std::optional<bool> lan_has_carrier;  ///< of any LAN or WiFi interface; nothing: there is none
    std::uint64_t wan_received_bytes = 0;
    std::uint64_t wan_received_packets = 0;
    std::uint64_t wan_total_bytes = 0;  ///< both directions
    /// Payload of our own HTTP transfers on the WAN since start, both directions: pushes, pulls,
    /// web questions. It proves nothing about the villagers, so the walk subtracts it with its
    /// overhead.
    std::uint64_t own_received_bytes = 0;
    std::uint64_t own_sent_bytes = 0;
    std::uint64_t rate_bit_per_s = 0;  ///< contract's or line's; 0: unknown
    /// Time of the last batch that the province acknowledged; nothing: none since start.
    std::optional<Monotonic> last_push;
    std::vector<std::string> wanted_services;  ///< to be asked whether they are due or not
};

/// The questions that go by HTTP; the composition root answers them through `Uplink`. An answer
/// that comes after `timeout` is not waited for. What they refer to must outlive the loop.
struct WebQuestions {
    /// `up`: the expected page; `portal`: another one; `down`: none. Unset: the rung is unknown.
    std::function<net::awaitable<RungFinding>(Millis timeout)> ask_web;
    std::function<net::awaitable<RungFinding>(Millis timeout)> ask_province;
    std::function<net::awaitable<RungFinding>(const std::string& service, Millis timeout)>
        ask_service;
};

/// What one walk found: the ladder, and the links beside it.
struct Walk {
    LadderRound round;
    std::optional<RungFinding> hotspot;  ///< nothing: not looked at this time
    struct Service {
        std::string name;
        RungFinding finding;
    };
    std::vector<Service> services;  ///< those asked this time
    /// The province was not asked; a push that it acknowledged then says that it was up.
    std::optional<Monotonic> pushed_at;
};

/// Walks the ladder: cheap when healthy, fast in doubt.
///
/// Healthy: internet targets each `interval`, one of each group in turn, none while inbound traffic
/// proves the link (then each third round only); one resolver in turn; the page
/// each `web_interval`; next hop, a hop of the provider's and the province each 5 minutes, the
/// province not at all while pushes succeed (3 minutes). The first failure of any rung asks the
/// whole ladder at once (in the same call), and the rounds after it are full until one finds no
/// failure; so is the first round. While the ledger is not in doubt, page and province are asked
/// once a minute in these as long as they answer; and when they alone fail, three full rounds are
/// enough. Without a carrier nobody on the WAN is asked.
/// A group is up when any of its targets answers. Next hop and provider are judged by their silence
/// only after they answered on this boot and WAN. Loop thread only; `walk` never twice at a time.
class LadderWalk {
public:
    /// All must outlive the walk and the questions under way; `series` gets the probe series.
    LadderWalk(LadderSettings settings, WebQuestions web, Prober& prober, Clock& clock,
               Entropy& entropy, net::any_io_executor loop, SeriesTable& series);
    ~LadderWalk();
    LadderWalk(const LadderWalk&) = delete;
    LadderWalk& operator=(const LadderWalk&) = delete;

    /// One round on boot `boot`. `in_doubt`: the ledger has not decided yet. Bounded by three
    /// time-outs; ends at once when the clock is stopped, and its findings are then of no use.
    /// `around` must outlive the call's coroutine.
    [[nodiscard]] net::awaitable<Walk> walk(const Surroundings& around, BootNo boot, bool in_doubt);
    /// The whole ladder and the links beside it, for `gerbang probe`; does not change the schedule
    /// and may run beside `walk`.
    [[nodiscard]] net::awaitable<Walk> walk_all(const Surroundings& around, BootNo boot);
    /// When the next round is due: the first point after the beginning of the last one on a grid of
    /// the interval, and up to a tenth of the interval later, so that 841 sites do not ask in the
    /// same second; now when that has passed. A slow round must not blur when an outage ends.
    [[nodiscard]] Monotonic next(bool in_doubt);

    /// Appends the readings that became due, once a minute: of every target asked in the minute
    /// that closed the smallest, mean and greatest round trip, jitter and loss, and the state of
    /// every rung that is known. Call at each tick with its time.
    void append_readings(Monotonic at, std::vector<Reading>& into);
    /// The newest finding of every rung that was ever asked, with its age, for status.
    struct RungView {
        Rung rung;
        RungFinding finding;
        Monotonic asked;
    };
    [[nodiscard]] std::vector<RungView> view() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gerbang
