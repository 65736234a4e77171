#include "daemon/cli/human.hpp"

#include <catch2/catch.hpp>
#include <limits>

namespace gerbang::cli {

TEST_CASE("Bytes and rates have three digits, a unit and the language's decimal mark", "[cli]") {
    const auto en = Language::english;
    CHECK(human_bytes(en, 0) == "0 B");
    CHECK(human_bytes(en, 1023) == "1.02 kB");
    CHECK(human_bytes(en, 999) == "999 B");
    CHECK(human_bytes(en, 9'994) == "9.99 kB");
    CHECK(human_bytes(en, 9'996) == "10.0 kB");
    CHECK(human_bytes(en, 999'999) == "1.00 MB");
    CHECK(human_bytes(en, std::numeric_limits<std::uint64_t>::max()) == "18.4 EB");
    CHECK(human_bytes(Language::indonesian, 1'288'490'189) == "1,29 GB");
    CHECK(human_rate(en, 999) == "999 bit/s");
    CHECK(human_rate(en, 1000) == "1.00 kbit/s");
    CHECK(human_rate(en, 41'000'000) == "41.0 Mbit/s");
    CHECK(human_count(en, 1'234'567) == "1,234,567");
    CHECK(human_count(Language::indonesian, 999) == "999");
    CHECK(human_count(Language::indonesian, 1000) == "1.000");
}

TEST_CASE("Durations have their two largest units", "[cli]") {
    const auto id = Language::indonesian;
    CHECK(human_duration(id, 0) == "sebentar");
    CHECK(human_duration(id, -5) == "sebentar");
    CHECK(human_duration(id, 59) == "59 detik");
    CHECK(human_duration(id, 3600) == "1 jam");
    CHECK(human_duration(id, 3659) == "1 jam");
    CHECK(human_duration(id, 93'784) == "1 hari 2 jam");
    CHECK(clock_duration(id, 90) == "0:01:30");
    CHECK(clock_duration(id, 90'061) == "1 hari 1:01:01");
    CHECK(clock_duration(id, -1) == "0:00:00");
}

TEST_CASE("Times are those of the site, with the names of Indonesia's zones", "[cli]") {
    const auto at = wall_from_ms(1'795'241'284'123);  // 06:08:04 UTC
    CHECK(zone_name(Seconds{7 * 3600}) == "WIB");
    CHECK(zone_name(Seconds{8 * 3600}) == "WITA");
    CHECK(zone_name(Seconds{9 * 3600}) == "WIT");
    CHECK(zone_name(Seconds{0}) == "UTC");
    CHECK(zone_name(Seconds{-(5 * 3600 + 1800)}) == "UTC-05:30");
    CHECK(local_minute(Language::indonesian, at, Seconds{9 * 3600}) == "21 Nov 2026 15.08");
    CHECK(local_second(at, Seconds{-7 * 3600}) == "2026-11-20 23:08:04");
    CHECK(local_minute(Language::indonesian, wall_from_ms(1'777'593'600'000), Seconds{0}) ==
          "1 Mei 2026 00.00");
    CHECK(local_minute(Language::english, at, Seconds{9 * 3600}) == "21 Nov 2026 15:08");
    CHECK(local_second(WallTime::max(), Seconds{8 * 3600}).substr(0, 4) == "9998");
}

TEST_CASE("Periods end by the calendar of the site", "[cli]") {
    const Seconds wita{8 * 3600};
    // 1 December 2026, 00:00 WITA
    const auto december = wall_from_ms(1'796'054'400'000);
    CHECK(period_label(UsagePeriod::month, december, wita) == "2026-12");
    CHECK(period_label(UsagePeriod::hour, december, wita) == "2026-12-01 00:00");
    CHECK(period_label(UsagePeriod::year, december, wita) == "2026");
    const auto january = period_end(UsagePeriod::month, december, wita);
    CHECK(local_second(january, wita) == "2027-01-01 00:00:00");
    CHECK(period_end(UsagePeriod::year, december, wita) == january);
    CHECK(period_end(UsagePeriod::day, december, wita) == december + std::chrono::hours{24});
}

TEST_CASE("Names from outside cannot steer the terminal", "[cli]") {
    CHECK(one_line("a\x1b[2Jb\nc\x7f") == "a [2Jb c ");
    CHECK(one_line("a\xc2\x9b"
                   "31mb") == "a 31mb");
    CHECK(one_line("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 4) == "\xc3\xa9...");
    CHECK(one_line("abc", 2) == "...");
}

TEST_CASE("Text is wrapped at 80 columns, long words where they must", "[cli]") {
    CHECK(wrap("") == "\n");
    CHECK(wrap("a b") == "a b\n");
    const std::string word(79, 'x');
    CHECK(wrap(word + " y z") == word + "\ny z\n");
    CHECK(wrap(word + " yz", 2) == word + "\n  yz\n");
    CHECK(wrap(std::string(81, 'x')) == std::string(80, 'x') + "\nx\n");
}

TEST_CASE("A table cuts its first column rather than grow beyond 80", "[cli]") {
    Table table;
    table.columns = {{"Name", false}, {"N", true}};
    table.rows = {{std::string(100, 'n'), "12"}, {"x", "3"}};
    const auto text = table.text();
    CHECK(text.substr(0, text.find('\n')).size() == 80);
    CHECK(text.find("nnn...  12\n") != std::string::npos);
    CHECK(text.find("x" + std::string(77, ' ') + "   3\n") == std::string::npos);
}

TEST_CASE("A moment is as short as it can be told", "[cli]") {
    const auto at = wall_from_ms(1'795'241'100'000);  // 2026-11-21 14:05 WITA
    const Seconds wita{8 * 3600};
    CHECK(short_moment(Language::indonesian, at, at, wita) == "14.05 WITA");
    CHECK(short_moment(Language::english, at, std::nullopt, wita) == "14:05 WITA");
    CHECK(short_moment(Language::indonesian, at, at + std::chrono::hours{10}, wita) ==
          "21 Nov 14.05 WITA");
    CHECK(short_moment(Language::english, at, at + std::chrono::hours{24 * 60}, wita) ==
          "21 Nov 2026 14:05 WITA");
}

TEST_CASE("Hours and shares are rounded down, but a little is never nothing", "[cli]") {
    CHECK(hours_minutes(Seconds{0}) == "0:00");
    CHECK(hours_minutes(Seconds{1}) == "<0:01");
    CHECK(hours_minutes(Seconds{59}) == "<0:01");
    CHECK(hours_minutes(Seconds{3'659}) == "1:00");
    CHECK(hours_minutes(Seconds{1'000 * 3'600 + 61}) == "1000:01");
    CHECK(human_percent(Language::indonesian, 999'999) == "99,999 %");
    CHECK(human_percent(Language::english, 1'000'000) == "100.000 %");
    CHECK(human_percent(Language::english, 10'019) == "1.001 %");
    CHECK(human_percent(Language::english, 0) == "0.000 %");
}

TEST_CASE("Times are read as people write them, in the site's own time", "[cli]") {
    const Seconds wita{8 * 3600};
    const auto at = wall_from_ms(1'795'241'100'000);
    for (const char* text : {"2026-11-21 14:05", "2026-11-21T14:05", "2026-11-21 14.05",
                             "2026-11-21 14:05:00", "2026-11-21T14.05.00"}) {
        INFO(text);
        const auto written = parse_local(text, wita);
        REQUIRE(written);
        CHECK(written->at == at);
        CHECK_FALSE(written->is_date);
    }
    const auto date = parse_local("2026-11-21", wita);
    REQUIRE(date);
    CHECK(date->is_date);
    CHECK(date->at == wall_from_ms(1'795'190'400'000));
    for (const char* text :
         {"", "2026", "2026-11-31", "2026-11-21 ", "2026-11-21 14", "2026-11-21 24:00",
          "2026-11-21  14:05", "21-11-2026", "2026-11-21 14:05Z", "2026-11-21 14:05:0"}) {
        INFO(text);
        CHECK_FALSE(parse_local(text, wita));
    }
}

}  // namespace gerbang::cli
