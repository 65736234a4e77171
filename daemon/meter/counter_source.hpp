#pragma once

// What the kernel counts, and what of it is usage.

#include <array>
#include <cstdint>
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
    std::uint32_t lower = 0;   ///< ifindex of the device below it (VLAN, macvlan); 0: none. A
                               ///< veth's peer is not below it.
    bool is_up = false;        ///< administratively
    bool has_carrier = false;
    std::uint32_t carrier_changes = 0;
    bool is_loopback = false;
    bool is_physical = false;  ///< has a bus device in sysfs
    bool is_wireless = false;
    bool is_bridge = false;
    BitRate line_rate;  ///< reported speed; 0: unknown
    /// Distinct live neighbours (clients) now, counted about once a minute. Raw: it must pass
    /// `Meter`, which gives it the private form, before it is stored or shown.
    std::uint32_t neighbours = 0;
    std::array<std::uint64_t, kCounterCount> counters{};  ///< indexed by `Counter`
};
inline constexpr std::size_t kMaxInterfaces = 64;

/// All interfaces and the default route at one instant. Reused from tick to tick.
struct KernelReading {
    Monotonic taken;
    std::uint32_t wan_ifindex = 0;  ///< of the default route with the lowest metric; 0: none
    std::vector<InterfaceReading> interfaces;  ///< at most `kMaxInterfaces`, ascending by ifindex
};

/// Reads the kernel. Loop thread only.
class CounterSource {
public:
    virtual ~CounterSource() = default;
    /// Fills `into` (whose buffers are reused). `bad_input` when the kernel's answer does not
    /// parse, `unreachable` when the socket fails; the tick then has no interface readings.
    [[nodiscard]] virtual Result<void> read(KernelReading& into) = 0;
};

}  // namespace gerbang
