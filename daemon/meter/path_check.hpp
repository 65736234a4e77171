#pragma once

// What the WAN's counters are worth as the village's usage (design 5). Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/core/time.hpp"
#include "daemon/host/machine_facts.hpp"
#include "daemon/meter/forwarding.hpp"
#include "daemon/meter/meter.hpp"

namespace gerbang {

/// Whether the WAN's counters see every byte. `suspect`: packets may pass beside them.
enum class UsageConfidence : std::uint8_t { unknown, good, suspect };
/// Whether the village's traffic passes through this machine at all.
enum class TrafficPath : std::uint8_t { unknown, in_path, not_in_path };

/// "unknown", "good", "suspect": the words of `PathFact::confidence`.
[[nodiscard]] std::string_view to_string(UsageConfidence confidence) noexcept;
/// "unknown", "in_path", "not_in_path": the words of `PathFact::path`.
[[nodiscard]] std::string_view to_string(TrafficPath path) noexcept;

struct PathVerdict {
    UsageConfidence confidence = UsageConfidence::unknown;
    TrafficPath path = TrafficPath::unknown;
    std::string reason;  ///< short English facts; at most 200 bytes

    bool operator==(const PathVerdict&) const = default;
};

/// What is known at one instant; totals only ever compared with those of the hour before.
struct PathSigns {
    Monotonic at;
    Forwarding forwarding;
    bool offloads_are_known = false;  ///< the privileged one-shot could look
    bool has_flowtable = false;       ///< nftables flowtable in software
    bool has_hw_offload = false;
    bool wan_is_up = false;         ///< carrier, and a default route through it
    bool wan_is_stacked = false;    ///< VLAN, PPP, bridge: not a physical device of its own
    bool has_lan = false;           ///< there is a LAN or WiFi interface
    std::uint64_t wan_bytes = 0;    ///< both directions
    std::uint64_t wan_packets = 0;  ///< both directions
    std::uint64_t lan_bytes = 0;    ///< both directions
};
/// The signs of this instant. `facts`: the newest; nothing if the one-shot never ran.
[[nodiscard]] PathSigns path_signs(Monotonic at, const MeterSummary& meter,
                                   const Forwarding& forwarding,
                                   const std::optional<MachineFacts>& facts);

/// Judges hour by hour of device time; the verdict changes at the end of an hour only.
///
/// Path, of an hour: forwarded at least 100 datagrams, or LAN and WAN both moved 1 MB and at least
/// a quarter of each other: in the path. Forwarded less than 10 and LAN and WiFi moved less than
/// 1 MB while the WAN was up at each look: not in the path, after one such hour when forwarding is
/// off for IPv4 and IPv6 and no offload is known, after 24 in a row without an hour of the other
/// kind when forwarding is on (a village that sleeps is no proof). With an offload, or when what
/// is forwarded cannot be read, silence proves nothing. Any other hour says nothing; the verdict
/// stays.
///
/// Confidence: suspect when an offload to hardware is known, when a flowtable is and the WAN is
/// stacked (packets bypass the upper device's counters), or when twice as many datagrams were
/// forwarded in the hour as the WAN counted packets; good when the one-shot could look and there
/// is nothing of the kind; else unknown.
class PathCheck {
public:
    /// The verdict of an earlier run (the newest `PathFact`), so that a restart tells nothing new.
    void restore(PathVerdict verdict) { verdict_ = std::move(verdict); }
    /// Takes in the signs, once a minute. True when the verdict's confidence or path changed, or
    /// is the first: write a `PathFact`.
    [[nodiscard]] bool take(const PathSigns& signs);
    [[nodiscard]] const PathVerdict& verdict() const noexcept { return verdict_; }

private:
    [[nodiscard]] PathVerdict judge(const PathSigns& now);

    PathVerdict verdict_;
    std::optional<PathSigns> start_;  ///< of the hour
    bool wan_was_up_ = false;         ///< at each look of the hour
    unsigned silent_hours_ = 0;       ///< in a row
};

}  // namespace gerbang
