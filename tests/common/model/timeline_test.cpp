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

TEST_CASE("An anchor is wanted at first, on another boot or source, hourly, and on an error",
          "[model]") {
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
    auto other_source = after(1min, 0ms);
    other_source.source = AnchorSource::province;
    CHECK(wants_anchor(&latest, other_source));
    auto other_boot = after(1min, 0ms);
    other_boot.at.boot = BootNo{2};
    CHECK(wants_anchor(&latest, other_boot));
}

TEST_CASE("Anchor sources have stable names", "[model]") {
    CHECK(to_string(AnchorSource::kernel) == "kernel");
    CHECK(to_string(AnchorSource::province) == "province");
    CHECK(to_string(AnchorSource::operator_) == "operator");
}

}  // namespace gerbang
