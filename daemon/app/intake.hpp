#pragma once

// The composition root: joins the rooms that do not know each other. pipeline.hpp reads as the one
// path of data; daemon.hpp builds the parts; process.hpp gives them the real machine.

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/result.hpp"
#include "common/model/facts.hpp"
#include "common/model/record.hpp"
#include "daemon/app/graft.hpp"
#include "daemon/host/ring.hpp"

namespace gerbang {

/// What has been measured and is not yet in the journal: ticks and events, kept in the ring so that
/// the death of the process loses none of them, and handed out as the bodies of the next commit.
///
/// Ticks lie in the ring alone and are read back when they are committed: a day of them costs this
/// process 16 bytes each. Loop thread only. When the ring is full the oldest run of at most 64
/// ticks is given up; what was given up is one range in the ring itself. At most 4,096 events wait,
/// and an event that breaks the format is refused. The next commit carries a `loss` event that says
/// what did not fit.
///
/// Until `attach` nothing is known of the journal, and all that is added is *provisional*: it
/// belongs to `kProvisionalBoot` and has series of its own. `graft` says what that becomes.
class Intake {
public:
    /// What the ring holds of an earlier process.
    struct Found {
        std::uint64_t ticks = 0;
        std::optional<Monotonic> first_tick;
        std::optional<Monotonic> last_tick;
        std::vector<Reading> totals;  ///< newest value of each series, ascending
        std::vector<Reading> first;   ///< readings of the first tick
        std::vector<Event> events;
        std::vector<InterfaceFact> first_facts;  ///< told with the first tick or before it
        std::uint64_t foreign = 0;  ///< entries of another epoch or boot: cannot be used
        [[nodiscard]] bool empty() const { return ticks == 0 && events.empty(); }
    };

    explicit Intake(Ring& ring) : ring_{&ring} {}

    /// Takes over the ring, before anything else: the provisional life that an earlier process of
    /// this boot left, which this process goes on with. A tick after `now`, or not after the one
    /// before it, was never measured: from there on the ring is damaged, its ticks are counted as
    /// lost.
    [[nodiscard]] Found begin(Monotonic now = Monotonic::max());
    /// After `begin`: the newest commit of an earlier process of this boot that the journal had
    /// acknowledged.
    [[nodiscard]] const Ring::Acknowledged& acknowledged() const noexcept { return acknowledged_; }
    /// Between `begin` and `attach`: the boot of the newest that waits for `epoch`; 0: nothing
    /// does.
    [[nodiscard]] BootNo boot_of(const EpochId& epoch) const noexcept;
    /// Between `begin` and `attach`: `to` goes on where `from` ended, with its series and boots, so
    /// what waits for `from` belongs to `to` now.
    void follow(const EpochId& from, const EpochId& to);
    /// The journal is known: it is in `epoch`, ends at `journal_last`, and this is boot `boot`.
    /// What an earlier process left for it, without what the journal holds already. Once.
    ///
    /// `series`: those of `epoch`. A reading of one that is neither there nor introduced in the
    /// ring before it means nothing any more, as its number will be given again: it is left out and
    /// counted as lost. Without `series` nobody looks.
    [[nodiscard]] Found attach(const EpochId& epoch, Seq journal_last, BootNo boot,
                               const std::vector<Series>* series = nullptr);
    /// After `attach`, if anything is provisional: from here on that is part of the epoch.
    void graft(Graft graft);
    /// All of it belongs to `epoch` from now on: the journal lost its own and began another.
    /// `first` comes before all that waits, in memory alone.
    void move_to(const EpochId& epoch, std::vector<Event> first);

    /// `at` must be later than the last tick added.
    void add(const Tick& tick);
    void add(const Event& event);

    /// A commit in the making: `bodies` in order of arrival. An event that came before the last
    /// tick of a chunk stands before that chunk, so series, bases and anchors precede their use;
    /// one that came after the last tick stands behind it, so that it holds no tick's time back.
    struct Commit {
        Seq first;
        std::vector<RecordBody> bodies;
        std::uint64_t through = 0;
        [[nodiscard]] Seq last() const { return Seq{first.value + bodies.size() - 1}; }
    };
    /// Everything kept so far, as chunks of at most `ticks_per_chunk`, bounded to one commit's
    /// size; also declares the intent to the ring. Nothing when there is nothing to commit, or
    /// nothing is attached.
    [[nodiscard]] std::optional<Commit> next(Seq first, std::size_t ticks_per_chunk,
                                             std::size_t most_chunks = 64);
    /// The journal holds `commit`.
    void release(const Commit& commit);
    /// The journal is known not to hold the commit handed out last.
    void withdraw();

    [[nodiscard]] std::size_t pending_ticks() const noexcept { return ticks_.size(); }
    [[nodiscard]] bool empty() const noexcept {
        return ticks_.empty() && events_.empty() && ring_->losses() == RingLosses{};
    }
    [[nodiscard]] bool is_attached() const noexcept { return is_attached_; }
    /// Number of the oldest provisional entry and of the first provisional tick; 0: none.
    [[nodiscard]] std::uint64_t first_provisional() const noexcept { return first_provisional_; }
    [[nodiscard]] std::uint64_t first_provisional_tick() const noexcept {
        return first_provisional_tick_;
    }
    /// Time of the newest tick that the ring holds or held.
    [[nodiscard]] std::optional<Monotonic> last_at() const noexcept { return last_at_; }
    /// Series that wait in line to be introduced.
    [[nodiscard]] std::vector<SeriesId> waiting_series() const;
    /// What waits in line to be told of outages of this epoch, the oldest word first; a segment may
    /// be there as it began and as it ended.
    [[nodiscard]] std::vector<Outage> waiting_outages() const;
    [[nodiscard]] const Ring& ring() const noexcept { return *ring_; }

private:
    /// Whom an entry belongs to: an index into `owners_`.
    using Owner = std::uint16_t;
    struct Line {
        EpochId epoch;
        BootNo boot;
        std::optional<Graft> graft;  ///< it was provisional
        bool is_ours = false;        ///< of the journal that is attached, or provisional still
    };
    struct KeptTick {
        std::uint64_t number;
        Owner owner;
        bool is_absolute;
    };
    struct KeptEvent {
        std::uint64_t number;
        Event value;
        Owner owner;
    };

    [[nodiscard]] Owner owner_of(const EpochId& epoch, BootNo boot);
    void index(std::uint64_t number, std::string_view bytes, std::optional<Owner>& of_run);
    void apply_marker(std::string_view bytes);
    void find_orphans(const std::vector<Series>& known);
    void drop_impossible(Monotonic now);
    void look_back(Found& found);
    /// Calls `use(tick, kept)` for the ticks [from, to) that can be read, as they were added.
    template <class Use>
    std::size_t read_ticks(std::size_t from, std::size_t to, Use use) const;
    [[nodiscard]] const Line& line(Owner owner) const { return owners_[owner]; }
    std::uint64_t append(const std::string& bytes);
    void keep(const Event& event);
    void tell_losses();
    [[nodiscard]] std::optional<LossFact> ring_loss() const;
    void give_up_oldest_run();
    void translate_events(Owner owner);
    [[nodiscard]] static std::string prologue(char tag, const Line& of);
    void mark_moved(const Line& from, const EpochId& to);

    Ring* ring_;
    std::vector<Line> owners_;
    Owner own_ = 0;  ///< of what is added now
    bool is_attached_ = false;
    std::deque<KeptTick> ticks_;
    std::deque<KeptEvent> events_;
    Ring::Intent found_intent_;
    Ring::Acknowledged acknowledged_;
    std::vector<SeriesId> orphans_;      ///< ascending; series that nobody introduced
    std::uint64_t orphans_through_ = 0;  ///< number of the last tick that has one
    std::uint64_t first_provisional_ = 0;
    std::uint64_t first_provisional_tick_ = 0;
    std::optional<Tick> previous_;  ///< what the next tick is coded against; none after a boundary
    std::size_t run_ticks_ = 0;     ///< ticks since the last absolute one, that one included
    std::optional<Monotonic> last_at_;
    std::uint64_t unreadable_ = 0;  ///< ticks that the ring did not give back
    std::uint64_t readings_orphaned_ = 0;
    std::uint64_t events_lost_ = 0;
    std::uint64_t events_malformed_ = 0;
};

}  // namespace gerbang
