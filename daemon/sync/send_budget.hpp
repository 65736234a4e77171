#pragma once

#include <cstdint>

#include "common/core/time.hpp"

namespace gerbang {

/// When the next body may begin, so that bodies one after the other stay within a rate.
///
/// Each body is paid for when it begins; the next one waits until it would have gone at that rate.
/// Nothing is saved up while nothing is sent. Pure; one thread.
class SendBudget {
public:
    /// A body under a rate is to be gone within this time, so that what is fresh need not wait
    /// longer behind it.
    static constexpr Millis kLongestBody{4'000};

    /// Bytes per second from now on; 0: no limit, and nothing is owed.
    void set_rate(std::uint64_t bytes_s) noexcept;
    [[nodiscard]] std::uint64_t rate() const noexcept { return bytes_s_; }
    void spend(Monotonic now, std::uint64_t bytes) noexcept;
    /// The earliest instant at which a body may begin.
    [[nodiscard]] Monotonic free_at() const noexcept { return free_at_; }
    /// `bytes`, or what goes within `kLongestBody` where that is less; never below `floor_bytes`.
    [[nodiscard]] std::uint64_t body_bytes(std::uint64_t bytes,
                                           std::uint64_t floor_bytes) const noexcept;

private:
    std::uint64_t bytes_s_ = 0;
    Monotonic free_at_;
};

}  // namespace gerbang
