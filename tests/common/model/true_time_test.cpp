#include "common/model/true_time.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <limits>
#include <random>

#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kNoonMs = 1'790'000'000'000;
constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kDayMs = 24 * kHourMs;
constexpr std::int64_t kYearMs = 365 * kDayMs;

DeviceTime at(std::uint32_t boot, std::int64_t ms) {
    return {BootNo{boot}, monotonic_from_ms(ms)};
}

Anchor anchor(std::uint32_t boot, std::int64_t ms, std::int64_t wall_ms,
              AnchorSource source = AnchorSource::kernel, Millis uncertainty = 20ms) {
    return {at(boot, ms), wall_from_ms(wall_ms), source, uncertainty};
}

bool contains(const std::optional<WallSpan>& span, std::int64_t wall_ms) {
    return span && to_ms(span->earliest) <= wall_ms && to_ms(span->latest) >= wall_ms;
}

std::int64_t width(const std::optional<WallSpan>& span) {
    REQUIRE(span);
    return (span->latest - span->earliest).count();
}

}  // namespace

TEST_CASE("TrueTime knows nothing without an anchor", "[model]") {
    TrueTime time;
    CHECK_FALSE(time.at(at(1, 0)));
    CHECK_FALSE(time.begin());
    time.saw(at(1, 1000));
    CHECK_FALSE(time.at(at(1, 500)));
    time.add(anchor(2, 1000, kNoonMs));
    CHECK_FALSE(time.at(at(1, 500)));  // bounded from one side only
    CHECK(time.begin() == time.at(at(2, 0)));
    CHECK_FALSE(time.at(at(3, 500)));
    CHECK(time.at(at(2, 500)));
}

TEST_CASE("TrueTime interpolates between anchors and runs on at the kernel's pace outside",
          "[model]") {
    TrueTime time;
    // A clock that loses 20 ppm: 1.44 s in 20 hours.
    time.add(anchor(1, 10 * kHourMs, kNoonMs));
    time.add(anchor(1, 30 * kHourMs, kNoonMs + 20 * kHourMs + 1440));
    CHECK(time.at(at(1, 10 * kHourMs)) ==
          WallSpan{wall_from_ms(kNoonMs - 20), wall_from_ms(kNoonMs + 20)});
    const auto middle = time.at(at(1, 20 * kHourMs));
    REQUIRE(middle);
    CHECK(std::abs(to_ms(middle->middle()) - (kNoonMs + 10 * kHourMs + 720)) <= 1);
    CHECK(std::abs(width(middle) - 2 * (20 + 3600)) <= 1);  // 100 ppm of ten hours
    const auto before = time.at(at(1, 0));
    REQUIRE(before);
    CHECK(to_ms(before->middle()) == kNoonMs - 10 * kHourMs);
    CHECK(width(before) == 2 * (20 + 3600));
    const auto after = time.at(at(1, 31 * kHourMs));
    REQUIRE(after);
    CHECK(to_ms(after->middle()) == kNoonMs + 21 * kHourMs + 1440);
}

TEST_CASE("TrueTime takes anchors in any order, and twice", "[model]") {
    std::vector<Anchor> anchors;
    for (std::int64_t hour = 0; hour < 50; ++hour) {
        anchors.push_back(anchor(1 + static_cast<std::uint32_t>(hour / 20),
                                 (hour % 20) * kHourMs + 5, kNoonMs + hour * kHourMs + hour * 40));
    }
    TrueTime ordered;
    for (const auto& one : anchors) ordered.add(one);
    std::mt19937_64 engine{test_seed()};
    std::shuffle(anchors.begin(), anchors.end(), engine);
    TrueTime shuffled;
    for (const auto& one : anchors) {
        shuffled.add(one);
        (void)shuffled.at(at(1, 7));  // settling in between changes nothing
        shuffled.add(one);
    }
    for (std::uint32_t boot = 1; boot <= 3; ++boot) {
        for (std::int64_t ms = 0; ms < 20 * kHourMs; ms += 1'234'567) {
            REQUIRE(ordered.at(at(boot, ms)) == shuffled.at(at(boot, ms)));
        }
    }
}

TEST_CASE("TrueTime goes with the later of two anchors of a boot that exclude each other",
          "[model]") {
    const std::int64_t step = GENERATE(-20 * kYearMs, -kHourMs, -60'000, 60'000, 10 * kYearMs);
    TrueTime time;
    time.add(anchor(1, 1 * kHourMs, kNoonMs + step + 1 * kHourMs));
    time.add(anchor(1, 2 * kHourMs, kNoonMs + step + 2 * kHourMs));
    time.add(anchor(1, 3 * kHourMs, kNoonMs + 3 * kHourMs));
    for (const std::int64_t hour : {0, 1, 2, 3, 9}) {
        INFO("step " << step << " hour " << hour);
        CHECK(contains(time.at(at(1, hour * kHourMs)), kNoonMs + hour * kHourMs));
        CHECK(width(time.at(at(1, hour * kHourMs))) < 2 * (20 + 6 * 360 + 1));
    }
}

TEST_CASE("TrueTime leaves out a clock that went wrong and was set right again", "[model]") {
    TrueTime time;
    for (std::int64_t hour = 0; hour < 10; ++hour) {
        const bool is_wrong = hour >= 4 && hour < 7;
        time.add(anchor(1, hour * kHourMs, kNoonMs + hour * kHourMs + (is_wrong ? kYearMs : 0)));
    }
    for (std::int64_t hour = 0; hour < 12; ++hour) {
        CHECK(contains(time.at(at(1, hour * kHourMs)), kNoonMs + hour * kHourMs));
    }
    // Of the three hours told wrongly the neighbours tell: 100 ppm of two hours at most.
    CHECK(width(time.at(at(1, 5 * kHourMs))) <= 2 * (20 + 720));
}

TEST_CASE("TrueTime believes the kernel before the province, and both before an operator",
          "[model]") {
    TrueTime time;
    time.add(anchor(1, 1000, kNoonMs + 86'400'000, AnchorSource::operator_, kOperatorUncertainty));
    CHECK(contains(time.at(at(1, 0)), kNoonMs - 1000 + 86'400'000));
    time.add(anchor(1, 2000, kNoonMs + 100'000, AnchorSource::province, 600ms));
    CHECK(contains(time.at(at(1, 0)), kNoonMs + 98'000));
    time.add(anchor(1, 500, kNoonMs));  // earlier, but the kernel's
    CHECK(time.at(at(1, 500)) == WallSpan{wall_from_ms(kNoonMs - 20), wall_from_ms(kNoonMs + 20)});
    CHECK(width(time.at(at(1, 2000))) <= 42);
}

TEST_CASE("TrueTime is not made vaguer by a vague anchor that agrees", "[model]") {
    TrueTime time;
    time.add(anchor(1, 0, kNoonMs));
    time.add(anchor(1, kHourMs, kNoonMs + kHourMs + 30'000, AnchorSource::operator_,
                    kOperatorUncertainty));
    CHECK(width(time.at(at(1, kHourMs))) == 2 * (20 + 360));
    TrueTime vague;
    vague.add(anchor(1, 0, kNoonMs, AnchorSource::operator_, kOperatorUncertainty));
    vague.add(anchor(1, 60'000, kNoonMs + 60'000 - 100'000, AnchorSource::operator_,
                     kOperatorUncertainty));
    // Two men whose watches differ by 100 s: the truth lies where both agree, and never runs back.
    const auto first = vague.at(at(1, 0));
    const auto second = vague.at(at(1, 60'000));
    CHECK(width(first) < 2 * 11'000);
    REQUIRE(second);
    CHECK(second->middle() > first->middle());
}

TEST_CASE("TrueTime bounds a boot without anchor by its neighbours, its own length kept",
          "[model]") {
    TrueTime time;
    time.add(anchor(1, 0, kNoonMs));
    time.saw(at(1, kHourMs));
    time.saw(at(2, 2 * kHourMs));
    time.saw(at(3, kHourMs));
    time.add(anchor(4, 0, kNoonMs + 10 * kHourMs));
    const auto begin = time.at(at(2, 0));
    REQUIRE(begin);
    // One hour of boot 1 before it; its own two and one of boot 3 behind it, each give or take.
    CHECK(std::abs(to_ms(begin->earliest) - (kNoonMs + kHourMs)) <= 400);
    CHECK(std::abs(to_ms(begin->latest) - (kNoonMs + 7 * kHourMs)) <= 1500);
    const auto end = time.at(at(2, 2 * kHourMs));
    REQUIRE(end);
    CHECK(std::abs((end->earliest - begin->earliest).count() - 2 * kHourMs) <= 720);
    CHECK(std::abs((end->latest - begin->latest).count() - 2 * kHourMs) <= 720);
    const auto third = time.at(at(3, 0));
    REQUIRE(third);
    CHECK(third->earliest >= end->earliest);
    CHECK(third->latest >= end->latest);
    CHECK_FALSE(time.at(at(5, 0)));
}

TEST_CASE("TrueTime leaves out boots whose clock puts them out of order", "[model]") {
    const std::int64_t error = GENERATE(-30 * kYearMs, 4 * kYearMs);
    const std::uint32_t wrong = GENERATE(1U, 4U, 8U);
    TrueTime time;
    for (std::uint32_t boot = 1; boot <= 8; ++boot) {
        const auto began = kNoonMs + boot * kDayMs + (boot == wrong ? error : 0);
        time.add(anchor(boot, 1000, began + 1000));
        time.saw(at(boot, 20 * kHourMs));
    }
    for (std::uint32_t boot = 1; boot <= 8; ++boot) {
        INFO("error " << error << " in boot " << wrong << ", asked for " << boot);
        const auto span = time.at(at(boot, 10 * kHourMs));
        const auto truth = kNoonMs + boot * kDayMs + 10 * kHourMs;
        if (boot != wrong) {
            CHECK(contains(span, truth));
            CHECK(width(span) < 10'000);
        } else if (wrong == 4) {
            CHECK(contains(span, truth));
            CHECK(width(span) < 2 * kDayMs);
        }
        // At either end a board that lags or leads in step with the order cannot be told.
    }
}

TEST_CASE("TrueTime prefers the kernel's boots to a province's and an operator's that contradict",
          "[model]") {
    TrueTime time;
    for (std::uint32_t boot = 1; boot <= 9; ++boot) {
        const bool is_kernel = boot == 5;
        time.add(anchor(boot, 0, kNoonMs + boot * kDayMs + (is_kernel ? 0 : kYearMs),
                        is_kernel ? AnchorSource::kernel : AnchorSource::operator_, 60s));
    }
    CHECK(contains(time.at(at(5, 0)), kNoonMs + 5 * kDayMs));
    CHECK_FALSE(time.at(at(4, 0)));  // a year later than the kernel's boot after it: left out
    CHECK(contains(time.at(at(6, 0)), kNoonMs + 6 * kDayMs + kYearMs));
}

TEST_CASE("TrueTime leaves out vaguely told boots that the kernel's boots contradict", "[model]") {
    const std::int64_t error = GENERATE(-kYearMs, kYearMs);
    TrueTime time;
    for (std::uint32_t boot = 1; boot <= 9; ++boot) {
        time.add(anchor(boot, 0, kNoonMs + boot * kDayMs + (boot == 3 || boot == 7 ? 0 : error),
                        boot == 3 || boot == 7 ? AnchorSource::kernel : AnchorSource::province,
                        1s));
    }
    // Between the kernel's boots nothing else is believed; before and after them what fits.
    CHECK(contains(time.at(at(5, 0)), kNoonMs + 5 * kDayMs));
    CHECK(time.at(at(1, 0)).has_value() == (error < 0));
    CHECK(time.at(at(9, 0)).has_value() == (error > 0));
}

TEST_CASE("TrueTime does not let a vague boot hide that those around it contradict each other",
          "[model]") {
    TrueTime time;
    time.add(anchor(1, 0, kNoonMs));
    time.add(anchor(2, 0, kNoonMs + kHourMs, AnchorSource::kernel, Millis{2 * kDayMs}));
    time.add(anchor(3, 0, kNoonMs - kDayMs / 2));
    // Of two rows of two the one with the earlier times.
    CHECK_FALSE(time.at(at(1, 0)));
    CHECK(contains(time.at(at(3, 0)), kNoonMs - kDayMs / 2));
    const auto vague = time.at(at(2, 0));
    REQUIRE(vague);
    CHECK(to_ms(vague->latest) <= kNoonMs - kDayMs / 2 + 20);
}

TEST_CASE("TrueTime ignores what no journal can hold", "[model]") {
    TrueTime time;
    const auto most = std::numeric_limits<std::int64_t>::max();
    time.add(anchor(1, most, kNoonMs));
    time.add(anchor(1, -1, kNoonMs));
    time.add(anchor(1, 0, -1));
    time.add(anchor(1, 0, most));
    time.saw(at(1, most));
    time.saw(at(1, std::numeric_limits<std::int64_t>::min()));
    CHECK_FALSE(time.at(at(1, 0)));
    time.add(anchor(1, 0, kNoonMs, AnchorSource::kernel, Millis{most}));
    CHECK(time.at(at(1, 0)));
    CHECK_FALSE(time.at(at(1, most)));
}

TEST_CASE("TrueTime is bounded, and what it drops costs precision, not truth", "[model]") {
    TrueTime time;
    for (std::size_t i = 0; i < TrueTime::kMaxAnchors + 100; ++i) {
        const auto ms = static_cast<std::int64_t>(i) * kHourMs;
        time.add(anchor(1, ms, kNoonMs + ms));
    }
    CHECK(contains(time.at(at(1, 12'345 * kHourMs)), kNoonMs + 12'345 * kHourMs));
    CHECK(width(time.at(at(1, 12'345 * kHourMs))) <= 2 * (20 + 360));
    TrueTime boots;
    for (std::uint32_t boot = 1; boot <= TrueTime::kMaxBoots + 1; ++boot) {
        boots.add(anchor(boot, 0, kNoonMs + boot * kHourMs));
    }
    CHECK_FALSE(boots.at(at(1, 0)));
    CHECK(boots.at(at(2, 0)));
}

TEST_CASE("TrueTime: no later instant ends before an earlier one began, and right anchors hold",
          "[model]") {
    std::mt19937_64 engine{test_seed()};
    const auto pick = [&](std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>{low, high}(engine);
    };
    for (std::uint64_t round = 0; round < test_rounds(400); ++round) {
        INFO("seed " << test_seed() << " round " << round);
        TrueTime time;
        // Half of the rounds tell only the truth, with a pace wrong by up to 60 ppm.
        const bool is_honest = round % 2 == 0;
        struct Asked {
            DeviceTime when;
            std::int64_t truth;
        };
        std::vector<Asked> asked;
        std::int64_t truth = kNoonMs;
        const auto boots = pick(1, 8);
        for (std::int64_t boot = 1; boot <= boots; ++boot) {
            truth += pick(0, 2) == 0 ? pick(0, 5000) : pick(0, 3 * kDayMs);
            const auto ppm = pick(-60, 60);
            const auto length = pick(1000, pick(0, 3) == 0 ? 40 * kDayMs : 8 * kHourMs);
            const auto number = static_cast<std::uint32_t>(boot);
            const auto true_at = [&](std::int64_t ms) {
                return truth + ms + ms / 1000 * ppm / 1000;
            };
            time.saw(at(number, length));
            for (auto left = pick(0, 2) == 0 ? 0 : pick(1, 12); left > 0; --left) {
                const auto ms = pick(0, length);
                const auto source = static_cast<AnchorSource>(pick(1, 3));
                const auto give = source == AnchorSource::kernel ? pick(0, 500) : pick(500, 60'000);
                auto wall = true_at(ms) + pick(-give, give);
                if (!is_honest && pick(0, 3) == 0) wall += pick(-10 * kYearMs, 10 * kYearMs);
                time.add(anchor(number, ms, wall, source, Millis{give}));
            }
            for (int i = 0; i < 10; ++i) {
                const auto ms = pick(0, length);
                asked.push_back({at(number, ms), true_at(ms)});
            }
            truth = true_at(length);
        }
        std::sort(asked.begin(), asked.end(),
                  [](const Asked& one, const Asked& other) { return one.when < other.when; });
        std::optional<WallSpan> before;
        for (const auto& [when, right] : asked) {
            const auto span = time.at(when);
            if (!span) continue;
            REQUIRE(span->earliest <= span->latest);
            if (before) {
                REQUIRE(span->earliest >= before->earliest);
                REQUIRE(span->latest >= before->latest);
            }
            if (is_honest) REQUIRE(contains(span, right));
            before = span;
        }
    }
}

TEST_CASE("Ranges of records whose boot has no anchor yet are deferred, and nothing else",
          "[model]") {
    Timeline timeline;
    timeline.add(Seq{4}, anchor(2, 60'000, kNoonMs));
    const auto record = [](std::uint64_t seq, std::uint32_t boot) {
        return Record{Seq{seq}, Event{EventKind::start, at(boot, 1000), {}}};
    };
    CHECK(deferred_ranges({}, timeline).empty());
    // Boot 2 is told backwards by its first anchor; boots 1 and 3 have none; 8 and 9 are not here.
    const std::vector<Record> records{record(1, 1), record(2, 1),  record(3, 2),
                                      record(4, 2), record(5, 3),  record(6, 2),
                                      record(7, 3), record(10, 3), record(11, 3)};
    CHECK(deferred_ranges(records, timeline) ==
          std::vector<SeqRange>{
              {Seq{1}, Seq{2}}, {Seq{5}, Seq{5}}, {Seq{7}, Seq{7}}, {Seq{10}, Seq{11}}});
}

}  // namespace gerbang
