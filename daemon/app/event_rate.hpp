#pragma once

// How many events of a kind an hour may bring (design 7).

#include <map>
#include <vector>

#include "common/model/storage_facts.hpp"

namespace gerbang {

/// Lets pass the first `kMost` events of an unprotected kind in each hour of device time and counts
/// the others, so that a loose cable (86,400 carrier events a day) costs 61 records an hour.
///
/// Protected kinds (design 7: outages, boots, series, losses and the like) and summaries always
/// pass. Hours are aligned in device time. What is counted is in memory alone: a killed process
/// forgets the count of the hour under way. Pure; one per boot number.
class EventRate {
public:
    static constexpr unsigned kMost = 60;

    /// False: `event` is to be left out, its summary will speak for it.
    [[nodiscard]] bool admit(const Event& event);
    /// The summaries of hours that ended before `now`; each is told once.
    [[nodiscard]] std::vector<SummaryFact> due(DeviceTime now);
    /// Those of the hour under way as well: before a clean stop.
    [[nodiscard]] std::vector<SummaryFact> all();

private:
    struct Hour {
        std::int64_t number = -1;  ///< of device time
        unsigned kept = 0;
        SummaryFact left_out;
    };
    std::map<EventKind, Hour> hours_;
    std::vector<SummaryFact> ended_;
};

/// Whether events of `kind` are bounded. The others are those that design 7 protects, and
/// summaries.
[[nodiscard]] bool is_rate_bound(EventKind kind) noexcept;

}  // namespace gerbang
