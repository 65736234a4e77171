#pragma once

// `link_state_seconds_total{link,state,cause}`: counters from which any period is exact.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/model/outage.hpp"
#include "common/model/reading.hpp"
#include "common/model/series_table.hpp"

namespace gerbang {

inline constexpr std::string_view kLinkStateSeconds = "link_state_seconds_total";
/// Counters kept; a site of 11 links needs fewer.
inline constexpr std::size_t kMaxLinkCounters = 256;

/// Accumulates how long each link was in each state, in milliseconds (series of scale 3).
///
/// A stretch is counted when it has been decided: while a link is in doubt its seconds wait, and an
/// outage that is declared later takes them from its `first_bad` on. So what lies between the last
/// good look and the first bad one belongs to the state before, at an end as at a beginning. Label
/// `cause` is "none" where nothing is wrong. Time for a counter beyond `kMaxLinkCounters` is not
/// kept. Pure; totals survive restarts through `restore`.
class LinkSeconds {
public:
    /// `series` must outlive it.
    explicit LinkSeconds(SeriesTable& series);
    /// The newest totals of the journal; series of others are ignored.
    void restore(const std::vector<Reading>& totals);

    /// The link's state is decided up to `through`: it was in `state` (because of `cause`) since
    /// the last call for it. Nothing is counted for the first call of a link on a boot, nor for one
    /// that goes back.
    void decide(const std::string& link, LinkState state, Cause cause, DeviceTime through);
    /// A gap of known length during which nobody looked.
    void add(const std::string& link, LinkState state, Cause cause, Millis span);

    /// Appends every counter that is not zero.
    void append(std::vector<Reading>& into) const;

private:
    struct Total {
        std::string link;
        LinkState state;
        Cause cause;
        SeriesId series;
        std::int64_t ms;
    };
    [[nodiscard]] Total* find(const std::string& link, LinkState state, Cause cause);

    SeriesTable* series_;
    std::vector<Total> totals_;
    std::vector<std::pair<std::string, DeviceTime>> decided_;  ///< per link: up to here
};

}  // namespace gerbang
