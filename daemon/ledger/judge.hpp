#pragma once

// From what a round found to what it means: pure.

#include <cstdint>
#include <string>

#include "common/model/ladder.hpp"
#include "common/model/outage.hpp"

namespace gerbang {

/// What one look at a link says. `state` `unknown`: nothing can be said (nobody was asked).
struct Verdict {
    DeviceTime at;
    LinkState state = LinkState::unknown;
    Cause cause = Cause::unknown;  ///< meaningful when down
    Confidence confidence = Confidence::none;
    std::string evidence;
    /// With `unknown`: the carrier was seen up, though nobody was asked beyond it.
    bool carrier_is_up = false;

    bool operator==(const Verdict&) const = default;
};

/// Judges the WAN. Keeps what a single round cannot know: whether the next hop ever answered on
/// this boot, and the loss of the last 32 answers (`degraded`).
class Judge {
public:
    /// `k`: failed rounds in a row that make an outage, as for the ledger.
    explicit Judge(NextHop next_hop, bool is_point_to_point = false, unsigned k = 3);
    [[nodiscard]] Verdict judge(const LadderRound& round);
    void set_point_to_point(bool is_point_to_point);

private:
    // defined by the implementation
};

/// The rungs as people may see them: silent ones above the rung that `verdict` blames are unknown,
/// not down.
[[nodiscard]] LadderRound shown(LadderRound round, const Verdict& verdict);

/// Judges the links beside the WAN from one finding: up, down with `cause`, or unknown.
[[nodiscard]] Verdict judge_beside(DeviceTime at, const RungFinding& finding, Cause cause);

}  // namespace gerbang
