#include "daemon/host/system_clock.hpp"

#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "common/core/check.hpp"

namespace gerbang {
namespace {

std::int64_t read_clock_ns(clockid_t which) {
#if defined(SYS_clock_gettime64)
    // 32-bit systems: the C library's time_t may have 4 bytes and end in 2038.
    struct {
        std::int64_t tv_sec;
        std::int64_t tv_nsec;
    } at{};
    const bool is_read = ::syscall(SYS_clock_gettime64, which, &at) == 0;
#else
    timespec at{};
    const bool is_read = ::clock_gettime(which, &at) == 0;
#endif
    GERBANG_CHECK(is_read);
    return std::int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
}

std::int64_t read_clock_ms(clockid_t which) {
    return read_clock_ns(which) / 1'000'000;
}

}  // namespace

Monotonic SystemClock::now() const {
    return monotonic_from_ms(read_clock_ms(CLOCK_BOOTTIME));
}

WallReading SystemClock::wall() const {
    WallReading reading;
    timex kernel{};  // modes 0: reads only, needs no right
    const int state = ::adjtimex(&kernel);
    reading.wall = wall_from_ms(read_clock_ms(CLOCK_REALTIME));
    reading.is_synchronised =
        state != -1 && state != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0;
    reading.uncertainty = Millis{(std::int64_t{kernel.maxerror} + 999) / 1000};
    return reading;
}

net::awaitable<bool> SystemClock::sleep_until(Monotonic deadline, Bell* bell) {
    // Asio's timer counts nanoseconds, in which "never" does not fit: an overflow would fire it at
    // once, again and again. The rest is asked for anew after each timer.
    static constexpr Millis kLongestTimer{3'600'000};
    return sleepers_.suspend(deadline, bell,
                             [this, deadline]() -> std::optional<std::chrono::nanoseconds> {
                                 const auto rest = deadline - now();
                                 if (rest <= Millis{0} || rest > kLongestTimer)
                                     return std::min(rest, kLongestTimer);
                                 // To the point, so that those who wait for the same instant wake
                                 // up together.
                                 return std::chrono::nanoseconds{to_ms(deadline) * 1'000'000 -
                                                                 read_clock_ns(CLOCK_BOOTTIME)};
                             });
}

void SystemClock::stop() {
    sleepers_.stop();
}

bool SystemClock::is_stopped() const {
    return sleepers_.is_stopped();
}

}  // namespace gerbang
