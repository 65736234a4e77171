#pragma once

// common/sla: the contract as data, and the one evaluator that both programs use. Money and
// thresholds are the province's; the gateway shows the shipped example, named as an example.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/time.hpp"
#include "common/model/outage.hpp"

namespace gerbang::sla {

/// Who carries a stretch of time without internet.
enum class Party : std::uint8_t { provider, utility, village, province, nobody, undecided };
inline constexpr std::size_t kPartyCount = 6;
[[nodiscard]] std::string_view to_string(Party party) noexcept;
[[nodiscard]] std::optional<Party> parse_party(std::string_view name) noexcept;

/// A stretch of wall time, end excluded.
struct Window {
    WallTime from;
    WallTime to;
    std::string reason;
    bool operator==(const Window&) const = default;
};

/// Opening hours of one weekday (0 Monday .. 6 Sunday), minutes since midnight in site time, end
/// excluded. A day without hours is closed; no hours at all: always open.
struct OpenHours {
    unsigned weekday = 0;
    unsigned from_minute = 0;
    unsigned to_minute = 1440;
    bool operator==(const OpenHours&) const = default;
};

/// Everything undecided: what a table says of the causes that it does not name.
[[nodiscard]] constexpr std::array<Party, kCauseCount> undecided_parties() {
    std::array<Party, kCauseCount> parties{};
    parties.fill(Party::undecided);
    return parties;
}

/// One contract's rules. Causes `daemon` and `unknown` are unmeasured time, whatever `party` says
/// of them.
struct Clauses {
    std::string name;    ///< "example-300s"
    std::string source;  ///< where the rule was published
    bool is_example = false;
    std::array<Party, kCauseCount> party = undecided_parties();  ///< by cause
    /// An outage of the provider's counts when it lasted longer than this.
    Seconds counts_over{300};
    std::vector<Window> maintenance;  ///< approved by the province: nobody's
    std::vector<OpenHours> hours;     ///< outside of them an outage does not count
    /// Below this share of the period measured (0-1,000,000 parts) there is no verdict.
    std::uint32_t least_coverage_ppm = 0;
    /// Availability that the contract promises, in parts per million; 0: none.
    std::uint32_t promised_ppm = 0;
    bool operator==(const Clauses&) const = default;
};

/// The published rule for Indonesian rural sites (Emerging Science Journal 9(4):2045, 2025): a link
/// failure over 300 s counts for restitution, 300 s or less does not, a power cut never does. Who
/// carries what else follows from who owns it, as an example: power is the utility's (`power`); the
/// line, the modem and the way to the world are the provider's (`modem`, `isp`, `international`,
/// `dns`); the bill, the gateway and the province's own servers are the province's (`blocked`,
/// `crash`, `province`, `service`); who switches the box off or restarts it is in the village
/// (`off`, `reboot`, `hotspot`). What has no evidence of its own is undecided: `device_off` (power
/// or plug), `carrier` (a cable pulled, or a dead modem), `undetermined`.
[[nodiscard]] const Clauses& example_clauses();

}  // namespace gerbang::sla
