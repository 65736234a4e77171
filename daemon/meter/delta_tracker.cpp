#include "daemon/meter/delta_tracker.hpp"

#include <algorithm>
#include <limits>

namespace gerbang {
namespace {

constexpr std::uint64_t kTwoTo32 = std::uint64_t{1} << 32;
constexpr std::uint64_t kImplausible = std::uint64_t{1} << 62;
constexpr Millis kSlack{1000};

constexpr std::size_t index_of(Counter counter) noexcept {
    return static_cast<std::size_t>(counter);
}
constexpr std::size_t kRxBytes = index_of(Counter::rx_bytes);
constexpr std::size_t kTxBytes = index_of(Counter::tx_bytes);
constexpr std::size_t kRxPackets = index_of(Counter::rx_packets);
constexpr std::size_t kTxPackets = index_of(Counter::tx_packets);

/// Which counters fell, and what that means.
struct Falls {
    std::array<bool, kCounterCount> fell{};
    bool any = false;
    bool only_bytes = true;   ///< no counter but the byte counters fell
    bool all_traffic = true;  ///< every traffic counter that was above zero fell

    Falls(const Counters& before, const Counters& now) {
        for (std::size_t i = 0; i < kCounterCount; ++i) {
            fell[i] = now[i] < before[i];
            any = any || fell[i];
            const bool is_bytes = i == kRxBytes || i == kTxBytes;
            const bool is_traffic = is_bytes || i == kRxPackets || i == kTxPackets;
            if (fell[i] && !is_bytes) only_bytes = false;
            if (is_traffic && before[i] > 0 && !fell[i]) all_traffic = false;
        }
        const bool traffic_fell =
            fell[kRxBytes] || fell[kTxBytes] || fell[kRxPackets] || fell[kTxPackets];
        all_traffic = all_traffic && traffic_fell;
    }
};

}  // namespace

std::uint64_t carried_at_most(BitRate rate, Millis elapsed) noexcept {
    const auto ms = static_cast<std::uint64_t>(std::max(elapsed, Millis{0}).count()) +
                    static_cast<std::uint64_t>(kSlack.count());
    constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
    if (rate.bit_per_s != 0 && ms > kMost / rate.bit_per_s) return kMost / 8000;
    return rate.bit_per_s * ms / 8000;
}

DeltaTracker::DeltaTracker(bool kernel_is_32bit, const CounterReading& start)
    : kernel_is_32bit_{kernel_is_32bit},
      is_beyond_32bit_{start.counters[kRxBytes] >= kTwoTo32 ||
                       start.counters[kTxBytes] >= kTwoTo32},
      previous_{start} {}

Usage DeltaTracker::advance(const CounterReading& now, LineLimit limit) {
    Usage usage;
    const bool is_garbage = std::any_of(now.counters.begin(), now.counters.end(),
                                        [](std::uint64_t value) { return value >= kImplausible; });
    if (is_garbage) {
        usage.continuity = Continuity::implausible;
        return usage;
    }
    is_beyond_32bit_ = is_beyond_32bit_ || now.counters[kRxBytes] >= kTwoTo32 ||
                       now.counters[kTxBytes] >= kTwoTo32;
    // A rate that is known at one end only was lost with the carrier or came with it: it holds.
    const auto rate = std::max(limit.rate, previous_rate_);
    previous_rate_ = limit.rate;
    if (!previous_) {
        previous_ = now;
        return usage;
    }

    const auto& before = previous_->counters;
    const auto most = carried_at_most(rate, now.taken - previous_->taken);
    const Falls falls{before, now.counters};
    auto& counted = usage.counted;
    for (std::size_t i = 0; i < kCounterCount; ++i)
        counted[i] = falls.fell[i] ? 0 : now.counters[i] - before[i];

    const auto wrapped = [&](std::size_t i) { return now.counters[i] + kTwoTo32 - before[i]; };
    const auto fits = [&](std::size_t i) { return !falls.fell[i] || wrapped(i) <= most; };
    if (!falls.any) {
        usage.continuity = Continuity::continued;
    } else if (falls.only_bytes && kernel_is_32bit_ && !is_beyond_32bit_ && rate.bit_per_s > 0 &&
               fits(kRxBytes) && fits(kTxBytes)) {
        usage.continuity = Continuity::wrapped;
        for (const auto i : {kRxBytes, kTxBytes})
            if (falls.fell[i]) counted[i] = wrapped(i);
    } else if (falls.all_traffic) {
        usage.continuity = Continuity::restarted;
        for (std::size_t i = 0; i < kCounterCount; ++i)
            if (falls.fell[i]) counted[i] = now.counters[i];
    } else {
        usage.continuity = Continuity::disturbed;
        const auto restart_direction = [&](std::size_t bytes, std::size_t packets) {
            if (!falls.fell[bytes] || !falls.fell[packets]) return;
            counted[bytes] = now.counters[bytes];
            counted[packets] = now.counters[packets];
        };
        restart_direction(kRxBytes, kRxPackets);
        restart_direction(kTxBytes, kTxPackets);
    }

    if (rate.bit_per_s > 0) {
        const auto set_apart = [most](std::uint64_t& bytes) {
            const auto beyond = bytes > most ? bytes - most : 0;
            bytes -= beyond;
            return Bytes{beyond};
        };
        usage.suspect_received = set_apart(counted[kRxBytes]);
        usage.suspect_transmitted = set_apart(counted[kTxBytes]);
    }
    previous_ = now;
    return usage;
}

}  // namespace gerbang
