#include "daemon/ledger/link_seconds.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "tests/daemon/ledger/ledger_samples.hpp"
#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

/// "link state cause" of a series of link seconds.
std::string words_of(const Series& series) {
    std::map<std::string, std::string> labels;
    for (const auto& label : series.labels) labels[label.name] = label.value;
    CHECK(labels.size() == 3);
    return labels["link"] + " " + labels["state"] + " " + labels["cause"];
}

std::map<std::string, std::int64_t> totals_of(const LinkSeconds& seconds,
                                              const SeriesTable& series) {
    std::vector<Reading> readings;
    seconds.append(readings);
    std::map<std::string, std::int64_t> totals;
    for (const auto& reading : readings) {
        const auto* found = series.find(reading.series);
        REQUIRE(found != nullptr);
        CHECK(totals.emplace(words_of(*found), reading.value).second);
    }
    return totals;
}

using Totals = std::map<std::string, std::int64_t>;

}  // namespace

TEST_CASE("LinkSeconds counts decided time by link, state and cause", "[ledger]") {
    SeriesTable series;
    LinkSeconds seconds{series};
    CHECK(totals_of(seconds, series).empty());
    seconds.decide("wan", LinkState::up, Cause::unknown, at(10));
    CHECK(totals_of(seconds, series).empty());
    seconds.decide("wan", LinkState::up, Cause::isp, at(20));
    seconds.decide("wan", LinkState::down, Cause::isp, at(50));
    seconds.decide("wan", LinkState::down, Cause::unknown, at(51));
    seconds.decide("hotspot", LinkState::up, Cause::unknown, at(40));
    seconds.decide("hotspot", LinkState::unknown, Cause::unknown, at(44));
    seconds.add("hotspot", LinkState::unknown, Cause::daemon, Millis{1500});
    CHECK(totals_of(seconds, series) == Totals{{"wan up none", 10'000},
                                               {"wan down isp", 30'000},
                                               {"wan down unknown", 1'000},
                                               {"hotspot unknown none", 4'000},
                                               {"hotspot unknown daemon", 1'500}});
    for (const auto& each : series.all()) {
        CHECK(each.name == "link_state_seconds_total");
        CHECK(each.kind == SeriesKind::counter);
        CHECK(each.unit == "seconds");
        CHECK(each.scale == 3);
    }
}

TEST_CASE("LinkSeconds counts nothing backwards, twice, or over boots", "[ledger]") {
    SeriesTable series;
    LinkSeconds seconds{series};
    seconds.decide("wan", LinkState::up, Cause::unknown, at(100));
    seconds.decide("wan", LinkState::up, Cause::unknown, at(110));
    seconds.decide("wan", LinkState::down, Cause::isp, at(105));
    seconds.decide("wan", LinkState::down, Cause::isp, at(110));
    seconds.add("wan", LinkState::down, Cause::isp, Millis{-5});
    seconds.add("wan", LinkState::down, Cause::isp, Millis{0});
    seconds.decide("wan", LinkState::up, Cause::unknown, at(900, 2));
    seconds.decide("wan", LinkState::up, Cause::unknown, at(20, 1));
    CHECK(totals_of(seconds, series) == Totals{{"wan up none", 10'000}});
    seconds.decide("wan", LinkState::up, Cause::unknown, at(901, 2));
    CHECK(totals_of(seconds, series) == Totals{{"wan up none", 11'000}});
}

TEST_CASE("LinkSeconds goes on from the journal's totals and ignores those of others", "[ledger]") {
    SeriesTable series;
    std::vector<Reading> readings;
    {
        LinkSeconds seconds{series};
        seconds.add("wan", LinkState::up, Cause::unknown, Millis{1000});
        seconds.add("service-dukcapil", LinkState::down, Cause::service, Millis{300});
        seconds.add("wan", LinkState::unknown, Cause::daemon, Millis{7});
        seconds.append(readings);
    }
    const auto other = series.intern("wan_receive_bytes_total", {}, SeriesKind::counter, "bytes");
    const auto odd = series.intern("link_state_seconds_total",
                                   {{"cause", "none"}, {"link", "wan"}, {"state", "asleep"}},
                                   SeriesKind::counter, "seconds", 3);
    const auto bare = series.intern("link_state_seconds_total", {}, SeriesKind::counter, "");
    readings.push_back({other, 5});
    readings.push_back({odd, 6});
    readings.push_back({bare, 7});
    readings.push_back({SeriesId{4000}, 8});
    const auto degraded = series.intern("link_state_seconds_total",
                                        {{"cause", "none"}, {"link", "wan"}, {"state", "degraded"}},
                                        SeriesKind::counter, "seconds", 3);
    readings.push_back({degraded, -9});
    LinkSeconds seconds{series};
    seconds.restore(readings);
    seconds.add("wan", LinkState::up, Cause::unknown, Millis{1});
    CHECK(totals_of(seconds, series) == Totals{{"wan up none", 1001},
                                               {"service-dukcapil down service", 300},
                                               {"wan unknown daemon", 7}});
    CHECK(series.all().size() == 7);
}

TEST_CASE("LinkSeconds keeps a bounded number of counters and loses none of them", "[ledger]") {
    SeriesTable series;
    LinkSeconds seconds{series};
    for (std::size_t i = 0; i < kMaxLinkCounters + 10; ++i) {
        seconds.add("link-" + std::to_string(i), LinkState::up, Cause::unknown, Millis{5});
    }
    seconds.add("link-0", LinkState::up, Cause::unknown, Millis{5});
    const auto totals = totals_of(seconds, series);
    CHECK(totals.size() == kMaxLinkCounters);
    CHECK(totals.at("link-0 up none") == 10);
}

TEST_CASE("LinkSeconds leaves out what a full series table cannot name", "[ledger]") {
    SeriesTable series;
    for (std::size_t i = 0; i < kMaxSeries; ++i) {
        (void)series.intern("s" + std::to_string(i), {}, SeriesKind::gauge, "");
    }
    LinkSeconds seconds{series};
    seconds.add("wan", LinkState::up, Cause::unknown, Millis{5});
    CHECK(totals_of(seconds, series).empty());
}

TEST_CASE("LinkSeconds of a link add up to its decided time exactly", "[ledger]") {
    for (std::uint64_t round = 0; round < test_rounds(50); ++round) {
        INFO("round " << round);
        std::mt19937_64 random{test_seed() * 7919 + round};
        SeriesTable series;
        auto seconds = std::make_unique<LinkSeconds>(series);
        std::map<std::string, std::int64_t> elapsed;
        for (const std::string link : {"wan", "hotspot"}) {
            std::int64_t ms = static_cast<std::int64_t>(random() % 100'000);
            seconds->decide(link, LinkState::up, Cause::unknown,
                            {BootNo{1}, monotonic_from_ms(ms)});
            for (int i = 0; i < 200; ++i) {
                const auto step = static_cast<std::int64_t>(random() % 10'000);
                const auto state = static_cast<LinkState>(random() % kLinkStateCount);
                const auto cause = static_cast<Cause>(random() % kCauseCount);
                if (random() % 10 == 0) {
                    seconds->add(link, state, cause, Millis{step});
                } else {
                    ms += step;
                    seconds->decide(link, state, cause, {BootNo{1}, monotonic_from_ms(ms)});
                }
                elapsed[link] += step;
            }
        }
        std::map<std::string, std::int64_t> counted;
        for (const auto& [words, value] : totals_of(*seconds, series)) {
            counted[words.substr(0, words.find(' '))] += value;
        }
        CHECK(counted == elapsed);
    }
}

}  // namespace gerbang
