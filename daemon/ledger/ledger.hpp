#pragma once

// Outages from observations: pure state machines, no clock, no input or output.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/model/outage.hpp"
#include "common/model/record.hpp"

namespace gerbang {

/// What one round of looking at the link showed.
struct Observation {
    DeviceTime at;
    std::optional<bool> has_carrier;  ///< of the WAN interface; nothing: no WAN interface known
    unsigned asked = 0;               ///< internet targets asked
    unsigned answered = 0;            ///< of which answered
    std::string evidence;             ///< short facts for the record, e.g. the failing details

    bool operator==(const Observation&) const = default;
};

/// How the last run of the daemon ended, as far as the journal shows.
struct PreviousRun {
    DeviceTime last_tick;        ///< last proof of life: time of the last record, whatever it is
    bool ended_cleanly = false;  ///< the last record is a `stop` event
    std::optional<Outage> open;  ///< an outage that had not ended (its newest segment)
    /// Earlier segments of `open`, ascending. They matter when several gaps follow each other
    /// without a look at the link between them; may be left out.
    std::vector<Outage> earlier;
    /// The daemon, had it lived, would have left a further proof of life within this time: the
    /// commit interval after a lost ring, the tick interval after a surviving one.
    Millis longest_silence{60000};
    /// It ended to read a new configuration and the next began in the same process, at once: no
    /// gap, and an open outage goes on.
    bool was_reload = false;
};

/// Keeps the WAN link's state and its outages (design 6, first version: causes `carrier`, `isp`,
/// `daemon`, `device_off`, `off`, and `undetermined` where the blueprint demands it; `unknown`
/// where targets are dead and no WAN interface is known, which blames nobody).
///
/// Each call returns the outage segments that it opened, changed or closed, to be written as
/// events in that order; the newest state of (id, segment) holds. An outage is declared after `k`
/// failed rounds in a row and back-dated to the first of them; a change of cause likewise. One
/// answer ends it. A segment's bounds join those of the next: `last_bad` is the next one's
/// `last_good`, `first_good` the next one's `first_bad`. Before the first observation nothing is
/// known, so an outage then found counts from the start of looking.
///
/// A gap (the daemon did not run) is open until the link has been seen: an answer closes it, `k`
/// failed rounds make it `undetermined` and the outage goes on behind it under the same id, `k`
/// rounds without any question close it at the start. Over a gap between boots `first_bad` is on
/// the old boot's clock and `last_bad` on the new one's: whoever turns them into wall time takes a
/// negative certain duration as zero.
class Ledger {
public:
    explicit Ledger(unsigned k = 3, std::uint64_t last_outage_id = 0);

    /// Once at start: the gap since the previous run becomes `daemon` (same boot), `off` (another
    /// boot after a clean stop) or `device_off` (another boot), or `undetermined` when the link
    /// was already down before it. Nothing when there was no previous run. A last tick on an
    /// earlier boot makes the gap one between boots, whatever `same_boot` says; one that cannot be
    /// ordered before `now` (another epoch's numbers) is as no previous run.
    [[nodiscard]] std::vector<Outage> start(const std::optional<PreviousRun>& previous,
                                            DeviceTime now, bool same_boot);
    /// An observation equal to the last one, or older than it, changes nothing. No question asked
    /// (`asked` 0) with carrier or without a known WAN interface leaves the state unknown.
    [[nodiscard]] std::vector<Outage> observe(const Observation& observation);

    [[nodiscard]] LinkState state() const noexcept;
    [[nodiscard]] Cause cause() const noexcept;  ///< of the open outage or gap; unknown if none
    [[nodiscard]] std::optional<DeviceTime> since() const noexcept;  ///< of the present state
    /// Probe every 3 s instead of 10 s: a failure is not yet declared, a cause not yet confirmed,
    /// or the link not yet seen after a gap.
    [[nodiscard]] bool is_in_doubt() const noexcept;
    /// The open segment as last returned; a failure that is not declared yet is not here.
    [[nodiscard]] const std::optional<Outage>& open() const noexcept;

private:
    /// Failed rounds in a row that blame another cause than the open segment's.
    struct Change {
        Cause cause;
        DeviceTime before;  ///< the failed round before them
        DeviceTime first;
        unsigned rounds;
        std::string evidence;
    };

    void fail(const Observation& observation, Cause cause, std::vector<Outage>& out);
    void succeed(const Observation& observation, std::vector<Outage>& out);
    void miss(const Observation& observation, std::vector<Outage>& out);
    void declare(std::vector<Outage>& out);
    void change_cause(std::vector<Outage>& out);
    void close(DeviceTime first_good, std::vector<Outage>& out);
    void enter(LinkState state, DeviceTime at);

    unsigned k_;
    std::uint64_t last_id_;
    std::optional<Observation> seen_;
    LinkState state_ = LinkState::unknown;
    std::optional<DeviceTime> since_;
    std::optional<DeviceTime> started_;
    std::optional<DeviceTime> last_good_;  ///< or, before any good round, the start of looking

    std::optional<Outage> open_;     ///< declared, or a gap
    bool is_gap_ = false;            ///< `open_` is a gap and the link was not seen since
    DeviceTime gap_end_;             ///< last instant that certainly belongs to that gap
    std::vector<Outage> gaps_;       ///< closed gaps right before it, link not seen since either
    std::optional<Outage> doubted_;  ///< failed rounds, fewer than k
    unsigned failures_ = 0;          ///< rounds in `doubted_`
    DeviceTime last_bad_;            ///< the last failed round
    std::optional<Change> change_;
    unsigned misses_ = 0;  ///< rounds without a question, in a row
};

}  // namespace gerbang
