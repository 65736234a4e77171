#include "daemon/probe/minute_stats.hpp"

#include <catch2/catch.hpp>
#include <map>

namespace gerbang {
namespace {

using namespace std::chrono_literals;

struct Bench {
    SeriesTable series;
    MinuteStats stats{{"near", "far"}, series};
    std::vector<Reading> readings;

    /// "name target" -> value of what a tick at `at` appends.
    std::map<std::string, std::int64_t> tick(Millis at) {
        readings.clear();
        stats.append(Monotonic{at}, readings);
        std::map<std::string, std::int64_t> values;
        for (const auto& reading : readings) {
            const auto& found = *series.find(reading.series);
            values[found.name + " " + found.labels.at(0).value] = reading.value;
        }
        return values;
    }
};

}  // namespace

TEST_CASE("A minute without an answer has its loss and nothing else", "[probe]") {
    Bench bench;
    bench.stats.record(0, Monotonic{61s}, std::nullopt);
    bench.stats.record(0, Monotonic{71s}, std::nullopt);
    CHECK(bench.tick(119s).empty());
    CHECK(bench.tick(120s) ==
          std::map<std::string, std::int64_t>{{"probe_loss_ratio near", 10'000}});
    CHECK(bench.tick(180s).empty());
}

TEST_CASE("A minute's round trips come to least, mean, greatest, jitter and loss", "[probe]") {
    Bench bench;
    const std::optional<Millis> trips[] = {100ms, 130ms, std::nullopt, 90ms};
    for (int i = 0; i < 4; ++i) bench.stats.record(1, Monotonic{60s + i * 10s}, trips[i]);
    const std::map<std::string, std::int64_t> expected{
        {"probe_rtt_min_seconds far", 90},
        {"probe_rtt_mean_seconds far", 107},  // 320 / 3
        {"probe_rtt_max_seconds far", 130},
        {"probe_jitter_seconds far", 35},  // (30 + 40) / 2
        {"probe_loss_ratio far", 2'500}};
    CHECK(bench.tick(125s) == expected);
    for (const auto& found : bench.series.all()) {
        CHECK(found.kind == SeriesKind::gauge);
        CHECK(found.scale == (found.name == "probe_loss_ratio" ? 4 : 3));
        CHECK(found.unit == (found.name == "probe_loss_ratio" ? "ratio" : "seconds"));
    }
}

TEST_CASE("One answer in a minute has no jitter, and none of the minute before counts", "[probe]") {
    Bench bench;
    bench.stats.record(0, Monotonic{59s}, 900ms);
    bench.stats.record(0, Monotonic{61s}, 40ms);
    CHECK(bench.tick(63s).at("probe_rtt_max_seconds near") == 900);
    const auto values = bench.tick(120s);
    CHECK(values.at("probe_rtt_max_seconds near") == 40);
    CHECK(values.count("probe_jitter_seconds near") == 0);
}

TEST_CASE("A late tick gives the newest closed minute and keeps the open one", "[probe]") {
    Bench bench;
    bench.stats.record(0, Monotonic{1s}, 10ms);
    bench.stats.record(0, Monotonic{61s}, 20ms);
    bench.stats.record(0, Monotonic{121s}, 30ms);
    CHECK(bench.tick(130s).at("probe_rtt_mean_seconds near") == 20);
    CHECK(bench.tick(180s).at("probe_rtt_mean_seconds near") == 30);
}

TEST_CASE("A target that does not exist is left out", "[probe]") {
    Bench bench;
    bench.stats.record(7, Monotonic{1s}, 10ms);
    CHECK(bench.tick(120s).empty());
    CHECK(bench.series.all().empty());
}

TEST_CASE("A full series table leaves readings out", "[probe]") {
    Bench bench;
    for (std::size_t i = 0; i < kMaxSeries; ++i) {
        (void)bench.series.intern("filler", {{"n", std::to_string(i)}}, SeriesKind::gauge, "");
    }
    bench.stats.record(0, Monotonic{1s}, 10ms);
    CHECK(bench.tick(120s).empty());
}

TEST_CASE("Statistics make no series anew", "[probe]") {
    Bench bench;
    bench.stats.record(0, Monotonic{1s}, 10ms);
    bench.stats.record(0, Monotonic{2s}, 10ms);
    (void)bench.tick(60s);
    const auto count = bench.series.all().size();
    CHECK(count == 5);
    bench.stats.record(0, Monotonic{61s}, 10ms);
    (void)bench.tick(120s);
    CHECK(bench.series.all().size() == count);
}

}  // namespace gerbang
