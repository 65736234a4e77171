#include "common/web/clauses_json.hpp"

#include <array>
#include <boost/json.hpp>
#include <optional>

#include "common/web/members.hpp"

namespace gerbang::web {
namespace {

constexpr std::size_t kMaxText = 64u << 10;
constexpr std::size_t kMaxWindows = 1000;
constexpr std::size_t kMaxHours = 70;
constexpr std::int64_t kMaxThreshold = 366 * 86'400;
constexpr std::uint32_t kWhole = 1'000'000;
constexpr std::array<const char*, 7> kDays{"monday", "tuesday",  "wednesday", "thursday",
                                           "friday", "saturday", "sunday"};

/// Does nothing for a writer.
void check(Way& way, bool is_right, const char* name, const char* what) {
    auto* reader = way.reader();
    if (reader != nullptr && !is_right) reader->fail(name, what);
}

std::string clock_of(unsigned minute) {
    const auto two = [](unsigned value) {
        return std::string{static_cast<char>('0' + value / 10 % 10),
                           static_cast<char>('0' + value % 10)};
    };
    return two(minute / 60) + ":" + two(minute % 60);
}

/// "07:30" in minutes, up to "24:00"; 2,000 for anything else.
unsigned minute_of(const std::string& text) {
    constexpr unsigned kNone = 2000;
    if (text.size() != 5 || text[2] != ':') return kNone;
    const auto digit = [&](std::size_t at) {
        return text[at] >= '0' && text[at] <= '9' ? static_cast<unsigned>(text[at] - '0') : 100U;
    };
    const unsigned hour = digit(0) * 10 + digit(1);
    const unsigned minute = digit(3) * 10 + digit(4);
    return hour <= 24 && minute <= 59 && hour * 60 + minute <= 1440 ? hour * 60 + minute : kNone;
}

void window(Way way, sla::Window& value) {
    std::optional<WallTime> from = value.from;
    std::optional<WallTime> to = value.to;
    if (auto* reader = way.reader()) {
        from.reset();
        to.reset();
        reader->refuse_others({"from", "to", "reason"});
    }
    way.members({{"from", from}, {"to", to}, {"reason", value.reason}});
    check(way, from && to && *from < *to, "to", "expected two instants, the second one later");
    check(way, value.reason.size() <= 256, "reason", "is longer than 256 bytes");
    value.from = from.value_or(WallTime{});
    value.to = to.value_or(WallTime{});
}

void open_hours(Way way, sla::OpenHours& value) {
    std::string day = kDays[value.weekday % kDays.size()];
    std::string from = clock_of(value.from_minute);
    std::string to = clock_of(value.to_minute);
    if (auto* reader = way.reader()) {
        day.clear();
        reader->refuse_others({"day", "from", "to"});
    }
    way.members({{"day", day}, {"from", from}, {"to", to}});
    if (way.reader() == nullptr) return;
    value.weekday = 0;
    while (value.weekday < kDays.size() && day != kDays[value.weekday]) ++value.weekday;
    check(way, value.weekday < kDays.size(), "day", "expected monday to sunday");
    value.from_minute = minute_of(from);
    value.to_minute = minute_of(to);
    check(way, value.from_minute < value.to_minute && value.to_minute <= 1440, "to",
          "expected two times such as 07:30 and 24:00, the second one later");
}

void parties(Way way, sla::Clauses& clauses) {
    auto* reader = way.reader();
    if (reader != nullptr) {
        static_assert(kCauseCount == 17, "name the new cause below");
        reader->refuse_others({"unknown", "device_off", "power", "crash", "off", "reboot", "daemon",
                               "carrier", "modem", "blocked", "isp", "international", "dns",
                               "province", "undetermined", "hotspot", "service"});
    }
    for (std::size_t i = 0; i < kCauseCount; ++i) {
        const char* cause = to_string(static_cast<Cause>(i)).data();
        std::string name{to_string(clauses.party[i])};
        way.members({{cause, name}});
        const auto party = sla::parse_party(name);
        check(way, party.has_value(), cause,
              "expected provider, utility, village, province, nobody or undecided");
        if (party) clauses.party[i] = *party;
    }
}

void all(Way way, sla::Clauses& clauses) {
    auto threshold = std::int64_t{clauses.counts_over.count()};
    if (auto* reader = way.reader()) {
        threshold = -1;
        reader->refuse_others({"name", "source", "is_example", "party", "counts_over_s",
                               "maintenance", "hours", "least_coverage_ppm", "promised_ppm"});
    }
    way.members({{"name", clauses.name, Slot::Kind::needed},
                 {"source", clauses.source},
                 {"is_example", clauses.is_example}});
    check(way, !clauses.name.empty() && clauses.name.size() <= 64, "name",
          "expected 1 to 64 bytes");
    check(way, clauses.source.size() <= 1024, "source", "is longer than 1 KiB");
    parties(way.object("party"), clauses);
    way.members({{"counts_over_s", threshold}});
    check(way, threshold >= 0 && threshold <= kMaxThreshold, "counts_over_s",
          "expected the seconds over which an outage counts, up to a year");
    clauses.counts_over = Seconds{threshold};
    way.list("maintenance", kMaxWindows, clauses.maintenance, &window);
    way.list("hours", kMaxHours, clauses.hours, &open_hours);
    way.members({{"least_coverage_ppm", clauses.least_coverage_ppm},
                 {"promised_ppm", clauses.promised_ppm}});
    check(way, clauses.least_coverage_ppm <= kWhole, "least_coverage_ppm",
          "expected at most 1000000");
    check(way, clauses.promised_ppm <= kWhole, "promised_ppm", "expected at most 1000000");
}

}  // namespace

Result<sla::Clauses> clauses_from_json(const std::string& text) {
    return read_document<sla::Clauses>(text, "clauses", kMaxText, &all);
}

std::string to_json(const sla::Clauses& clauses) {
    return write_document(clauses, &all);
}

}  // namespace gerbang::web
