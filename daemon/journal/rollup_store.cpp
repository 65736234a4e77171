#include "daemon/journal/rollup_store.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

namespace gerbang {

std::array<std::uint32_t, kRateBuckets> minutes_from(std::string_view text) {
    std::array<std::uint32_t, kRateBuckets> minutes{};
    const char* at = text.data();
    const char* const end = at + text.size();
    for (auto& count : minutes) {
        const auto parsed = std::from_chars(at, end, count);
        if (parsed.ec != std::errc{}) break;
        at = parsed.ptr == end ? end : parsed.ptr + 1;
    }
    return minutes;
}

namespace {

constexpr std::array kPeriods{UsagePeriod::hour, UsagePeriod::day, UsagePeriod::month,
                              UsagePeriod::year};

std::int64_t signed_of(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}
std::uint64_t unsigned_of(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}

/// "3,0,57,...": readable with plain SQL, short for the many zeroes.
std::string to_text(const std::array<std::uint32_t, kRateBuckets>& minutes) {
    std::string text;
    for (const auto count : minutes) {
        if (!text.empty()) text.push_back(',');
        text += std::to_string(count);
    }
    return text;
}

/// The columns rx_bytes ... measured_ms, from column `first` on.
UsagePart part_of(const sql::Statement& row, int first) {
    UsagePart part;
    part.sum.received.value = unsigned_of(row.number(first));
    part.sum.transmitted.value = unsigned_of(row.number(first + 1));
    part.sum.peak_receive.bit_per_s = unsigned_of(row.number(first + 2));
    part.sum.peak_transmit.bit_per_s = unsigned_of(row.number(first + 3));
    part.sum.minutes = minutes_from(row.bytes(first + 4));
    part.measured_ms = unsigned_of(row.number(first + 5));
    return part;
}

}  // namespace

Result<void> RollupStore::prepare(sql::Connection& connection) {
    const std::array<std::pair<sql::Statement*, const char*>, 5> statements{{
        {&find_,
         "SELECT rx_bytes,tx_bytes,rx_peak_bit_per_s,tx_peak_bit_per_s,minutes,measured_ms FROM "
         "rollup WHERE period=? AND start_ms=? AND is_role=? AND name=?"},
        {&put_, "INSERT OR REPLACE INTO rollup VALUES(?,?,?,?,?,?,?,?,?,?)"},
        {&list_,
         "SELECT start_ms,is_role,name,rx_bytes,tx_bytes,rx_peak_bit_per_s,tx_peak_bit_per_s,"
         "minutes,measured_ms FROM rollup WHERE period=? AND start_ms>=? AND start_ms<? "
         "ORDER BY start_ms DESC,is_role DESC,name DESC LIMIT ?"},
        {&newest_, "SELECT max(start_ms) FROM rollup WHERE period=?"},
        {&drop_, "DELETE FROM rollup WHERE period=? AND start_ms<?"},
    }};
    for (const auto& [statement, text] : statements) {
        auto prepared = connection.prepare(text);
        if (!prepared) return prepared.error();
        *statement = std::move(*prepared);
    }
    return ok();
}

Result<void> RollupStore::add_one(UsagePeriod period, const UsageRollup::Hour& key,
                                  const UsagePart& part) {
    const auto number = static_cast<std::int64_t>(period);
    find_.start()
        .bind(1, number)
        .bind(2, to_ms(key.start))
        .bind(3, key.name.is_role ? 1 : 0)
        .bind_text(4, key.name.name);
    const auto found = find_.step();
    if (!found) return found.error();
    auto total = part;
    if (*found) total.add(part_of(find_, 0));
    find_.start();
    const auto minutes = to_text(total.sum.minutes);
    return put_.start()
        .bind(1, number)
        .bind(2, to_ms(key.start))
        .bind(3, key.name.is_role ? 1 : 0)
        .bind_text(4, key.name.name)
        .bind(5, signed_of(total.sum.received.value))
        .bind(6, signed_of(total.sum.transmitted.value))
        .bind(7, signed_of(total.sum.peak_receive.bit_per_s))
        .bind(8, signed_of(total.sum.peak_transmit.bit_per_s))
        .bind_text(9, minutes)
        .bind(10, signed_of(total.measured_ms))
        .run();
}

Result<void> RollupStore::add(const UsageRollup::Hours& hours, Seconds utc_offset) {
    for (const auto period : kPeriods) {
        // Parts of one period are added up first: one row of a day for its 24 hours.
        UsageRollup::Hours parts;
        for (const auto& [hour, part] : hours) {
            parts[{period_start(period, hour.start, utc_offset), hour.name}].add(part);
        }
        for (const auto& [key, part] : parts) {
            if (auto added = add_one(period, key, part); !added) return added;
        }
    }
    return ok();
}

Result<void> RollupStore::expire() {
    const std::array<std::pair<UsagePeriod, Seconds>, 2> limits{
        {{UsagePeriod::hour, kHoursKept}, {UsagePeriod::day, kDaysKept}}};
    for (const auto& [period, kept] : limits) {
        const auto number = static_cast<std::int64_t>(period);
        const auto found = newest_.start().bind(1, number).step();
        if (!found) return found.error();
        const bool is_empty = !*found || newest_.is_null(0);
        const auto newest = newest_.number(0);
        newest_.start();
        if (is_empty || newest < 0) continue;
        const auto oldest = newest - Millis{kept}.count();
        if (auto dropped = drop_.start().bind(1, number).bind(2, oldest).run(); !dropped) {
            return dropped;
        }
    }
    return ok();
}

Result<std::vector<UsageRow>> RollupStore::rows(UsagePeriod period, WallTime from, WallTime to,
                                                const UsageRollup::Hours& unwritten,
                                                Seconds utc_offset) {
    // Callers ask "since ever" with extreme values, which have no calendar.
    constexpr WallTime kFirst = wall_from_ms(-62'135'596'800'000);
    constexpr WallTime kLast = wall_from_ms(253'402'300'800'000);
    const auto first = period_start(period, std::clamp(from, kFirst, kLast), utc_offset);
    const auto last = std::clamp(to, kFirst, kLast);
    UsageRollup::Hours parts;
    for (const auto& [hour, part] : unwritten) {
        const auto start = period_start(period, hour.start, utc_offset);
        if (start >= first && start < last) parts[{start, hour.name}].add(part);
    }
    list_.start()
        .bind(1, static_cast<std::int64_t>(period))
        .bind(2, to_ms(first))
        .bind(3, to_ms(last))
        .bind(4, static_cast<std::int64_t>(kMaxRows));
    const sql::Resetting resetting{list_};
    for (;;) {
        const auto row = list_.step();
        if (!row) return row.error();
        if (!*row) break;
        UsageName name{.is_role = list_.number(1) != 0, .name = std::string{list_.bytes(2)}};
        parts[{wall_from_ms(list_.number(0)), std::move(name)}].add(part_of(list_, 3));
    }
    std::vector<UsageRow> rows;
    const auto surplus = parts.size() > kMaxRows ? parts.size() - kMaxRows : 0;
    rows.reserve(parts.size() - surplus);
    for (auto part = std::next(parts.begin(), static_cast<std::ptrdiff_t>(surplus));
         part != parts.end(); ++part) {
        rows.push_back({.name = part->first.name.name,
                        .is_role = part->first.name.is_role,
                        .is_undated = false,
                        .start = part->first.start,
                        .sum = part->second.rounded()});
    }
    return rows;
}

}  // namespace gerbang
