#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/facts.hpp"
#include "common/model/usage.hpp"
#include "common/sla/statement.hpp"
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
#include "daemon/serve/metrics.hpp"
#include "daemon/serve/pull_api.hpp"

namespace gerbang {

struct StateFolder {
    bool is_ram = false;  ///< everything in it is gone at a power cut
};

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
    /// The page of `probe.web_url` and the services in their order, asked without a credential.
    /// nullptr, or a list that ends early: not asked.
    Uplink* page = nullptr;
    std::vector<Uplink*> services = {};
    /// Resolvers of the machine, asked for when the configuration names none; unset: none.
    std::function<std::vector<std::string>()> resolvers = {};
    net::any_io_executor loop;
    net::any_io_executor worker;  ///< runs one storage job at a time; tests: the loop itself
    JournalOptions journal;
    /// What the state folder is found to be, before each opening of the journal: makes it, takes
    /// its lock. On the worker; may block as long as the storage does. Unset: nothing is asked.
    std::function<Result<StateFolder>()> state_folder = {};
    /// Lets go of it when the journal could not be opened: a dying card must be free to be
    /// unmounted, checked and mounted again. On the worker.
    std::function<void()> leave_folder = {};
    /// Called by `Daemon::stop`: ends what waits outside the clock (uplinks, probes).
    std::function<void()> on_stop;
};

/// The reason given to `Daemon::stop` when another life begins at once with a new configuration:
/// the next life then sees no gap.
inline constexpr const char* kStopForConfiguration = "configuration";

/// The daemon: one life from start-up to stop. Loop thread only.
class Daemon {
public:
    Daemon(const Config& config, Edges edges);
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// Meters, opens the journal, commits, probes and pushes until `stop`. The first tick waits for
    /// no disk; while storage is broken, full or hanging, everything goes on in the ring, and the
    /// journal is opened anew until that works.
    [[nodiscard]] net::awaitable<void> run();
    /// Ends `run` after a last tick, a last commit and a `stop` event with `reason`.
    void stop(const std::string& reason);
    /// True once the first tick is recorded.
    [[nodiscard]] bool is_running() const;

    [[nodiscard]] web::Status status() const;
    /// The newest value of every series that still says something.
    [[nodiscard]] std::vector<SeriesValue> newest() const;
    [[nodiscard]] net::awaitable<Result<std::vector<UsageRow>>> usage(UsagePeriod period,
                                                                      WallTime from, WallTime to);
    /// All segments of all links, oldest first.
    [[nodiscard]] net::awaitable<Result<std::vector<web::OutageRow>>> outages();
    [[nodiscard]] net::awaitable<Result<sla::Statement>> statement(
        WallTime from, WallTime to, std::optional<sla::Clauses> clauses);
    [[nodiscard]] net::awaitable<Result<std::vector<sla::Day>>> days(WallTime from, WallTime to);
    /// As in `ApiSources`.
    [[nodiscard]] net::awaitable<Result<JournalFacts>> journal_facts();
    [[nodiscard]] net::awaitable<Result<std::vector<Journal::EpochInfo>>> epochs();
    [[nodiscard]] net::awaitable<Result<std::string>> batch(EpochId epoch, Seq after);
    /// As in `PullSources`.
    [[nodiscard]] net::awaitable<Result<PulledRecords>> pulled(EpochId epoch, Seq after,
                                                               std::uint64_t max_bytes);
    [[nodiscard]] net::awaitable<Result<void>> take_receipt(std::string consumer, Receipt receipt,
                                                            Seq agreed);
    [[nodiscard]] std::vector<Series> series() const;
    /// Walks the ladder once, for a person who waits.
    [[nodiscard]] net::awaitable<Result<web::ProbeReport>> probe_now();
    /// Writes a claim down; durable with the next commit.
    [[nodiscard]] Result<void> note(NoteFact claim);
    /// The operator's word for the present instant. `refused` where a better source is at hand.
    [[nodiscard]] Result<void> set_clock(WallTime wall, Seconds uncertainty);
    /// Asks every push target to try at once.
    void push_now();
    /// The instant at which certificates are to be verified now (`verification_time`).
    [[nodiscard]] WallTime certificate_time() const;
    /// Ticks that were due while the loop was busy; for the watchdog and the tests.
    [[nodiscard]] std::uint64_t missed_ticks() const;
    /// The newest tick's time; the watchdog's proof that sampling goes on.
    [[nodiscard]] Monotonic last_tick() const;
    /// No call to the storage is under way for long, or it was declared hanging: the watchdog's
    /// proof that nothing is stuck unnoticed.
    [[nodiscard]] bool storage_is_accounted_for() const;

private:
    class Pipeline;
    std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace gerbang
