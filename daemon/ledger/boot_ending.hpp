#pragma once

// How a boot ended, from what is left of it: pure.

#include <cstdint>
#include <optional>
#include <string>

#include "common/model/facts.hpp"

namespace gerbang {

/// What start-up found out about the boot before this one.
struct EndingEvidence {
    bool ended_cleanly = false;     ///< the last record is a `stop` event
    std::string shutdown_target{};  ///< "reboot", "poweroff", "halt", "kexec"; empty: no mark
    std::string reset_reason{};     ///< of the SoC or the watchdog: "power-on", "watchdog", ...
    bool has_crash_dump = false;    ///< pstore held a dump of that boot
    std::optional<bool> mains_was_on{};              ///< last known state of a mains or UPS input
    std::optional<std::uint32_t> battery_percent{};  ///< last known
    bool battery_was_discharging = false;
};

struct Ending {
    Cause cause = Cause::device_off;  ///< off, reboot, crash, device_off, power
    Confidence confidence = Confidence::low;
    std::string evidence{};
    bool operator==(const Ending&) const = default;
};

/// `power` only with evidence of its own: an input that had gone, or a battery that was running
/// down; then an orderly end is `power` too, but for a reboot. A crash dump or a watchdog's reset
/// is a crash, whatever else is known. `evidence` lists everything that was known.
[[nodiscard]] Ending judge_ending(const EndingEvidence& evidence);

}  // namespace gerbang
