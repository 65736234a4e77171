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
#include "daemon/host/ring.hpp"

namespace gerbang {

/// What has been measured and is not yet in the journal: ticks and events, kept in the ring so that
/// the death of the process loses none of them, and handed out as the bodies of the next commit.
///
/// Loop thread only. When the ring is full the oldest run of at most 64 ticks is given up and
/// counted, at most 4,096 events wait, and an event that breaks the format is refused; the next
/// commit carries a `loss` event that says what did not fit.
class Intake {
public:
    /// What an earlier process of this boot left, as far as the journal does not hold it yet.
    struct Recovered {
        std::vector<Tick> ticks;
        std::vector<Event> events;
        std::uint64_t foreign = 0;  ///< entries of another epoch or boot: cannot be used
    };

    explicit Intake(Ring& ring) : ring_{&ring} {}

    /// Takes over the ring's content for `epoch`, whose journal ends at `journal_last`, and boot
    /// `boot`. Call once, before anything is added. What the journal already holds is dropped.
    [[nodiscard]] Recovered recover(const EpochId& epoch, Seq journal_last, BootNo boot);

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
    };
    /// Everything kept so far, as chunks of at most `ticks_per_chunk`, bounded to one commit's
    /// size; also declares the intent to the ring. Nothing when there is nothing to commit.
    [[nodiscard]] std::optional<Commit> next(Seq first, std::size_t ticks_per_chunk);
    /// The journal holds `commit`.
    void release(const Commit& commit);

    [[nodiscard]] std::size_t pending_ticks() const noexcept { return ticks_.size(); }
    [[nodiscard]] bool empty() const noexcept { return ticks_.empty() && events_.empty(); }
    [[nodiscard]] const Ring& ring() const noexcept { return *ring_; }

private:
    template <class T>
    struct Kept {
        std::uint64_t number;
        T value;
        bool is_absolute = false;
    };
    void append(const std::string& bytes, std::uint64_t& number);
    void keep(const Event& event);
    void tell_losses();
    void give_up_oldest_run();
    [[nodiscard]] std::string prologue(char tag) const;

    Ring* ring_;
    EpochId epoch_;
    BootNo boot_;
    std::deque<Kept<Tick>> ticks_;
    std::deque<Kept<Event>> events_;
    std::optional<Tick> previous_;  ///< what the next tick is coded against; none after a boundary
    std::size_t run_ticks_ = 0;     ///< ticks since the last absolute one, that one included
    std::optional<Monotonic> last_at_;
    std::optional<LossFact> loss_;
    std::uint64_t offered_through_ = 0;     ///< of the last `next`; 0: released
    std::optional<LossFact> offered_loss_;  ///< given up while a commit that has them is under way
    std::uint64_t events_lost_ = 0;
    std::uint64_t events_malformed_ = 0;
};

}  // namespace gerbang
