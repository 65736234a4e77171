#pragma once

// What a `Pusher` keeps while it runs. Internal to daemon/sync: pusher.cpp acts, pusher_plan.cpp
// decides.

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/sync/lanes.hpp"
#include "daemon/sync/pusher.hpp"
#include "daemon/sync/send_budget.hpp"

namespace gerbang {

enum class Lane : std::uint8_t { fresh, backlog };

/// The search for the last record that a consumer and we have in common.
struct Divide {
    Seq both_last;                 ///< up to here both hold everything
    Seq agreed;                    ///< the same up to here; 0: not known of any
    Seq differs;                   ///< not the same from here; beyond `both_last`: not known of any
    bool holds_more = false;       ///< the consumer holds later records as well
    std::optional<Seq> instead{};  ///< asked next: what lies in the middle is not here
};

/// A failure after this long is a time-out even if libcurl calls it otherwise.
inline constexpr Millis kSlowFailure{10'000};

/// One epoch of the journal as far as this consumer is concerned.
struct EpochTrack {
    EpochId id;
    Seq last;
    Cursor cursor;
    std::optional<Monotonic> rests_until;  ///< diverged, or its records cannot be read
    std::string why;
    std::optional<Divide> divide{};    ///< diverged, and not known yet where
    std::optional<Seq> common_last{};  ///< of a closed epoch that diverged
    /// Something that adjoins all that the consumer holds was taken by it since this process began:
    /// its records are ours, and a gap may be left.
    bool is_proven = false;
};

/// One request: what it carries, and for which lane.
struct Job {
    std::uint64_t number = 0;
    Lane lane = Lane::fresh;
    EpochId epoch;
    SeqRange range;
    Seq planned_to;  ///< last record when it was planned
    bool is_suspect = false;
    bool asks_where = false;  ///< a question of the search for where histories part
    std::string body;
    // Of Remote-Write alone.
    bool is_question = false;       ///< carries nothing: asks for the receiver's time
    bool is_void = false;           ///< what it was planned upon has changed
    std::vector<SeqRange> carried;  ///< what the receiver holds once it took the body
    std::size_t column_count = 0;   ///< of a record that goes alone
    std::optional<std::pair<std::size_t, std::size_t>> columns;  ///< only these of it
};

/// A record that a receiver refused, tried by halves of its columns until the series that it will
/// not take are alone.
struct Dissection {
    EpochId epoch;
    Seq seq;
    std::string why;                                           ///< the first refusal
    std::vector<std::pair<std::size_t, std::size_t>> untried;  ///< a stack
    std::vector<SeriesId> refused;
    bool was_any_taken = false;
};

/// True when the consumer holds every record of `range`.
[[nodiscard]] bool holds_all(const Cursor& cursor, SeqRange range);

struct Pusher::State {
    State(PushSettings s, Clock& c, Entropy& e, AsyncJournal& j, Uplink& u)
        : settings{std::move(s)},
          clock{c},
          entropy{e},
          journal{j},
          uplink{u},
          backoff{settings.backoff},
          size{is_shared() ? std::min(settings.max_body_bytes, kSharedBodyBytes)
                           : settings.max_body_bytes} {
        budget.set_rate(settings.max_bytes_s);
    }

    // What the coroutines do.
    net::awaitable<bool> restore();
    net::awaitable<bool> refresh_epochs();
    net::awaitable<bool> start_next();
    net::awaitable<Result<void>> load(Job& job);
    net::awaitable<void> deliver(Job job);
    net::awaitable<void> stage(std::vector<Cursor> cursors, bool is_draining);
    net::awaitable<void> settle_receipt(const Job& job, const Receipt& receipt);
    net::awaitable<void> react(const Job& job, const Error& error,
                               std::optional<Seconds> retry_after, std::size_t body_bytes);
    net::awaitable<void> failed(Error error, std::optional<Seconds> retry_after);
    net::awaitable<void> save_backoff();
    net::awaitable<void> refuse(const Job& job, const Error& error);

    // Divergence: pusher_diverge.cpp.
    /// `theirs`: what the consumer holds of `epoch`, where it said so.
    net::awaitable<void> diverge(EpochId epoch, std::string why, std::optional<Receipt> theirs);
    /// False: `answer` is a failure of its own, as any request may meet it.
    net::awaitable<bool> take_answer(const Job& job, const Result<Receipt>& answer);
    /// What was to be asked for is not here, up to `absent_last`.
    net::awaitable<void> step_over(const Job& job, Seq absent_last);
    net::awaitable<void> settle_divide(EpochTrack& epoch);
    [[nodiscard]] std::optional<Job> choose_question() const;
    /// What a closed epoch shares with the consumer: a receipt may well reach further.
    void limit_to_common(EpochTrack& epoch) const;
    [[nodiscard]] Receipt common_part(const EpochTrack& epoch, Receipt receipt) const;

    // Remote-Write: pusher_remote.cpp.
    net::awaitable<Result<void>> load_samples(Job& job, JournalSlice slice);
    net::awaitable<void> land_samples(Job job, Result<HttpAnswer> answer, Monotonic began,
                                      std::size_t body_bytes);
    net::awaitable<void> settle_carried(const Job& job);
    net::awaitable<void> settle_question(Result<HttpAnswer> answer);
    net::awaitable<void> dissect(const Job& job, std::optional<Error> refused);
    /// Begins to look for what the receiver refuses in the record of `job`. False: it cannot be
    /// divided.
    bool begin_dissection(const Job& job, const Error& error);
    /// Parks `newest` alone, which is too old for the receiver, and what is older and suspect with
    /// it.
    net::awaitable<void> park_old(const Job& newest, const Error& error);
    void tell_left_out(std::string why);
    /// Several bodies of the backlog go side by side.
    [[nodiscard]] bool is_shared() const {
        return !settings.remote_write && settings.backlog_slots > 1;
    }
    [[nodiscard]] bool is_in_order() const {
        return settings.remote_write && settings.remote_write->in_order;
    }
    [[nodiscard]] std::optional<Job> choose_remote();
    void take_date(const HttpAnswer& answer);
    void retry_deferred();
    [[nodiscard]] std::optional<WallTime> their_time() const;

    // What they decide with.
    [[nodiscard]] std::optional<Job> choose();
    [[nodiscard]] std::optional<Job> choose_backlog();
    [[nodiscard]] LaneView view_of(const EpochTrack& epoch) const;
    /// How large a body of `lane` may be now, and how fast it may go (0: no limit).
    [[nodiscard]] std::uint64_t body_bytes(Lane lane) const;
    [[nodiscard]] std::uint64_t body_rate(Lane lane) const;
    [[nodiscard]] bool rests(const EpochTrack& epoch) const;
    [[nodiscard]] std::size_t under_way(Lane lane) const;
    [[nodiscard]] EpochTrack* find(const EpochId& id);
    [[nodiscard]] const EpochTrack* open_epoch() const;
    [[nodiscard]] Monotonic wake_time() const;
    [[nodiscard]] Cursor fresh_cursor(const EpochId& epoch) const;
    /// An answer from before the store was restored.
    [[nodiscard]] bool is_stale(const Receipt& receipt) const;
    /// The consumer's store was replaced or restored from a backup: what it held of the other
    /// epochs is not known any more. Returns their emptied cursors.
    std::vector<Cursor> forget_older(const Cursor& newest);
    void stop_lane(const std::string& detail);
    void close_gate(Monotonic until, PushState as, const std::string& detail);
    void sync_last();
    void note_pace(const Job& job, std::size_t body_bytes, Monotonic began);

    PushSettings settings;
    Clock& clock;
    Entropy& entropy;
    AsyncJournal& journal;
    Uplink& uplink;
    Bell bell;

    Backoff backoff;
    BatchSize size;
    SendBudget budget;        ///< of all that goes to this target
    SendBudget drain_budget;  ///< of the backlog lane, while villagers use the link
    Suspects suspects;
    std::vector<EpochTrack> epochs;  ///< oldest first; the open one is last
    bool is_restored = false;
    std::vector<Job> in_flight;  ///< bodies moved out
    std::uint64_t jobs = 0;
    std::function<void()> on_all_landed;  ///< set while `run` waits for the last of them

    Monotonic gate;  ///< no request before this
    PushState gate_state = PushState::idle;
    std::string gate_detail;
    Monotonic fresh_due;  ///< the fresh lane's next batch
    Monotonic last_flush;
    bool has_staged = false;
    unsigned refused_in_a_row = 0;

    // Remote-Write.
    std::optional<WallTime> their_date;  ///< as the receiver said at `their_date_at`
    Monotonic their_date_at;
    std::optional<Dissection> dissection;
    std::map<EpochId, std::set<SeriesId>> left_out;  ///< series that the receiver will not take
    std::string left_out_detail;
    std::map<EpochId, std::size_t> anchors_known;
    Monotonic deferred_due;  ///< when what had no time, or a future one, is looked at again

    Pace pace;
    Monotonic last_landed;                ///< the newest answer that took a body
    std::uint64_t failed_through = 0;     ///< the newest request at the last failure
    Monotonic crowded_until;              ///< the consumer has others to serve: one body at a time
    std::optional<OldestPending> oldest;  ///< as last read
    std::optional<Monotonic> last_success;
    std::uint64_t attempts = 0;
    std::function<void(const EpochId&, Seq)> diverged_callback;
    std::function<void(WallTime, Monotonic, Monotonic)> date_callback;
};

}  // namespace gerbang
