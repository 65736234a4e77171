#pragma once

// Every link of the site in one place: the WAN, the hotspot, the province and its services.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/outage.hpp"
#include "common/model/reading.hpp"
#include "common/model/series_table.hpp"
#include "daemon/ledger/judge.hpp"
#include "daemon/ledger/ledger.hpp"
#include "daemon/ledger/link_seconds.hpp"

namespace gerbang {

/// Runs a ledger per link and counts the seconds of each, so that nobody else need know the rules.
///
/// Outage ids are shared by all links. The WAN alone tells gaps of the daemon and the device; a
/// link beside it has a segment `undetermined` over a gap when an outage of its own was open before
/// it. What lies behind the WAN (province, services) is unknown, not down, unless the WAN is up and
/// not in doubt, and an outage of its own goes on unmeasured meanwhile (see `Ledger`); the hotspot
/// does not ask the WAN. Every function that changes something returns
/// the segments to be written as `outage` events, in that order. Pure: no clock. Not movable.
class LinkBook {
public:
    /// `beside`: the links next to the WAN (`link_name`), at most 16. `series` must outlive it.
    /// `link_start`: see `Ledger`.
    LinkBook(unsigned k, std::vector<std::string> beside, SeriesTable& series,
             Millis link_start = {});
    LinkBook(const LinkBook&) = delete;
    LinkBook& operator=(const LinkBook&) = delete;

    /// What the journal knows of earlier runs, for all links together.
    struct History {
        std::optional<PreviousRun> run;  ///< its `open` and `earlier` are not looked at
        std::vector<Outage> open;        ///< newest segments of outages that have not ended
        /// Earlier segments of those that may be gaps, in any order; others are not looked at.
        std::vector<Outage> earlier;
        std::uint64_t last_outage_id = 0;
        std::vector<Reading> totals;  ///< newest values of counter series; others are ignored
    };
    /// Once, before any `observe`. An open outage of a link that is no longer listed is closed with
    /// both bounds and says so.
    [[nodiscard]] std::vector<Outage> start(const History& history, DeviceTime now, bool same_boot);

    /// One look at `link` ("wan" or one of `beside`). Observe the WAN first in each round.
    [[nodiscard]] std::vector<Outage> observe(std::string_view link, const Verdict& verdict);

    /// The gap before `start` reached over boots and its length is not known yet: the instant on an
    /// earlier boot from which it counts, up to the `now` of `start`.
    [[nodiscard]] std::optional<DeviceTime> wants_gap_length_since() const noexcept;
    /// That length, as soon as the clock tells; until then, and when the device is off again before
    /// the WAN was seen, the gap's seconds are not counted. Negative lengths count as zero.
    void add_gap_length(Millis length);
    /// Decides all time up to `now`, in favour of the present states: before the last tick of a
    /// clean stop. Nothing may be observed after it.
    void settle(DeviceTime now);

    /// Ask again soon (3 s): the WAN is in doubt, or a link beside it that was looked at in the
    /// last minute. A link beside it hurries nobody any more after `kMostHurried` looks of an hour,
    /// so that one that flaps all day costs a bounded number of questions.
    [[nodiscard]] bool is_in_doubt() const;
    /// Of one link beside the WAN: look at it in the next round, due or not. It is in doubt as
    /// above; or it lies behind the WAN, is not known, and was not looked at since the WAN works.
    [[nodiscard]] bool wants_look(std::string_view link) const;
    static constexpr unsigned kMostHurried = 12;

    /// The present state of one link.
    struct View {
        std::string link;
        LinkState state = LinkState::unknown;
        Cause cause = Cause::unknown;  ///< of the open outage or gap
        Confidence confidence = Confidence::none;
        std::optional<DeviceTime> since;  ///< of the present state
        std::optional<Outage> open;       ///< the open segment
        std::string evidence;  ///< of the open segment, else of the last look; may be empty
    };
    /// Of "wan" or one of `beside`.
    [[nodiscard]] View view(std::string_view link) const;
    /// All links, the WAN first, then as given.
    [[nodiscard]] std::vector<View> views() const;

    /// Appends the readings of `link_state_seconds_total`, ascending by series or not: the caller
    /// sorts a tick's readings.
    void append_readings(std::vector<Reading>& into) const;

private:
    struct Link {
        std::string name;
        Ledger ledger;
        std::optional<Verdict> last;
        bool is_behind_wan = false;
        std::int64_t hurried_hour = -1;  ///< of device time
        unsigned hurried = 0;            ///< looks of that hour that were not due
        /// The gap before the start: its seconds wait for its cause and for its length.
        std::optional<Cause> gap_cause;
        std::optional<Millis> gap_length;
        LinkState gap_state = LinkState::unknown;
        bool wants_gap_length = false;
    };

    [[nodiscard]] Link& at(std::string_view name);
    [[nodiscard]] const Link& at(std::string_view name) const;
    [[nodiscard]] bool hurries(const Link& link) const;
    [[nodiscard]] bool wants_look(const Link& link) const;
    void begin_gaps(const PreviousRun& run, DeviceTime now);
    void count(Link& link, const std::optional<Outage>& open_before, LinkState state_before,
               const std::vector<Outage>& written, DeviceTime now);
    void count_gap(Link& link);

    OutageIds ids_;
    LinkSeconds seconds_;
    std::vector<Link> links_;              ///< the WAN first
    std::optional<DeviceTime> gap_since_;  ///< length not known yet
};

}  // namespace gerbang
