#include "common/model/usage.hpp"

#include <algorithm>

namespace gerbang {

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
