#include "daemon/province/retry_slots.hpp"

#include <algorithm>

namespace gerbang::province {
namespace {

constexpr Millis kWindow{10'000};

}  // namespace

void RetrySlots::close_window(Monotonic now) {
    const auto span = now - window_began_;
    if (span < kWindow) return;
    // A window in which little came says nothing of what could have been kept.
    const auto per_s = in_window_ * 1000 / static_cast<std::uint64_t>(span.count());
    if (span < 2 * kWindow && per_s > 0) pace_ = per_s;
    window_began_ = now;
    in_window_ = 0;
}

void RetrySlots::kept(Monotonic now) {
    close_window(now);
    ++in_window_;
}

Seconds RetrySlots::next(Monotonic now) {
    close_window(now);
    const Millis gap{2000 / static_cast<std::int64_t>(pace_)};
    const auto earliest = now + kLeast;
    const auto latest = now + kMost;
    booked_ = std::max(booked_ + std::max(gap, Millis{1}), earliest);
    // The queue is full: from here on chance must do, the senders' own jitter.
    if (booked_ > latest) booked_ = earliest;
    const auto wait = std::chrono::ceil<Seconds>(booked_ - now);
    return std::clamp(wait, kLeast, kMost);
}

}  // namespace gerbang::province
