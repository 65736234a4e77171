#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/journal/block_store.hpp"
#include "daemon/journal/cursor_store.hpp"
#include "daemon/journal/holes.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/journal/losses.hpp"
#include "daemon/journal/mirror.hpp"
#include "daemon/journal/packed_store.hpp"
#include "daemon/journal/packer.hpp"
#include "daemon/journal/quota.hpp"
#include "daemon/journal/reducer.hpp"
#include "daemon/journal/rescue.hpp"
#include "daemon/journal/rollup_store.hpp"
#include "daemon/journal/sqlite.hpp"
#include "daemon/journal/state.hpp"

namespace gerbang {

/// The journal on one SQLite connection. Its parts each know some tables; this joins them into
/// transactions. sqlite_journal.cpp: opening, appending, checkpoints; journal_reads.cpp: what is
/// asked; journal_upkeep.cpp: packing, reduction, the quota; journal_rescue.cpp: damage, identity;
/// journal_fork.cpp: divergence; journal_check.cpp: the check in the background.
class SqliteJournal final : public Journal {
public:
    explicit SqliteJournal(const JournalOptions& options)
        : options_{options}, memory_{options.utc_offset} {}

    [[nodiscard]] Result<void> start();
    /// After `start`: compares with the mirror, the machine and a set-aside file.
    [[nodiscard]] Result<void> look_back();
    /// Whether `error` of this journal says that the file holds what cannot be.
    [[nodiscard]] bool is_damage(const Error& error) const;

    [[nodiscard]] const JournalState& state() const override { return memory_.state; }
    [[nodiscard]] Result<Committed> begin_epoch(const EpochFact& fact, DeviceTime at,
                                                const std::vector<RecordBody>& first) override;
    [[nodiscard]] Result<void> fork_epoch(const EpochFact& fact, DeviceTime at) override;
    [[nodiscard]] Result<Committed> append(Seq expected_first,
                                           const std::vector<RecordBody>& bodies) override;
    [[nodiscard]] Result<JournalSlice> read(const EpochId& epoch, SeqRange range,
                                            std::uint64_t max_bytes) override;
    [[nodiscard]] Result<std::vector<EpochInfo>> epochs() override;
    [[nodiscard]] Result<EpochDictionary> dictionary(const EpochId& epoch) override;
    [[nodiscard]] Result<std::vector<Cursor>> cursors() override;
    void stage(const Cursor& cursor) override { cursors_.stage(cursor, elapsed_s()); }
    [[nodiscard]] Result<void> flush_cursors() override;
    void stage_note(const std::string& key, const std::string& value) override {
        cursors_.stage_note(key, value);
    }
    [[nodiscard]] std::optional<std::string> note(const std::string& key) override {
        return cursors_.note(key);
    }
    [[nodiscard]] Result<std::vector<UsageRow>> usage(UsagePeriod period, WallTime from,
                                                      WallTime to) override;
    [[nodiscard]] Result<std::vector<Outage>> outages() override;
    [[nodiscard]] Result<void> checkpoint() override;
    [[nodiscard]] Result<bool> tend() override;
    [[nodiscard]] Result<void> limit(std::uint64_t quota_bytes,
                                     std::uint64_t set_aside_bytes) override;
    void set_pins(std::vector<std::string> pins) override;
    [[nodiscard]] Result<std::vector<LossFact>> untold_losses() override;
    [[nodiscard]] Result<JournalFacts> facts() override;
    [[nodiscard]] std::uint64_t size_bytes() const override;
    [[nodiscard]] std::uint64_t written_bytes() const override {
        return connection_.written_bytes();
    }
    [[nodiscard]] std::uint64_t written_today() const override {
        const auto& days = memory_.written_days;
        return (days.empty() ? 0 : days.back().bytes) + written_bytes() - counted_bytes_;
    }

private:
    [[nodiscard]] Result<void> prepare();
    [[nodiscard]] Result<void> restore();
    [[nodiscard]] Result<void> write_checkpoint(UsageRollup& rollup);
    [[nodiscard]] Result<void> put_state(EpochNo epoch, const JournalMemory& memory,
                                         const UsageRollup& rollup);
    [[nodiscard]] Result<void> replay_undated(UsageRollup& rollup);
    [[nodiscard]] Result<void> write_epoch(const EpochFact& fact, EpochNo number,
                                           UsageRollup& rollup, const std::vector<Record>& records);
    template <class Work>
    [[nodiscard]] Result<void> in_transaction(Work work);
    template <class Work>
    [[nodiscard]] Result<void> with_room(Work work);
    [[nodiscard]] Result<void> before_transaction();
    [[nodiscard]] Result<void> after_transaction(Result<void> outcome);
    [[nodiscard]] Error fail(Error error);
    [[nodiscard]] Result<void> usable() const;
    void overwrite_wal();
    [[nodiscard]] Result<void> count_stored();
    [[nodiscard]] Result<std::uint64_t> settle_losses(const std::vector<Record>& records);
    [[nodiscard]] Committed take(const std::vector<Record>& records);

    struct Place {
        EpochNo number = 0;
        Seq last;
    };
    [[nodiscard]] Result<Place> place_of(const EpochId& epoch);
    [[nodiscard]] Result<std::optional<Seq>> next_present(EpochNo epoch, SeqRange range);
    [[nodiscard]] Error hole_at(Seq seq) const;
    [[nodiscard]] std::int64_t elapsed_s() const {
        return std::chrono::duration_cast<Seconds>(memory_.state.elapsed).count();
    }

    // The quota.
    struct Pages {
        std::int64_t all = 0;
        std::int64_t free = 0;  ///< of those
    };
    /// Who the pages up to the limit are for.
    enum class Need { commit, upkeep };
    [[nodiscard]] Result<void> apply_plan();
    [[nodiscard]] Result<void> set_limit(Need need);
    [[nodiscard]] Result<Pages> pages();
    /// Pages that commits may still take; negative after the quota was lowered.
    [[nodiscard]] Result<std::int64_t> room();
    /// What reduction may take.
    enum class Victims { all, older };  ///< `older`: nothing of the newest day
    [[nodiscard]] Result<bool> make_room();
    [[nodiscard]] Result<bool> give_way();
    [[nodiscard]] Result<bool> yield_to_others();
    [[nodiscard]] Result<bool> shrink();
    [[nodiscard]] Result<bool> shrink_by_holes();
    [[nodiscard]] Result<void> move_wal();
    [[nodiscard]] Result<void> fits();
    void keep_ballast();

    // Packing and reduction; each does one slice and says whether it did anything.
    struct EpochRow {
        EpochNo number = 0;
        EpochId id;
        Seq last;
        bool is_open = false;
    };
    [[nodiscard]] Result<std::vector<EpochRow>> epoch_rows();
    /// A block about to be packed.
    struct Packing {
        PackedBlock block;
        bool is_joined = false;  ///< `body` takes the place of several commits
        std::string body;
        std::optional<Head> head;  ///< after the block
    };
    enum class PackWhen {
        overdue,   ///< the hourly checkpoint has not taken it along
        complete,  ///< the hour is over
        anything,  ///< room is short: an open hour too
    };
    [[nodiscard]] Result<std::optional<Packing>> plan_pack(PackWhen when);
    [[nodiscard]] Result<void> write_pack(const Packing& packing);
    [[nodiscard]] Result<bool> pack_one(PackWhen when);
    [[nodiscard]] Result<bool> reduce_one(Victims victims);
    [[nodiscard]] Result<void> reduce(const PackedBlock& block);
    [[nodiscard]] Result<bool> protect_one(bool is_needed);
    /// `waits`: events of this kind may go once they are packed and behind a checkpoint.
    [[nodiscard]] Result<bool> thin_out(EventKind kind, const EpochRow& epoch, bool& waits);
    [[nodiscard]] Result<void> put_reduced(const PackedBlock& block, std::vector<Record> records,
                                           int level, const std::vector<Loss>& losses);
    [[nodiscard]] Result<std::map<SeriesId, SeriesKind>> kinds_of(EpochNo epoch);
    static void give_memory_back();
    [[nodiscard]] bool may_reduce(const PackedBlock& block) const;
    [[nodiscard]] Result<std::int64_t> fresh_from();
    [[nodiscard]] Result<std::uint64_t> protected_bytes();

    [[nodiscard]] Result<std::vector<EpochFacts>> epoch_facts();
    [[nodiscard]] Result<std::vector<PinFacts>> pin_facts();
    [[nodiscard]] Result<std::optional<DeviceTime>> oldest_reading(std::optional<WallTime>& wall);
    [[nodiscard]] Result<std::uint64_t> day_bytes();

    // Damage and identity.
    void set_aside_now(const std::string& why);
    [[nodiscard]] Result<DamageFacts> damage_facts();
    [[nodiscard]] Result<void> remember_lost(const Mirror& mirror, Rescue* rescue);
    [[nodiscard]] Result<void> compare_with(const Mirror* mirror);
    [[nodiscard]] std::vector<RecordBody> carried_records(DeviceTime at) const;
    void carry_into(JournalMemory& memory) const;
    [[nodiscard]] Seq known_last() const;
    [[nodiscard]] Result<Mirror> mirror_now();
    void keep_mirror(bool is_due);
    [[nodiscard]] Result<bool> rescue_slice();
    [[nodiscard]] Result<bool> rescue_copy();
    [[nodiscard]] Result<bool> rescue_totals();
    [[nodiscard]] Result<bool> rescue_finish();

    // The check in the background.
    struct Check {
        std::int64_t reached = 0;  ///< row id of the last record that was looked at
        int budget = 0;            ///< blocks until the next checkpoint
        std::uint64_t rounds = 0;  ///< of the whole journal, without a finding
        std::optional<Head> head;  ///< after `reached`, where it is known
        sql::Statement next_block{};
        sql::Statement find_head{};
        sql::Statement find_event{};
    };
    [[nodiscard]] Result<void> prepare_check();
    void allow_check();
    [[nodiscard]] Result<CheckFacts> check_facts();
    [[nodiscard]] Result<void> check_newest();
    [[nodiscard]] Result<bool> check_slice();
    [[nodiscard]] Result<void> check_records(EpochNo number, const std::vector<Record>& records);
    [[nodiscard]] static Error check_failed(std::int64_t id, const std::string& why);

    /// A new epoch whose rows are there already, without a row of its own.
    struct Fork {
        EpochNo number = 0;
        Seq last;
        Head head{};
        std::uint64_t given_up = 0;  ///< reduced records, which have no place in a chain
    };
    [[nodiscard]] Result<void> drop_nameless();
    [[nodiscard]] Result<std::vector<RecordBody>> context_at(Seq agreed);
    [[nodiscard]] Result<void> copy_tail(Seq agreed, Fork& fork);
    [[nodiscard]] Result<void> put_into(Fork& fork, std::vector<RecordBody> bodies);
    [[nodiscard]] Result<void> cut_tail(Seq agreed);

    // Pins.
    [[nodiscard]] Result<bool> keep_pins();
    [[nodiscard]] std::int64_t silent_s(const std::string& consumer) const;
    [[nodiscard]] Result<Holdings> holdings(const std::vector<std::string>& consumers);
    [[nodiscard]] std::vector<std::string> pinning() const;

    JournalOptions options_;
    Holes holes_;                 // closed after the connection
    sql::Connection connection_;  // before everything that holds its statements
    BlockStore blocks_;
    CursorStore cursors_;
    RollupStore rollups_;
    PackedStore packed_;
    LossStore losses_;
    Packer packer_{blocks_, packed_};
    SpacePlan plan_;
    Ballast ballast_{{}};
    bool is_full_by_others_ = false;  ///< the file system gave no more; only what is inside counts
    std::int64_t full_pages_ = 0;     ///< that the database had then
    bool can_shrink_ = true;
    bool makes_holes_ = false;  ///< that is how it shrinks
    bool is_longer_ = false;    ///< than the quota allows: it has holes, or will
    /// Free pages in a longer file that cannot become holes: neighbours in their block are in use.
    std::int64_t stuck_pages_ = 0;
    std::optional<std::int64_t> most_used_;  ///< pages that may be taken, in a longer file
    bool is_over_ = false;  ///< more are taken there already: a lowered quota is not reached yet
    std::int64_t limit_pages_ = 0;         ///< as SQLite was told
    std::optional<DeviceHour> open_hour_;  ///< nothing to pack while records are of this hour
    EpochNo packed_epochs_ = 0;            ///< closed epochs up to here are packed
    Seq checkpoints_for_room_;             ///< last record when a checkpoint was made to find room
    Seq checkpointed_;                     ///< of the open epoch; later records stay as taken
    std::uint64_t counted_bytes_ = 0;      ///< of `written_bytes`, in `memory_.written_days`
    std::map<std::string, std::int64_t> pins_;   ///< since when each is known, as stored
    std::map<EventKind, std::int64_t> thinned_;  ///< row id from which `thin_out` goes on
    std::uint64_t given_up_bytes_ = 0;           ///< of blocks that keep protected events only
    sql::Statement page_count_;
    sql::Statement free_count_;
    sql::Statement put_pin_;
    sql::Statement drop_pin_;
    sql::Statement find_epoch_;
    sql::Statement list_epochs_;
    sql::Statement close_epoch_;
    sql::Statement put_epoch_;
    sql::Statement put_checkpoint_;
    EpochNo epoch_no_ = 0;  ///< of the open epoch; 0: none
    JournalMemory memory_;
    std::optional<Error> broken_;
    std::optional<Mirror> carried_;   ///< what the next epoch goes on from
    std::optional<Mirror> mirrored_;  ///< as this process wrote it last
    std::unique_ptr<Rescue> rescue_;  ///< while a set-aside file is being salvaged
    bool is_started_ = false;
    Check check_;
};

/// `bytes` as SQLite takes them.
template <std::size_t N>
[[nodiscard]] std::string_view view(const std::array<std::uint8_t, N>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), N};
}

/// Runs `work` in a transaction; whatever fails undoes it.
template <class Work>
Result<void> SqliteJournal::in_transaction(Work work) {
    if (auto ready = before_transaction(); !ready) return ready;
    auto outcome = [&]() -> Result<void> {
        sql::Transaction transaction{connection_};
        if (auto begun = transaction.begin(); !begun) return begun;
        if (auto done = work(); !done) return done;
        if (auto fit = fits(); !fit) return fit;
        return transaction.commit();
    }();
    return after_transaction(std::move(outcome));
}

/// As `in_transaction`; where there is no room, makes some and tries again. `work` may run several
/// times.
template <class Work>
Result<void> SqliteJournal::with_room(Work work) {
    constexpr int kMaxTries = 64;
    // Where others have made room again nothing need be reduced.
    if (is_full_by_others_) keep_ballast();
    if (auto limited = set_limit(Need::commit); !limited) return fail(limited.error());
    if (is_over_) {
        // Nothing refuses this commit, so it makes the room that it takes.
        if (auto made = make_room(); !made) return made.error();
        if (auto limited = set_limit(Need::commit); !limited) return fail(limited.error());
    }
    auto outcome = in_transaction(work);
    for (int tried = 1; tried < kMaxTries; ++tried) {
        if (outcome || outcome.error().code != Errc::storage_full) break;
        const auto made = make_room();
        if (!made) return made.error();
        if (!*made) break;
        if (auto limited = set_limit(Need::commit); !limited) return fail(limited.error());
        outcome = in_transaction(work);
    }
    return outcome;
}

}  // namespace gerbang
