#pragma once

// One look at the way to the internet, rung by rung (design 6): what probing found, and what the
// ledger judges.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/model/record.hpp"

namespace gerbang {

/// From the box outwards. Numbers index `LadderRound::rungs`.
enum class Rung : std::uint8_t {
    power,          ///< mains or UPS input of this site
    carrier,        ///< of the WAN interface
    next_hop,       ///< the modem, or whatever answers at the other end of the cable
    provider,       ///< a hop of the provider's beyond it
    domestic,       ///< targets within the country
    international,  ///< targets abroad
    dns,            ///< the configured resolvers
    web,            ///< a page that the provider's own portal would answer in its place
    province,       ///< the provincial server
};
inline constexpr std::size_t kRungCount = 9;
[[nodiscard]] std::string_view to_string(Rung rung) noexcept;
[[nodiscard]] std::optional<Rung> parse_rung(std::string_view name) noexcept;

/// `unknown`: not asked, or the answer says nothing about this rung. `portal`: somebody else
/// answered in the place of whom was asked (rungs `web` and `dns` only).
enum class RungState : std::uint8_t { unknown, up, down, portal };
[[nodiscard]] std::string_view to_string(RungState state) noexcept;
[[nodiscard]] std::optional<RungState> parse_rung_state(std::string_view name) noexcept;

/// Why a rung that was asked did not answer, as far as it tells causes apart.
enum class Silence : std::uint8_t {
    none,         ///< it answered
    timeout,      ///< nothing came back
    unreachable,  ///< a router said so
    refused,      ///< the host answered with a refusal (counts as an answer for reachability)
    servfail,     ///< DNS: the resolver could not resolve
    nxdomain,     ///< DNS: the resolver denies a name that exists
    wrong,        ///< DNS: an answer, but not the right one
    local,        ///< this box could not ask (no route, no permission)
};
[[nodiscard]] std::string_view to_string(Silence silence) noexcept;

struct RungFinding {
    RungState state = RungState::unknown;
    Silence silence = Silence::none;
    std::optional<Millis> round_trip;  ///< the best of this round
    std::string detail;  ///< short English facts, e.g. "nasional: time-out; kedua: time-out"

    bool operator==(const RungFinding&) const = default;
};

/// What one round found. A rung that was not asked this time is `unknown`.
struct LadderRound {
    DeviceTime at;         ///< the instant that the round stands for: its beginning
    bool is_full = false;  ///< the whole ladder was asked; else the cheap part of a healthy minute
    std::array<RungFinding, kRungCount> rungs;
    /// Internet targets (both groups) asked and answered in this round.
    unsigned asked = 0;
    unsigned answered = 0;
    /// Bytes came in on the WAN since the last round, more than our own probes and the chatter of
    /// a LAN explain: the internet works although nobody was asked.
    bool has_inbound_traffic = false;
    /// The WAN carried more than 80 % of the contract's or the line's rate since the last round:
    /// silence may be congestion.
    bool is_saturated = false;

    [[nodiscard]] const RungFinding& operator[](Rung rung) const {
        return rungs[static_cast<std::size_t>(rung)];
    }
    [[nodiscard]] RungFinding& operator[](Rung rung) {
        return rungs[static_cast<std::size_t>(rung)];
    }
    bool operator==(const LadderRound&) const = default;
};

/// What stands at the other end of the WAN cable, from the configuration.
enum class NextHop : std::uint8_t {
    automatic,  ///< a modem on Ethernet, the provider on PPP and LTE
    modem,      ///< the village's or the provider's box in the same house: cause `modem`
    provider,   ///< the provider's own equipment: cause `isp`
    none,       ///< there is nothing to ask
};

}  // namespace gerbang
