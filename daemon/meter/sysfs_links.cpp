#include "daemon/meter/sysfs_links.hpp"

#include <unistd.h>

#include <algorithm>

#include "daemon/meter/proc_parse.hpp"
#include "daemon/meter/small_file.hpp"

namespace gerbang {
namespace {

constexpr Millis kSpeedPeriod{5 * 60 * 1000};

}  // namespace

void SysfsLinks::describe(InterfaceReading& one, Monotonic now) {
    auto found = std::find_if(known_.begin(), known_.end(), [&one](const Known& known) {
        return known.ifindex == one.ifindex && known.name == one.name;
    });
    const bool is_new = found == known_.end();
    if (is_new) {
        Known known;
        known.ifindex = one.ifindex;
        known.name = one.name;
        known.is_physical = exists(one.name, "device");
        known.is_wireless = exists(one.name, "wireless") || exists(one.name, "phy80211");
        known_.push_back(std::move(known));
        found = known_.end() - 1;
    }
    if (is_new || found->has_carrier != one.has_carrier ||
        found->carrier_changes != one.carrier_changes || now - found->rate_read >= kSpeedPeriod) {
        found->has_carrier = one.has_carrier;
        found->carrier_changes = one.carrier_changes;
        found->rate_read = now;
        // A speed without a device is an invention of the driver (a veth reports 10 Gbit/s).
        found->rate = found->is_physical ? read_speed(one.name) : BitRate{};
    }
    found->is_current = true;
    one.is_physical = found->is_physical;
    one.is_wireless = found->is_wireless;
    one.line_rate = found->rate;
}

void SysfsLinks::sweep() {
    std::erase_if(known_, [](const Known& known) { return !known.is_current; });
    for (auto& known : known_) known.is_current = false;
}

bool SysfsLinks::exists(const std::string& name, const char* what) const {
    return ::access((sys_ + "/class/net/" + name + "/" + what).c_str(), F_OK) == 0;
}

BitRate SysfsLinks::read_speed(const std::string& name) const {
    const SmallFile file{sys_ + "/class/net/" + name + "/speed"};
    std::array<char, 32> buffer{};
    const auto text = file.read(buffer);
    return text ? proc::parse_speed(*text) : BitRate{};
}

}  // namespace gerbang
