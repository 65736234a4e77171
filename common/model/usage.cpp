#include "common/model/usage.hpp"

#include <algorithm>

namespace gerbang {

std::string_view to_string(UsagePeriod period) noexcept {
    switch (period) {
        case UsagePeriod::hour:
            return "hour";
        case UsagePeriod::day:
            return "day";
        case UsagePeriod::month:
            return "month";
        case UsagePeriod::year:
            break;
    }
    return "year";
}

UsageSum& UsageSum::operator+=(const UsageSum& other) noexcept {
    received += other.received;
    transmitted += other.transmitted;
    peak_receive = std::max(peak_receive, other.peak_receive);
    peak_transmit = std::max(peak_transmit, other.peak_transmit);
    for (std::size_t i = 0; i < minutes.size(); ++i) minutes[i] += other.minutes[i];
    measured_s += other.measured_s;
    return *this;
}

}  // namespace gerbang
