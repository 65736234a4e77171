#pragma once

// The one path of data (design 3), private to the daemon: read, delta, keep, commit, push.

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/model/series_table.hpp"
#include "common/model/timeline.hpp"
#include "common/model/true_time.hpp"
#include "daemon/app/daemon.hpp"
#include "daemon/app/good_time.hpp"
#include "daemon/app/intake.hpp"
#include "daemon/app/join.hpp"
#include "daemon/app/links.hpp"
#include "daemon/host/machine_facts.hpp"
#include "daemon/host/power_supply.hpp"
#include "daemon/journal/async_journal.hpp"
#include "daemon/meter/forwarding.hpp"
#include "daemon/meter/health.hpp"
#include "daemon/meter/meter.hpp"
#include "daemon/meter/path_check.hpp"
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
    [[nodiscard]] net::awaitable<Result<sla::Statement>> statement(
        WallTime from, WallTime to, std::optional<sla::Clauses> clauses);  // status_view.cpp
    [[nodiscard]] net::awaitable<Result<std::vector<sla::Day>>> days(
        WallTime from, WallTime to);  // status_view.cpp
    [[nodiscard]] net::awaitable<Result<web::ProbeReport>> probe_now();
    [[nodiscard]] Result<void> note_claim(const NoteFact& claim);
    [[nodiscard]] Result<void> set_clock(WallTime wall, Seconds uncertainty);  // time_keeping.cpp
    [[nodiscard]] WallTime certificate_time() const;                           // time_keeping.cpp
    [[nodiscard]] bool is_running() const { return is_running_; }
    [[nodiscard]] std::uint64_t missed_ticks() const { return missed_ticks_; }
    [[nodiscard]] Monotonic last_tick() const { return last_tick_; }

private:
    // start-up, in recovery.cpp
    [[nodiscard]] net::awaitable<Result<void>> begin();
    [[nodiscard]] net::awaitable<Result<void>> begin_new_epoch(Journal& journal);
    /// `told`: outage segments of the journal; empty where no gap was left open.
    void restore(const JournalState& state, const Intake::Recovered& recovered, bool same_boot,
                 std::optional<DeviceTime> alive, std::vector<Outage> told);
    void announce(const Intake::Recovered& recovered);
    /// How the boot of the last proof of life ended; written down once.
    [[nodiscard]] Ending tell_ending(bool ended_cleanly, DeviceTime alive,
                                     const JournalState& state);

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
    void read_power(Monotonic at);
    void check_path(Monotonic at);
    [[nodiscard]] Monotonic next_round();
    [[nodiscard]] Surroundings surroundings();
    void count_wan(const std::string& wan, Monotonic now, Surroundings& around);
    [[nodiscard]] WebQuestions web_questions() const;
    void write_down(const std::vector<Outage>& segments);
    /// Into the journal's notes, to ride with the next commit; tried again when it fails.
    [[nodiscard]] net::awaitable<void> stage_memory(const char* key, std::string value,
                                                    std::string& as_staged);
    [[nodiscard]] net::awaitable<bool> commit();
    void storage_failed(const Error& error);
    [[nodiscard]] static Error journal_not_open();
    /// Once it stops, nothing but the loops' own last words: the `stop` event is to be the last.
    [[nodiscard]] bool takes_words() const { return is_running_ && !edges_.clock->is_stopped(); }
    [[nodiscard]] DeviceTime here() const { return {boot_, edges_.clock->now()}; }

    // time, in time_keeping.cpp
    void note_anchor(Monotonic at);
    void take_anchor(const Anchor& candidate);
    /// Whether the clock has been right for so long that counters may be built on it.
    void watch_clock(const Anchor& candidate);
    void learn_gap_length();
    void keep_day();
    [[nodiscard]] std::optional<WallTime> wall_of(DeviceTime at) const;
    /// The present instant for people, and who says so: "synchronised", "province", "operator",
    /// "unset".
    struct Present {
        std::string source;
        std::optional<WallTime> wall;
    };
    [[nodiscard]] Present present() const;
    [[nodiscard]] std::optional<std::int64_t> days_left() const;  // status_view.cpp
    /// The ledger of the WAN in wall time, as far as it is known.
    [[nodiscard]] net::awaitable<Result<sla::Ledger>> placed_ledger();  // status_view.cpp

    const Config config_;
    const Edges edges_;
    Join core_;   ///< loops that write: they end before the last commit
    Join outer_;  ///< loops that only look outside

    SeriesTable series_;
    std::optional<Meter> meter_;
    std::optional<Health> health_;
    std::optional<Links> links_;
    PowerSupplies power_;
    ForwardingReader forwarding_;
    PathCheck path_;
    std::optional<MachineFacts> machine_;  ///< nothing: the one-shot has left none
    Timeline timeline_;
    TrueTime true_time_;
    Intake intake_;
    std::unique_ptr<AsyncJournal> journal_;
    std::vector<std::unique_ptr<Pusher>> pushers_;

    BootNo boot_;
    KernelReading kernel_reading_;
    std::string kernel_detail_;  ///< why the last reading failed; empty: it did not
    MeterEvents meter_events_;
    std::vector<Reading> readings_;
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
    GoodTime good_time_{WallTime{}};          ///< for certificates
    std::optional<Monotonic> steady_since_;   ///< the clock was not corrected since
    std::optional<DeviceTime> first_record_;  ///< of this epoch: the ledger says nothing before
    /// Small facts that outlive this run (the journal's notes), as last staged.
    std::string power_memory_;
    std::string path_memory_;
    std::string good_time_memory_;
    std::optional<Monotonic> facts_read_;
    std::vector<std::string> resolvers_;
    std::string wan_device_;  ///< as of the last round
    std::optional<Monotonic> resolvers_read_;
    SeriesId free_bytes_id_;
    std::uint64_t free_bytes_ = 0;
    std::uint64_t first_size_bytes_ = 0;  ///< of the journal, at the first commit of this run
    std::uint64_t commits_ = 0;
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
