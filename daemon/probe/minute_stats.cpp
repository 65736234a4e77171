#include "daemon/probe/minute_stats.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace gerbang {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::uint32_t kLossScale = 10'000;

constexpr std::string_view kNames[] = {"probe_rtt_min_seconds", "probe_rtt_mean_seconds",
                                       "probe_rtt_max_seconds", "probe_jitter_seconds",
                                       "probe_loss_ratio"};

/// Rounded to the nearest; `count` is not 0.
std::int64_t mean(Millis sum, std::uint32_t count) {
    return (sum.count() + count / 2) / count;
}

}  // namespace

MinuteStats::MinuteStats(std::vector<std::string> targets, SeriesTable& series) : series_{&series} {
    for (auto& name : targets) targets_.push_back({.name = std::move(name)});
}

void MinuteStats::record(std::size_t target, Monotonic at, std::optional<Millis> round_trip) {
    if (target >= targets_.size()) return;
    auto& [name, open, closed, ids] = targets_[target];
    const auto number = to_ms(at) / kMinuteMs;
    if (open.number != number) {
        if (open.asked > 0) closed = open;
        open = {.number = number};
    }
    ++open.asked;
    if (!round_trip) return;
    if (open.answered == 0) {
        open.least = open.greatest = *round_trip;
    } else {
        open.least = std::min(open.least, *round_trip);
        open.greatest = std::max(open.greatest, *round_trip);
        open.steps += std::chrono::abs(*round_trip - open.last);
    }
    open.sum += *round_trip;
    open.last = *round_trip;
    ++open.answered;
}

void MinuteStats::append(Monotonic at, std::vector<Reading>& into) {
    const auto number = to_ms(at) / kMinuteMs;
    for (auto& target : targets_) {
        if (target.open.asked > 0 && target.open.number < number) {
            target.closed = std::exchange(target.open, Minute{.number = number});
        }
        const auto minute = std::exchange(target.closed, Minute{});
        if (minute.asked == 0) continue;
        if (minute.answered > 0) {
            put(target, kLeast, minute.least.count(), into);
            put(target, kMean, mean(minute.sum, minute.answered), into);
            put(target, kGreatest, minute.greatest.count(), into);
        }
        if (minute.answered > 1) {
            put(target, kJitter, mean(minute.steps, minute.answered - 1), into);
        }
        const auto lost = minute.asked - minute.answered;
        put(target, kLoss, mean(Millis{std::int64_t{lost} * kLossScale}, minute.asked), into);
    }
}

void MinuteStats::put(Target& target, Kind kind, std::int64_t value, std::vector<Reading>& into) {
    auto& id = target.ids[kind];
    if (id.value == 0) {
        const bool is_loss = kind == kLoss;
        id = series_->intern(kNames[kind], {{"target", target.name}}, SeriesKind::gauge,
                             is_loss ? "ratio" : "seconds", is_loss ? 4 : 3);
        if (id.value == 0) return;
    }
    into.push_back({id, value});
}

}  // namespace gerbang
