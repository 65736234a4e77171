#pragma once

// Outages from observations: pure state machines, no clock, no input or output.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/model/outage.hpp"
#include "common/model/record.hpp"
#include "daemon/ledger/boot_ending.hpp"
#include "daemon/ledger/judge.hpp"

namespace gerbang {

/// Gives outages their numbers, over all links of an epoch. Must outlive its ledgers.
class OutageIds {
public:
    [[nodiscard]] std::uint64_t next() noexcept { return ++last_; }
    /// The journal holds an outage of this number.
    void saw(std::uint64_t id) noexcept { last_ = id > last_ ? id : last_; }

private:
    std::uint64_t last_ = 0;
};

/// Whether a segment of this cause may say that nobody looked rather than that the link failed.
[[nodiscard]] bool may_be_gap(Cause cause) noexcept;

/// How the last run of the daemon ended, as far as the journal shows.
struct PreviousRun {
    DeviceTime last_tick;        ///< last proof of life: time of the last record, whatever it is
    bool ended_cleanly = false;  ///< the last record is a `stop` event
    /// How the boot of `last_tick` ended, when the next run is on another boot.
    Ending ending;
    std::optional<Outage> open;  ///< an outage that had not ended (its newest segment)
    /// Earlier segments of `open`, ascending. They matter when `open` is a gap (`may_be_gap`):
    /// several may follow each other without a look at the link between them, and what is found
    /// behind the last of them is said of all.
    std::vector<Outage> earlier;
    /// The daemon, had it lived, would have left a further proof of life within this time: the
    /// commit interval after a lost ring, the tick interval after a surviving one.
    Millis longest_silence{60000};
    /// It ended to read a new configuration and the next began in the same process, at once: no
    /// gap, and an open outage goes on.
    bool was_reload = false;
};

/// Keeps one link's state and its outages from verdicts about it (design 6).
///
/// Each call returns the outage segments that it opened, changed or closed, to be written as
/// events in that order; the newest state of (id, segment) holds. An outage is declared after `k`
/// failed rounds in a row and back-dated to the first of them; a change of cause likewise. One
/// answer ends it. `degraded` is an answer. While an outage is not yet declared, a firmer verdict
/// takes it over from its start: a lost carrier or power, or another cause of more confidence than
/// a low one of `isp`, `modem` or `unknown`. The same cause seen with more confidence raises that
/// of its segment. A segment's bounds join those of the next: `last_bad` is the next one's
/// `last_good`, `first_good` the next one's `first_bad`. Before the first observation nothing is
/// known, so an outage then found counts from the start of looking.
///
/// A link beside the WAN that can no longer be looked at in mid-outage (`k` rounds that said
/// nothing) was not seen to come back: its outage goes on in a segment of cause `unknown`, which is
/// the stretch that nobody measured, until an answer ends it or `k` failed rounds begin the next
/// segment. An outage of the WAN ends there, with both bounds.
///
/// An outage that changes its cause again and again, or can be looked at by turns only, stays
/// bounded: from its eighth segment on, a change begins a segment of cause `undetermined` (beside
/// the WAN one that nobody measured stays so), and a cause has a segment again after it was told
/// alone for 10 minutes; from the 24th on for an hour, from the 48th on for a day.
///
/// A gap (the daemon did not run) is open until the link has been seen: an answer closes it, `k`
/// failed rounds make it `undetermined` and the outage goes on behind it under the same id, `k`
/// rounds without any question close it at the start. Over a gap between boots `first_bad` is on
/// the old boot's clock and `last_bad` on the new one's: whoever turns them into wall time takes a
/// negative certain duration as zero.
class Ledger {
public:
    /// `ids` must outlive it. `tells_gaps`: time without the daemon is told as outages of this
    /// link; else only over an outage of its own that was open before, as `undetermined`.
    /// `link_start`: how long after the kernel's start a link may take to come up by itself (a
    /// modem that lost its power too). Failures until then belong to a gap between boots whose
    /// cause is known; they neither change it nor begin an outage of their own.
    Ledger(unsigned k, std::string link, OutageIds& ids, bool tells_gaps, Millis link_start = {});

    /// Once at start: the gap since the previous run becomes `daemon` (same boot), the previous
    /// boot's ending (another boot), or `undetermined` when the link was already down before it.
    /// Nothing when there was no previous run. A last tick on an earlier boot makes the gap one
    /// between boots, whatever `same_boot` says; one that cannot be ordered before `now` (another
    /// epoch's numbers) is as no previous run.
    [[nodiscard]] std::vector<Outage> start(const std::optional<PreviousRun>& previous,
                                            DeviceTime now, bool same_boot);
    /// A verdict equal to the last one, or older than it, changes nothing. One of state `unknown`
    /// leaves everything as it is; `k` of them in a row make the state unknown.
    [[nodiscard]] std::vector<Outage> observe(const Verdict& verdict);

    [[nodiscard]] LinkState state() const noexcept;
    [[nodiscard]] Cause cause() const noexcept;  ///< of the open outage or gap; unknown if none
    [[nodiscard]] std::optional<DeviceTime> since() const noexcept;  ///< of the present state
    /// Probe every 3 s instead of 10 s: a failure is not yet declared, a cause not yet confirmed,
    /// the link not yet seen after a gap, or no longer.
    [[nodiscard]] bool is_in_doubt() const noexcept;
    /// The open segment as last returned; a failure that is not declared yet is not here.
    [[nodiscard]] const std::optional<Outage>& open() const noexcept;
    /// `open` is a gap, and the link was not seen since.
    [[nodiscard]] bool is_gap() const noexcept;

private:
    /// Rounds in a row that tell of another cause than the open segment's.
    struct Change {
        Cause cause;
        DeviceTime before;  ///< the failed round before them
        DeviceTime first;
        DeviceTime since;  ///< the first of them all, `first` where they are not waited for
        unsigned rounds;
        Confidence confidence;
        std::string evidence;
    };

    void fail(const Verdict& verdict, std::vector<Outage>& out);
    void succeed(const Verdict& verdict, std::vector<Outage>& out);
    void miss(const Verdict& verdict, std::vector<Outage>& out);
    void declare(std::vector<Outage>& out);
    [[nodiscard]] bool is_confirmed(const Change& change, DeviceTime now) const;
    void change_cause(std::vector<Outage>& out);
    void go_on_unmeasured(const Verdict& verdict, std::vector<Outage>& out);
    /// The outage goes on in a segment that `change` tells.
    void next_segment(const Change& change, std::vector<Outage>& out);
    /// The outage goes on, and nobody sees it.
    [[nodiscard]] bool is_unmeasured() const noexcept;
    /// It changed too often to be told each time.
    [[nodiscard]] bool is_unsteady() const noexcept;
    void close(DeviceTime first_good, std::vector<Outage>& out);
    void enter(LinkState state, DeviceTime at);
    [[nodiscard]] DeviceTime last_good_before(const Verdict& verdict) const;
    [[nodiscard]] bool is_still_starting(const Verdict& verdict) const;

    unsigned k_;
    std::string link_;
    OutageIds* ids_;
    bool tells_gaps_;
    Millis link_start_;
    std::optional<Verdict> seen_;
    LinkState state_ = LinkState::unknown;
    std::optional<DeviceTime> since_;
    std::optional<DeviceTime> started_;
    std::optional<DeviceTime> written_to_;  ///< end of the last outage told, by its outer bound
    std::optional<DeviceTime> last_good_;   ///< or, before any good round, the start of looking

    std::optional<Outage> open_;     ///< declared, or a gap
    bool is_gap_ = false;            ///< `open_` is a gap and the link was not seen since
    DeviceTime gap_end_;             ///< last instant that certainly belongs to that gap
    std::vector<Outage> gaps_;       ///< closed gaps right before it, link not seen since either
    std::optional<Outage> doubted_;  ///< failed rounds, fewer than k
    unsigned failures_ = 0;          ///< rounds in `doubted_`
    DeviceTime last_bad_;            ///< the last failed round
    std::optional<Change> change_;
    unsigned misses_ = 0;    ///< rounds that said nothing, in a row, up to k
    DeviceTime first_miss_;  ///< the first of them
};

}  // namespace gerbang
