#pragma once

// From the answers of a round to the state of its rungs: pure.

#include <array>
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

/// Targets whose silence says nothing about the internet. Those without a route while others have
/// one: a village of one address family. And after a full round all of a family of which nobody
/// answers while the other's hosts do: dead is that family, not what lies abroad. So what a dead
/// family hides stays hidden where a group has no target of the other.
class Bystanders {
public:
    Bystanders(const std::vector<Question>& asked, bool is_full);
    [[nodiscard]] bool include(const Question& target) const;

private:
    bool has_way_ = false;           ///< somebody could be asked
    std::array<bool, 2> is_dead_{};  ///< IPv4, IPv6
};

/// What the answers to `asked` say about every rung of the WAN, and how many targets were asked and
/// answered, without bystanders. A question that this box could not ask is left out, unless for
/// want of any route.
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
