#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "common/core/time.hpp"
#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"

namespace gerbang {

/// The coroutines that sleep on one clock: what `Clock` implementations share.
///
/// A sleep lives in the frame of the sleeping coroutine and leaves the list by itself when that
/// frame goes, so an io_context may be destroyed with sleepers suspended, and list, bell and
/// io_context may die in any order. Loop thread only.
class SleeperList {
public:
    SleeperList() = default;
    ~SleeperList();
    SleeperList(const SleeperList&) = delete;
    SleeperList& operator=(const SleeperList&) = delete;

    /// How long a real timer should run before the sleeper is woken; nothing: for ever, somebody
    /// calls `wake_due`. Asked again after each timer until the rest is zero or less.
    using Rest = std::function<std::optional<std::chrono::nanoseconds>()>;

    /// Suspends the caller until it is due, `bell` rings, the list is stopped or the caller is
    /// cancelled. False in the last two cases.
    [[nodiscard]] net::awaitable<bool> suspend(Monotonic deadline, Bell* bell, Rest rest);

    /// Wakes every sleeper with a deadline up to and including `now`, earliest first, equal
    /// deadlines in the order in which they went to sleep. Returns how many.
    std::size_t wake_due(Monotonic now);
    /// The earliest deadline of those still asleep.
    [[nodiscard]] std::optional<Monotonic> earliest() const;
    [[nodiscard]] bool is_empty() const noexcept { return sleepers_.empty(); }

    void stop();
    /// Allows sleeping again after `stop`; for clocks that outlive a daemon.
    void resume() noexcept { is_stopped_ = false; }
    [[nodiscard]] bool is_stopped() const noexcept { return is_stopped_; }

private:
    friend class Bell;
    friend struct Bell::State;
    struct Sleeper;

    std::vector<Sleeper*> sleepers_;  // by deadline, then by arrival; those not woken yet
    bool is_stopped_ = false;
};

}  // namespace gerbang
