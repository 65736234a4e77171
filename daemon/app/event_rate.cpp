#include "daemon/app/event_rate.hpp"

#include <utility>

namespace gerbang {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

std::int64_t hour_of(Monotonic at) {
    return to_ms(at) / kHourMs;
}

}  // namespace

bool is_rate_bound(EventKind kind) noexcept {
    switch (kind) {
        case EventKind::start:
        case EventKind::carrier:
        case EventKind::power:
        case EventKind::storage:
            return true;
        default:
            return false;
    }
}

bool EventRate::admit(const Event& event) {
    if (!is_rate_bound(event.kind)) return true;
    auto& hour = hours_[event.kind];
    const auto number = hour_of(event.at.at);
    if (number != hour.number) {
        if (hour.left_out.count != 0) ended_.push_back(hour.left_out);
        hour = Hour{.number = number, .kept = 0, .left_out = {}};
    }
    if (hour.kept < kMost) {
        ++hour.kept;
        return true;
    }
    auto& summary = hour.left_out;
    if (summary.count++ == 0) {
        summary.kind = event.kind;
        summary.first = event.at;
    }
    summary.last = event.at;
    return false;
}

std::vector<SummaryFact> EventRate::due(DeviceTime now) {
    for (auto& [kind, hour] : hours_) {
        if (hour.left_out.count == 0 || hour.number == hour_of(now.at)) continue;
        ended_.push_back(std::exchange(hour.left_out, SummaryFact{}));
    }
    return std::exchange(ended_, {});
}

std::vector<SummaryFact> EventRate::all() {
    for (auto& [kind, hour] : hours_) {
        if (hour.left_out.count == 0) continue;
        ended_.push_back(std::exchange(hour.left_out, SummaryFact{}));
    }
    return std::exchange(ended_, {});
}

}  // namespace gerbang
