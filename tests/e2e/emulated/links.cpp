// Prints what the meter's source reads of every interface, one line each, for run.sh.

#include <cstdio>
#include <string>

#include "daemon/host/system_clock.hpp"
#include "daemon/meter/netlink_source.hpp"

int main() {
    using namespace gerbang;
    SystemClock clock;
    const auto source = open_netlink_source(clock, HostPaths{});
    if (!source) return 1;
    KernelReading reading;
    // Stations are asked about in a reading in which neighbours are not.
    for (int i = 0; i < 2; ++i) {
        if (!(*source)->read(reading)) return 1;
    }
    for (const auto& one : reading.interfaces) {
        std::string lower = "-";
        for (const auto& other : reading.interfaces) {
            if (other.ifindex == one.lower) lower = other.name;
        }
        const auto stations = one.stations ? std::to_string(*one.stations) : "-";
        std::printf("%s wireless=%d ppp=%d lower=%s stations=%s wan=%d\n", one.name.c_str(),
                    one.is_wireless ? 1 : 0, one.is_ppp ? 1 : 0, lower.c_str(), stations.c_str(),
                    one.ifindex == reading.wan_ifindex ? 1 : 0);
    }
    return 0;
}
