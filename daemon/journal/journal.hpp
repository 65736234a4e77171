#pragma once

// The one ordered store of records, in SQLite. SCHEMA.md describes the tables; the settings and
// their reasons stand in database.cpp. Small commits are packed into hour blocks, old blocks are
// reduced to coarser levels under the byte quota, and what is given up becomes a loss; all of that
// happens in `Journal::tend`.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/result.hpp"
#include "common/core/time.hpp"
#include "common/model/epoch_dictionary.hpp"
#include "common/model/facts.hpp"
#include "common/model/journal_facts.hpp"
#include "common/model/receipt.hpp"
#include "common/model/record.hpp"
#include "common/model/timeline.hpp"
#include "common/model/usage.hpp"

namespace gerbang {

struct JournalOptions {
    std::string path{};  ///< .../journal.db
    std::string vfs{};   ///< SQLite VFS name; empty: the default. Tests inject faults here.
    std::uint32_t page_bytes = 0;  ///< 0: as `sql::open_database` chooses (512..65536)
    std::uint32_t wal_pages = 0;   ///< pages at which the WAL is overwritten; 0: 256
    Seconds utc_offset{8 * 3600};  ///< days, months and years of roll-ups are site time
    /// What database, WAL, ballast, mirror and set-aside file may take together. 0: the smaller of
    /// 64 MiB and a quarter of (free space + what they take already); never below `kMinQuotaBytes`.
    std::uint64_t quota_bytes = 0;
    /// Consumers whose records are reduced last while they do not hold them: the push targets.
    std::vector<std::string> pins{};
    std::uint64_t set_aside_bytes = 0;  ///< size of the damaged file kept aside, if any
    /// File of reserved space; empty: beside the database, and none with a VFS of one's own.
    std::string ballast_path{};
    std::string hardware{};  ///< identity of this machine, as in `EpochFact`; empty: not compared
};

/// The least that works, and what a smaller `quota_bytes` counts as: 4.7 MiB for WAL, ballast and
/// mirror, the rest for two days of 60 series at 10 s, or some months at coarser levels.
inline constexpr std::uint64_t kMinQuotaBytes = 6u << 20;
/// The default quota where the file system has room.
inline constexpr std::uint64_t kDefaultQuotaBytes = 64u << 20;
/// Kept free within the quota for the mirror (two slots of at most 256 KiB).
inline constexpr std::uint64_t kMirrorReserveBytes = 512u << 10;
/// Journal time without a receipt after which a consumer stops pinning.
inline constexpr Seconds kPinSilence{90 * 86'400};

/// What the record 1 of the next epoch has to say.
struct EpochCause {
    std::string reason = "new";  ///< "new", "damage", "hardware", "rollback"
    EpochId parent;              ///< none: no earlier epoch is known
    Seq parent_last;             ///< the highest number of it that is known to have been given
};

/// What a restarted daemon needs to go on exactly where the journal ends.
struct JournalState {
    EpochId epoch;  ///< none: the journal is new and waits for `begin_epoch`
    Seq last;       ///< 0: no record yet
    Head head{};    ///< after `last`
    std::optional<BootNo> last_boot_no;
    BootId last_boot;                         ///< none if no boot was recorded
    std::vector<Series> series;               ///< of this epoch
    std::vector<InterfaceFact> interfaces;    ///< newest per name, with the boot it was written on
    std::vector<BootNo> interface_boots;      ///< parallel to `interfaces`
    std::vector<Reading> totals;              ///< newest value of every counter series
    std::optional<DeviceTime> last_tick;      ///< newest tick of any chunk
    std::optional<Event> last_event_of_stop;  ///< the `stop` event if it is the very last record
    Timeline timeline;
    std::vector<Outage> open_outages;  ///< newest state of outages that have not ended
    std::uint64_t last_outage_id = 0;
    /// **Journal time**: how long this journal has been measuring, over all its epochs and boots.
    /// The sum of differences of device time between records of one boot, and for a new boot of the
    /// time since its start. No wall clock enters, so it never jumps nor goes back; time without
    /// power does not count. Ages (of pins, of losses) are differences of it.
    Millis elapsed{};
    /// For the next `begin_epoch`, while `epoch` is none or `must_begin_epoch`.
    EpochCause next_epoch;
    /// The open epoch must not go on: another machine wrote it, or the database is older than what
    /// its mirror knows. Nothing may be appended before `begin_epoch`.
    bool must_begin_epoch = false;
};

/// Numbers that a commit used.
struct Committed {
    Seq first;
    Seq last;
    Head head{};  ///< after `last`
};

/// A contiguous range read back for sending.
struct JournalSlice {
    EpochId epoch;
    Head before{};  ///< chain head before the first record
    std::vector<Record> records;
    /// Of a closed epoch: numbers, from the first that was asked for, that are not here. `records`
    /// begin behind them; there are none when all that was asked for is absent.
    std::optional<SeqRange> absent{};
    /// What is absent may still come: a set-aside file is being salvaged.
    bool is_salvaging = false;
};

/// Blocking; use it from the storage worker only (one thread, one connection). Every function
/// returns `storage_full` or `storage_broken` when SQLite cannot do its work; after
/// `storage_broken` only `reopen` helps. Where memory runs out they throw `std::bad_alloc`: what is
/// durable stays so, but this object may only be destroyed then. Not copyable.
class Journal {
public:
    /// Opens or creates the database and restores the state. Cost is bounded by the records since
    /// the last hourly checkpoint and by the WAL, not by the journal's size.
    ///
    /// Never fails for damage: a damaged file is set aside as `journal.damaged` (the newest one
    /// only), a new database takes its place, and `tend` salvages what the old one still holds
    /// behind the back of the new epoch. Counters, epochs and cursors come from `journal.mirror`.
    [[nodiscard]] static Result<std::unique_ptr<Journal>> open(const JournalOptions& options);
    virtual ~Journal() = default;

    [[nodiscard]] virtual const JournalState& state() const = 0;

    /// Starts an epoch; `fact` becomes its record 1 together with `first` (the boot event and the
    /// like), in one transaction. Earlier epochs become closed.
    ///
    /// Where `state().next_epoch` is not "new", the counters go on: their `series` events follow
    /// record 1, with the numbers that they had, and `state().totals` keeps their newest values;
    /// outage ids go on too. `first` must then introduce no series.
    [[nodiscard]] virtual Result<Committed> begin_epoch(const EpochFact& fact, DeviceTime at,
                                                        const std::vector<RecordBody>& first) = 0;

    /// Ends the open epoch at `fact.parent_last` and goes on in a new one: record 1 is `fact`
    /// (`parent` is the open epoch), then the series, boots, interfaces and anchors that hold at
    /// that place, then everything after it under new numbers, with the same content otherwise. For
    /// a journal that a receiver knows to have diverged there. Several transactions; a power cut in
    /// between is continued by `open`. `bad_input` when `fact.parent` is not the open epoch.
    ///
    /// A `parent_last` beyond the journal's last record says that numbers up to there were given:
    /// what is absent here is a loss (reason `fact.reason`). `at` is a latest time: record 1 is
    /// never later than what it comes before.
    [[nodiscard]] virtual Result<void> fork_epoch(const EpochFact& fact, DeviceTime at) = 0;

    /// Numbers `bodies` (1 to 8192, well-formed) and makes them durable in one transaction.
    /// `expected_first` guards the ring's intent. When it returns an error, none is stored.
    /// Where the quota is reached it reduces old records first; `storage_full` means that nothing
    /// is left to give, or that others have filled the file system and the ballast did not help.
    /// `too_large`: more than one transaction may hold (about half a MiB when packed); halve.
    [[nodiscard]] virtual Result<Committed> append(Seq expected_first,
                                                   const std::vector<RecordBody>& bodies) = 0;

    /// Records `first`.. of `epoch`, as many as fit about `max_bytes` of stored bytes (at least
    /// one), none past `last`. `not_found` when the epoch is not here, or `first` lies behind its
    /// end. A closed epoch may have holes: a slice that begins in one says so (`absent`) and goes
    /// on behind it. In the open epoch a hole is damage.
    ///
    /// A slice holds readings as taken, or reduced blocks, never both: after a reduced block the
    /// chain's head cannot be computed, and the next slice's `before` says it. A reduced block is
    /// given whole: the slice may begin before `range.first` and end after `range.last`.
    [[nodiscard]] virtual Result<JournalSlice> read(const EpochId& epoch, SeqRange range,
                                                    std::uint64_t max_bytes) = 0;

    struct EpochInfo {
        EpochId id;
        Seq last;
        bool is_open = false;
    };
    [[nodiscard]] virtual Result<std::vector<EpochInfo>> epochs() = 0;  ///< oldest first
    /// What the records of `epoch` mean. `not_found` when the epoch is not here.
    [[nodiscard]] virtual Result<EpochDictionary> dictionary(const EpochId& epoch) = 0;

    /// All cursors; `stage` keeps `cursor` for the next commit; `flush_cursors` commits what is
    /// staged in a transaction of its own (a drain calls it at most every 10 s).
    [[nodiscard]] virtual Result<std::vector<Cursor>> cursors() = 0;
    virtual void stage(const Cursor& cursor) = 0;
    [[nodiscard]] virtual Result<void> flush_cursors() = 0;

    /// Back-off state and the like: small named texts that survive a restart (at most 64 keys of
    /// 64 bytes, 1024 bytes each). They ride with the next commit as cursors do.
    virtual void stage_note(const std::string& key, const std::string& value) = 0;
    [[nodiscard]] virtual std::optional<std::string> note(const std::string& key) = 0;

    /// Usage per interface and role over [from, to), grouped in site time; includes what is not
    /// written yet. At most 4,096 rows, newest kept.
    [[nodiscard]] virtual Result<std::vector<UsageRow>> usage(UsagePeriod period, WallTime from,
                                                              WallTime to) = 0;
    /// Newest state of every outage segment that ended after, or began before, the given wall
    /// times; without an anchor they are listed too. Oldest first, at most 4,096, newest kept.
    [[nodiscard]] virtual Result<std::vector<Outage>> outages() = 0;

    /// Writes roll-ups and the checkpoint (totals, heads) in one transaction; hourly.
    [[nodiscard]] virtual Result<void> checkpoint() = 0;

    /// One slice of upkeep, about 20 ms: packing, reduction, expiry, giving back space after the
    /// quota was lowered, rebuilding the ballast. True: there is more to do now. Call it between
    /// commits until it says false, then again after the next commit. An error means as anywhere
    /// here; nothing is half done.
    [[nodiscard]] virtual Result<bool> tend() = 0;

    /// Takes a new quota (as `JournalOptions::quota_bytes`) and the present size of the set-aside
    /// file. A lower quota is reached by `tend`, slice by slice.
    [[nodiscard]] virtual Result<void> limit(std::uint64_t quota_bytes,
                                             std::uint64_t set_aside_bytes) = 0;
    /// Who pins from now on (`JournalOptions::pins`).
    virtual void set_pins(std::vector<std::string> pins) = 0;

    /// What was given up and no `loss` event tells yet, oldest first, at most 64. Put each into the
    /// next hourly commit as `to_event(LossFact)`; that append settles it, by the event's `id`. The
    /// newest event of an id holds; it counts everything lost under that id so far.
    [[nodiscard]] virtual Result<std::vector<LossFact>> untold_losses() = 0;

    /// For status and `gerbang journal`. Cost: some milliseconds, by the number of blocks.
    [[nodiscard]] virtual Result<JournalFacts> facts() = 0;

    [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;  ///< database and WAL
    /// What this process handed to write calls of the database, for the flash budget.
    [[nodiscard]] virtual std::uint64_t written_bytes() const = 0;
    /// Of all processes of the present day in site time, as the last checkpoint knew the day; since
    /// the clock was lost where there is none.
    [[nodiscard]] virtual std::uint64_t written_today() const = 0;
};

}  // namespace gerbang
