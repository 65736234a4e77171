#include "common/model/outage.hpp"

#include <array>

namespace gerbang {
namespace {
constexpr std::array<std::string_view, 15> kCauseNames{
    "unknown", "device_off", "power", "crash",         "off", "reboot",   "daemon",      "carrier",
    "modem",   "blocked",    "isp",   "international", "dns", "province", "undetermined"};
}  // namespace

std::string_view to_string(Cause cause) noexcept {
    const auto index = static_cast<std::size_t>(cause);
    return index < kCauseNames.size() ? kCauseNames[index] : kCauseNames[0];
}

std::optional<Cause> parse_cause(std::string_view name) noexcept {
    for (std::size_t i = 0; i < kCauseNames.size(); ++i) {
        if (kCauseNames[i] == name) return static_cast<Cause>(i);
    }
    return std::nullopt;
}

std::string_view to_string(LinkState state) noexcept {
    switch (state) {
        case LinkState::up:
            return "up";
        case LinkState::down:
            return "down";
        case LinkState::unknown:
            break;
    }
    return "unknown";
}

}  // namespace gerbang
