#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/time.hpp"
#include "common/core/units.hpp"

namespace gerbang {

enum class UsagePeriod : std::uint8_t { hour, day, month, year };
/// "hour", "day", "month", "year": as JSON, queries and the command line have it.
[[nodiscard]] std::string_view to_string(UsagePeriod period) noexcept;

/// Upper bounds of the histogram of one-minute rates (both directions together), in Mbit/s:
/// 0.1, 0.3, 1, 2, 5, 10, 20, 30, 50, 75, 100, 200, 500, 1000, 2000, above.
inline constexpr std::size_t kRateBuckets = 16;
inline constexpr std::array<std::uint64_t, kRateBuckets - 1> kRateBucketBitPerS{
    100'000,     300'000,     1'000'000,   2'000'000,     5'000'000,
    10'000'000,  20'000'000,  30'000'000,  50'000'000,    75'000'000,
    100'000'000, 200'000'000, 500'000'000, 1'000'000'000, 2'000'000'000};

/// What went through one interface, or through the WAN role, in one stretch of time.
struct UsageSum {
    Bytes received;
    Bytes transmitted;
    BitRate peak_receive;  ///< highest rate between two ticks
    BitRate peak_transmit;
    std::array<std::uint32_t, kRateBuckets> minutes{};  ///< minutes per rate bucket
    std::uint64_t measured_s = 0;                       ///< seconds for which readings exist

    bool operator==(const UsageSum&) const = default;
    UsageSum& operator+=(const UsageSum& other) noexcept;  ///< peaks by maximum
};

/// One row of a usage table. `name` is an interface or "wan" (the role, with `is_role`).
/// `start` is the beginning of the period in UTC; without an anchor the row is `undated` and
/// `start` is meaningless: "since start-up, clock not set yet".
struct UsageRow {
    std::string name;
    bool is_role = false;
    bool is_undated = false;
    WallTime start;
    UsageSum sum;

    bool operator==(const UsageRow&) const = default;
};

}  // namespace gerbang
