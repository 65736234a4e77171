#pragma once

// What a `Pusher` keeps while it runs. Internal to daemon/sync: pusher.cpp acts, pusher_plan.cpp
// decides.

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/sync/lanes.hpp"
#include "daemon/sync/pusher.hpp"

namespace gerbang {

enum class Lane : std::uint8_t { fresh, backlog };

/// The search for the last record that a consumer and we have in common.
struct Divide {
    Seq both_last;            ///< up to here both hold everything
    Seq agreed;               ///< the same up to here; 0: not known of any
    Seq differs;              ///< not the same from here; beyond `both_last`: not known of any
    bool holds_more = false;  ///< the consumer holds later records as well
};

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
          size{settings.max_body_bytes} {}

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
    net::awaitable<void> settle_divide(EpochTrack& epoch);
    [[nodiscard]] std::optional<Job> choose_question() const;
    /// What a closed epoch shares with the consumer: a receipt may well reach further.
    void limit_to_common(EpochTrack& epoch) const;
    [[nodiscard]] Receipt common_part(const EpochTrack& epoch, Receipt receipt) const;

    // What they decide with.
    [[nodiscard]] std::optional<Job> choose();
    [[nodiscard]] std::optional<Job> choose_backlog();
    [[nodiscard]] LaneView view_of(const EpochTrack& epoch) const;
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

    PushSettings settings;
    Clock& clock;
    Entropy& entropy;
    AsyncJournal& journal;
    Uplink& uplink;
    Bell bell;

    Backoff backoff;
    BatchSize size;
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
    std::optional<Monotonic> last_success;
    std::uint64_t attempts = 0;
    std::function<void(const EpochId&, Seq)> diverged_callback;
    bool proves_chain = true;  ///< the consumer compares chain heads
    std::function<void(WallTime, Monotonic, Monotonic)> date_callback;
};

}  // namespace gerbang
