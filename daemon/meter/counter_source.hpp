#pragma once

// What the kernel counts, and what of it is usage.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/result.hpp"
#include "common/core/time.hpp"
#include "common/core/units.hpp"
#include "common/model/facts.hpp"

namespace gerbang {

/// One interface as the kernel described it at one instant.
struct InterfaceReading {
    std::string name;  ///< at most 15 bytes: kept in place, no allocation
    std::uint32_t ifindex = 0;
    std::uint32_t master = 0;  ///< ifindex of the bridge or bond above it; 0: none
    std::uint32_t lower = 0;  ///< ifindex of the device below it (VLAN, macvlan, PPPoE); 0: none or
                              ///< unknown. A veth's peer is not below it.
    bool is_up = false;       ///< administratively
    bool has_carrier = false;
    std::uint32_t carrier_changes = 0;
    bool is_loopback = false;
    bool is_physical = false;  ///< has a bus device in sysfs
    bool is_wireless = false;
    bool is_bridge = false;  ///< bridge, bond or team: others have it as their master
    /// PPP, raw-IP LTE, tunnel, or without ARP: there is no neighbour to ask for.
    bool is_point_to_point = false;
    bool is_ppp = false;  ///< a session over something else (ARPHRD_PPP)
    std::string kind;  ///< the driver's word ("vlan", "ppp", "wwan"), at most 15 bytes; often empty
    BitRate line_rate;  ///< reported speed; 0: unknown
    /// Distinct live neighbours (clients) now, counted about once a minute. Raw: it must pass
    /// `Meter`, which gives it the private form, before it is stored or shown.
    std::uint32_t neighbours = 0;
    /// Stations associated with this access point, asked about once a minute. Raw, as above.
    /// Nothing: no access point, or the kernel does not say.
    std::optional<std::uint32_t> stations;
    std::array<std::uint64_t, kCounterCount> counters{};  ///< indexed by `Counter`
};
inline constexpr std::size_t kMaxInterfaces = 64;

/// All interfaces and the default route at one instant. Reused from tick to tick.
struct KernelReading {
    Monotonic taken;
    std::uint32_t wan_ifindex = 0;  ///< of the default route with the lowest metric; 0: none
    /// Next hop of that route as a numeric address, without a scope (a link-local one means
    /// `wan_ifindex`); IPv4's before IPv6's. Empty: none, or a route without one (PPP).
    std::string gateway;
    /// The kernel's neighbour entry of `gateway`: resolved (reachable, stale, delay, probe,
    /// permanent), or failed / incomplete. Nothing: no entry, no gateway, or not asked yet. Asked
    /// about once in 10 s and after each change that the kernel told of. A stale entry was
    /// confirmed once; that it still answers is for a probe to find out.
    std::optional<bool> gateway_is_neighbour;
    /// Estimate of the different clients seen since the day of `set_day` began or the process
    /// started, by a sketch in RAM under a random key (about 6 % off). Neighbours and stations of
    /// all interfaces but the default route's. Raw, as above. Nothing: not counted.
    std::optional<std::uint32_t> unique_clients;
    std::vector<InterfaceReading> interfaces;  ///< at most `kMaxInterfaces`, ascending by ifindex
};

/// Reads the kernel. Loop thread only.
class CounterSource {
public:
    virtual ~CounterSource() = default;
    /// Fills `into` (whose buffers are reused). `bad_input` when the kernel's answer does not
    /// parse, `unreachable` when the socket fails; the tick then has no interface readings.
    [[nodiscard]] virtual Result<void> read(KernelReading& into) = 0;
    /// The site's day, in days since 1970 of site time, or days of device time while no clock is
    /// set. When it differs from the last one given, `unique_clients` starts from zero under a new
    /// key. Cheap: call it before each `read`.
    virtual void set_day(std::int64_t day) { (void)day; }
};

}  // namespace gerbang
