#include "daemon/meter/roles.hpp"

#include <algorithm>

#include "common/core/check.hpp"

namespace gerbang {
namespace {

bool matches(std::string_view pattern, std::string_view name) noexcept {
    if (!pattern.empty() && pattern.back() == '*')
        return name.starts_with(pattern.substr(0, pattern.size() - 1));
    return pattern == name;
}

bool is_listed(const std::vector<std::string>& patterns, std::string_view name) noexcept {
    return std::any_of(patterns.begin(), patterns.end(),
                       [name](const std::string& pattern) { return matches(pattern, name); });
}

bool is_modem_by_name(std::string_view name) noexcept {
    return name.starts_with("wwan") || name.starts_with("wwp") || name.starts_with("ppp") ||
           name.starts_with("rmnet");
}

bool is_hidden(const KernelReading& reading, const InterfaceReading& one) noexcept {
    if (one.master != 0) return true;
    return std::any_of(reading.interfaces.begin(), reading.interfaces.end(),
                       [&one](const InterfaceReading& other) {
                           return other.lower == one.ifindex && other.ifindex != one.ifindex;
                       });
}

bool has_real_member(const KernelReading& reading, const InterfaceReading& bridge,
                     unsigned depth = 4) noexcept {
    return std::any_of(
        reading.interfaces.begin(), reading.interfaces.end(), [&](const InterfaceReading& other) {
            if (other.master != bridge.ifindex) return false;
            return other.is_physical || other.is_wireless || other.lower != 0 ||
                   (other.is_bridge && depth > 1 && has_real_member(reading, other, depth - 1));
        });
}

/// Whether a VLAN or the like leads to users: not when it leaves by the WAN's own cable.
bool stands_on_lan(const KernelReading& reading, const std::vector<Standing>& standings,
                   const InterfaceReading& one, std::uint32_t wan) noexcept {
    if (one.lower == 0 || one.lower == wan) return false;
    for (std::size_t i = 0; i < standings.size(); ++i) {
        const auto& other = reading.interfaces[i];
        if (other.ifindex == one.lower && standings[i].has_carried_session) return false;
        if (other.ifindex == wan && other.is_ppp && other.lower == one.lower) return false;
    }
    return true;
}

bool may_be_metered(const MeterSettings& settings, const InterfaceReading& one) noexcept {
    return !one.is_loopback && one.ifindex != 0 && !is_listed(settings.ignore, one.name);
}

/// The WAN's ifindex, 0 if there is none now.
std::uint32_t find_wan(const MeterSettings& settings, const KernelReading& reading,
                       const std::vector<Standing>& standings) noexcept {
    std::uint32_t last_holder = 0;
    for (std::size_t i = 0; i < reading.interfaces.size(); ++i) {
        const auto& one = reading.interfaces[i];
        if (!may_be_metered(settings, one)) continue;
        if (settings.wan != "auto") {
            if (one.name == settings.wan) return one.ifindex;
            continue;
        }
        if (one.ifindex == reading.wan_ifindex) return one.ifindex;
        if (standings[i].held_wan) last_holder = one.ifindex;
    }
    return reading.wan_ifindex == 0 ? last_holder : 0;
}

}  // namespace

std::string_view to_string(Role role) noexcept {
    switch (role) {
        case Role::none:
            return "none";
        case Role::wan:
            return "wan";
        case Role::lan:
            return "lan";
        case Role::wifi:
            return "wifi";
    }
    return "none";
}

Role parse_role(std::string_view word) noexcept {
    for (const auto role : {Role::wan, Role::lan, Role::wifi})
        if (word == to_string(role)) return role;
    return Role::none;
}

void decide_roles(const MeterSettings& settings, const KernelReading& reading,
                  std::vector<Standing>& standings) {
    GERBANG_CHECK(standings.size() == reading.interfaces.size());
    const auto wan = find_wan(settings, reading, standings);
    for (std::size_t i = 0; i < standings.size(); ++i) {
        const auto& one = reading.interfaces[i];
        auto& standing = standings[i];
        standing.role = Role::none;
        standing.is_wanted = false;
        if (!may_be_metered(settings, one)) continue;

        const bool is_real_bridge = one.is_bridge && has_real_member(reading, one);
        if (one.ifindex == wan) {
            standing.role = Role::wan;
        } else if (is_listed(settings.lan, one.name)) {
            standing.role = Role::lan;
        } else if (is_listed(settings.wifi, one.name)) {
            standing.role = Role::wifi;
        } else if (!is_hidden(reading, one)) {
            const bool is_wired = one.is_physical && one.lower == 0 && !one.is_wireless;
            if (one.is_wireless) {
                if (settings.wifi.empty()) standing.role = Role::wifi;
            } else if (settings.lan.empty() && !standing.has_been_wan &&
                       !is_modem_by_name(one.name) &&
                       (is_real_bridge || is_wired ||
                        stands_on_lan(reading, standings, one, wan))) {
                standing.role = Role::lan;
            }
        }
        standing.is_wanted = standing.role != Role::none || one.is_physical || one.is_wireless ||
                             one.lower != 0 || is_real_bridge || standing.is_metered;
    }
}

std::size_t bottom_of(const KernelReading& reading, std::size_t from) noexcept {
    std::size_t at = from;
    for (int steps = 0; steps < 8 && reading.interfaces[at].lower != 0; ++steps) {
        const auto below = reading.interfaces[at].lower;
        std::size_t next = 0;
        while (next < reading.interfaces.size() && reading.interfaces[next].ifindex != below)
            ++next;
        if (next == reading.interfaces.size()) break;
        at = next;
    }
    return at;
}

}  // namespace gerbang
