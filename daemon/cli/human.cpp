#include "daemon/cli/human.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "common/web/status.hpp"
#include "common/web/text.hpp"

namespace gerbang::cli {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::sys_days;
using std::chrono::year_month_day;
using web::Text;

/// A wall time moved into the site's zone, split by the calendar.
struct Local {
    year_month_day date;
    std::int64_t second_of_day = 0;
};

Local to_local(WallTime at, Seconds utc_offset) {
    // A device may claim any time; the calendar is defined for years of four digits only.
    const WallTime least{sys_days{std::chrono::year{1} / 1 / 1}};
    const WallTime most{sys_days{std::chrono::year{9998} / 12 / 31}};
    const auto local = std::clamp(at, least, most) + utc_offset;
    const auto day = floor<days>(local);
    return {year_month_day{day}, std::chrono::duration_cast<Seconds>(local - day).count()};
}

std::string padded(std::int64_t number, int width = 2) {
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "%0*lld", width, static_cast<long long>(number));
    return text.data();
}

std::string iso_date(const year_month_day& date) {
    return padded(static_cast<int>(date.year()), 4) + "-" +
           padded(static_cast<unsigned>(date.month())) + "-" +
           padded(static_cast<unsigned>(date.day()));
}

std::string hour_and_minute(std::int64_t second_of_day) {
    return padded(second_of_day / 3600) + ":" + padded(second_of_day / 60 % 60);
}

/// Three digits of `number` in steps of 1000, with the unit that this leads to.
template <std::size_t N>
std::string three_digits(Language language, std::uint64_t number,
                         const std::array<const char*, N>& units) {
    auto value = static_cast<double>(number);
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < N) {
        value /= 1000;
        ++unit;
    }
    const int decimals = unit == 0 || value >= 99.95 ? 0 : (value >= 9.995 ? 1 : 2);
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    std::string result = text.data();
    if (language == Language::indonesian) std::replace(result.begin(), result.end(), '.', ',');
    return result + " " + units[unit];
}

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

/// The first `count` characters.
std::string_view first_characters(std::string_view text, std::size_t count) {
    std::size_t at = 0;
    while (at < text.size()) {
        if (!is_continuation(text[at]) && count-- == 0) break;
        ++at;
    }
    return text.substr(0, at);
}

std::string pad(std::string_view text, std::size_t width, bool is_right) {
    const auto fill = std::string(width - std::min(width, width_of(text)), ' ');
    return is_right ? fill + std::string{text} : std::string{text} + fill;
}

}  // namespace

std::string human_bytes(Language language, std::uint64_t bytes) {
    static constexpr std::array kUnits{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    return three_digits(language, bytes, kUnits);
}

std::string human_rate(Language language, std::uint64_t bit_per_s) {
    static constexpr std::array kUnits{"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s"};
    return three_digits(language, bit_per_s, kUnits);
}

std::string human_duration(Language language, std::int64_t seconds) {
    if (seconds <= 0) return web::say(language, Text::for_now);
    struct Part {
        std::int64_t size;
        Text text;
    };
    constexpr std::array kParts{Part{86400, Text::days}, Part{3600, Text::hours},
                                Part{60, Text::minutes}, Part{1, Text::seconds}};
    std::string result;
    for (std::size_t i = 0; i < kParts.size(); ++i) {
        if (seconds < kParts[i].size) continue;
        result = web::say(language, kParts[i].text, {std::to_string(seconds / kParts[i].size)});
        const auto rest = seconds % kParts[i].size;
        if (i + 1 < kParts.size() && rest >= kParts[i + 1].size) {
            result += " " + web::say(language, kParts[i + 1].text,
                                     {std::to_string(rest / kParts[i + 1].size)});
        }
        break;
    }
    return result;
}

std::string clock_duration(Language language, std::int64_t seconds) {
    constexpr std::int64_t kMost = 99'999LL * 86'400;  // a table has no room for more
    seconds = std::clamp<std::int64_t>(seconds, 0, kMost);
    std::string result;
    if (seconds >= 86400) {
        result = web::say(language, Text::days, {std::to_string(seconds / 86400)}) + " ";
    }
    const auto rest = seconds % 86400;
    return result + std::to_string(rest / 3600) + ":" + padded(rest / 60 % 60) + ":" +
           padded(rest % 60);
}

std::string human_count(Language language, std::uint64_t count) {
    auto text = std::to_string(count);
    for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
        text.insert(static_cast<std::size_t>(at), language == Language::english ? "," : ".");
    }
    return text;
}

std::string zone_name(Seconds utc_offset) {
    const auto seconds = utc_offset.count();
    if (seconds == 7 * 3600) return "WIB";
    if (seconds == 8 * 3600) return "WITA";
    if (seconds == 9 * 3600) return "WIT";
    if (seconds == 0) return "UTC";
    const auto minutes = (seconds < 0 ? -seconds : seconds) / 60;
    return std::string{"UTC"} + (seconds < 0 ? "-" : "+") + padded(minutes / 60) + ":" +
           padded(minutes % 60);
}

namespace {

constexpr std::array kIndonesianMonths{"Jan", "Feb", "Mar", "Apr", "Mei", "Jun",
                                       "Jul", "Agu", "Sep", "Okt", "Nov", "Des"};
constexpr std::array kEnglishMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// "21 Nov"
std::string day_and_month(Language language, const year_month_day& date) {
    const auto month = static_cast<unsigned>(date.month()) - 1;
    return std::to_string(static_cast<unsigned>(date.day())) + " " +
           (language == Language::english ? kEnglishMonths : kIndonesianMonths)[month];
}

/// "14.05", as Indonesian writes it; English: "14:05".
std::string time_of_day(Language language, std::int64_t second_of_day) {
    auto time = hour_and_minute(second_of_day);
    if (language == Language::indonesian) std::replace(time.begin(), time.end(), ':', '.');
    return time;
}

}  // namespace

std::string short_moment(Language language, WallTime at, std::optional<WallTime> now,
                         Seconds utc_offset) {
    const auto local = to_local(at, utc_offset);
    const auto today = to_local(now.value_or(at), utc_offset).date;
    std::string day;
    if (local.date != today) day = day_and_month(language, local.date) + " ";
    if (local.date.year() != today.year()) {
        day += std::to_string(static_cast<int>(local.date.year())) + " ";
    }
    return day + time_of_day(language, local.second_of_day) + " " + zone_name(utc_offset);
}

std::string hours_minutes(Seconds span) {
    const auto seconds = std::max<std::int64_t>(0, span.count());
    if (seconds > 0 && seconds < 60) return "<0:01";
    return std::to_string(seconds / 3600) + ":" + padded(seconds / 60 % 60);
}

std::string human_percent(Language language, std::uint32_t ppm) {
    return std::to_string(ppm / 10'000) + (language == Language::english ? "." : ",") +
           padded(ppm / 10 % 1000, 3) + " %";
}

std::optional<WrittenTime> parse_local(std::string_view text, Seconds utc_offset) {
    constexpr std::size_t kDate = 10;
    std::string whole{text.substr(0, kDate)};
    std::string time{text.substr(std::min(kDate, text.size()))};
    const bool is_date = time.empty();
    if (is_date) time = " 00:00";
    if (time.size() != 6 && time.size() != 9) return std::nullopt;
    if (time[0] != ' ' && time[0] != 'T') return std::nullopt;
    time[0] = 'T';
    std::replace(time.begin(), time.end(), '.', ':');
    if (time.size() == 6) time += ":00";
    const auto at = web::parse_rfc3339(whole + time + ".000Z");
    if (!at) return std::nullopt;
    return WrittenTime{*at - utc_offset, is_date};
}

std::string local_minute(Language language, WallTime at, Seconds utc_offset) {
    const auto local = to_local(at, utc_offset);
    return day_and_month(language, local.date) + " " +
           std::to_string(static_cast<int>(local.date.year())) + " " +
           time_of_day(language, local.second_of_day);
}

std::string local_second(WallTime at, Seconds utc_offset) {
    const auto local = to_local(at, utc_offset);
    return iso_date(local.date) + " " + hour_and_minute(local.second_of_day) + ":" +
           padded(local.second_of_day % 60);
}

std::string period_label(UsagePeriod period, WallTime start, Seconds utc_offset) {
    const auto local = to_local(start, utc_offset);
    const auto date = iso_date(local.date);
    switch (period) {
        case UsagePeriod::hour:
            return date + " " + hour_and_minute(local.second_of_day);
        case UsagePeriod::day:
            return date;
        case UsagePeriod::month:
            return date.substr(0, 7);
        case UsagePeriod::year:
            break;
    }
    return date.substr(0, 4);
}

WallTime period_end(UsagePeriod period, WallTime start, Seconds utc_offset) {
    if (period == UsagePeriod::hour) return start + std::chrono::hours{1};
    if (period == UsagePeriod::day) return start + std::chrono::hours{24};
    const auto date = to_local(start, utc_offset).date;
    const auto next = period == UsagePeriod::month
                          ? year_month_day{date.year() / date.month() / 1} + std::chrono::months{1}
                          : year_month_day{date.year() / 1 / 1} + std::chrono::years{1};
    return WallTime{sys_days{next}} - utc_offset;
}

std::string one_line(std::string_view text, std::size_t max) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        // Besides ASCII's controls, the C1 controls (U+0080 to U+009F) also steer terminals.
        const bool is_c1 =
            byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (is_c1) ++i;
        result.push_back(byte < 0x20 || byte == 0x7f || is_c1 ? ' ' : text[i]);
    }
    if (width_of(result) <= max) return result;
    return std::string{first_characters(result, max - std::min<std::size_t>(max, 3))} + "...";
}

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

std::string wrap(std::string_view text, std::size_t indent) {
    std::string result;
    std::string line;
    const auto flush = [&] {
        result += line + "\n";
        line = std::string(indent, ' ');
    };
    bool is_empty = true;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        auto word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!is_empty && width_of(line) + 1 + width_of(word) > kWidth) {
            flush();
            is_empty = true;
        }
        if (!is_empty) line += " ";
        // A word longer than a line is broken where it must be.
        while (width_of(line) + width_of(word) > kWidth) {
            const auto piece = first_characters(word, kWidth - width_of(line));
            line += piece;
            word.remove_prefix(piece.size());
            flush();
        }
        line += word;
        is_empty = false;
    }
    return result + line + "\n";
}

std::string Table::text() const {
    std::vector<std::size_t> widths;
    for (const auto& column : columns) widths.push_back(width_of(column.title));
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    }
    std::size_t total = 0;
    for (const auto width : widths) total += width + 2;
    if (!widths.empty() && total > kWidth + 2) {
        const auto excess = total - kWidth - 2;
        widths[0] -= std::min(excess, widths[0] - std::min<std::size_t>(widths[0], 4));
    }
    const auto draw = [&](const auto& cell_of) {
        std::string line;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (i > 0) line += "  ";
            line += pad(one_line(cell_of(i), widths[i]), widths[i], columns[i].is_right);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        return line + "\n";
    };
    auto result = draw([&](std::size_t i) { return columns[i].title; });
    for (const auto& row : rows) {
        result += draw([&](std::size_t i) { return i < row.size() ? row[i] : std::string{}; });
    }
    return result;
}

}  // namespace gerbang::cli
