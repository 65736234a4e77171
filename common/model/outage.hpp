#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/model/record.hpp"

namespace gerbang {

/// Why the site was without internet, or unmeasured. Numbers are stored; names (see `to_string`)
/// are what JSON, SQL and people see.
enum class Cause : std::uint8_t {
    unknown = 0,
    device_off = 1,
    power = 2,
    crash = 3,
    off = 4,
    reboot = 5,
    daemon = 6,  ///< the daemon did not run: unmeasured, not down
    carrier = 7,
    modem = 8,
    blocked = 9,
    isp = 10,
    international = 11,
    dns = 12,
    province = 13,
    undetermined = 14,
};
[[nodiscard]] std::string_view to_string(Cause cause) noexcept;
[[nodiscard]] std::optional<Cause> parse_cause(std::string_view name) noexcept;

enum class LinkState : std::uint8_t { unknown = 0, up = 1, down = 2 };
[[nodiscard]] std::string_view to_string(LinkState state) noexcept;

/// One stretch of time without (measured) internet and one cause.
///
/// Both ends keep both bounds: the truth lies between `last_good` and `first_bad`, and between
/// `last_bad` and `first_good`. An open outage has neither of the latter. `id` is unique within
/// the epoch and grows. When the cause changes, a new segment with the same `id` and the next
/// `segment` follows without a hole.
struct Outage {
    std::uint64_t id = 0;
    std::uint32_t segment = 1;
    Cause cause = Cause::unknown;
    DeviceTime last_good;
    DeviceTime first_bad;
    std::optional<DeviceTime> last_bad;
    std::optional<DeviceTime> first_good;
    std::string evidence;  ///< short English facts, e.g. "carrier 0 on eth0"

    bool operator==(const Outage&) const = default;
    [[nodiscard]] bool is_open() const noexcept { return !first_good.has_value(); }
};

}  // namespace gerbang
