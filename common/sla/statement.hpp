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
};

/// What the evaluator looks at. `entries` of the WAN, ascending by (id, segment), may overlap the
/// period's ends. `known_from` / `known_to`: outside of these the ledger says nothing.
struct Ledger {
    std::vector<LedgerEntry> entries;
    WallTime known_from;
    WallTime known_to;
};

/// One outage as the contract sees it.
struct Judged {
    std::uint64_t id = 0;
    Party party = Party::undecided;  ///< of the segment with most of the time
    WallTime from, to;               ///< in the period
    Seconds certain{};               ///< first_bad to last_bad
    Seconds possible{};              ///< last_good to first_good
    enum class Verdict : std::uint8_t {
        counts,    ///< certain duration over the threshold
        disputed,  ///< only the possible duration is over it
        tolerated, ///< not over it
        excluded,  ///< not the provider's, in maintenance, or outside opening hours
    } verdict = Verdict::excluded;
    std::string reason;  ///< stable English word: "over_threshold", "maintenance", "power", ...
};

/// The result for one period. All seconds are whole; `up + unmeasured + sum(down)` is the period,
/// exactly, for any ledger and any clauses.
struct Statement {
    WallTime from, to;
    std::string clauses;
    bool is_example = false;
    Seconds period{};
    Seconds up{};
    Seconds unmeasured{};  ///< nobody looked: daemon dead, before the first record, after the last
    std::map<Party, std::map<Cause, Seconds>> down;
    std::vector<Judged> outages;
    Seconds counted{};   ///< of outages that count
    Seconds disputed{};
    /// up / (up + down), and 1 - counted / measured; parts per million, rounded down. Nothing when
    /// nothing was measured.
    std::optional<std::uint32_t> raw_ppm;
    std::optional<std::uint32_t> clause_ppm;
    std::uint32_t coverage_ppm = 0;
    bool has_verdict = false;  ///< coverage reached `least_coverage_ppm` and a promise exists
    bool is_kept = false;      ///< the promise was kept, disputed time not counted
    bool operator==(const Statement&) const = default;
};

/// Evaluates [from, to), site time `utc_offset` east of UTC for opening hours. `bad_input` when
/// `to` is not after `from`. Pure.
[[nodiscard]] Result<Statement> evaluate(const Ledger& ledger, const Clauses& clauses, WallTime from,
                                         WallTime to, Seconds utc_offset);

/// The ledger's entries from the newest states of all WAN segments; those that `time` cannot place
/// at all are left out and counted.
struct Placed {
    Ledger ledger;
    std::size_t unplaced = 0;
};
[[nodiscard]] Placed place(const std::vector<Outage>& outages, const TrueTime& time,
                           WallTime known_from, WallTime known_to);

}  // namespace gerbang::sla
