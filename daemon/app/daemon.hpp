#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/usage.hpp"
#include "common/web/status.hpp"
#include "daemon/config/config.hpp"
#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/host/entropy.hpp"
#include "daemon/host/host_facts.hpp"
#include "daemon/host/ring.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/meter/counter_source.hpp"
#include "daemon/meter/link_watch.hpp"
#include "daemon/net/uplink.hpp"
#include "daemon/probe/prober.hpp"

namespace gerbang {

/// Everything outside the process, as the daemon sees it. Tests replace all of it, so that the
/// whole daemon runs on virtual time. All must outlive the daemon.
struct Edges {
    Clock* clock;
    Entropy* entropy;
    HostFacts facts;
    HostPaths paths;
    CounterSource* kernel;
    LinkWatch* watch = nullptr;  ///< nullptr: changes are seen at the next tick
    Prober* prober;
    Ring* ring;
    /// One per configured push target, in its order; empty while the site is unassigned.
    std::vector<Uplink*> uplinks;
    net::any_io_executor loop;
    net::any_io_executor worker;  ///< runs one storage job at a time; tests: the loop itself
    JournalOptions journal;
    /// Called by `Daemon::stop`: ends what waits outside the clock (uplinks, probes).
    std::function<void()> on_stop;
};

/// The reason given to `Daemon::stop` when another life begins at once with a new configuration:
/// the next life then sees no gap.
inline constexpr const char* kStopForConfiguration = "configuration";

/// Why `Daemon::run` returned.
enum class RunEnd {
    stopped,         ///< `stop` was called and everything is committed
    storage_broken,  ///< the journal must be opened anew; what is pending lies in the ring
};

/// The daemon: one life from start-up to stop. Loop thread only.
class Daemon {
public:
    Daemon(const Config& config, Edges edges);
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// Recovers, then meters, commits, probes and pushes until `stop` or until storage breaks. An
    /// error means that it could not begin; its detail says what to do.
    [[nodiscard]] net::awaitable<Result<RunEnd>> run();
    /// Ends `run` after a last tick, a last commit and a `stop` event with `reason`.
    void stop(const std::string& reason);
    /// True once the first tick is recorded.
    [[nodiscard]] bool is_running() const;

    [[nodiscard]] web::Status status() const;
    [[nodiscard]] net::awaitable<Result<std::vector<UsageRow>>> usage(UsagePeriod period,
                                                                      WallTime from, WallTime to);
    [[nodiscard]] net::awaitable<Result<std::vector<web::OutageRow>>> outages();
    /// Asks every push target to try at once.
    void push_now();
    /// Ticks that were due while the loop was busy; for the watchdog and the tests.
    [[nodiscard]] std::uint64_t missed_ticks() const;
    /// The newest tick's time; the watchdog's proof that sampling goes on.
    [[nodiscard]] Monotonic last_tick() const;

private:
    class Pipeline;
    std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace gerbang
