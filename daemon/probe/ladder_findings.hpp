#pragma once

// From the answers of a round to the state of its rungs: pure.

#include <optional>
#include <vector>

#include "common/model/ladder.hpp"
#include "daemon/probe/ladder_walk.hpp"
#include "daemon/probe/question.hpp"

namespace gerbang {

/// Who answered on this boot: of others silence says nothing.
struct Acquaintances {
    bool next_hop = false;
    bool provider = false;
};

/// What the answers to `asked` say about every rung of the WAN, and how many targets were asked and
/// answered. A question that this box could not ask is left out, unless for want of a route.
void find_rungs(const std::vector<Question>& asked, const LadderSettings& settings,
                const Surroundings& around, const Acquaintances& known, LadderRound& round);

/// A rung of the WAN from the carrier up to DNS is down, or somebody else answers in a rung's
/// place.
[[nodiscard]] bool has_failure(const LadderRound& round);
/// Page or province is down, which are but single servers.
[[nodiscard]] bool has_server_failure(const LadderRound& round);

/// The hotspot's finding; nothing when it was not looked at.
[[nodiscard]] std::optional<RungFinding> find_hotspot(const std::vector<Question>& asked,
                                                      const LadderSettings& settings,
                                                      const Surroundings& around);

/// The services that were asked. While `round` has the internet or DNS down their silence says
/// nothing about them: unknown.
[[nodiscard]] std::vector<Walk::Service> find_services(const std::vector<Question>& asked,
                                                       const LadderRound& round);

}  // namespace gerbang
