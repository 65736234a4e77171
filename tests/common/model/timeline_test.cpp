#include "common/model/timeline.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <random>

#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kNoonMs = 1'750'000'000'000;

DeviceTime at(std::uint32_t boot, std::int64_t ms) {
    return {BootNo{boot}, monotonic_from_ms(ms)};
}

Anchor anchor(std::uint32_t boot, std::int64_t ms, std::int64_t wall_ms) {
    return {at(boot, ms), wall_from_ms(wall_ms), AnchorSource::kernel, Millis{5}};
}

}  // namespace

TEST_CASE("Timeline knows no time for a boot without an anchor", "[model]") {
    Timeline timeline;
    CHECK_FALSE(timeline.wall_of(Seq{1}, at(1, 1000)));
    timeline.add(Seq{2}, anchor(1, 1000, kNoonMs));
    CHECK_FALSE(timeline.wall_of(Seq{3}, at(2, 1000)));
    CHECK(timeline.latest(BootNo{2}) == nullptr);
}

TEST_CASE("Timeline says nothing rather than overflow on impossible times", "[model]") {
    Timeline timeline;
    timeline.add(Seq{2}, anchor(1, 0, kNoonMs));
    CHECK_FALSE(timeline.wall_of(Seq{3}, at(1, std::numeric_limits<std::int64_t>::max())));
}

TEST_CASE("Timeline takes the last anchor before a record, else the first of its boot", "[model]") {
    Timeline timeline;
    timeline.add(Seq{10}, anchor(1, 60'000, kNoonMs));
    timeline.add(Seq{20}, anchor(1, 120'000, kNoonMs + 61'000));  // the clock was set 1 s on
    CHECK(timeline.wall_of(Seq{5}, at(1, 10'000)) == wall_from_ms(kNoonMs - 50'000));
    CHECK(timeline.wall_of(Seq{10}, at(1, 60'000)) == wall_from_ms(kNoonMs));
    CHECK(timeline.wall_of(Seq{15}, at(1, 90'000)) == wall_from_ms(kNoonMs + 30'000));
    CHECK(timeline.wall_of(Seq{20}, at(1, 120'000)) == wall_from_ms(kNoonMs + 60'000));
    CHECK(timeline.wall_of(Seq{21}, at(1, 130'000)) == wall_from_ms(kNoonMs + 71'000));
    CHECK(timeline.latest(BootNo{1})->wall == wall_from_ms(kNoonMs + 61'000));
}

TEST_CASE("Timeline gives a record the same time after any later anchors", "[model]") {
    std::mt19937_64 engine{test_seed()};
    for (std::uint64_t round = 0; round < test_rounds(300); ++round) {
        Timeline timeline;
        std::vector<std::pair<Seq, DeviceTime>> asked;
        std::vector<std::optional<WallTime>> answers;
        for (std::uint64_t seq = 1; seq <= 60; ++seq) {
            const auto when = at(1 + static_cast<std::uint32_t>(seq / 20),
                                 static_cast<std::int64_t>(seq % 20 * 1000));
            if (engine() % 4 == 0) {
                timeline.add(
                    Seq{seq},
                    {when, wall_from_ms(kNoonMs + static_cast<std::int64_t>(engine() % 100'000))});
            }
            asked.emplace_back(Seq{seq}, when);
            answers.push_back(timeline.wall_of(Seq{seq}, when));
        }
        for (std::size_t i = 0; i < asked.size(); ++i) {
            if (!answers[i]) continue;
            REQUIRE(timeline.wall_of(asked[i].first, asked[i].second) == answers[i]);
        }
    }
}

TEST_CASE("Timeline ignores an anchor that it was fed before", "[model]") {
    Timeline timeline;
    timeline.add(Seq{10}, anchor(1, 1000, kNoonMs));
    timeline.add(Seq{10}, anchor(1, 1000, kNoonMs + 999));
    CHECK(timeline.wall_of(Seq{11}, at(1, 1000)) == wall_from_ms(kNoonMs));

    // Nor does it count against the bound, where it would cost another boot its anchors.
    timeline.add(Seq{20}, anchor(1, 2000, kNoonMs + 1500));
    timeline.add(Seq{30}, anchor(1, 3000, kNoonMs + 2000));
    for (std::size_t i = 0; i <= Timeline::kMaxAnchors; ++i) {
        timeline.add(Seq{40}, anchor(2, 1000, kNoonMs));
    }
    CHECK(timeline.wall_of(Seq{21}, at(1, 2000)) == wall_from_ms(kNoonMs + 1500));
}

TEST_CASE("Timeline is bounded: old boots keep their first and last anchor, then none", "[model]") {
    Timeline timeline;
    std::uint64_t seq = 0;
    const auto fill = [&](std::uint32_t boot, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            ++seq;
            timeline.add(Seq{seq}, anchor(boot, static_cast<std::int64_t>(i) * 1000,
                                          kNoonMs + static_cast<std::int64_t>(i) * 1001));
        }
    };
    fill(1, 100);
    fill(2, Timeline::kMaxAnchors - 50);
    // Record 60 was told by anchor 59, which was dropped: the first of the boot is what is left.
    CHECK(timeline.wall_of(Seq{60}, at(1, 59'000)) == wall_from_ms(kNoonMs + 59'000));
    CHECK(timeline.wall_of(Seq{101}, at(1, 100'000)) == wall_from_ms(kNoonMs + 100'099));
    CHECK(timeline.wall_of(Seq{160}, at(2, 59'000)) == wall_from_ms(kNoonMs + 59'058));

    Timeline many_boots;
    for (std::uint32_t boot = 1; boot <= Timeline::kMaxAnchors + 1; ++boot) {
        many_boots.add(Seq{boot}, anchor(boot, 0, kNoonMs));
    }
    CHECK_FALSE(many_boots.wall_of(Seq{1}, at(1, 0)));
    CHECK(many_boots.wall_of(Seq{2}, at(2, 0)));
}

TEST_CASE("PrefixStamper never goes back, and a record without a time changes nothing", "[model]") {
    Timeline timeline;
    timeline.add(Seq{10}, anchor(1, 60'000, kNoonMs));
    timeline.add(Seq{20}, anchor(1, 120'000, kNoonMs + 30'000));  // the clock was set back 30 s
    PrefixStamper stamper{timeline, wall_from_ms(kNoonMs + 10'000)};
    CHECK(stamper.stamp(Seq{11}, at(1, 61'000)) == wall_from_ms(kNoonMs + 10'000));
    CHECK_FALSE(stamper.stamp(Seq{12}, at(2, 5'000)));
    CHECK(stamper.stamp(Seq{19}, at(1, 119'000)) == wall_from_ms(kNoonMs + 59'000));
    CHECK(stamper.stamp(Seq{21}, at(1, 121'000)) == wall_from_ms(kNoonMs + 59'000));
    CHECK(stamper.stamp(Seq{22}, at(1, 200'000)) == wall_from_ms(kNoonMs + 110'000));
    PrefixStamper fresh{timeline, std::nullopt};
    CHECK(fresh.stamp(Seq{11}, at(1, 61'000)) == wall_from_ms(kNoonMs + 1'000));
}

TEST_CASE("An anchor is wanted at first, on another boot, hourly, and on an error", "[model]") {
    const auto latest = anchor(1, 1'000'000, kNoonMs);
    const auto after = [&](Millis elapsed, Millis error) {
        auto candidate = latest;
        candidate.at.at += elapsed;
        candidate.wall += elapsed + error;
        return candidate;
    };
    CHECK(wants_anchor(nullptr, latest));
    CHECK_FALSE(wants_anchor(&latest, after(10min, 100ms)));
    CHECK(wants_anchor(&latest, after(10min, 101ms)));
    CHECK(wants_anchor(&latest, after(10min, -101ms)));
    CHECK_FALSE(wants_anchor(&latest, after(59min, 0ms)));
    CHECK(wants_anchor(&latest, after(60min, 0ms)));

    auto vague = after(10min, 900ms);
    vague.uncertainty = 900ms;
    CHECK_FALSE(wants_anchor(&latest, vague));
    auto other_boot = after(1min, 0ms);
    other_boot.at.boot = BootNo{2};
    CHECK(wants_anchor(&latest, other_boot));
}

TEST_CASE("A worse source takes the place of a better one only when that is old or contradicted",
          "[model]") {
    const auto reading = [](AnchorSource source, Millis after, Millis error, Millis uncertainty) {
        auto made = anchor(1, 1'000'000 + after.count(), kNoonMs);
        made.wall += after + error;
        made.source = source;
        made.uncertainty = uncertainty;
        return made;
    };
    const auto kernel = reading(AnchorSource::kernel, 0ms, 0ms, 20ms);
    const auto province = [&](Millis after, Millis error) {
        return reading(AnchorSource::province, after, error, 800ms);
    };
    CHECK_FALSE(wants_anchor(&kernel, province(1h, 820ms)));
    CHECK(wants_anchor(&kernel, province(1h, 821ms)));
    CHECK(wants_anchor(&kernel, province(1h, -821ms)));
    CHECK_FALSE(wants_anchor(&kernel, province(24h - 1ms, 0ms)));
    CHECK(wants_anchor(&kernel, province(24h, 0ms)));

    // An operator's word never outweighs what machines said today, however far off it is.
    const auto word = reading(AnchorSource::operator_, 1h, 48h, kOperatorUncertainty);
    CHECK_FALSE(wants_anchor(&kernel, word));
    const auto date = province(0ms, 0ms);
    CHECK_FALSE(wants_anchor(&date, word));
    CHECK(wants_anchor(&date, reading(AnchorSource::operator_, 24h, 0ms, kOperatorUncertainty)));
    CHECK(wants_anchor(&date, reading(AnchorSource::operator_, 1h, 0ms, 0ms)) == false);
}

TEST_CASE("A better source is written at once, but after a contradiction an hour later at most",
          "[model]") {
    auto word = anchor(1, 1'000'000, kNoonMs);
    word.source = AnchorSource::operator_;
    word.uncertainty = kOperatorUncertainty;
    const auto kernel = [&](Millis after, Millis error) {
        auto made = anchor(1, 1'000'000, kNoonMs);
        made.at.at += after;
        made.wall += after + error;
        return made;
    };
    CHECK(wants_anchor(&word, kernel(10s, 0ms)));
    CHECK(wants_anchor(&word, kernel(10s, 24h * 365)));
    auto date = word;
    date.source = AnchorSource::province;
    date.uncertainty = 800ms;
    CHECK(wants_anchor(&word, date));
    CHECK(wants_anchor(&date, kernel(10s, 805ms)));
    CHECK_FALSE(wants_anchor(&date, kernel(10s, 806ms)));
    CHECK_FALSE(wants_anchor(&date, kernel(59min, -1h)));
    CHECK(wants_anchor(&date, kernel(60min, -1h)));
}

TEST_CASE("Two sources that disagree for good cost two anchors an hour", "[model]") {
    std::optional<Anchor> latest;
    int written = 0;
    for (std::int64_t minute = 0; minute < 24 * 60; ++minute) {
        auto reading = anchor(1, minute * 60'000, kNoonMs + minute * 60'000);
        if (minute % 2 == 1) {
            reading.source = AnchorSource::province;
            reading.uncertainty = 600ms;
            reading.wall += 5min;
        }
        if (!wants_anchor(latest ? &*latest : nullptr, reading)) continue;
        latest = reading;
        ++written;
    }
    CHECK(written >= 24);
    CHECK(written <= 2 * 24 + 1);
}

TEST_CASE("Arithmetic on impossible anchors does not leave 64 bits", "[model]") {
    const auto low = anchor(1, std::numeric_limits<std::int64_t>::min(), 0);
    const auto high = anchor(1, std::numeric_limits<std::int64_t>::max(),
                             std::numeric_limits<std::int64_t>::max());
    CHECK(wants_anchor(&low, high));
    CHECK(wants_anchor(&high, low));
    CHECK_FALSE(correction(&low, high));
    CHECK_FALSE(correction(&high, low));
}

TEST_CASE("A correction is told when it is more than one tick", "[model]") {
    const auto latest = anchor(1, 1'000'000, kNoonMs);
    const auto candidate = anchor(1, 1'060'000, kNoonMs + 60'000 + 10'001);
    CHECK(correction(&latest, candidate) == 10'001ms);
    CHECK(correction(&latest, anchor(1, 1'060'000, kNoonMs + 60'000 - 10'001)) == -10'001ms);
    CHECK_FALSE(correction(&latest, anchor(1, 1'060'000, kNoonMs + 70'000)));
    CHECK_FALSE(correction(&latest, anchor(1, 1'060'000, kNoonMs + 50'000)));
    CHECK(correction(&latest, anchor(1, 1'060'000, kNoonMs + 70'000), 9s) == 10s);
    CHECK_FALSE(correction(nullptr, candidate));
    CHECK_FALSE(correction(&latest, anchor(2, 1'060'000, 0)));
}

TEST_CASE("The Date of an answer anchors the instant at which it came", "[model]") {
    const auto made = anchor_from_date(BootNo{7}, wall_from_ms(kNoonMs), monotonic_from_ms(50'000),
                                       monotonic_from_ms(50'621));
    CHECK(made.at == at(7, 50'621));
    CHECK(made.wall == wall_from_ms(kNoonMs + 500 + 310));
    CHECK(made.source == AnchorSource::province);
    CHECK(made.uncertainty == 811ms);
    const auto odd = anchor_from_date(BootNo{7}, wall_from_ms(kNoonMs), monotonic_from_ms(50'000),
                                      monotonic_from_ms(49'000));
    CHECK(odd.at == at(7, 49'000));
    CHECK(odd.wall == wall_from_ms(kNoonMs + 500));
    CHECK(odd.uncertainty == 500ms);
}

TEST_CASE("Anchor sources have stable names", "[model]") {
    CHECK(to_string(AnchorSource::kernel) == "kernel");
    CHECK(to_string(AnchorSource::province) == "province");
    CHECK(to_string(AnchorSource::operator_) == "operator");
}

}  // namespace gerbang
