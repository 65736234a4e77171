#pragma once

// The one path of data (design 3), private to the daemon: read, delta, keep, commit, push.

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/model/series_table.hpp"
#include "common/model/timeline.hpp"
#include "daemon/app/daemon.hpp"
#include "daemon/app/intake.hpp"
#include "daemon/app/join.hpp"
#include "daemon/journal/async_journal.hpp"
#include "daemon/ledger/ledger.hpp"
#include "daemon/meter/health.hpp"
#include "daemon/meter/meter.hpp"
#include "daemon/sync/pusher.hpp"

namespace gerbang {

class Daemon::Pipeline {
public:
    Pipeline(const Config& config, Edges edges);
    ~Pipeline();

    [[nodiscard]] net::awaitable<Result<RunEnd>> run();
    void stop(const std::string& reason);
    void push_now();

    [[nodiscard]] web::Status status() const;  // status_view.cpp
    [[nodiscard]] net::awaitable<Result<std::vector<UsageRow>>> usage(UsagePeriod period,
                                                                      WallTime from, WallTime to);
    [[nodiscard]] net::awaitable<Result<std::vector<web::OutageRow>>> outages();  // status_view.cpp
    [[nodiscard]] bool is_running() const { return is_running_; }
    [[nodiscard]] std::uint64_t missed_ticks() const { return missed_ticks_; }
    [[nodiscard]] Monotonic last_tick() const { return last_tick_; }

private:
    // start-up, in recovery.cpp
    [[nodiscard]] net::awaitable<Result<void>> begin();
    [[nodiscard]] net::awaitable<Result<void>> begin_new_epoch(Journal& journal);
    void restore(const JournalState& state, const Intake::Recovered& recovered, bool same_boot,
                 std::optional<DeviceTime> alive);
    void announce(const Intake::Recovered& recovered);

    // loops
    [[nodiscard]] net::awaitable<void> tick_loop();
    [[nodiscard]] net::awaitable<void> watch_loop();
    [[nodiscard]] net::awaitable<void> commit_loop();
    [[nodiscard]] net::awaitable<void> probe_loop();
    [[nodiscard]] net::awaitable<void> finish();

    // steps
    void read_kernel();
    void take_tick(Monotonic at);
    void note(const Event& event) { intake_.add(event); }
    void note_anchor(Monotonic at);
    void note_link(const std::string& wan, std::optional<bool> has_carrier,
                   const std::vector<ProbeAnswer>& answers);
    void write_down(const std::vector<Outage>& segments);
    [[nodiscard]] net::awaitable<bool> commit();
    void storage_failed(const Error& error);
    [[nodiscard]] static Error journal_not_open();
    [[nodiscard]] DeviceTime here() const { return {boot_, edges_.clock->now()}; }
    [[nodiscard]] std::optional<WallTime> wall_of(DeviceTime at) const;

    const Config config_;
    const Edges edges_;
    Join core_;   ///< loops that write: they end before the last commit
    Join outer_;  ///< loops that only look outside

    SeriesTable series_;
    std::optional<Meter> meter_;
    std::optional<Health> health_;
    Ledger ledger_;
    Timeline timeline_;
    Intake intake_;
    std::unique_ptr<AsyncJournal> journal_;
    std::vector<std::unique_ptr<Pusher>> pushers_;

    BootNo boot_;
    KernelReading kernel_reading_;
    std::string kernel_detail_;  ///< why the last reading failed; empty: it did not
    MeterEvents meter_events_;
    std::vector<Reading> readings_;
    struct TargetReading {
        SeriesId success;
        SeriesId round_trip;
        std::optional<bool> answered;
        std::optional<Millis> took;
    };
    std::vector<TargetReading> targets_;
    SeriesId link_state_id_;

    Bell commit_bell_;
    Bell probe_bell_;
    Bell tick_bell_;
    std::int64_t commit_slot_ = 0;
    bool is_committing_ = false;
    Monotonic started_;
    Monotonic last_tick_;
    Monotonic last_checkpoint_;
    std::int64_t anchor_slot_ = -1;  ///< 10 s of the last look at the clock
    std::optional<Anchor> latest_anchor_;
    std::uint64_t recovered_ticks_ = 0;
    std::uint64_t missed_ticks_ = 0;
    bool is_running_ = false;
    bool is_closed_ = false;      ///< `run` is about to return: no more queries
    std::string storage_detail_;  ///< the last storage error; empty: storage is well
    unsigned storage_failures_ = 0;
    bool storage_gave_up_ = false;
    std::string stop_reason_;
};

}  // namespace gerbang
