#include "common/model/rollup.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <map>
#include <random>

#include "common/model/facts.hpp"
#include "common/model/reduction.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;

namespace {

constexpr Seconds kKalimantan{8 * 3600};
constexpr std::int64_t kHour = 3'600'000;
/// 2026-03-01 00:00 in site time.
constexpr std::int64_t kMidnight = 1'772'294'400'000;

const UsageName kWan{.is_role = true, .name = "wan"};

Series series_of(std::uint32_t id, std::string_view name, const std::string& interface = "") {
    Series series;
    series.id = SeriesId{id};
    series.name = name;
    if (!interface.empty()) series.labels = {{"interface", interface}};
    series.kind = SeriesKind::counter;
    series.unit = "bytes";
    return series;
}

/// Feeds records to a roll-up as a journal does, replaying when it is asked to.
struct Feeder {
    UsageRollup rollup{kKalimantan};
    Timeline timeline{};
    std::vector<Record> records{};
    UsageRollup::Hours hours{};

    void feed(RecordBody body) {
        records.push_back({Seq{records.size() + 1}, std::move(body)});
        const auto* event = std::get_if<Event>(&records.back().body);
        if (event != nullptr && event->kind == EventKind::anchor) {
            if (const auto value = anchor_from(*event)) timeline.add(records.back().seq, *value);
        }
        rollup.feed(records.back(), timeline);
    }
    void begin() {
        EpochFact fact;
        fact.id.bytes.fill(1);
        fact.reason = "new";
        fact.hardware = "00";
        feed(to_event(fact, {BootNo{1}, Monotonic{}}));
        introduce();
    }
    void introduce() {
        const DeviceTime start{BootNo{1}, Monotonic{}};
        feed(to_event(series_of(1, series_name::kWanReceiveBytes), start));
        feed(to_event(series_of(2, series_name::kWanTransmitBytes), start));
        feed(to_event(series_of(3, series_name::kInterfaceReceiveBytes, "eth0"), start));
    }
    void anchor(std::uint32_t boot, std::int64_t device_ms, std::int64_t wall_ms) {
        Anchor value;
        value.at = {BootNo{boot}, monotonic_from_ms(device_ms)};
        value.wall = wall_from_ms(wall_ms);
        feed(to_event(value));
    }
    /// One tick with WAN totals.
    void tick(std::uint32_t boot, std::int64_t at_ms, std::int64_t received,
              std::int64_t transmitted = 0) {
        feed(make_chunk(BootNo{boot}, {{monotonic_from_ms(at_ms),
                                        {{SeriesId{1}, received}, {SeriesId{2}, transmitted}}}}));
    }
    void collect() {
        while (const auto range = rollup.wants_replay()) {
            rollup.begin_replay();
            for (auto seq = range->first; seq <= range->last; seq = seq.next()) {
                rollup.replay(records[seq.value - 1], timeline);
            }
            rollup.end_replay();
        }
        for (const auto& [key, part] : rollup.take_hours()) hours[key].add(part);
    }
    UsagePart hour(std::int64_t start_ms, const UsageName& name = kWan) {
        collect();
        const auto found = hours.find({wall_from_ms(start_ms), name});
        return found == hours.end() ? UsagePart{} : found->second;
    }
    std::uint64_t dated_bytes() {
        collect();
        std::uint64_t sum = 0;
        for (const auto& [key, part] : hours) {
            if (key.name == kWan) sum += part.sum.received.value + part.sum.transmitted.value;
        }
        return sum;
    }
    std::uint64_t undated_bytes() const {
        const auto parts = rollup.undated();
        const auto found = parts.find(kWan);
        if (found == parts.end()) return 0;
        return found->second.sum.received.value + found->second.sum.transmitted.value;
    }
};

}  // namespace

TEST_CASE("Periods begin at the site's midnight", "[model][rollup]") {
    const auto at = wall_from_ms(kMidnight - 1);  // 2026-02-28 23:59:59.999 there
    CHECK(to_ms(period_start(UsagePeriod::hour, at, kKalimantan)) == kMidnight - kHour);
    CHECK(to_ms(period_start(UsagePeriod::day, at, kKalimantan)) == kMidnight - 24 * kHour);
    CHECK(to_ms(period_start(UsagePeriod::month, at, kKalimantan)) == kMidnight - 28 * 24 * kHour);
    CHECK(to_ms(period_start(UsagePeriod::month, wall_from_ms(kMidnight), kKalimantan)) ==
          kMidnight);
    CHECK(to_ms(period_start(UsagePeriod::year, at, kKalimantan)) == kMidnight - 59 * 24 * kHour);
    CHECK(to_ms(period_start(UsagePeriod::hour, wall_from_ms(-1), Seconds{0})) == -kHour);
}

TEST_CASE("UsageRollup splits an interval over an hour in integers that add up",
          "[model][rollup]") {
    Feeder feeder;
    feeder.begin();
    feeder.anchor(1, 0, kMidnight - 10'000);
    feeder.tick(1, 3'000, 0);
    feeder.tick(1, 13'000, 1'001, 7);  // 7 s before midnight, 3 s after
    const auto before = feeder.hour(kMidnight - kHour);
    const auto after = feeder.hour(kMidnight);
    CHECK(before.sum.received == Bytes{700});
    CHECK(after.sum.received == Bytes{301});
    CHECK(before.sum.transmitted + after.sum.transmitted == Bytes{7});
    CHECK(before.measured_ms == 7'000);
    CHECK(after.measured_ms == 3'000);
    CHECK(before.sum.peak_receive == BitRate{800});
    CHECK(after.sum.peak_receive == BitRate{800});
    CHECK(after.rounded().measured_s == 3);
}

TEST_CASE("UsageRollup counts a first value from zero, and only as a base in an orphaned epoch",
          "[model][rollup]") {
    Feeder feeder;
    EpochFact fact;
    fact.id.bytes.fill(2);
    fact.reason = "damage";
    fact.hardware = "00";
    const bool has_parent = GENERATE(false, true);
    if (has_parent) fact.parent.bytes.fill(1);
    feeder.feed(to_event(fact, {BootNo{1}, Monotonic{}}));
    feeder.introduce();
    feeder.anchor(1, 0, kMidnight);
    feeder.tick(1, 1'000, 5'000);
    feeder.tick(1, 11'000, 6'000);
    // An interface that appears later is new in any case.
    feeder.feed(make_chunk(BootNo{1}, {{monotonic_from_ms(21'000), {{SeriesId{3}, 44}}}}));
    CHECK(feeder.hour(kMidnight).sum.received == Bytes{has_parent ? 1'000U : 6'000U});
    CHECK(feeder.hour(kMidnight, {false, "eth0"}).sum.received == Bytes{44});
}

TEST_CASE("UsageRollup goes on from the old epoch's totals in the next one", "[model][rollup]") {
    Feeder feeder;
    feeder.begin();
    feeder.anchor(1, 0, kMidnight);
    feeder.tick(1, 10'000, 5'000);
    feeder.collect();
    EpochFact fact;
    fact.id.bytes.fill(2);
    fact.parent.bytes.fill(1);
    fact.reason = "diverged";
    fact.hardware = "00";
    feeder.feed(to_event(fact, {BootNo{1}, monotonic_from_ms(15'000)}));
    feeder.introduce();
    feeder.tick(1, 20'000, 5'600);
    CHECK(feeder.hour(kMidnight).sum.received == Bytes{5'600});
}

TEST_CASE("UsageRollup counts the bytes of a gap and of a reboot without measuring them",
          "[model][rollup]") {
    Feeder feeder;
    feeder.begin();
    feeder.anchor(1, 0, kMidnight);
    feeder.tick(1, 0, 0);
    feeder.tick(1, 10'000, 1'000);
    feeder.tick(1, 10'000 + 3 * kHour, 4'000);  // the daemon was down for three hours
    feeder.anchor(2, 0, kMidnight + 5 * kHour);
    feeder.tick(2, 5'000, 4'321);
    feeder.tick(2, 15'000, 4'321);
    std::uint64_t received = 0;
    for (int hour = 0; hour < 4; ++hour) {
        const auto part = feeder.hour(kMidnight + hour * kHour);
        received += part.sum.received.value;
        CHECK(part.measured_ms == (hour == 0 ? 10'000U : 0U));
        CHECK(part.sum.peak_receive.bit_per_s == (hour == 0 ? 800U : 0U));
    }
    CHECK(received == 4'000);
    CHECK(feeder.hour(kMidnight + kHour).sum.received == Bytes{1'000});
    CHECK(feeder.hour(kMidnight + 5 * kHour).sum.received == Bytes{321});
    CHECK(feeder.hour(kMidnight + 5 * kHour).measured_ms == 10'000);
}

TEST_CASE("UsageRollup sorts one-minute rates of both directions into buckets", "[model][rollup]") {
    Feeder feeder;
    feeder.begin();
    feeder.anchor(1, 0, kMidnight);
    // 40 Mbit/s down and 5 up for ten minutes, then nothing for five.
    std::int64_t received = 0;
    std::int64_t transmitted = 0;
    for (std::int64_t at = 0; at <= 900'000; at += 10'000) {
        feeder.tick(1, at, received, transmitted);
        if (at < 600'000) {
            received += 50'000'000;
            transmitted += 6'250'000;
        }
    }
    // A last tick closes the fifteenth minute.
    feeder.tick(1, 910'000, received, transmitted);
    const auto part = feeder.hour(kMidnight);
    CHECK(part.sum.minutes[8] == 10);  // 30..50 Mbit/s
    CHECK(part.sum.minutes[0] == 5);
    CHECK(part.sum.peak_receive == BitRate{40'000'000});
    CHECK(part.sum.peak_transmit == BitRate{5'000'000});
    CHECK(part.measured_ms == 910'000);
}

TEST_CASE("UsageRollup gives undated chunks their hours when the boot's first anchor arrives",
          "[model][rollup]") {
    Feeder late;
    Feeder early;
    late.begin();
    early.begin();
    early.anchor(1, 0, kMidnight - 90'000);
    for (std::int64_t i = 0; i < 40; ++i) {
        if (i == 25) {
            CHECK(late.undated_bytes() == 24 * 1'000);
            CHECK(late.dated_bytes() == 0);
            late.anchor(1, 245'000, kMidnight + 155'000);
            REQUIRE(late.rollup.wants_replay());
        }
        late.tick(1, i * 10'000, i * 1'000);
        early.tick(1, i * 10'000, i * 1'000);
    }
    for (const auto hour : {kMidnight - kHour, kMidnight}) {
        const auto a = late.hour(hour);
        const auto b = early.hour(hour);
        CHECK(a.sum.received == b.sum.received);
        CHECK(a.measured_ms == b.measured_ms);
        CHECK(a.sum.peak_receive == b.sum.peak_receive);
    }
    CHECK(late.undated_bytes() == 0);
    CHECK(late.dated_bytes() == 39'000);
    CHECK_FALSE(late.rollup.wants_replay());
}

TEST_CASE(
    "UsageRollup adds up to the totals over random ticks, gaps, reboots and clocks, and is "
    "the same when saved and restored anywhere",
    "[model][rollup]") {
    for (std::uint64_t round = 0; round < test_rounds(300); ++round) {
        std::mt19937_64 random{test_seed() + round};
        INFO("seed " << test_seed() + round);
        Feeder feeder;
        Feeder restored;
        feeder.begin();
        restored.begin();
        std::uint32_t boot = 1;
        std::int64_t device = 0;
        std::int64_t wall = kMidnight;
        std::int64_t received = 0;
        std::int64_t transmitted = 0;
        for (int i = 0; i < 200; ++i) {
            const auto what = random() % 40;
            auto pass = static_cast<std::int64_t>(random() % 20'000) + 1;
            if (what == 0) pass += static_cast<std::int64_t>(random() % (30ULL * 24 * kHour));
            if (what == 1) {
                ++boot;
                device = 0;
            }
            device += pass;
            wall += pass;
            if (what == 2) {
                feeder.anchor(boot, device, wall);
                restored.anchor(boot, device, wall);
            }
            received += static_cast<std::int64_t>(random() % (1ULL << (random() % 45)));
            transmitted += static_cast<std::int64_t>(random() % 1'000'000);
            feeder.tick(boot, device, received, transmitted);
            restored.tick(boot, device, received, transmitted);
            if (what == 3) {
                restored.collect();
                auto again = UsageRollup::restore(restored.rollup.save(), kKalimantan);
                REQUIRE(again);
                restored.rollup = std::move(*again);
            }
        }
        REQUIRE(feeder.dated_bytes() + feeder.undated_bytes() ==
                static_cast<std::uint64_t>(received + transmitted));
        restored.collect();
        REQUIRE(restored.hours == feeder.hours);
        REQUIRE(restored.rollup.undated() == feeder.rollup.undated());
    }
}

TEST_CASE("UsageRollup counts the bytes of each day alike at every level of reduction",
          "[model][rollup]") {
    std::mt19937_64 random{test_seed()};
    Feeder written;
    written.begin();
    const auto start = kMidnight - 12 * kHour;
    written.anchor(1, 0, start + 1'234'000);
    std::int64_t received = 0;
    std::int64_t transmitted = 0;
    // Four midnights. An hour around each the rate stands still: a merged point says nothing of
    // what passed within its interval, so only then can a day's border cut it rightly.
    for (std::int64_t at_ms = 5'000; at_ms < 84 * kHour; at_ms += 60'000) {
        std::vector<Tick> ticks;
        for (int i = 0; i < 6; ++i, at_ms += 10'000) {
            const auto of_day = (start + 1'234'000 + at_ms - kMidnight + 96 * kHour) % (24 * kHour);
            const bool is_night = of_day < 2 * kHour || of_day > 22 * kHour;
            received += is_night ? 36'000 : static_cast<std::int64_t>(random() % 9'000'000);
            transmitted += is_night ? 3'600 : static_cast<std::int64_t>(random() % 700'000);
            ticks.push_back(
                {monotonic_from_ms(at_ms), {{SeriesId{1}, received}, {SeriesId{2}, transmitted}}});
        }
        at_ms -= 60'000;
        written.feed(make_chunk(BootNo{1}, ticks));
    }
    const auto days = [](Feeder& feeder) {
        feeder.collect();
        std::map<WallTime, UsageSum> sums;
        for (const auto& [key, part] : feeder.hours) {
            sums[period_start(UsagePeriod::day, key.start, kKalimantan)] += part.sum;
        }
        return sums;
    };
    const auto expected = days(written);
    REQUIRE(expected.size() == 5);
    for (std::uint8_t level = 1; level <= kMaxLevel; ++level) {
        INFO("level " << int{level});
        Feeder reduced;
        for (std::size_t first = 0; first < written.records.size(); first += 60) {
            const auto begin = written.records.begin() + static_cast<std::ptrdiff_t>(first);
            const auto size = std::min<std::ptrdiff_t>(60, written.records.end() - begin);
            for (auto& record : reduce({begin, begin + size}, level,
                                       [](SeriesId) { return SeriesKind::counter; })) {
                reduced.feed(std::move(record.body));
            }
        }
        auto sums = days(reduced);
        REQUIRE(sums.size() == expected.size());
        for (const auto& [day, sum] : expected) {
            INFO("day " << to_ms(day));
            CHECK(sums[day].received == sum.received);
            CHECK(sums[day].transmitted == sum.transmitted);
        }
        CHECK(reduced.dated_bytes() ==
              static_cast<std::uint64_t>(received) + static_cast<std::uint64_t>(transmitted));
    }
}

TEST_CASE("UsageRollup takes emptied chunks, and the bytes of what was given up",
          "[model][rollup]") {
    Feeder feeder;
    feeder.begin();
    feeder.anchor(1, 0, kMidnight);
    feeder.tick(1, 10'000, 1'000);
    for (int i = 0; i < 30; ++i) {
        feeder.feed(Chunk{.boot = BootNo{1}, .level = kMaxLevel, .ticks = {}, .columns = {}});
    }
    // A mean or a minimum that stands beside a counter is not its total.
    auto odd = make_chunk(BootNo{1}, {{monotonic_from_ms(1'900'000), {{SeriesId{1}, 9'000}}}});
    odd.level = 1;
    auto minimum = odd.columns.front();
    minimum.part = part::kMinimum;
    minimum.values = {77'000};
    odd.columns.push_back(minimum);
    feeder.feed(odd);
    CHECK(feeder.dated_bytes() == 9'000);
    CHECK(feeder.hour(kMidnight).measured_ms == 0);
}

TEST_CASE("UsageRollup refuses a damaged state and stays within its bounds", "[model][rollup]") {
    Feeder feeder;
    feeder.begin();
    for (std::uint32_t boot = 1; boot < 3 * UsageRollup::kMaxUndatedBoots; ++boot) {
        feeder.tick(boot, 5, boot * 10);
    }
    CHECK(feeder.undated_bytes() == (3 * UsageRollup::kMaxUndatedBoots - 1) * 10);
    const auto saved = feeder.rollup.save();
    CHECK(saved.size() < 8'000);
    for (std::size_t size = 0; size < saved.size(); ++size) {
        REQUIRE_FALSE(UsageRollup::restore(saved.substr(0, size), kKalimantan));
    }
    CHECK_FALSE(UsageRollup::restore(saved + "x", kKalimantan));
}

TEST_CASE("UsageRollup survives impossible times and totals", "[model][rollup]") {
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    Feeder feeder;
    feeder.begin();
    feeder.tick(1, 0, kMax, kMax);
    feeder.tick(1, kMax, 0, -5);
    feeder.anchor(2, 0, kMax);
    feeder.tick(2, 1'000, kMax, kMax);
    feeder.anchor(3, 0, -kMax);
    feeder.tick(3, 1'000, 3, 3);
    feeder.tick(3, kMax - 1, kMax, 3);
    feeder.collect();
    CHECK(feeder.hours.size() < 10);
}
