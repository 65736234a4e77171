#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/outage.hpp"
#include "common/model/true_time.hpp"
#include "common/sla/clauses.hpp"

namespace gerbang::sla {

/// One segment of the ledger in wall time. Bounds as in `Outage`; each is a span of wall time.
struct LedgerEntry {
    std::uint64_t id = 0;
    std::uint32_t segment = 1;
    Cause cause = Cause::unknown;
    Confidence confidence = Confidence::none;
    WallSpan last_good, first_bad;
    std::optional<WallSpan> last_bad, first_good;  ///< absent: not over
    std::string evidence;
    /// The same instants on the device's clock, when known. Two of one boot are as far apart as
    /// that clock says, however vague their wall times are.
    struct OnDevice {
        DeviceTime last_good, first_bad, last_bad, first_good;
        bool operator==(const OnDevice&) const = default;
    };
    std::optional<OnDevice> on_device;  ///< the latter two are meaningless while it is not over
    std::optional<Fold> fold;           ///< several outages told as one; only of one that is over
    bool operator==(const LedgerEntry&) const = default;
};

/// What the evaluator looks at. `entries` of the WAN, ascending by (id, segment), may overlap the
/// period's ends and each other: an instant told by several is the last one's. `known_from` /
/// `known_to`: outside of these the ledger says nothing.
struct Ledger {
    std::vector<LedgerEntry> entries;
    WallTime known_from;
    WallTime known_to;
};

/// One stretch of an outage as the contract sees it: consecutive segments of one outage whose
/// causes are the same party's. An outage that was first the provider's, then a power cut, then the
/// provider's again is three of these under one id; each is measured against the threshold alone.
struct Judged {
    std::uint64_t id = 0;
    Party party = Party::undecided;
    Cause cause = Cause::unknown;  ///< of the segment with most of the time
    WallTime from, to;             ///< in the period
    /// first_bad to last_bad, and last_good to first_good, of the whole stretch, also where it
    /// reaches beyond the period, less what lies in maintenance or outside of opening hours. Time
    /// of the same outage right before or after that nobody can tell (undecided, unmeasured) is
    /// possible time of a provider's stretch, and so is another one of his behind that. Of several
    /// outages folded into one these are the longest one's, and the verdict is never `counts`:
    /// which of them were over the threshold is not known.
    Seconds certain{};
    Seconds possible{};
    Seconds in_period{};  ///< what of it counts, or would: by the middle of the bounds
    enum class Verdict : std::uint8_t {
        counts,     ///< certain duration over the threshold
        disputed,   ///< only the possible duration is over it
        tolerated,  ///< not over it
        excluded,   ///< not the provider's, in maintenance, or outside opening hours
    } verdict = Verdict::excluded;
    /// Stable English word: "over_threshold", "within_threshold", "uncertain", "maintenance",
    /// "closed", or the party's name ("utility", "undecided", ...).
    std::string reason;
    bool operator==(const Judged&) const = default;
};
[[nodiscard]] std::string_view to_string(Judged::Verdict verdict) noexcept;
[[nodiscard]] std::optional<Judged::Verdict> parse_verdict(std::string_view name) noexcept;

/// The result for one period. All seconds are whole; `up + unmeasured + sum(down)` is the period,
/// exactly, for any ledger and any clauses: milliseconds are summed first, and the seconds that
/// rounding down leaves over go to those that lost most by it.
///
/// The instants of the table are the middles: an outage begins midway between last_good and
/// first_bad, and ends midway between last_bad and first_good, each of them in the middle of its
/// span. Only `certain` and `possible` look at the bounds. A fold is down for the middle of what is
/// certain and possible of it, spread evenly, and up for the rest.
struct Statement {
    WallTime from, to;
    std::string clauses;
    bool is_example = false;
    Seconds period{};
    Seconds up{};
    Seconds unmeasured{};  ///< nobody looked: daemon dead, before the first record, after the last
    std::map<Party, std::map<Cause, Seconds>> down;  ///< no zeros; maintenance is nobody's
    /// By how much the seconds above may be off in all, as nobody knows exactly when things began
    /// and ended: half the width of the bounds of each beginning and end in the period.
    Seconds uncertain{};
    std::vector<Judged> outages;  ///< ascending by `from`, then id
    Seconds counted{};            ///< of stretches that count
    Seconds disputed{};
    /// up / (up + down), and 1 - counted / measured; parts per million, rounded down. Nothing when
    /// nothing was measured.
    std::optional<std::uint32_t> raw_ppm;
    std::optional<std::uint32_t> clause_ppm;
    std::uint32_t coverage_ppm = 0;  ///< measured / period, rounded down
    bool has_verdict = false;        ///< coverage reached `least_coverage_ppm` and a promise exists
    bool is_kept = false;            ///< the promise was kept, disputed time not counted
    bool operator==(const Statement&) const = default;
};

/// Longest period of a statement.
inline constexpr Seconds kLongestPeriod{10LL * 366 * 86'400};

/// Evaluates [from, to), site time `utc_offset` east of UTC for opening hours. `bad_input` when
/// `to` is not after `from`, or later than `kLongestPeriod` after it. Pure.
[[nodiscard]] Result<Statement> evaluate(const Ledger& ledger, const Clauses& clauses,
                                         WallTime from, WallTime to, Seconds utc_offset);

/// One day of site time, or the part of it that was asked for. Seconds and middles as in
/// `Statement`: `up + unmeasured + sum(down)` is `period`, exactly.
struct Day {
    std::string day;  ///< "2026-10-01", site time
    Seconds period{};
    Seconds up{};
    Seconds unmeasured{};
    std::map<Cause, Seconds> down;         ///< no zeros
    std::optional<std::uint32_t> raw_ppm;  ///< up / (up + down), rounded down; as in `Statement`
    bool operator==(const Day&) const = default;
};

/// Longest stretch of days at once: thirteen months.
inline constexpr Seconds kLongestDays{400LL * 86'400};

/// Availability of [from, to) day by day, oldest first, whoever carries it. The days are cut from
/// the same instants as a statement of the same period; what rounding leaves over is carried from
/// day to day, so that the sums of a year differ from the statement's by less seconds than there
/// are causes, and in all not at all. `bad_input` as `evaluate`, and for more than `kLongestDays`.
/// Pure.
[[nodiscard]] Result<std::vector<Day>> by_day(const Ledger& ledger, WallTime from, WallTime to,
                                              Seconds utc_offset);

/// The ledger's entries from the states of the WAN's segments, of which the last given of each (id,
/// segment) holds; those that `time` cannot place at all are left out and counted. Where one can be
/// placed in part only, the ledger's `known_from` or `known_to` is drawn in to what can: time whose
/// boots have no place is unmeasured, neither up nor down.
struct Placed {
    Ledger ledger;
    std::size_t unplaced = 0;
};
/// `most`: whoever listed them lists so many of all links, the newest; when there are, nothing is
/// known of the time before the first end among them. 0: all are there.
[[nodiscard]] Placed place(const std::vector<Outage>& outages, const TrueTime& time,
                           WallTime known_from, WallTime known_to, std::size_t most = 0);

}  // namespace gerbang::sla
