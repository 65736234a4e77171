#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/meter/counter_source.hpp"

namespace gerbang {

/// What an interface is for. A site's usage is the WAN role only.
enum class Role : std::uint8_t { none, wan, lan, wifi };

/// "none", "wan", "lan", "wifi": the words of `InterfaceFact::role` and of JSON.
[[nodiscard]] std::string_view to_string(Role role) noexcept;
/// `Role::none` for an unknown word.
[[nodiscard]] Role parse_role(std::string_view word) noexcept;

/// What the operator said; names are exact, or a beginning followed by `*` ("docker*").
struct MeterSettings {
    std::string wan = "auto";         ///< "auto": the default route's interface; else a name
    std::vector<std::string> lan;     ///< empty: by kind
    std::vector<std::string> wifi;    ///< empty: by kind
    std::vector<std::string> ignore;  ///< never metered, wins over everything
    bool kernel_is_32bit = false;     ///< `HostFacts::kernel_is_32bit`
};

/// One interface's place: the first three are given by the caller, the others decided.
struct Standing {
    bool is_metered = false;    ///< its name was metered before: it stays metered
    bool held_wan = false;      ///< this device held the WAN role at the last reading
    bool has_been_wan = false;  ///< its name held the WAN role at some time of this process
    Role role = Role::none;
    bool is_wanted = false;  ///< should be metered
};

/// Decides roles and who is metered, for `standings[i]` of `reading.interfaces[i]`. Pure.
///
/// - Loopback and ignored names: never metered.
/// - WAN: the named one; with "auto" that of the default route, and while there is no default
///   route the device that held the role last, so that a dead link keeps its name.
/// - Named LAN and WiFi: as named. Naming wins over every rule below.
/// - Hidden: an interface with a master, or with another interface above it (VLAN, macvlan, DSA
///   port), has role none; it is metered apart, its bytes are those of the upper one.
/// - LAN by kind (only when none is named): a bridge with a physical, wireless or VLAN member, a
///   wired physical interface, a VLAN whose lower device is not the WAN. Not a modem by its name
///   (wwan*, wwp*, ppp*, rmnet*), and not what was the WAN before: a stand-by link is no LAN.
/// - WiFi by kind (only when none is named): wireless and not hidden.
/// - Metered: whatever has a role, is physical or wireless, stands on another device, or was
///   metered before. So dummy, tun, tap and a container's veth or bridge are not, without a role.
void decide_roles(const MeterSettings& settings, const KernelReading& reading,
                  std::vector<Standing>& standings);

}  // namespace gerbang
