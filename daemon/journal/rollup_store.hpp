#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/rollup.hpp"
#include "daemon/journal/sqlite.hpp"

namespace gerbang {

/// Counts of one-minute rates as the column `minutes` has them; 0 for what is not a number.
[[nodiscard]] std::array<std::uint32_t, kRateBuckets> minutes_from(std::string_view text);

/// The table `rollup`: usage by hour, day, month and year of the site's time.
///
/// Hours are kept for 90 days and days for 400, counted back from the newest row; months and years
/// for ever (17 rows a year and name).
class RollupStore {
public:
    static constexpr Seconds kHoursKept{90 * 86'400};
    static constexpr Seconds kDaysKept{400 * 86'400};
    static constexpr std::size_t kMaxRows = 4096;

    [[nodiscard]] Result<void> prepare(sql::Connection& connection);

    /// Adds `hours` to the rows of all four periods, inside the caller's transaction.
    [[nodiscard]] Result<void> add(const UsageRollup::Hours& hours, Seconds utc_offset);
    /// Drops what is older than it is kept, inside the caller's transaction.
    [[nodiscard]] Result<void> expire();
    /// Stored rows of `period` that overlap [from, to), with `unwritten` added: oldest first, the
    /// newest `kMaxRows`.
    [[nodiscard]] Result<std::vector<UsageRow>> rows(UsagePeriod period, WallTime from, WallTime to,
                                                     const UsageRollup::Hours& unwritten,
                                                     Seconds utc_offset);

    /// Adds `part` to one row, inside the caller's transaction.
    [[nodiscard]] Result<void> add_one(UsagePeriod period, const UsageRollup::Hour& key,
                                       const UsagePart& part);

private:
    sql::Statement find_;
    sql::Statement put_;
    sql::Statement list_;
    sql::Statement newest_;
    sql::Statement drop_;
};

}  // namespace gerbang
