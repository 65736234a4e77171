#pragma once

// The pages of the command line: pure functions from the local API's values to text.

#include <optional>
#include <string>
#include <vector>

#include "common/web/status.hpp"
#include "daemon/cli/human.hpp"

namespace gerbang::cli {

/// The verdict first, then usage, interfaces, journal, sync and clock.
[[nodiscard]] std::string render_status(const web::Status& status, const RenderOptions& options);

/// Every consumer with what it holds, why it waits and what to do about it.
[[nodiscard]] std::string render_sync(const web::Status& status, const RenderOptions& options);

/// What the usage page needs besides its rows.
struct UsageView {
    UsagePeriod period = UsagePeriod::day;
    std::string name;  ///< an interface; empty: the WAN role
    Seconds utc_offset{8 * 3600};
    std::optional<WallTime> now;  ///< for the estimate; nothing before the clock is set
};
/// A table with bars, newest last, and an estimate for the period under way.
[[nodiscard]] std::string render_usage(const std::vector<UsageRow>& rows, const UsageView& view,
                                       const RenderOptions& options);

/// Outages newest first, with both bounds of both ends. `rows` are in the journal's order. `status`
/// gives the zone, and how long an outage under way has lasted.
[[nodiscard]] std::string render_outages(const std::vector<web::OutageRow>& rows,
                                         const web::Status& status, const RenderOptions& options);

}  // namespace gerbang::cli
