#include "daemon/sync/send_budget.hpp"

#include <algorithm>

namespace gerbang {

void SendBudget::set_rate(std::uint64_t bytes_s) noexcept {
    bytes_s_ = bytes_s;
    if (bytes_s_ == 0) free_at_ = {};
}

void SendBudget::spend(Monotonic now, std::uint64_t bytes) noexcept {
    if (bytes_s_ == 0) return;
    // Rounded up: the rate is a bound.
    const auto takes_ms = (bytes * 1000 + bytes_s_ - 1) / bytes_s_;
    free_at_ = std::max(free_at_, now) + Millis{static_cast<std::int64_t>(takes_ms)};
}

std::uint64_t SendBudget::body_bytes(std::uint64_t bytes,
                                     std::uint64_t floor_bytes) const noexcept {
    if (bytes_s_ == 0) return bytes;
    const auto within = bytes_s_ * static_cast<std::uint64_t>(kLongestBody.count()) / 1000;
    return std::min(bytes, std::max(within, floor_bytes));
}

}  // namespace gerbang
