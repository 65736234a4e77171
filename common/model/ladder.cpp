#include "common/model/ladder.hpp"

namespace gerbang {
namespace {

constexpr std::array<std::string_view, kRungCount> kRungNames{
    "power",         "carrier", "next_hop", "provider", "domestic",
    "international", "dns",     "web",      "province"};
constexpr std::array<std::string_view, 4> kStateNames{"unknown", "up", "down", "portal"};
constexpr std::array<std::string_view, 8> kSilenceNames{"none",         "time-out",  "unreachable",
                                                        "refused",      "SERVFAIL",  "NXDOMAIN",
                                                        "wrong answer", "cannot ask"};

template <class Enum, std::size_t N>
std::optional<Enum> value_of(const std::array<std::string_view, N>& names, std::string_view name) {
    for (std::size_t i = 0; i < N; ++i) {
        if (names[i] == name) return static_cast<Enum>(i);
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_string(Rung rung) noexcept {
    return kRungNames[static_cast<std::size_t>(rung) % kRungCount];
}
std::optional<Rung> parse_rung(std::string_view name) noexcept {
    return value_of<Rung>(kRungNames, name);
}
std::string_view to_string(RungState state) noexcept {
    return kStateNames[static_cast<std::size_t>(state) % kStateNames.size()];
}
std::optional<RungState> parse_rung_state(std::string_view name) noexcept {
    return value_of<RungState>(kStateNames, name);
}
std::string_view to_string(Silence silence) noexcept {
    return kSilenceNames[static_cast<std::size_t>(silence) % kSilenceNames.size()];
}

}  // namespace gerbang
