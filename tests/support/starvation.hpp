#pragma once

#include <atomic>
#include <chrono>
#include <iostream>
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
        const auto lost = Clock::duration{lost_};
        if (took > limit) {
            std::cout << "took " << took / milliseconds{1} << " ms, allowed "
                      << limit / milliseconds{1} << " ms and the " << lost / milliseconds{1}
                      << " ms for which this machine was starved\n";
        }
        return took <= limit + lost;
    }

private:
    void ping() {
        constexpr std::chrono::milliseconds kEach{10};
        constexpr std::chrono::milliseconds kUsual{20};
        for (auto asleep = Clock::now(); !is_over_; asleep = Clock::now()) {
            std::this_thread::sleep_for(kEach);
            const auto late = Clock::now() - asleep - kEach;
            if (late > kUsual) lost_ += late.count();
        }
    }
    void stop() {
        is_over_ = true;
        if (pinger_.joinable()) pinger_.join();
    }

    std::atomic<bool> is_over_{false};
    std::atomic<Clock::rep> lost_{0};
    std::thread pinger_;
};

}  // namespace gerbang
