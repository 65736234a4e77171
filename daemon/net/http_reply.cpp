#include "daemon/net/http_reply.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace gerbang {
namespace {

constexpr std::int64_t kDaySeconds = 24 * 3600;

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Digits only; nothing for an empty text or more than 15 digits.
std::optional<std::int64_t> digits(std::string_view text) {
    if (text.empty() || text.size() > 15) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value;
}

template <std::size_t N>
std::optional<int> place_in(const std::array<std::string_view, N>& names, std::string_view name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) return std::nullopt;
    return static_cast<int>(found - names.begin());
}

constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool is_header(std::string_view line, std::string_view name) {
    if (line.size() <= name.size() || line[name.size()] != ':') return false;
    return std::equal(name.begin(), name.end(), line.begin(), [](char want, char have) {
        return want == (have >= 'A' && have <= 'Z' ? static_cast<char>(have - 'A' + 'a') : have);
    });
}

Seconds bounded(std::int64_t seconds) {
    return Seconds{std::clamp<std::int64_t>(seconds, 0, kDaySeconds)};
}

}  // namespace

std::optional<WallTime> parse_http_date(std::string_view text) {
    // "Sun, 06 Nov 1994 08:49:37 GMT": every part has its fixed place.
    if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' ||
        text[16] != ' ' || text[19] != ':' || text[22] != ':' || text.substr(25) != " GMT") {
        return std::nullopt;
    }
    const auto month = place_in(kMonths, text.substr(8, 3));
    const auto day = digits(text.substr(5, 2));
    const auto year = digits(text.substr(12, 4));
    const auto hour = digits(text.substr(17, 2));
    const auto minute = digits(text.substr(20, 2));
    const auto second = digits(text.substr(23, 2));
    if (!place_in(kDays, text.substr(0, 3)) || !month || !day || !year || !hour || !minute ||
        !second || *year < 1970 || *hour > 23 || *minute > 59 || *second > 60) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                           std::chrono::month{static_cast<unsigned>(*month + 1)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok()) return std::nullopt;
    return WallTime{std::chrono::sys_days{date}} + std::chrono::hours{*hour} +
           std::chrono::minutes{*minute} + Seconds{*second};
}

std::optional<Seconds> parse_retry_after(std::string_view text, std::optional<WallTime> date) {
    if (const auto seconds = digits(text)) return bounded(*seconds);
    const auto until = parse_http_date(text);
    if (!until || !date) return std::nullopt;
    return bounded((to_ms(*until) - to_ms(*date) + 999) / 1000);
}

bool ReplyHeaders::add_line(std::string_view line) {
    if (line.starts_with("HTTP/")) *this = ReplyHeaders{};
    bytes_ += line.size();
    if (bytes_ > kMaxBytes) return false;
    if (is_header(line, "date")) {
        date_ = parse_http_date(trimmed(line.substr(5)));
    } else if (is_header(line, "retry-after")) {
        const auto value = trimmed(line.substr(12));
        // A date waits for the Date header, which may come later.
        retry_date_ = parse_http_date(value);
        retry_seconds_ = parse_retry_after(value, std::nullopt);
    }
    return true;
}

std::optional<Seconds> ReplyHeaders::retry_after() const {
    if (retry_seconds_ || !retry_date_ || !date_) return retry_seconds_;
    return bounded((to_ms(*retry_date_) - to_ms(*date_) + 999) / 1000);
}

}  // namespace gerbang
