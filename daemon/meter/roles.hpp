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

/// One interface's place: the first four are given by the caller, the others decided.
struct Standing {
    bool is_metered = false;  ///< its name was metered before: it stays metered
    bool held_wan = false;    ///< this device held the WAN role at the last reading
    /// Its name held the WAN role, or carried the device that did, at some time of this process.
    bool has_been_wan = false;
    bool has_carried_session = false;  ///< ... and that device was a PPP session straight over it
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
///   port, PPPoE), has role none; it is metered apart, its bytes are those of the upper one.
/// - LAN by kind (only when none is named): a bridge or bond with a physical, wireless or VLAN
///   member (through at most four of them), a wired physical interface, a VLAN whose lower device
///   is not the WAN nor what a PPP WAN runs over: there are the modem's own pages. Not a modem by
///   its name (wwan*, wwp*, ppp*, rmnet*), and not what was the WAN or carried it before: a
///   stand-by link is no LAN, nor is the cable to the modem while its session is down.
/// - WiFi by kind (only when none is named): wireless and not hidden.
/// - Metered: whatever has a role, is physical or wireless, stands on another device, or was
///   metered before. So dummy, tun, tap and a container's veth or bridge are not, without a role.
void decide_roles(const MeterSettings& settings, const KernelReading& reading,
                  std::vector<Standing>& standings);

/// The index in `reading.interfaces` of what lies under that of index `from`, at most eight devices
/// down: eth0 for ppp0 over eth0.100 over eth0. `from` itself when nothing known is below it; a
/// bridge or bond speaks for its members.
[[nodiscard]] std::size_t bottom_of(const KernelReading& reading, std::size_t from) noexcept;

}  // namespace gerbang
