#pragma once

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>

namespace gerbang {

/// What a promise in real time may be forgiven: the time for which this machine ran nobody.
///
/// A thread of its own asks to be woken each 10 ms for the life of this object; what it comes late,
/// beyond 20 ms at a time, is time in which others who were ready did not run either. Nothing of it
/// excuses a program that is slow by itself.
class Starvation {
public:
    using Clock = std::chrono::steady_clock;

    Starvation() : pinger_{[this] { ping(); }} {}
    ~Starvation() { stop(); }
    Starvation(const Starvation&) = delete;
    Starvation& operator=(const Starvation&) = delete;

    /// Ends the measuring. Whether `took` keeps to `limit` but for starvation, which it tells.
    [[nodiscard]] bool allows(Clock::duration took, Clock::duration limit) {
        using std::chrono::milliseconds;
        stop();
        if (took > limit) {
            std::cout << "took " << took / milliseconds{1} << " ms, allowed "
                      << limit / milliseconds{1} << " ms and the " << lost_ / milliseconds{1}
                      << " ms for which this machine was starved\n";
        }
        return took <= limit + lost_;
    }

private:
    void ping() {
        constexpr std::chrono::milliseconds kEach{10};
        constexpr std::chrono::milliseconds kUsual{20};
        std::unique_lock lock{mutex_};
        while (!is_over_) {
            const auto asleep = Clock::now();
            is_told_.wait_for(lock, kEach);
            const auto late = Clock::now() - asleep - kEach;
            if (late > kUsual) lost_ += late;
        }
    }
    void stop() {
        {
            const std::lock_guard lock{mutex_};
            is_over_ = true;
        }
        is_told_.notify_all();
        if (pinger_.joinable()) pinger_.join();
    }

    std::mutex mutex_;
    std::condition_variable is_told_;
    bool is_over_ = false;
    Clock::duration lost_{};
    std::thread pinger_;
};

}  // namespace gerbang
