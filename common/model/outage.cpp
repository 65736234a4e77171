#include "common/model/outage.hpp"

#include <array>

namespace gerbang {
namespace {
constexpr std::array<std::string_view, kCauseCount> kCauseNames{
    "unknown", "device_off", "power",        "crash",   "off",    "reboot",
    "daemon",  "carrier",    "modem",        "blocked", "isp",    "international",
    "dns",     "province",   "undetermined", "hotspot", "service"};
constexpr std::array<std::string_view, kLinkStateCount> kLinkStateNames{"unknown", "up", "down",
                                                                        "degraded"};
constexpr std::array<std::string_view, 4> kConfidenceNames{"none", "low", "medium", "high"};

template <class Enum, std::size_t N>
std::string_view name_of(const std::array<std::string_view, N>& names, Enum value) {
    const auto index = static_cast<std::size_t>(value);
    return index < N ? names[index] : names[0];
}

template <class Enum, std::size_t N>
std::optional<Enum> value_of(const std::array<std::string_view, N>& names, std::string_view name) {
    for (std::size_t i = 0; i < N; ++i) {
        if (names[i] == name) return static_cast<Enum>(i);
    }
    return std::nullopt;
}
}  // namespace

std::string_view to_string(Cause cause) noexcept {
    return name_of(kCauseNames, cause);
}
std::optional<Cause> parse_cause(std::string_view name) noexcept {
    return value_of<Cause>(kCauseNames, name);
}

std::string_view to_string(LinkState state) noexcept {
    return name_of(kLinkStateNames, state);
}
std::optional<LinkState> parse_link_state(std::string_view name) noexcept {
    return value_of<LinkState>(kLinkStateNames, name);
}

std::string_view to_string(Confidence confidence) noexcept {
    return name_of(kConfidenceNames, confidence);
}
std::optional<Confidence> parse_confidence(std::string_view name) noexcept {
    return value_of<Confidence>(kConfidenceNames, name);
}

}  // namespace gerbang
