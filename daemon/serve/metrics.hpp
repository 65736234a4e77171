#pragma once

// `GET /metrics`: what the newest tick read and what the status says, for Prometheus and its kin.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/reading.hpp"
#include "common/web/status.hpp"

namespace gerbang {

/// A series with its newest value, in the series' scale.
struct SeriesValue {
    Series series;
    std::int64_t value = 0;
};

inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

/// Prometheus' text exposition. Every series of `newest` becomes `gerbang_` and its name, with its
/// labels, in real units; states are gauges of their code. What the journal, the ring, the push
/// targets and the links are doing comes from `status`. Names and units follow Prometheus' rules,
/// so that `promtool check metrics` has nothing to say. No time stamps: a scrape is "now", whether
/// or not this box knows the time. A series that stands twice in `newest` is given once.
[[nodiscard]] std::string metrics_text(const web::Status& status, std::vector<SeriesValue> newest);

}  // namespace gerbang
