// The newest value of every series, for those who scrape.

#include <algorithm>

#include "daemon/app/pipeline.hpp"

namespace gerbang {
namespace {

/// Numbers of people come every 15 minutes, those of probes every minute, all others with each
/// tick. A series that says nothing for longer has ended: its interface or its target is gone.
constexpr Millis kPeople{16 * 60'000};
constexpr Millis kOthers{150'000};

bool counts_people(const std::string& name) {
    return name.rfind("lan_", 0) == 0 || name.rfind("wifi_", 0) == 0;
}

}  // namespace

void Daemon::Pipeline::remember_newest(Monotonic at) {
    // Another table gives the same numbers to other series.
    if (newest_of_ != series_.get()) newest_.clear();
    newest_of_ = series_.get();
    for (const auto& reading : readings_) {
        auto place = std::lower_bound(
            newest_.begin(), newest_.end(), reading.series,
            [](const Newest& each, SeriesId id) { return each.reading.series < id; });
        if (place == newest_.end() || place->reading.series != reading.series) {
            place = newest_.insert(place, Newest{});
        }
        *place = {reading, at};
    }
}

std::vector<SeriesValue> Daemon::Pipeline::newest() const {
    std::vector<SeriesValue> values;
    if (newest_of_ != series_.get()) return values;
    const auto now = edges_.clock->now();
    // A pace of ticks slower than that of the probes: the last two ticks still count.
    const auto others = std::max(kOthers, 2 * config_.metering.tick + Millis{5000});
    for (const auto& each : newest_) {
        const auto* series = series_->find(each.reading.series);
        if (series == nullptr) continue;
        const auto age = now - each.at;
        if (age > (counts_people(series->name) ? std::max(kPeople, others) : others)) continue;
        values.push_back({*series, each.reading.value});
    }
    return values;
}

}  // namespace gerbang
