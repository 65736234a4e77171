#include "common/sla/calendar.hpp"

#include <algorithm>
#include <limits>

namespace gerbang::sla {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kMinuteMs = 60'000;

}  // namespace

Calendar::Calendar(const Clauses& clauses, Seconds utc_offset)
    : clauses_{&clauses},
      offset_ms_{std::clamp<std::int64_t>(utc_offset.count(), -86'400, 86'400) * 1000} {}

Calendar::Stretch Calendar::look(std::int64_t at_ms) const {
    std::int64_t until = std::numeric_limits<std::int64_t>::max();
    const auto edge = [&](std::int64_t at) {
        if (at > at_ms) until = std::min(until, at);
    };
    bool is_maintenance = false;
    for (const auto& window : clauses_->maintenance) {
        const std::int64_t from = to_ms(window.from);
        const std::int64_t to = to_ms(window.to);
        if (to <= from) continue;
        is_maintenance = is_maintenance || (at_ms >= from && at_ms < to);
        edge(from);
        edge(to);
    }
    bool is_open = clauses_->hours.empty();
    if (!is_open) {
        const std::int64_t local = at_ms + offset_ms_;
        const std::int64_t day = local / kDayMs - (local % kDayMs < 0 ? 1 : 0);
        const std::int64_t midnight = day * kDayMs - offset_ms_;
        // The first day of 1970 was a Thursday.
        const auto weekday = static_cast<unsigned>(((day + 3) % 7 + 7) % 7);
        edge(midnight + kDayMs);
        for (const auto& hours : clauses_->hours) {
            if (hours.weekday != weekday) continue;
            const std::int64_t from = midnight + std::min(hours.from_minute, 1440U) * kMinuteMs;
            const std::int64_t to = midnight + std::min(hours.to_minute, 1440U) * kMinuteMs;
            is_open = is_open || (at_ms >= from && at_ms < to);
            edge(from);
            edge(to);
        }
    }
    return {is_maintenance ? Kind::maintenance : (is_open ? Kind::open : Kind::closed), until};
}

std::int64_t Calendar::excluded_ms(std::int64_t from_ms, std::int64_t to_ms) const {
    std::int64_t sum = 0;
    while (from_ms < to_ms) {
        const auto found = look(from_ms);
        const auto until = std::min(found.until_ms, to_ms);
        if (found.kind != Kind::open) sum += until - from_ms;
        from_ms = until;
    }
    return sum;
}

}  // namespace gerbang::sla
