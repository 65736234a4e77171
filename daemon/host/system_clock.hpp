#pragma once

#include "daemon/host/clock.hpp"
#include "daemon/host/sleeper_list.hpp"

namespace gerbang {

/// The kernel's clocks: CLOCK_BOOTTIME for device time, CLOCK_REALTIME and adjtimex(2) for the
/// time of day. Where adjtimex is forbidden the wall clock counts as unsynchronised.
///
/// Sleeps run on timers of the calling coroutine's executor; those stand still while the machine
/// is suspended to RAM, so a sleep may then end late, never early.
class SystemClock final : public Clock {
public:
    [[nodiscard]] Monotonic now() const override;
    [[nodiscard]] WallReading wall() const override;
    [[nodiscard]] net::awaitable<bool> sleep_until(Monotonic deadline,
                                                   Bell* bell = nullptr) override;
    void stop() override;
    [[nodiscard]] bool is_stopped() const override;

private:
    SleeperList sleepers_;
};

}  // namespace gerbang
