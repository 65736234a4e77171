#include "tests/support/manual_clock.hpp"

#include <algorithm>

#include "common/core/check.hpp"

namespace gerbang {
namespace {

/// More handlers at one instant than this are a loop that never lets time pass.
constexpr std::uint64_t kHandlersPerInstant = 100'000'000;

}  // namespace

ManualClock::ManualClock(WallTime start) : true_time_{start} {}

WallReading ManualClock::wall() const {
    return {.wall = true_time_ + wall_offset_,
            .is_synchronised = is_synchronised_,
            .uncertainty = uncertainty_};
}

net::awaitable<bool> ManualClock::sleep_until(Monotonic deadline, Bell* bell) {
    return sleepers_.suspend(deadline, bell, [this, deadline]() -> std::optional<Millis> {
        if (deadline <= now_) return Millis{0};
        return std::nullopt;
    });
}

void ManualClock::run_ready(net::io_context& io) {
    io.restart();
    for (std::uint64_t ran = 0; io.poll_one() != 0; ++ran) GERBANG_CHECK(ran < kHandlersPerInstant);
}

void ManualClock::run_until(net::io_context& io, Monotonic end) {
    GERBANG_CHECK(end >= now_);
    for (;;) {
        run_ready(io);
        const auto next = sleepers_.earliest();
        if (!next || *next > end) break;
        pass(std::max(*next - now_, Millis{0}));
        wakeups_ += sleepers_.wake_due(now_);
    }
    pass(end - now_);
}

void ManualClock::set_synchronised(bool is_synchronised, Millis uncertainty) {
    is_synchronised_ = is_synchronised;
    uncertainty_ = uncertainty;
}

void ManualClock::reboot(Millis off, Millis up) {
    GERBANG_CHECK(sleepers_.is_empty());
    GERBANG_CHECK(off >= Millis{0} && up >= Millis{0});
    true_time_ += off + up;
    now_ = Monotonic{up};
}

void ManualClock::pass(Millis span) {
    GERBANG_CHECK(span >= Millis{0});
    now_ += span;
    true_time_ += span;
}

}  // namespace gerbang
