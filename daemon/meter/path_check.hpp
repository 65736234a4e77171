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
/// Path: an hour in which at least 100 datagrams were forwarded, or in which LAN and WAN both moved
/// 1 MB and neither more than four times the other, is one in the path. A silent hour is one in
/// which the WAN was up at each look, less than 10 datagrams were forwarded, LAN and WiFi moved
/// less than 1 MB, and no offload is known. Not in the path: after one silent hour when forwarding
/// is off for IPv4 and IPv6 and the verdict is not "in the path"; else after 24 silent hours
/// without one in the path between them: a village that sleeps is no proof. Any other hour says
/// nothing and the verdict stays.
///
/// Confidence: suspect when an offload to hardware is known; when a flowtable is and the WAN is
/// stacked, as packets then bypass the upper device's counters; for 24 hours after one in which
/// twice as many datagrams were forwarded (at least 1,000) as the WAN counted packets. Else good
/// when the one-shot could look, unknown when it could not.
class PathCheck {
public:
    /// The verdict of an earlier run (the newest `PathFact`), so that a restart tells nothing new.
    void restore(PathVerdict verdict) { verdict_ = std::move(verdict); }
    /// Takes in the signs, once a minute. True when confidence or path changed, which is at the end
    /// of an hour: write a `PathFact`. Before that, and without `restore`, both are unknown.
    [[nodiscard]] bool take(const PathSigns& signs);
    /// The newest; its reason is that of the last full hour.
    [[nodiscard]] const PathVerdict& verdict() const noexcept { return verdict_; }

private:
    /// What passed within the hour.
    struct Hour {
        std::optional<std::uint64_t> forwarded{};
        std::uint64_t wan_bytes = 0, wan_packets = 0, lan_bytes = 0;
    };
    [[nodiscard]] TrafficPath judge_path(const PathSigns& now, const Hour& hour);
    [[nodiscard]] UsageConfidence judge_confidence(const PathSigns& now, const Hour& hour,
                                                   const char*& reason);

    PathVerdict verdict_;
    std::optional<PathSigns> start_;   ///< of the hour
    bool wan_was_up_ = false;          ///< at each look of the hour
    unsigned silent_hours_ = 0;        ///< since the last one in the path
    unsigned suspect_hours_left_ = 0;  ///< after one whose counters did not add up
};

}  // namespace gerbang
