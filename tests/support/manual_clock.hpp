#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>

#include "daemon/host/clock.hpp"
#include "daemon/host/sleeper_list.hpp"

namespace gerbang {

/// Virtual time: it passes only in `run_until` and `run_for`, which let every ready coroutine run
/// and then jump to the earliest sleeper, so thirty days take seconds and are repeatable.
///
/// Outlives the daemon under test: an io_context may be destroyed with sleepers suspended (the
/// kill), and another one be used afterwards. Work offloaded to a real thread is not waited for;
/// offload to the io_context itself.
class ManualClock final : public Clock {
public:
    /// Starts 1 s after "power on", wall clock right and synchronised.
    explicit ManualClock(WallTime start = wall_from_ms(1'767'225'600'000));  // 2026-01-01 UTC

    [[nodiscard]] Monotonic now() const override { return now_; }
    [[nodiscard]] WallReading wall() const override;
    [[nodiscard]] net::awaitable<bool> sleep_until(Monotonic deadline,
                                                   Bell* bell = nullptr) override;
    void stop() override { sleepers_.stop(); }
    [[nodiscard]] bool is_stopped() const override { return sleepers_.is_stopped(); }
    /// Lets a new daemon sleep on this clock after `stop`.
    void resume() { sleepers_.resume(); }

    /// Runs `io` up to and including what is due at `end` (not before now); then it is `end`.
    void run_until(net::io_context& io, Monotonic end);
    void run_for(net::io_context& io, Millis span) { run_until(io, now_ + span); }
    /// Runs what is ready now, without letting time pass.
    void run_ready(net::io_context& io);

    /// What a perfect watch shows; passes with `run_until` and `reboot` only.
    [[nodiscard]] WallTime true_time() const { return true_time_; }
    /// The wall clock shows `true_time() + offset` from now on.
    void set_wall_offset(Millis offset) { wall_offset_ = offset; }
    void set_wall(WallTime shown) { wall_offset_ = shown - true_time_; }
    void step_wall(Millis by) { wall_offset_ += by; }
    void set_synchronised(bool is_synchronised, Millis uncertainty = Millis{50});

    /// The machine was off for `off`, and its kernel has been up for `up` now: device time begins
    /// anew, the wall clock keeps its offset (a board with a battery; else use `set_wall`). Nobody
    /// may be asleep.
    void reboot(Millis off, Millis up = Millis{1000});
    /// Time passes without anybody running: a daemon that is dead on a machine that is not.
    /// Sleepers that became due run at the next `run_until`.
    void pass(Millis span);

    [[nodiscard]] std::uint64_t wakeups() const { return wakeups_; }
    [[nodiscard]] bool has_sleepers() const { return !sleepers_.is_empty(); }

private:
    SleeperList sleepers_;
    Monotonic now_ = monotonic_from_ms(1000);
    WallTime true_time_;
    Millis wall_offset_{};
    Millis uncertainty_{50};
    bool is_synchronised_ = true;
    std::uint64_t wakeups_ = 0;
};

}  // namespace gerbang
