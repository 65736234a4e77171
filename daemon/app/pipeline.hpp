#pragma once

// The one path of data (design 3), private to the daemon: read, delta, keep, commit, push.

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/model/series_table.hpp"
#include "common/model/timeline.hpp"
#include "common/model/true_time.hpp"
#include "daemon/app/daemon.hpp"
#include "daemon/app/event_rate.hpp"
#include "daemon/app/good_time.hpp"
#include "daemon/app/intake.hpp"
#include "daemon/app/join.hpp"
#include "daemon/app/links.hpp"
#include "daemon/app/replay.hpp"
#include "daemon/app/storage_pace.hpp"
#include "daemon/app/storage_watch.hpp"
#include "daemon/host/machine_facts.hpp"
#include "daemon/host/power_supply.hpp"
#include "daemon/journal/async_journal.hpp"
#include "daemon/ledger/outage_budget.hpp"
#include "daemon/meter/forwarding.hpp"
#include "daemon/meter/health.hpp"
#include "daemon/meter/meter.hpp"
#include "daemon/meter/path_check.hpp"
#include "daemon/sync/pusher.hpp"
#include "daemon/sync/yielding.hpp"

namespace gerbang {

class Daemon::Pipeline {
public:
    Pipeline(const Config& config, Edges edges);
    ~Pipeline();

    [[nodiscard]] net::awaitable<void> run();
    void stop(const std::string& reason);
    void push_now();

    [[nodiscard]] web::Status status() const;               // status_view.cpp
    [[nodiscard]] std::vector<SeriesValue> newest() const;  // metrics_view.cpp
    [[nodiscard]] net::awaitable<Result<std::vector<UsageRow>>> usage(UsagePeriod period,
                                                                      WallTime from, WallTime to);
    [[nodiscard]] net::awaitable<Result<std::vector<web::OutageRow>>> outages();  // status_view.cpp
    [[nodiscard]] net::awaitable<Result<sla::Statement>> statement(
        WallTime from, WallTime to, std::optional<sla::Clauses> clauses);  // status_view.cpp
    [[nodiscard]] net::awaitable<Result<std::vector<sla::Day>>> days(
        WallTime from, WallTime to);                                     // status_view.cpp
    [[nodiscard]] net::awaitable<Result<JournalFacts>> journal_facts();  // record_view.cpp
    [[nodiscard]] net::awaitable<Result<std::vector<Journal::EpochInfo>>>
    epochs();  // record_view.cpp
    [[nodiscard]] net::awaitable<Result<std::string>> batch(EpochId epoch,
                                                            Seq after);  // record_view.cpp
    [[nodiscard]] net::awaitable<Result<PulledRecords>> pulled(
        EpochId epoch, Seq after, std::uint64_t max_bytes);  // pull_view.cpp
    [[nodiscard]] net::awaitable<Result<void>> take_receipt(std::string consumer, Receipt receipt,
                                                            Seq agreed);  // pull_view.cpp
    [[nodiscard]] std::vector<Series> series() const;                     // pull_view.cpp
    [[nodiscard]] net::awaitable<Result<web::ProbeReport>> probe_now();
    [[nodiscard]] Result<void> note_claim(const NoteFact& claim);
    [[nodiscard]] Result<void> set_clock(WallTime wall, Seconds uncertainty);  // time_keeping.cpp
    [[nodiscard]] WallTime certificate_time() const;                           // time_keeping.cpp
    [[nodiscard]] bool is_running() const { return is_running_; }
    [[nodiscard]] std::uint64_t missed_ticks() const { return missed_ticks_; }
    [[nodiscard]] Monotonic last_tick() const { return last_tick_; }
    [[nodiscard]] bool storage_is_accounted_for() const {
        return !journal_.is_hanging() || storage_.state() == StorageState::hanging;
    }

private:
    /// What start-up must know of the journal, read before anything of it is used.
    struct Past {
        JournalState state;
        std::optional<DeviceTime> alive;         ///< of the newest record
        std::optional<DeviceTime> first_record;  ///< of this epoch
        std::string power_memory;
        std::string path_memory;
        std::string good_time_memory;
        std::string budget_memory;
        std::string pace_memory;
        std::vector<Outage> told;      ///< all segments; empty where no gap was left open
        bool was_seen_boot = false;    ///< this boot was measured before, though not by this epoch
        bool was_rolled_back = false;  ///< the journal lost its last commits, not the ring
    };
    /// Where this process stands until the journal is known.
    struct Blind {
        std::optional<KernelReading> first_reading;  ///< of this process' first tick
        std::vector<Reading> first;                  ///< readings of the life's first tick
        std::vector<Reading> totals;                 ///< newest value of each series
        std::vector<InterfaceFact> facts;            ///< newest of each name
        std::vector<Anchor> anchors;
        std::optional<Intake::Found> before;  ///< an earlier process that was blind as well
        std::vector<Outage> segments;         ///< newest state of each, of this process
        Monotonic began;                      ///< the life's first tick
        Monotonic own_began;                  ///< this process' first tick
        std::uint64_t ticks = 0;              ///< of this process
    };

    // start-up, in recovery.cpp
    void begin();
    void attach(Past past);
    void place_in_time(const JournalState& state);
    void restore(Past& past, const Intake::Found& recovered, bool same_boot);
    void join_meters(MeterHistory& history, std::unique_ptr<SeriesTable> table, bool was_seen_boot);
    void intern_own();
    void begin_links(LinkBook::History history, bool same_boot);
    void begin_blind_links();
    void announce(const Intake::Found& recovered);
    /// How the boot of the last proof of life ended; written down once.
    [[nodiscard]] Ending tell_ending(bool ended_cleanly, DeviceTime alive,
                                     const JournalState& state);
    [[nodiscard]] MeterSettings meter_settings() const;

    // storage, in storage_keeping.cpp
    [[nodiscard]] net::awaitable<void> storage_loop();
    [[nodiscard]] net::awaitable<void> open_journal();
    [[nodiscard]] net::awaitable<Result<void>> join_journal(JournalState state);
    [[nodiscard]] net::awaitable<Result<void>> rejoin_journal(JournalState state);
    [[nodiscard]] net::awaitable<Result<Past>> look_into(JournalState state);
    [[nodiscard]] net::awaitable<Result<JournalState>> begin_new_epoch(const JournalState& state);
    [[nodiscard]] net::awaitable<Result<JournalState>> fork_journal(EpochId parent, Seq last,
                                                                    std::string reason,
                                                                    DeviceTime at);
    [[nodiscard]] net::awaitable<Result<bool>> follow_fork(EpochId epoch);
    [[nodiscard]] net::awaitable<void> leave_diverged();
    [[nodiscard]] net::awaitable<bool> commit();
    [[nodiscard]] net::awaitable<void> keep_house();
    void committed(const Intake::Commit& commit);
    void storage_failed(const Error& error);
    void watch_storage(Monotonic at);
    void decide_pace();
    /// Nothing is wrong, so that commits may wait longer.
    [[nodiscard]] bool is_calm() const;
    /// Of the newest readings: what a power cut would take now, or just before the next commit.
    [[nodiscard]] Millis loss_window() const;
    void start_pushers();
    [[nodiscard]] std::vector<Event> missing_facts(const JournalState& state);
    /// In a new epoch everything that holds must be told again.
    void retell(const JournalState& state);

    // loops
    [[nodiscard]] net::awaitable<void> tick_loop();
    [[nodiscard]] net::awaitable<void> watch_loop();
    [[nodiscard]] net::awaitable<void> probe_loop();
    [[nodiscard]] net::awaitable<void> finish();

    // steps
    void read_kernel();
    void take_tick(Monotonic at);
    void remember_newest(Monotonic at);  ///< in metrics_view.cpp
    void note(const Event& event);
    void remember_blindly(Monotonic at);  ///< in recovery.cpp
    void read_power(Monotonic at);
    void check_path(Monotonic at);
    [[nodiscard]] Monotonic next_round();
    [[nodiscard]] Surroundings surroundings();
    void count_wan(const std::string& wan, Monotonic now, Surroundings& around);
    /// Tells the drains how much of the link the villagers use.
    void yield_link();
    [[nodiscard]] WebQuestions web_questions() const;
    /// Whether `receipt` names the head that this journal has at its place; true where either side
    /// does not know.
    [[nodiscard]] net::awaitable<Result<bool>> has_head(Receipt receipt, Seq last);
    void show_pullers(web::Status& status) const;          // pull_view.cpp
    void remember_puller(Cursor cursor, std::string why);  // pull_view.cpp
    /// What the ledgers said at this instant; to be called with nothing, too, each round.
    void write_down(std::vector<Outage> segments);
    /// As it is: the budget has seen it.
    void tell(const std::vector<Outage>& segments);
    /// What the journal lists, and behind it what is held back.
    [[nodiscard]] net::awaitable<Result<std::vector<Outage>>> all_outages();  // status_view.cpp
    /// Into the journal's notes, to ride with the next commit; tried again when it fails.
    [[nodiscard]] net::awaitable<void> stage_memory(const char* key, std::string value,
                                                    std::string& as_staged);
    [[nodiscard]] Error journal_not_open() const;
    /// Once it stops, nothing but the loops' own last words: the `stop` event is to be the last.
    [[nodiscard]] bool takes_words() const { return is_running_ && !edges_.clock->is_stopped(); }
    [[nodiscard]] DeviceTime here() const { return {boot_, edges_.clock->now()}; }
    [[nodiscard]] bool is_blind() const { return blind_.has_value(); }

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
    [[nodiscard]] std::optional<std::int64_t> age_of(const OldestPending& record) const;
    /// The ledger of the WAN in wall time, as far as it is known.
    [[nodiscard]] net::awaitable<Result<sla::Ledger>> placed_ledger();  // status_view.cpp

    const Config config_;
    const Edges edges_;
    Join core_;   ///< loops that write: they end before the last commit
    Join outer_;  ///< loops that only look outside

    std::unique_ptr<SeriesTable> series_;
    std::unique_ptr<SeriesTable> blind_series_;  ///< of parts that a round under way still uses
    std::unique_ptr<Meter> meter_;
    std::unique_ptr<Health> health_;
    std::shared_ptr<Links> links_;  ///< nothing: nobody looks yet
    OutageBudget budget_;           ///< between `links_` and the journal
    PowerSupplies power_;
    ForwardingReader forwarding_;
    PathCheck path_;
    std::optional<MachineFacts> machine_;  ///< nothing: the one-shot has left none
    Timeline timeline_;
    TrueTime true_time_;
    Intake intake_;
    EventRate event_rate_;
    std::shared_ptr<std::atomic<bool>> state_is_ram_ =
        std::make_shared<std::atomic<bool>>(false);  ///< written by the worker
    AsyncJournal journal_;
    StorageWatch storage_;
    CommitPace pace_;
    std::optional<Blind> blind_;  ///< the journal is not known yet
    // While the journal is joined only:
    Graft graft_;
    std::vector<Event>* preface_ = nullptr;  ///< where notes go
    std::vector<Event> after_graft_;         ///< what is to come behind it
    std::vector<InterfaceFact> joined_facts_;
    /// What the journal has acknowledged; it must still be there after it was opened anew.
    struct {
        EpochId epoch;
        Seq last;
        Head head{};
    } acknowledged_;
    /// A consumer holds other records of `epoch` after `last`.
    struct Divergence {
        EpochId epoch;
        Seq last;
    };
    std::optional<Divergence> divergence_;
    std::optional<Monotonic> forked_at_;       ///< for a divergence
    std::optional<Intake::Commit> uncertain_;  ///< handed over when the storage broke
    std::size_t most_chunks_ = 64;             ///< of one commit; fewer where it is too large
    bool has_more_to_tend_ = false;
    bool has_backlog_ = false;  ///< the last commit could not take all
    std::vector<std::unique_ptr<Pusher>> pushers_;
    Yielding yielding_;
    /// What the pullers told in this life.
    struct Told {
        Monotonic at;
        Cursor cursor;    ///< of the epoch that it told last
        std::string why;  ///< what it holds contradicts this journal
    };
    std::vector<Told> pullers_;  ///< at most one of each configured name

    BootNo boot_;
    KernelReading kernel_reading_;
    std::string kernel_detail_;  ///< why the last reading failed; empty: it did not
    MeterEvents meter_events_;
    std::vector<Reading> readings_;
    struct Newest {
        Reading reading;
        Monotonic at;
    };
    std::vector<Newest> newest_;              ///< one per series, ascending
    const SeriesTable* newest_of_ = nullptr;  ///< whose numbers those are
    Bell commit_bell_;
    Bell probe_bell_;
    Bell links_bell_;
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
    std::string budget_memory_;
    std::string pace_memory_;
    std::optional<Monotonic> facts_read_;
    std::vector<std::string> resolvers_;
    std::string wan_device_;  ///< as of the last round
    std::optional<Monotonic> resolvers_read_;
    SeriesId free_bytes_id_;
    std::uint64_t free_bytes_ = 0;
    std::uint64_t first_size_bytes_ = 0;  ///< of the journal, at the first commit of this run
    std::uint64_t commits_ = 0;
    std::uint64_t recovered_ticks_ = 0;
    SeriesId storage_state_id_;
    SeriesId loss_window_id_;
    std::uint64_t missed_ticks_ = 0;
    Millis latest_tick_{};  ///< the most that one was late
    bool is_running_ = false;
    bool is_closed_ = false;  ///< `run` is about to return: no more queries
    std::string stop_reason_;
};

}  // namespace gerbang
