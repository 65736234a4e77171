#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "common/web/status.hpp"

namespace gerbang::web {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

/// The first and the last instant that four digits of a year can name.
const WallTime kEarliest{sys_days{year{0} / 1 / 1}};
const WallTime kLatest{sys_days{year{9999} / 12 / 31} + std::chrono::hours{24} -
                       std::chrono::milliseconds{1}};

/// The `count` digits at `from`, or -1.
int digits_at(const std::string& text, std::size_t from, std::size_t count) {
    int value = 0;
    for (std::size_t i = from; i < from + count; ++i) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

}  // namespace

std::string format_rfc3339(WallTime at) {
    // A broken clock must not break the form: what no four-digit year can name is held to the edge.
    const WallTime held = at < kEarliest ? kEarliest : (at > kLatest ? kLatest : at);
    const auto day = floor<days>(held);
    const year_month_day date{day};
    const auto in_day = (held - day).count();
    std::array<char, 96> text{};
    const int length = std::snprintf(
        text.data(), text.size(), "%04d-%02u-%02uT%02lld:%02lld:%02lld.%03lldZ",
        static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()), static_cast<long long>(in_day / 3'600'000),
        static_cast<long long>(in_day / 60'000 % 60), static_cast<long long>(in_day / 1000 % 60),
        static_cast<long long>(in_day % 1000));
    return std::string{text.data(), static_cast<std::size_t>(length)};
}

std::optional<WallTime> parse_rfc3339(const std::string& text) {
    constexpr std::string_view kForm = "0000-00-00T00:00:00.000Z";
    if (text.size() != kForm.size()) return std::nullopt;
    for (std::size_t i = 0; i < kForm.size(); ++i) {
        if (kForm[i] != '0' && text[i] != kForm[i]) return std::nullopt;
    }
    const int y = digits_at(text, 0, 4);
    const int mo = digits_at(text, 5, 2);
    const int d = digits_at(text, 8, 2);
    const int h = digits_at(text, 11, 2);
    const int mi = digits_at(text, 14, 2);
    const int s = digits_at(text, 17, 2);
    const int ms = digits_at(text, 20, 3);
    if (y < 0 || mo < 0 || d < 0 || h < 0 || mi < 0 || s < 0 || ms < 0) return std::nullopt;
    if (h > 23 || mi > 59 || s > 59) return std::nullopt;
    const year_month_day date{year{y}, std::chrono::month{static_cast<unsigned>(mo)},
                              std::chrono::day{static_cast<unsigned>(d)}};
    if (!date.ok()) return std::nullopt;
    const std::int64_t in_day = ((h * 60LL + mi) * 60LL + s) * 1000LL + ms;
    return WallTime{std::chrono::duration_cast<Millis>(sys_days{date}.time_since_epoch()) +
                    Millis{in_day}};
}

}  // namespace gerbang::web
