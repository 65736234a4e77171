#pragma once

#include <chrono>
#include <cstdint>

namespace gerbang {

/// Milliseconds of CLOCK_BOOTTIME. Not a standard clock: it has no `now()`, because nobody reads a
/// clock but `Clock` (daemon/host).
struct DeviceClock {
    using rep = std::int64_t;
    using period = std::milli;
    using duration = std::chrono::duration<rep, period>;
    using time_point = std::chrono::time_point<DeviceClock, duration>;
    static constexpr bool is_steady = true;
};

/// An instant since the kernel started, comparable within one boot only.
using Monotonic = DeviceClock::time_point;
using Millis = std::chrono::duration<std::int64_t, std::milli>;
using Seconds = std::chrono::duration<std::int64_t>;

/// UTC, milliseconds since 1970. 64 bits on every architecture, so 2038 is an ordinary year.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Millis>;

[[nodiscard]] constexpr std::int64_t to_ms(Monotonic at) noexcept {
    return at.time_since_epoch().count();
}
[[nodiscard]] constexpr std::int64_t to_ms(WallTime at) noexcept {
    return at.time_since_epoch().count();
}
[[nodiscard]] constexpr Monotonic monotonic_from_ms(std::int64_t ms) noexcept {
    return Monotonic{Millis{ms}};
}
[[nodiscard]] constexpr WallTime wall_from_ms(std::int64_t ms) noexcept {
    return WallTime{Millis{ms}};
}

}  // namespace gerbang
