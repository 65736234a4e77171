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
    hotspot = 15,  ///< the site's own LAN or access point; never the provider's
    service = 16,  ///< a named service of the province; the internet itself was fine
};
inline constexpr std::size_t kCauseCount = 17;
[[nodiscard]] std::string_view to_string(Cause cause) noexcept;
[[nodiscard]] std::optional<Cause> parse_cause(std::string_view name) noexcept;

/// `degraded`: usable, but losing probes; not an outage.
enum class LinkState : std::uint8_t { unknown = 0, up = 1, down = 2, degraded = 3 };
inline constexpr std::size_t kLinkStateCount = 4;
[[nodiscard]] std::string_view to_string(LinkState state) noexcept;
[[nodiscard]] std::optional<LinkState> parse_link_state(std::string_view name) noexcept;

/// How well the evidence supports a cause. Numbers are stored.
enum class Confidence : std::uint8_t {
    none = 0,    ///< nothing was looked at (the gap of a dead daemon says nothing of the link)
    low = 1,     ///< the cause fits, others are not excluded
    medium = 2,  ///< the neighbouring rungs agree
    high = 3,    ///< seen directly (carrier, a portal's answer, a mains input, a router's word)
};
[[nodiscard]] std::string_view to_string(Confidence confidence) noexcept;
[[nodiscard]] std::optional<Confidence> parse_confidence(std::string_view name) noexcept;

/// Links whose state is kept side by side. A service's link is "service-" and its name.
namespace link_name {
inline constexpr std::string_view kWan = "wan";
inline constexpr std::string_view kHotspot = "hotspot";
inline constexpr std::string_view kProvince = "province";
inline constexpr std::string_view kServicePrefix = "service-";
}  // namespace link_name

/// Short outages that came too often to be told one by one: how many there were and how long they
/// lasted. Durations are those of one boot's clock.
struct Fold {
    std::uint32_t count = 0;    ///< outages in it, at least 2
    Millis certain{};           ///< sum over them of first_bad to last_bad
    Millis possible{};          ///< sum over them of last_good to first_good
    Millis longest_certain{};   ///< of the longest one
    Millis longest_possible{};  ///< likewise
    bool operator==(const Fold&) const = default;
};

/// One stretch of time without (measured) internet and one cause.
///
/// Both ends keep both bounds: the truth lies between `last_good` and `first_bad`, and between
/// `last_bad` and `first_good`. An open outage has neither of the latter. `id` is unique within
/// the epoch and grows. When the cause changes, a new segment with the same `id` and the next
/// `segment` follows without a hole.
///
/// With `fold` it stands for several outages of one boot, the first of which gave it its beginning
/// and the last of which its end: between those the link was down for `fold->certain` to
/// `fold->possible`, and up for the rest. Such an outage is never open.
struct Outage {
    std::uint64_t id = 0;
    std::uint32_t segment = 1;
    std::string link{link_name::kWan};  ///< `[a-z][a-z0-9-]{0,47}`; the provider answers for "wan"
    Cause cause = Cause::unknown;
    DeviceTime last_good;
    DeviceTime first_bad;
    std::optional<DeviceTime> last_bad;
    std::optional<DeviceTime> first_good;
    Confidence confidence = Confidence::none;
    std::string evidence;  ///< short English facts, e.g. "carrier 0 on eth0"
    std::optional<Fold> fold{};

    bool operator==(const Outage&) const = default;
    [[nodiscard]] bool is_open() const noexcept { return !first_good.has_value(); }
};

}  // namespace gerbang
