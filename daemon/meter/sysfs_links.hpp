#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/meter/counter_source.hpp"

namespace gerbang {

/// What sysfs alone knows of a link: whether it is physical, wireless, and its speed.
///
/// Source: `<sys>/class/net/<name>`. Nature is read once per device, the speed when the carrier
/// changed and every five minutes; so a tick usually opens no file. What cannot be read is
/// unknown, not an error: a link may vanish at any moment. Loop thread only.
class SysfsLinks {
public:
    explicit SysfsLinks(std::string sys) : sys_{std::move(sys)} {}

    /// Fills `is_physical`, `is_wireless` and `line_rate` of `one`.
    void describe(InterfaceReading& one, Monotonic now);
    /// Forgets links that were not described since the last call.
    void sweep();

private:
    struct Known {
        std::uint32_t ifindex = 0;
        std::string name;
        bool is_physical = false;
        bool is_wireless = false;
        bool has_carrier = false;
        std::uint32_t carrier_changes = 0;
        BitRate rate;
        Monotonic rate_read{};
        bool is_current = false;
    };
    [[nodiscard]] bool exists(const std::string& name, const char* what) const;
    [[nodiscard]] BitRate read_speed(const std::string& name) const;

    std::string sys_;
    std::vector<Known> known_;
};

}  // namespace gerbang
