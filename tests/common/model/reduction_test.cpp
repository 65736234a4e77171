#include "common/model/reduction.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <tuple>

#include "common/model/rollup.hpp"
#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

constexpr SeriesId kBytes{1};
constexpr SeriesId kLoad{2};
constexpr SeriesId kLink{3};
constexpr SeriesId kUnknown{4};

SeriesKind kind_of(SeriesId id) {
    if (id == kBytes) return SeriesKind::counter;
    return id == kLink ? SeriesKind::state : SeriesKind::gauge;
}

Tick tick(std::int64_t at_ms, std::vector<Reading> readings) {
    return {monotonic_from_ms(at_ms), std::move(readings)};
}

Record chunk(std::uint64_t seq, const std::vector<Tick>& ticks, std::uint32_t boot = 1) {
    return {Seq{seq}, make_chunk(BootNo{boot}, ticks)};
}

const Chunk& chunk_of(const Record& record) {
    return std::get<Chunk>(record.body);
}

using PointName = std::tuple<std::uint64_t, std::int64_t, std::uint32_t, int>;
/// By record, device time, series and part.
using Points = std::map<PointName, std::int64_t>;

Points points_of(const std::vector<Record>& records) {
    Points points;
    for (const auto& record : records) {
        const auto* reduced = std::get_if<Chunk>(&record.body);
        if (reduced == nullptr) continue;
        for (const auto& column : reduced->columns) {
            std::size_t next = 0;
            for (std::size_t t = 0; t < reduced->ticks.size(); ++t) {
                if (!column.present.empty() && column.present[t] == 0) continue;
                points[{record.seq.value, to_ms(reduced->ticks[t]), column.series.value,
                        column.part}] = column.values[next++];
            }
        }
    }
    return points;
}

/// The same, worked out reading by reading from what the header promises.
class Expected {
public:
    Expected(const std::vector<Record>& records, std::uint8_t level) {
        const auto length = kReductionInterval[level].count();
        find_times(records);
        std::size_t tick_no = 0;
        for (const auto& record : records) {
            const auto* raw = std::get_if<Chunk>(&record.body);
            if (raw == nullptr) continue;
            for (const auto& each : ticks_of(*raw)) {
                const auto ms = times_[tick_no++];
                auto& interval = intervals_[{raw->boot, to_ms(each.at) / length}];
                interval.seq = record.seq.value;
                interval.at_ms = to_ms(each.at);
                for (const auto& reading : each.readings) take(interval, reading, ms);
            }
        }
    }

    [[nodiscard]] Points points() const {
        Points points;
        for (const auto& [name, interval] : intervals_) {
            for (const auto& [id, values] : interval.values) {
                const auto put = [&, series = id](int part, std::int64_t value) {
                    points[{interval.seq, interval.at_ms, series.value, part}] = value;
                };
                if (kind_of(id) == SeriesKind::counter) put(part::kValue, values.back());
                if (kind_of(id) != SeriesKind::gauge) continue;
                std::int64_t sum = 0;
                for (const auto value : values) sum += value;
                const auto count = static_cast<std::int64_t>(values.size());
                // The half upwards, also below zero.
                const auto twice = 2 * sum + count;
                auto mean = twice / (2 * count);
                if (twice % (2 * count) < 0) --mean;
                put(part::kValue, mean);
                put(part::kMinimum, *std::min_element(values.begin(), values.end()));
                put(part::kMaximum, *std::max_element(values.begin(), values.end()));
                put(part::kCount, count);
            }
            for (const auto& [code, ms] : interval.ms_by_code) {
                points[{interval.seq, interval.at_ms, kLink.value, part::kStateTime + code}] = ms;
            }
        }
        return points;
    }

private:
    struct Interval {
        std::uint64_t seq = 0;
        std::int64_t at_ms = 0;
        std::map<SeriesId, std::vector<std::int64_t>> values;
        std::map<int, std::int64_t> ms_by_code;
    };

    static void take(Interval& interval, const Reading& reading, std::int64_t ms) {
        if (kind_of(reading.series) == SeriesKind::state) {
            interval.ms_by_code[static_cast<int>(reading.value)] += ms;
        } else {
            interval.values[reading.series].push_back(reading.value);
        }
    }

    void find_times(const std::vector<Record>& records) {
        std::vector<DeviceTime> ticks;
        for (const auto& record : records) {
            const auto* raw = std::get_if<Chunk>(&record.body);
            if (raw == nullptr) continue;
            for (const auto at : raw->ticks) ticks.push_back({raw->boot, at});
        }
        const auto passed = [&](std::size_t i) -> std::optional<std::int64_t> {
            if (i == 0 || i >= ticks.size() || ticks[i].boot != ticks[i - 1].boot) return {};
            const auto ms = (ticks[i].at - ticks[i - 1].at).count();
            if (Millis{ms} > UsageRollup::kMaxGap[0]) return {};
            return ms;
        };
        std::vector<std::int64_t> usual;
        for (std::size_t i = 0; i < ticks.size(); ++i) {
            if (const auto ms = passed(i)) usual.push_back(*ms);
        }
        std::sort(usual.begin(), usual.end());
        const std::int64_t median = usual.empty() ? 0 : usual[usual.size() / 2];
        for (std::size_t i = 0; i < ticks.size(); ++i) {
            const bool is_first = i == 0 || ticks[i].boot != ticks[i - 1].boot;
            times_.push_back(passed(is_first ? i + 1 : i).value_or(median));
        }
    }

    std::vector<std::int64_t> times_;  ///< that each tick stands for
    std::map<std::pair<BootNo, std::int64_t>, Interval> intervals_;
};

/// A block as the journal might hold it: several boots, gaps, absent values, events.
std::vector<Record> random_block(std::mt19937_64& engine) {
    const auto below = [&](std::uint64_t n) { return engine() % n; };
    std::vector<Record> records;
    std::uint32_t boot = 1;
    std::int64_t at_ms = static_cast<std::int64_t>(below(20'000'000));
    std::int64_t total = static_cast<std::int64_t>(below(1'000'000'000'000));
    const auto step_ms = static_cast<std::int64_t>(below(3) == 0 ? 1'000 : 10'000);
    const auto count = 1 + below(90);
    for (std::uint64_t seq = 100; seq < 100 + count; ++seq) {
        if (below(20) == 0) {
            ++boot;
            at_ms = static_cast<std::int64_t>(below(100'000));
        }
        if (below(12) == 0) at_ms += static_cast<std::int64_t>(below(5'000'000));
        if (below(6) == 0) {
            records.push_back({Seq{seq}, Event{EventKind::carrier,
                                               {BootNo{boot}, monotonic_from_ms(at_ms)},
                                               {{"up", std::int64_t{1}}}}});
            continue;
        }
        std::vector<Tick> ticks;
        for (auto left = 1 + below(below(4) == 0 ? 60 : 7); left > 0; --left) {
            at_ms += step_ms + (below(5) == 0 ? static_cast<std::int64_t>(below(300)) : 0);
            std::vector<Reading> readings;
            total += static_cast<std::int64_t>(below(2'000'000));
            if (below(10) != 0) readings.push_back({kBytes, total});
            if (below(8) != 0) {
                readings.push_back({kLoad, static_cast<std::int64_t>(below(4'000)) - 2'000});
            }
            if (below(8) != 0) readings.push_back({kLink, static_cast<std::int64_t>(below(4))});
            if (below(30) == 0) readings.push_back({kUnknown, 7});
            ticks.push_back(tick(at_ms, std::move(readings)));
        }
        records.push_back(chunk(seq, ticks, boot));
    }
    return records;
}

/// Everything but the means must be the same; those within `tolerance`.
void check_same(const Points& one, const Points& other, std::int64_t tolerance) {
    REQUIRE(one.size() == other.size());
    auto match = other.begin();
    for (const auto& [name, value] : one) {
        REQUIRE(name == match->first);
        const bool is_mean = std::get<3>(name) == part::kValue &&
                             kind_of(SeriesId{std::get<2>(name)}) == SeriesKind::gauge;
        const auto difference = value - match->second;
        INFO("record " << std::get<0>(name) << ", series " << std::get<2>(name) << ", part "
                       << std::get<3>(name));
        REQUIRE(std::abs(difference) <= (is_mean ? tolerance : 0));
        ++match;
    }
}

}  // namespace

TEST_CASE("reduce leaves alone what it must not touch", "[model][reduction]") {
    CHECK(reduce({}, 1, kind_of).empty());
    const Record event{Seq{2}, Event{EventKind::stop, {BootNo{1}, monotonic_from_ms(70'000)}, {}}};
    Record coarse{Seq{3}, Chunk{.boot = BootNo{1},
                                .level = 3,
                                .ticks = {monotonic_from_ms(80'000)},
                                .columns = {{.series = kBytes, .present = {}, .values = {5}}}}};
    Record given_up = chunk(4, {tick(90'000, {{kBytes, 9}})});
    REQUIRE(empty_out(given_up));
    const auto reduced = reduce({chunk(1, {tick(10'000, {{kBytes, 1}})}), event, coarse, given_up,
                                 chunk(5, {tick(95'000, {{kBytes, 9}})})},
                                2, kind_of);
    REQUIRE(reduced.size() == 5);
    CHECK(reduced[1] == event);
    CHECK(reduced[2] == coarse);
    CHECK(reduced[3] == given_up);
    // The coarse chunk keeps apart what stands on its two sides.
    CHECK(points_of({reduced[0]}) == Points{{{1, 10'000, 1, 0}, 1}});
    CHECK(points_of({reduced[4]}) == Points{{{5, 95'000, 1, 0}, 9}});
}

TEST_CASE("reduce gives a lone tick's state no time, and a gap no more than a usual one",
          "[model][reduction]") {
    const auto lone = reduce({chunk(1, {tick(10'000, {{kLink, 1}})})}, 1, kind_of);
    CHECK(points_of(lone) == Points{{{1, 10'000, 3, 17}, 0}});

    // 10 s, 10 s, 20 s, then nothing for an hour.
    const auto gap = reduce({chunk(1, {tick(0, {{kLink, 1}}), tick(10'000, {{kLink, 1}}),
                                       tick(20'000, {{kLink, 2}}), tick(40'000, {{kLink, 2}})}),
                             chunk(2, {tick(3'640'000, {{kLink, 2}})})},
                            3, kind_of);
    CHECK(points_of(gap) == Points{{{1, 40'000, 3, 17}, 20'000},
                                   {{1, 40'000, 3, 18}, 30'000},
                                   {{2, 3'640'000, 3, 18}, 10'000}});

    // A first tick with a gap behind it is given the usual time too.
    const auto first =
        reduce({chunk(1, {tick(0, {{kLink, 1}})}),
                chunk(2, {tick(400'000, {{kLink, 2}}), tick(410'000, {{kLink, 2}})})},
               3, kind_of);
    CHECK(points_of(first) == Points{{{2, 410'000, 3, 17}, 10'000}, {{2, 410'000, 3, 18}, 20'000}});
}

TEST_CASE("reduce lumps codes together that are too many or too large", "[model][reduction]") {
    std::vector<Tick> ticks;
    for (std::int64_t i = 0; i < 40; ++i) ticks.push_back(tick(i * 1'000, {{kLink, i}}));
    ticks.push_back(tick(40'000, {{kLink, -3}}));
    ticks.push_back(tick(41'000, {{kLink, 240}}));
    const auto reduced = reduce({chunk(1, ticks)}, 1, kind_of);
    CHECK(defect_of(reduced[0].body).empty());
    const auto points = points_of(reduced);
    REQUIRE(points.size() == 16);
    CHECK(points.at({1, 41'000, 3, 16 + 14}) == 1'000);
    CHECK(points.at({1, 41'000, 3, 255}) == 27'000);
}

TEST_CASE("reduce averages numbers that no sum can hold", "[model][reduction]") {
    constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    const auto mean_of = [](const std::vector<std::int64_t>& values) {
        std::vector<Tick> ticks;
        std::int64_t at_ms = 0;
        for (const auto value : values) ticks.push_back(tick(at_ms += 10, {{kLoad, value}}));
        const auto reduced = reduce({chunk(1, ticks)}, 1, kind_of);
        return chunk_of(reduced[0]).columns.front().values.front();
    };
    CHECK(mean_of({kMax, kMax, kMax}) == kMax);
    CHECK(mean_of({kMin, kMin, kMin}) == kMin);
    CHECK(mean_of({kMin, kMax}) == 0);  // the half upwards
    CHECK(mean_of({kMax - 1, kMax}) == kMax);
    CHECK(mean_of({-1, -2}) == -1);
    CHECK(mean_of({1, 2, 2}) == 2);
    CHECK(mean_of({-1, -1, -2}) == -1);

    // Counts from outside may be anything.
    Chunk wild{.boot = BootNo{1}, .level = 1, .ticks = {monotonic_from_ms(5)}, .columns = {}};
    wild.columns = {{.series = kLoad, .present = {}, .values = {kMin}, .part = part::kValue},
                    {.series = kLoad, .present = {}, .values = {kMax}, .part = part::kCount}};
    auto later = wild;
    later.ticks = {monotonic_from_ms(6)};
    const auto reduced = reduce({{Seq{1}, wild}, {Seq{2}, later}}, 2, kind_of);
    CHECK(defect_of(reduced[1].body).empty());
    CHECK(points_of(reduced).at({2, 6, 2, part::kValue}) == kMin);
}

TEST_CASE("reduce merges what an earlier reduction took for a gauge or a state as such",
          "[model][reduction]") {
    const auto unknown = [](SeriesId) { return SeriesKind::counter; };
    const auto block = std::vector{chunk(1, {tick(1'000, {{kLoad, 4}, {kLink, 1}})}),
                                   chunk(2, {tick(2'000, {{kLoad, 8}, {kLink, 1}})})};
    const auto once = reduce(block, 1, kind_of);
    CHECK(points_of(reduce(once, 2, unknown)) == points_of(reduce(block, 2, kind_of)));
}

TEST_CASE("reduce puts a merged point where its interval's last tick was", "[model][reduction]") {
    // Two records straddle the full minute, one lies inside the first.
    const auto block = std::vector{
        chunk(7, {tick(20'000, {{kBytes, 100}, {kLoad, 5}}), tick(30'000, {{kLoad, 8}})}),
        chunk(8, {tick(50'000, {{kBytes, 300}}), tick(60'000, {{kBytes, 400}, {kLoad, 1}})}),
        chunk(9, {tick(70'000, {{kBytes, 500}})})};
    const auto reduced = reduce(block, 1, kind_of);
    REQUIRE(reduced.size() == 3);
    CHECK(chunk_of(reduced[0]).is_emptied());
    CHECK(chunk_of(reduced[0]).level == 1);
    CHECK(points_of(reduced) == Points{{{8, 50'000, 1, 0}, 300},
                                       {{8, 50'000, 2, part::kValue}, 7},
                                       {{8, 50'000, 2, part::kMinimum}, 5},
                                       {{8, 50'000, 2, part::kMaximum}, 8},
                                       {{8, 50'000, 2, part::kCount}, 2},
                                       {{9, 70'000, 1, 0}, 500},
                                       {{9, 70'000, 2, part::kValue}, 1},
                                       {{9, 70'000, 2, part::kMinimum}, 1},
                                       {{9, 70'000, 2, part::kMaximum}, 1},
                                       {{9, 70'000, 2, part::kCount}, 1}});
    // A boot ends its intervals.
    auto rebooted = block;
    rebooted[1] = chunk(8, {tick(25'000, {{kBytes, 300}})}, 2);
    rebooted.pop_back();
    CHECK(points_of(reduce(rebooted, 3, kind_of)).contains({7, 30'000, 1, 0}));
}

TEST_CASE("reduce gives what can be worked out reading by reading, at once or step by step",
          "[model][reduction]") {
    std::mt19937_64 engine{test_seed()};
    for (auto round = test_rounds(250); round > 0; --round) {
        const auto block = random_block(engine);
        auto stepwise = block;
        for (std::uint8_t level = 1; level <= kMaxLevel; ++level) {
            INFO("round " << round << ", level " << int{level});
            const auto reduced = reduce(block, level, kind_of);
            REQUIRE(reduced.size() == block.size());
            for (std::size_t i = 0; i < block.size(); ++i) {
                REQUIRE(reduced[i].seq == block[i].seq);
                REQUIRE(defect_of(reduced[i].body).empty());
                REQUIRE(boot_of(reduced[i].body) == boot_of(block[i].body));
                if (std::holds_alternative<Event>(block[i].body)) {
                    REQUIRE(reduced[i] == block[i]);
                } else {
                    REQUIRE(level_of(reduced[i].body) == level);
                }
            }
            const auto points = points_of(reduced);
            check_same(points, Expected{block, level}.points(), 0);
            stepwise = reduce(std::move(stepwise), level, kind_of);
            check_same(points, points_of(stepwise), level - 1);
            REQUIRE(reduce(stepwise, level, kind_of) == stepwise);
        }
    }
}

TEST_CASE("reduce takes records of several levels in one block", "[model][reduction]") {
    std::mt19937_64 engine{test_seed() + 1};
    for (auto round = test_rounds(100); round > 0; --round) {
        const auto block = random_block(engine);
        // The first part was reduced already: its interval at the border has two points by now.
        const auto cut = static_cast<std::ptrdiff_t>(engine() % (block.size() + 1));
        std::vector<Record> mixed{block.begin(), block.begin() + cut};
        mixed = reduce(std::move(mixed), 1, [](SeriesId id) { return kind_of(id); });
        mixed.insert(mixed.end(), block.begin() + cut, block.end());
        const auto points = points_of(reduce(mixed, 3, kind_of));
        for (const auto& [name, value] : points_of(reduce(block, 3, kind_of))) {
            const auto part = std::get<3>(name);
            INFO("round " << round << ", part " << part);
            // The time of a tick at the border is the only thing that the cut may change.
            if (part >= part::kStateTime) continue;
            REQUIRE(points.contains(name));
            const bool is_mean =
                kind_of(SeriesId{std::get<2>(name)}) == SeriesKind::gauge && part == part::kValue;
            REQUIRE(std::abs(points.at(name) - value) <= (is_mean ? 1 : 0));
        }
    }
}

TEST_CASE("empty_out gives up a chunk and nothing else", "[model][reduction]") {
    Record record = chunk(3, {tick(10, {{kBytes, 1}})}, 5);
    REQUIRE(empty_out(record));
    CHECK(defect_of(record.body).empty());
    CHECK(chunk_of(record) ==
          Chunk{.boot = BootNo{5}, .level = kMaxLevel, .ticks = {}, .columns = {}});
    CHECK(record.seq == Seq{3});
    CHECK_FALSE(empty_out(record));
    Record event{Seq{4}, Event{EventKind::stop, {BootNo{1}, monotonic_from_ms(7)}, {}}};
    const auto before = event;
    CHECK_FALSE(empty_out(event));
    CHECK(event == before);
}

}  // namespace gerbang
