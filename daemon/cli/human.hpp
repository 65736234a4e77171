#pragma once

// Numbers, times and tables as people read them. Pure: nothing here knows a terminal.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/language.hpp"
#include "common/core/time.hpp"
#include "common/model/usage.hpp"

namespace gerbang::cli {

/// How a page for the terminal is drawn. No line is wider than 80 columns.
struct RenderOptions {
    Language language = Language::indonesian;
    bool use_colour = false;
    bool use_utf8 = true;   ///< bars and dashes; ASCII otherwise
    std::size_t limit = 0;  ///< rows of a table; 0: the page's own
};

inline constexpr std::size_t kWidth = 80;

/// "1,23 GB" (English: "1.23 GB"): three digits, powers of 1000, as providers and the province
/// count.
[[nodiscard]] std::string human_bytes(Language language, std::uint64_t bytes);
/// "41,0 Mbit/s": three digits, powers of 1000.
[[nodiscard]] std::string human_rate(Language language, std::uint64_t bit_per_s);
/// "1 hari 2 jam": the two largest units; less than a second is "a moment".
[[nodiscard]] std::string human_duration(Language language, std::int64_t seconds);
/// "0:01:30", "2 hari 3:04:05", for tables.
[[nodiscard]] std::string clock_duration(Language language, std::int64_t seconds);
/// "123:05", hours and minutes, rounded down; "<0:01" for less than a minute that is not nothing.
[[nodiscard]] std::string hours_minutes(Seconds span);
/// "99,123 %", rounded down, of parts per million.
[[nodiscard]] std::string human_percent(Language language, std::uint32_t ppm);
/// "1.234" (English: "1,234").
[[nodiscard]] std::string human_count(Language language, std::uint64_t count);

/// "WIB", "WITA", "WIT", else "UTC+05:30".
[[nodiscard]] std::string zone_name(Seconds utc_offset);
/// "21 Nov 2026 14.05" (English: "21 Nov 2026 14:05"), in site time, without the zone.
[[nodiscard]] std::string local_minute(Language language, WallTime at, Seconds utc_offset);
/// "14.05 WITA" (English: "14:05 WITA"), with the day where it is not that of `now`, with the year
/// where that differs.
[[nodiscard]] std::string short_moment(Language language, WallTime at, std::optional<WallTime> now,
                                       Seconds utc_offset);
/// "2026-11-21 14:05:04", in site time.
[[nodiscard]] std::string local_second(WallTime at, Seconds utc_offset);
/// "2026-11-21 14:00", "2026-11-21", "2026-11", "2026": the period that begins at `start`.
[[nodiscard]] std::string period_label(UsagePeriod period, WallTime start, Seconds utc_offset);
/// When the period that begins at `start` ends, by the calendar of the site.
[[nodiscard]] WallTime period_end(UsagePeriod period, WallTime start, Seconds utc_offset);

/// A time as people write it, in site time.
struct WrittenTime {
    WallTime at;
    bool is_date = false;  ///< a date alone: `at` is its midnight
};
/// "2026-11-21", "2026-11-21 14:05", "...T14:05:04", "14.05" for "14:05"; nothing for anything
/// else.
[[nodiscard]] std::optional<WrittenTime> parse_local(std::string_view text, Seconds utc_offset);

/// `text` on one line without control characters, so that a name from outside cannot steer the
/// terminal; cut to `max` characters.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t max = 200);
/// Characters of UTF-8 `text`; none used here is wider than one column.
[[nodiscard]] std::size_t width_of(std::string_view text);
/// `text` broken at spaces into lines of at most 80 columns; those after the first begin with
/// `indent` spaces. Ends with a newline.
[[nodiscard]] std::string wrap(std::string_view text, std::size_t indent = 0);

/// Columns two spaces apart, as wide as their content; numbers to the right. When a row would be
/// wider than 80, the first column is cut.
struct Table {
    struct Column {
        std::string title;
        bool is_right = false;
    };
    std::vector<Column> columns;
    std::vector<std::vector<std::string>> rows;

    [[nodiscard]] std::string text() const;
};

}  // namespace gerbang::cli
