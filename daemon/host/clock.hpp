#pragma once

#include <memory>

#include "common/core/time.hpp"
#include "daemon/host/async.hpp"

namespace gerbang {

/// What the kernel says of the time of day.
struct WallReading {
    WallTime wall;
    bool is_synchronised = false;  ///< adjtimex: disciplined and not STA_UNSYNC
    Millis uncertainty{};          ///< adjtimex maxerror, rounded up; meaningless if unsynchronised
};

/// Wakes coroutines that sleep in `Clock::sleep_until` before their deadline.
///
/// `ring` wakes everyone who sleeps with this bell. Ringing while nobody sleeps is remembered
/// once, so that a ring between two sleeps is not lost: the next sleep returns at once. Loop
/// thread only. May be destroyed while somebody sleeps with it; that sleep then lasts until its
/// deadline.
class Bell {
public:
    Bell();
    ~Bell();
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;

    void ring();

private:
    friend class SleeperList;
    struct State;
    std::unique_ptr<State> state_;
};

/// The only reader of time. Loop thread only.
class Clock {
public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;

    /// CLOCK_BOOTTIME, milliseconds since the kernel started.
    [[nodiscard]] virtual Monotonic now() const = 0;
    /// CLOCK_REALTIME with its quality. Data that may be wrong; never used for order or deadlines.
    [[nodiscard]] virtual WallReading wall() const = 0;
    /// Resumes at `deadline` or, with a `bell`, when it rings. True to go on, false once the clock
    /// was stopped (at once if it already is) or when the calling coroutine was cancelled. A
    /// deadline that has passed still lets the other ready coroutines run first.
    [[nodiscard]] virtual net::awaitable<bool> sleep_until(Monotonic deadline,
                                                           Bell* bell = nullptr) = 0;
    /// Makes every present and later sleep return false. Idempotent.
    virtual void stop() = 0;
    [[nodiscard]] virtual bool is_stopped() const = 0;
};

}  // namespace gerbang
